// SPDX-License-Identifier: Apache-2.0
//
// Hashes for tables in memory: other ones in each process, so that nobody can make keys beforehand
// that all collide. HashBytes is the same everywhere, because it says where keys are on disk; so a
// table that went by it alone could be made to search through all its keys for each one. Nothing
// that lasts, and no order that anybody sees, may depend on these.
#ifndef TRIDENT_BASE_SALTED_HASH_H_
#define TRIDENT_BASE_SALTED_HASH_H_

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace trident {

// Where the program was loaded is not known beforehand.
inline constexpr unsigned char kSaltedHere = 0;
inline uint64_t ProcessSalt() { return reinterpret_cast<uintptr_t>(&kSaltedHere); }

// Spreads a HashBytes anew. Different hashes fall as if by chance; equal ones stay equal.
inline uint64_t SaltedMix(uint64_t hash) {
  const auto product = static_cast<unsigned __int128>(hash ^ ProcessSalt() ^ 0x9e3779b97f4a7c15) *
                       (ProcessSalt() ^ 0xd6e8feb86659fd93);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}
// Of the bytes themselves: for tables that have met keys whose HashBytes are equal.
inline uint64_t SaltedHash(std::string_view key) {
  return XXH3_64bits_withSeed(key.data(), key.size(), ProcessSalt() * 0x9e3779b97f4a7c15);
}
// So many different keys of one place are no chance: somebody has made them.
inline constexpr int kSamePlaceMax = 8;

}  // namespace trident

#endif  // TRIDENT_BASE_SALTED_HASH_H_
