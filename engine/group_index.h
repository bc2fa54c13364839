// SPDX-License-Identifier: Apache-2.0
//
// GroupIndex: numbers the distinct keys of a batch 0, 1, 2, ... in the order in which they first come,
// so that results are in the same order at every replay. Kept between batches for its memory.
#ifndef TRIDENT_ENGINE_GROUP_INDEX_H_
#define TRIDENT_ENGINE_GROUP_INDEX_H_

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "engine/column_vector.h"

namespace trident {

// Equality of short byte strings without a call.
inline bool SameBytes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const char* p = a.data();
  const char* q = b.data();
  size_t n = a.size();
  auto load64 = [](const char* at) {
    uint64_t v;
    std::memcpy(&v, at, sizeof v);
    return v;
  };
  auto load32 = [](const char* at) {
    uint32_t v;
    std::memcpy(&v, at, sizeof v);
    return v;
  };
  if (n > 16) return std::memcmp(p, q, n) == 0;
  if (n >= 8) return load64(p) == load64(q) && load64(p + n - 8) == load64(q + n - 8);
  if (n >= 4) return load32(p) == load32(q) && load32(p + n - 4) == load32(q + n - 4);
  if (n == 0) return true;
  return p[0] == q[0] && p[n - 1] == q[n - 1] && p[n / 2] == q[n / 2];
}

// Open addressing, linear probing, at most half full. Does not own key bytes. Not thread-safe.
class GroupIndex {
 public:
  GroupIndex() : slots_(kFirstSlots, Slot{}) {}

  size_t size() const { return keys_.size(); }
  const ColumnVector<HashedKey>& keys() const { return keys_; }

  // The number of the key; size() has grown by one if it is new.
  uint32_t FindOrAdd(const HashedKey& key) {
    size_t mask = slots_.size() - 1;
    uint32_t tag = static_cast<uint32_t>(key.hash >> 32);
    for (size_t at = key.hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.epoch != epoch_) {
        slot = {tag, epoch_, static_cast<uint32_t>(keys_.size())};
        keys_.Append(key);
        uint32_t group = slot.group;
        if (keys_.size() * 2 > slots_.size()) Grow();
        return group;
      }
      if (slot.tag == tag && SameBytes(keys_[slot.group].key, key.key)) return slot.group;
    }
  }

  // Forgets the keys, in constant time, and keeps the memory.
  void Clear() {
    keys_.Clear();
    if (++epoch_ == 0) {
      slots_.assign(slots_.size(), Slot{});
      epoch_ = 1;
    }
  }
  // Hands the keys over, in order, and forgets them.
  ColumnVector<HashedKey> TakeKeys() {
    ColumnVector<HashedKey> keys = std::move(keys_);
    keys_ = ColumnVector<HashedKey>();
    Clear();
    return keys;
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t epoch = 0;  // the slot is empty unless this is the index's
    uint32_t group = 0;
  };
  static constexpr size_t kFirstSlots = 64;

  void Grow() {
    slots_.assign(slots_.size() * 2, Slot{});
    size_t mask = slots_.size() - 1;
    for (uint32_t group = 0; group < keys_.size(); ++group) {
      uint64_t hash = keys_[group].hash;
      size_t at = hash & mask;
      while (slots_[at].epoch == epoch_) at = (at + 1) & mask;
      slots_[at] = {static_cast<uint32_t>(hash >> 32), epoch_, group};
    }
  }

  std::vector<Slot> slots_;
  ColumnVector<HashedKey> keys_;
  uint32_t epoch_ = 1;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_GROUP_INDEX_H_
