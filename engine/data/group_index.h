// SPDX-License-Identifier: Apache-2.0
//
// GroupIndex: numbers the distinct keys of a batch 0, 1, 2, ... in the order in which they first
// come, so that results are in the same order at every replay. Kept between batches for its memory.
//
// Most rows have a key that has come before, so these are the ones that are made cheap: a slot is
// half a cache line and tells a key of up to sixteen bytes wholly; such a key is looked up by a
// hash that costs a multiplication. Only one that is new is hashed for its way to the state. Nobody
// can make keys beforehand that all collide (base/salted_hash.h).
#ifndef TRIDENT_ENGINE_DATA_GROUP_INDEX_H_
#define TRIDENT_ENGINE_DATA_GROUP_INDEX_H_

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/key_words.h"
#include "base/salted_hash.h"
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
  uint32_t FindOrAdd(std::string_view key) { return FindOrAdd(Probe(key, goes_by_)); }
  uint32_t FindOrAdd(const HashedKey& key) { return FindOrAdd(Probe(key, goes_by_)); }

  // The numbers of key_at(0), key_at(1), ..., key_at(n - 1), in `groups`. key_at gives
  // std::string_view or HashedKey. What the keys to come will need is fetched meanwhile.
  template <class KeyAt>
  void FindOrAddAll(size_t n, KeyAt&& key_at, uint32_t* groups) {
    Probe probes[kTogether];
    for (size_t begin = 0; begin < n; begin += kTogether) {
      const size_t size = std::min(kTogether, n - begin);
      for (size_t i = 0; i < size; ++i) {
        probes[i] = Probe(key_at(begin + i), goes_by_);
        Prefetch(probes[i]);
      }
      for (size_t i = 0; i < size; ++i) groups[begin + i] = FindOrAdd(probes[i]);
    }
  }

  // How many slots a search for the key looks at. For tests. REQUIRES: it is here.
  size_t SlotsToFind(const HashedKey& key) const {
    const Probe probe(key, goes_by_);
    const size_t mask = slots_.size() - 1;
    size_t slots = 1;
    for (size_t at = probe.place & mask; keys_[slots_[at].group].key != key.key; ++slots) {
      at = (at + 1) & mask;
    }
    return slots;
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
  // Where a long key's search begins: by its hash, which is known or needed anyway, or, once many
  // keys had the same hash, by its bytes.
  enum class GoesBy : uint8_t { kHash, kBytes };
  static uint64_t PlaceOf(const HashedKey& key, GoesBy goes_by) {
    return goes_by == GoesBy::kHash ? SaltedMix(key.hash) : SaltedHash(key.key);
  }

  // A key with all that finding it needs.
  struct Probe {
    Probe() = default;
    Probe(std::string_view k, GoesBy by) : key(k), words(KeyWords::Of(k)) {
      if (!is_short()) hash = HashBytes(k);
      SetPlace(by);
    }
    Probe(const HashedKey& k, GoesBy by) : key(k.key), words(KeyWords::Of(k.key)), hash(k.hash) {
      SetPlace(by);
    }
    void SetPlace(GoesBy by) {
      place = is_short() ? words.Mix(key.size()) : PlaceOf({key, hash}, by);
      goes_by = by;
    }
    bool is_short() const { return key.size() <= KeyWords::kBytes; }

    std::string_view key;
    KeyWords words;
    uint64_t place = 0;  // the slot where the search begins, in its low bits
    uint64_t hash = 0;   // HashBytes; 0: not computed so far, if it is short
    GoesBy goes_by = GoesBy::kHash;
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
    if (!probe.is_short() && probe.goes_by != goes_by_) [[unlikely]] {
      Probe again = probe;
      again.SetPlace(goes_by_);
      return FindOrAdd(again);
    }
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
    if (SamePlaceBefore(at, probe) > kSamePlaceMax) {
      goes_by_ = GoesBy::kBytes;
      Rebuild(slots_.size());
    }
    if (keys_.size() * 4 > slots_.size() * 3) Rebuild(slots_.size() * 2);
    return group;
  }
  // How many of the slots that the search for the long key has passed have keys of the same place.
  int SamePlaceBefore(size_t at, const Probe& probe) const {
    if (probe.is_short() || goes_by_ == GoesBy::kBytes) return 0;
    const size_t mask = slots_.size() - 1;
    int same = 0;
    for (size_t i = probe.place & mask; i != at; i = (i + 1) & mask) {
      same += slots_[i].tag == slots_[at].tag;
    }
    return same;
  }

  void Rebuild(size_t slots) {
    std::vector<Slot> old(slots, Slot{});
    old.swap(slots_);
    const size_t mask = slots_.size() - 1;
    for (Slot slot : old) {
      if (slot.epoch != epoch_) continue;
      const bool is_short = slot.length <= KeyWords::kBytes;
      const uint64_t place =
          is_short ? slot.words.Mix(slot.length) : PlaceOf(keys_[slot.group], goes_by_);
      slot.tag = static_cast<uint32_t>(place >> 32);
      size_t at = place & mask;
      while (slots_[at].epoch == epoch_) at = (at + 1) & mask;
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;
  ColumnVector<HashedKey> keys_;
  uint32_t epoch_ = 1;
  TextArena* const copies_ = nullptr;
  GoesBy goes_by_ = GoesBy::kHash;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_GROUP_INDEX_H_
