// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/row_number.h"

#include <charconv>

namespace trident {

StatusOr<uint64_t> RowOfPosition(const Position& position, std::string_view source) {
  if (position.empty()) return 0;
  uint64_t row = 0;
  const char* end = position.data() + position.size();
  const auto [stop, error] = std::from_chars(position.data(), end, row);
  if (error == std::errc() && stop == end) return row;
  return DataLoss("source partition \"", source, "\" has the position \"", position,
                  "\", expected the number of a row");
}

Status CheckOnlyPartition(std::string_view partition, std::string_view own) {
  if (partition == own) return absl::OkStatus();
  return DataLoss("there is a position of the source partition \"", partition,
                  "\", expected only one of \"", own, "\"");
}

}  // namespace trident
