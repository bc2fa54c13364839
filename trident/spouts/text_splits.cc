// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_splits.h"

namespace trident {

uint64_t TextSplits::NextOwned(uint32_t reader, uint64_t offset) const {
  const uint64_t split = SplitOf(offset);
  const uint64_t ahead = (reader + readers - split % readers) % readers;
  return ahead == 0 ? offset : (split + ahead) * split_bytes;
}

uint64_t TextSplits::OwnedBytes(uint32_t reader, uint64_t begin, uint64_t end) const {
  const auto before = [&](uint64_t offset) {
    const uint64_t split = SplitOf(offset);
    const uint64_t whole = split / readers + (reader < split % readers ? 1 : 0);
    return whole * split_bytes + (Owns(reader, offset) ? offset % split_bytes : 0);
  };
  return begin < end ? before(end) - before(begin) : 0;
}

}  // namespace trident
