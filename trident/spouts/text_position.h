// SPDX-License-Identifier: Apache-2.0
//
// How a text file is shared out among readers, and the positions that say how far each has come.
//
// The file is cut into splits of equal size; split k belongs to reader k mod readers. A line
// belongs to the split in which it starts. So the law does not depend on how long the file is: it
// holds on while the file grows, and when a stopped program finds it grown.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_POSITION_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_POSITION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/source.h"
#include "base/status.h"

namespace trident {

struct TextSplits {
  uint64_t split_bytes = kFileSplitBytesDefault;
  uint32_t readers = kFileReadersDefault;

  uint64_t SplitOf(uint64_t offset) const { return offset / split_bytes; }
  // Does the split at `offset` belong to `reader`?
  bool Owns(uint32_t reader, uint64_t offset) const { return SplitOf(offset) % readers == reader; }
  // The first byte behind the split at `offset`.
  uint64_t SplitEnd(uint64_t offset) const { return (SplitOf(offset) + 1) * split_bytes; }
  // The first offset from `offset` on that is in a split of `reader`.
  uint64_t NextOwned(uint32_t reader, uint64_t offset) const;
  // How many of the bytes [begin, end) are in splits of `reader`; 0 if `end` is before `begin`.
  uint64_t OwnedBytes(uint32_t reader, uint64_t begin, uint64_t end) const;

  friend bool operator==(const TextSplits&, const TextSplits&) = default;
};

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
