// SPDX-License-Identifier: Apache-2.0
//
// UnreadableKeys: the keys of a partition for whose values the program's code was seen to throw.
// They are counted for those who watch over the program; nothing else depends on them.
#ifndef TRIDENT_STATE_MAP_UNREADABLE_KEYS_H_
#define TRIDENT_STATE_MAP_UNREADABLE_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include "base/limits.h"

namespace trident {

// Keys are told apart by their hashes. Not thread-safe.
class UnreadableKeys {
 public:
  bool empty() const { return hashes_.empty(); }
  // No more than kUnreadableKeysKept: then there are at least so many.
  size_t size() const { return hashes_.size(); }

  void Add(uint64_t hash) {
    if (hashes_.size() < kUnreadableKeysKept) hashes_.insert(hash);
  }
  void Remove(uint64_t hash) { hashes_.erase(hash); }

 private:
  std::unordered_set<uint64_t> hashes_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_UNREADABLE_KEYS_H_
