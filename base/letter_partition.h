// SPDX-License-Identifier: Apache-2.0
//
// The source partition of each stream by which requests about dead letters are read
// (engine/letter_requests.h). Decision records and positions name it as they name any other. It is
// the engine's own: people are not shown it, and its position means nothing to them.
#ifndef TRIDENT_BASE_LETTER_PARTITION_H_
#define TRIDENT_BASE_LETTER_PARTITION_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/source.h"

namespace trident {

inline constexpr std::string_view kLetterPartition = "(dead letters)";

// The rows of letters that were tried again: they have come as input before.
inline uint64_t RowsOfLetters(const std::vector<SourceRange>& ranges) {
  uint64_t rows = 0;
  for (const SourceRange& range : ranges) {
    if (range.partition == kLetterPartition) rows += range.rows;
  }
  return rows;
}

}  // namespace trident

#endif  // TRIDENT_BASE_LETTER_PARTITION_H_
