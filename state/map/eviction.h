// SPDX-License-Identifier: Apache-2.0
//
// Eviction: which entries of a hot table give way when memory is short. A hand goes round the slots
// like that of a clock. An entry that was used since the hand last came by stays, and loses its
// mark; one that was not used gives way, unless something still needs it.
#ifndef TRIDENT_STATE_MAP_EVICTION_H_
#define TRIDENT_STATE_MAP_EVICTION_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/hash.h"
#include "base/value_size.h"
#include "state/disk/memory_budget.h"
#include "state/map/hot_table.h"

namespace trident {

// Memory that the values of a table own beside the table.
struct ValueGrowth {
  uint64_t grown = 0;        // more than when it was asked for last, in bytes
  uint64_t value_bytes = 0;  // of one entry's value, on the average
};

// Belongs to one table; the same one is given to each call. Owned by a MapPartition: its owner
// alone calls it, and keeps readers out during Evict.
class Eviction {
 public:
  void CountInsertion() { ++inserted_; }
  // How many entries should give way now, given the keys that were inserted since the last call.
  // Over the budget: two for each of those, one for its room and one for the other partitions.
  // Else: as many as it takes that the same number of keys, and as many again, find room in memory
  // that is allocated, if the budget has no room for the table to grow. Over the budget, values
  // that have grown count as the keys that so much memory would be enough for.
  template <class V>
  uint32_t TakeDue(const HotTable<V>& table, const MemoryBudget& budget,
                   const ValueGrowth& values = {});

  // Erases up to `wanted` entries that is_needed(entry, slot) says no to; is_needed is not asked
  // about those that were used of late. erasing(entry) is called before each is erased. Gives up
  // after looking at four slots for each that is wanted, so fewer may be erased.
  template <class V, class IsNeeded, class Erasing>
  void Evict(HotTable<V>& table, uint32_t wanted, IsNeeded&& is_needed, Erasing&& erasing);

  // The slots of the table have changed (HotTable::Compact).
  void StartOver() { hand_ = 0; }

 private:
  uint32_t hand_ = 0;  // the slot that was looked at last
  uint32_t inserted_ = 0;
};

template <class V>
uint32_t Eviction::TakeDue(const HotTable<V>& table, const MemoryBudget& budget,
                           const ValueGrowth& values) {
  uint32_t keys = 2 * std::exchange(inserted_, 0);
  if constexpr (kHoldsHeap<V>) {
    if (values.grown > 0 && budget.MustEvict()) {
      // Each that goes gives its own memory back, too. While all values are staged, those of the
      // entries are empty; then the growth of one would be worth more keys than the table has.
      const uint64_t given_back = values.value_bytes + sizeof(HotEntry<V>);
      const uint64_t of_values = 2 * (values.grown / given_back + 1);
      keys = std::max(keys, static_cast<uint32_t>(std::min<uint64_t>(of_values, table.size())));
    }
  }
  if (budget.MustEvict()) return keys;
  return budget.HasRoomFor(table.GrowthFor(keys)) ? 0 : table.ErasuresFor(keys);
}

template <class V, class IsNeeded, class Erasing>
void Eviction::Evict(HotTable<V>& table, uint32_t wanted, IsNeeded&& is_needed, Erasing&& erasing) {
  // Several at a time, so that their cells come into the cache together.
  constexpr uint32_t kTogether = 16;
  const auto may_go = [&](uint32_t slot) {
    if (!table.IsAllocated(slot)) return false;
    HotEntry<V>& entry = table.entry(slot);
    if (entry.presence == Presence::kFree) return false;
    const bool used = std::exchange(entry.used, 0) != 0;
    return !used && !is_needed(std::as_const(entry), slot);
  };
  uint32_t looks = 4 * wanted;
  while (wanted > 0 && looks > 0) {
    uint32_t slots[kTogether];
    uint64_t hashes[kTogether];
    uint32_t found = 0;
    // At most once around, or a slot would be found twice.
    const uint32_t last_look = looks - std::min(looks, table.allocated_slots());
    if (last_look == looks) return;
    for (; found < std::min(wanted, kTogether) && looks > last_look; --looks) {
      hand_ = table.NextSlot(hand_);
      if (!may_go(hand_)) continue;
      slots[found] = hand_;
      hashes[found] = HashBytes(table.entry(hand_).key());
      table.PrefetchCell(hashes[found++]);
    }
    for (uint32_t i = 0; i < found; ++i) {
      erasing(std::as_const(table.entry(slots[i])));
      table.Erase(slots[i], hashes[i]);
    }
    wanted -= found;
  }
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_EVICTION_H_
