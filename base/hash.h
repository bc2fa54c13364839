// SPDX-License-Identifier: Apache-2.0
//
// The one hash of the project: XXH3-64 over canonical key bytes, seed 0. It decides in which
// partition a key lives, so it is part of the on-disk format and never changes with process,
// machine or release.
#ifndef TRIDENT_BASE_HASH_H_
#define TRIDENT_BASE_HASH_H_

#include <cstdint>
#include <string_view>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/types.h"

namespace trident {

inline uint64_t HashBytes(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

// The partition of `hash`, when the hash space is cut into `partitions` equal ranges.
inline uint32_t PartitionOfHash(uint64_t hash, uint32_t partitions) {
  return static_cast<uint32_t>((static_cast<unsigned __int128>(hash) * partitions) >> 64);
}

}  // namespace trident

#endif  // TRIDENT_BASE_HASH_H_
