// SPDX-License-Identifier: Apache-2.0
//
// How a text file is shared out among readers: it is cut into splits of equal size, and split k
// belongs to reader k mod readers. A line belongs to the split in which it starts. So the law does
// not depend on how long the file is: it holds on while the file grows, and when a stopped program
// finds it grown.
#ifndef TRIDENT_TRIDENT_SPOUTS_TEXT_SPLITS_H_
#define TRIDENT_TRIDENT_SPOUTS_TEXT_SPLITS_H_

#include <cstdint>

#include "base/limits.h"

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

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_TEXT_SPLITS_H_
