// SPDX-License-Identifier: Apache-2.0
//
// GroupIndex: numbers the distinct keys of a batch 0, 1, 2, ... in the order in which they first
// come, so that results are in the same order at every replay. Kept between batches for its memory.
//
// Most rows have a key that has come before, so these are the ones that are made cheap: a slot is
// half a cache line and tells a key of up to sixteen bytes wholly; such a key is looked up by a
// hash that costs a multiplication. Only one that is new is hashed for its way to the state.
#ifndef TRIDENT_ENGINE_DATA_GROUP_INDEX_H_
#define TRIDENT_ENGINE_DATA_GROUP_INDEX_H_

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/key_words.h"
#include "engine/data/column_vector.h"
#include "engine/data/text_arena.h"

namespace trident {

// Open addressing, linear probing, at most three quarters full. Not thread-safe.
class GroupIndex {
 public:
  // Keys must outlive the index, or be handed over by TakeKeys before they go.
  GroupIndex() : slots_(kFirstSlots, Slot{}) {}
  // Copies each new key into `copies`: then the rows may go, and what reads the keys later finds
  // them close together.
  explicit GroupIndex(TextArena* copies) : slots_(kFirstSlots, Slot{}), copies_(copies) {}

  size_t size() const { return keys_.size(); }
  const ColumnVector<HashedKey>& keys() const { return keys_; }

  // The number of the key; size() has grown by one if it is new.
  uint32_t FindOrAdd(std::string_view key) { return FindOrAdd(Probe(key)); }
  uint32_t FindOrAdd(const HashedKey& key) { return FindOrAdd(Probe(key)); }

  // The numbers of key_at(0), key_at(1), ..., key_at(n - 1), in `groups`. key_at gives
  // std::string_view or HashedKey. What the keys to come will need is fetched meanwhile.
  template <class KeyAt>
  void FindOrAddAll(size_t n, KeyAt&& key_at, uint32_t* groups) {
    Probe probes[kTogether];
    for (size_t begin = 0; begin < n; begin += kTogether) {
      const size_t size = std::min(kTogether, n - begin);
      for (size_t i = 0; i < size; ++i) {
        probes[i] = Probe(key_at(begin + i));
        Prefetch(probes[i]);
      }
      for (size_t i = 0; i < size; ++i) groups[begin + i] = FindOrAdd(probes[i]);
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
    keys_.Reserve(keys.size());
    Clear();
    return keys;
  }

 private:
  // So many slots are fetched together: what the first ones take, the others hide.
  static constexpr size_t kTogether = 32;
  static constexpr size_t kFirstSlots = 64;

  // A key with all that finding it needs.
  struct Probe {
    Probe() = default;
    explicit Probe(std::string_view k) : key(k), words(KeyWords::Of(k)) {
      if (is_short()) {
        place = words.Mix(k.size());
      } else {
        place = hash = HashBytes(k);
      }
    }
    explicit Probe(const HashedKey& k) : key(k.key), words(KeyWords::Of(k.key)), hash(k.hash) {
      place = is_short() ? words.Mix(k.key.size()) : hash;
    }
    bool is_short() const { return key.size() <= KeyWords::kBytes; }

    std::string_view key;
    KeyWords words;
    uint64_t place = 0;  // the slot where the search begins, in its low bits
    uint64_t hash = 0;   // HashBytes; 0: not computed so far, if it is short
  };
  struct alignas(32) Slot {
    KeyWords words;
    uint32_t epoch = 0;  // the slot is empty unless this is the index's
    uint32_t length = 0;
    uint32_t tag = 0;  // the high half of `place`
    uint32_t group = 0;
  };

  void Prefetch(const Probe& probe) const {
    __builtin_prefetch(&slots_[probe.place & (slots_.size() - 1)]);
  }

  uint32_t FindOrAdd(const Probe& probe) {
    const size_t mask = slots_.size() - 1;
    for (size_t at = probe.place & mask;; at = (at + 1) & mask) {
      const Slot& slot = slots_[at];
      const uint64_t difference = (slot.words.head ^ probe.words.head) |
                                  (slot.words.tail ^ probe.words.tail) | (slot.epoch ^ epoch_) |
                                  (slot.length ^ static_cast<uint32_t>(probe.key.size()));
      if (difference == 0 && (probe.is_short() || IsKeyOf(slot, probe))) return slot.group;
      if (slot.epoch != epoch_) return Add(at, probe);
    }
  }
  bool IsKeyOf(const Slot& slot, const Probe& probe) const {
    return slot.tag == static_cast<uint32_t>(probe.place >> 32) &&
           keys_[slot.group].key == probe.key;
  }

  __attribute__((noinline)) uint32_t Add(size_t at, const Probe& probe) {
    const auto group = static_cast<uint32_t>(keys_.size());
    slots_[at] = {probe.words, epoch_, static_cast<uint32_t>(probe.key.size()),
                  static_cast<uint32_t>(probe.place >> 32), group};
    const std::string_view key = copies_ == nullptr ? probe.key : copies_->Copy(probe.key);
    keys_.Append(key, probe.hash == 0 ? HashBytes(key) : probe.hash);
    if (keys_.size() * 4 > slots_.size() * 3) Grow();
    return group;
  }

  void Grow() {
    std::vector<Slot> old(slots_.size() * 2, Slot{});
    old.swap(slots_);
    const size_t mask = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.epoch != epoch_) continue;
      const bool is_short = slot.length <= KeyWords::kBytes;
      size_t at = (is_short ? slot.words.Mix(slot.length) : keys_[slot.group].hash) & mask;
      while (slots_[at].epoch == epoch_) at = (at + 1) & mask;
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;
  ColumnVector<HashedKey> keys_;
  uint32_t epoch_ = 1;
  TextArena* const copies_ = nullptr;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_GROUP_INDEX_H_
