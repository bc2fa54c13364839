// SPDX-License-Identifier: Apache-2.0
//
// GroupIndex: numbers the distinct keys of a batch 0, 1, 2, ... in the order in which they first
// come, so that results are in the same order at every replay. Kept between batches for its memory.
//
// A slot holds what tells most keys apart, so that a probe touches one cache line: a part of the
// hash, the length, and the first and last eight bytes, which are all of a key of up to sixteen.
#ifndef TRIDENT_ENGINE_GROUP_INDEX_H_
#define TRIDENT_ENGINE_GROUP_INDEX_H_

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "engine/column_vector.h"

namespace trident {

// Open addressing, linear probing, at most three quarters full. Does not own key bytes. Not
// thread-safe.
class GroupIndex {
 public:
  GroupIndex() : slots_(kFirstSlots, Slot{}) {}

  size_t size() const { return keys_.size(); }
  const ColumnVector<HashedKey>& keys() const { return keys_; }

  // The number of the key; size() has grown by one if it is new.
  uint32_t FindOrAdd(const HashedKey& key) {
    const Ends ends = EndsOf(key.key);
    const size_t mask = slots_.size() - 1;
    for (size_t at = key.hash & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      if (slot.epoch != epoch_) return Add(at, key, ends);
      if (Matches(slot, key, ends)) return slot.group;
    }
  }
  // Fetches what FindOrAdd of this hash will look at.
  void Prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }

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
    keys_.Reserve(keys.size());
    Clear();
    return keys;
  }

 private:
  // The first and the last bytes of a key. A shorter one is padded with zeros; its length tells.
  struct Ends {
    uint64_t head = 0;
    uint64_t tail = 0;
  };
  struct alignas(32) Slot {
    Ends ends;
    uint32_t tag = 0;    // upper half of the hash
    uint32_t epoch = 0;  // the slot is empty unless this is the index's
    uint32_t length = 0;
    uint32_t group = 0;
  };
  static constexpr size_t kFirstSlots = 64;
  static constexpr size_t kEndsBytes = 16;

  template <class T>
  static uint64_t Load(const char* at) {
    T v;
    std::memcpy(&v, at, sizeof v);
    return v;
  }
  static Ends EndsOf(std::string_view key) {
    const char* p = key.data();
    size_t n = key.size();
    if (n >= 8) return {Load<uint64_t>(p), Load<uint64_t>(p + n - 8)};
    if (n >= 4) return {Load<uint32_t>(p), Load<uint32_t>(p + n - 4)};
    if (n >= 2) return {Load<uint16_t>(p), Load<uint16_t>(p + n - 2)};
    return {n == 1 ? Load<uint8_t>(p) : 0, 0};
  }

  bool Matches(const Slot& slot, const HashedKey& key, const Ends& ends) const {
    if (slot.tag != static_cast<uint32_t>(key.hash >> 32) || slot.length != key.key.size() ||
        slot.ends.head != ends.head || slot.ends.tail != ends.tail) {
      return false;
    }
    return key.key.size() <= kEndsBytes || keys_[slot.group].key == key.key;
  }

  uint32_t Add(size_t at, const HashedKey& key, const Ends& ends) {
    const auto group = static_cast<uint32_t>(keys_.size());
    slots_[at] = {ends, static_cast<uint32_t>(key.hash >> 32), epoch_,
                  static_cast<uint32_t>(key.key.size()), group};
    keys_.Append(key);
    if (keys_.size() * 4 > slots_.size() * 3) Grow();
    return group;
  }

  void Grow() {
    std::vector<Slot> old(slots_.size() * 2, Slot{});
    old.swap(slots_);
    size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.epoch != epoch_) continue;
      size_t at = keys_[slot.group].hash & mask;
      while (slots_[at].epoch == epoch_) at = (at + 1) & mask;
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;
  ColumnVector<HashedKey> keys_;
  uint32_t epoch_ = 1;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_GROUP_INDEX_H_
