// SPDX-License-Identifier: Apache-2.0
//
// Positions of spouts that count their rows: the number of the next row, in decimal; "" is 0.
#ifndef TRIDENT_TRIDENT_SPOUTS_ROW_NUMBER_H_
#define TRIDENT_TRIDENT_SPOUTS_ROW_NUMBER_H_

#include <cstdint>

#include "base/position_form.h"
#include "base/source.h"
#include "base/status.h"

namespace trident {

// The position of a row. The first one has "", where every source partition starts, so that a
// reader which stands there counts as not moved.
inline Position PositionOfRow(uint64_t row) { return row == 0 ? "" : std::to_string(row); }

inline PositionForm RowNumbers(PositionForm::GoesBack goes_back) {
  return {.pattern = "N", .counts = "row", .goes_back = goes_back};
}

// The row of a position. DataLoss if `position` is no such number; `source` names the source
// partition in the message.
StatusOr<uint64_t> RowOfPosition(const Position& position, std::string_view source);

// DataLoss if a state knows `partition` of a spout whose one source partition is `own`.
Status CheckOnlyPartition(std::string_view partition, std::string_view own);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_ROW_NUMBER_H_
