// SPDX-License-Identifier: Apache-2.0
//
// The positions that say how far each reader of a text file has come.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_POSITION_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_POSITION_H_

#include <cstdint>
#include <string_view>

#include "base/source.h"
#include "base/status.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {

// By so many of its first bytes, or all if there are fewer, a file is known again.
inline constexpr uint64_t kTextHeadBytes = 4096;

// Where a reader stands: `offset` is where the next line starts, or the start of a split whose
// first line has not been looked for. Beside it stands what must still be true when the program
// comes back: how the file was shared out, and what its first bytes were.
struct TextPosition {
  uint64_t offset = 0;
  TextSplits splits;
  uint64_t head_bytes = 0;  // so many of the bytes before `offset` ...
  uint64_t head_hash = 0;   // ... with this hash

  // "1048576/4x8388608/4096-9f86d081884c7d65": offset, readers x split bytes, head bytes-hash.
  Position ToPosition() const;
  // DataLoss when `position` is none of a text file's; `file` names it in the message.
  static StatusOr<TextPosition> Parse(const Position& position, std::string_view file);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_POSITION_H_
