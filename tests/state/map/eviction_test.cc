// SPDX-License-Identifier: Apache-2.0
//
// The hand that goes round a table: whom it spares, how far it looks, how many are due.
#include "state/map/eviction.h"
#include "base/hash.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/status.h"
#include "tests/state/seeds.h"
#include "tests/state/typed_values.h"

namespace trident {
namespace {

constexpr auto kNobody = [](const auto&, uint32_t) { return false; };

template <class V>
uint32_t Insert(HotTable<V>& table, int64_t n) {
  const std::string key = Concat("key ", n);
  const uint32_t slot = table.Insert(HashBytes(key), key);
  table.entry(slot).presence = Presence::kPresent;
  table.entry(slot).value = ValuesOf<V>::Of(n);
  table.entry(slot).used = 0;
  return slot;
}

// The number that the entry was inserted for, whose value it must have.
template <class V>
int64_t NumberOf(const HotEntry<V>& entry) {
  const int64_t n = std::stoll(std::string(entry.key().substr(4)));
  EXPECT_EQ(entry.value, ValuesOf<V>::Of(n));
  return n;
}

template <class V>
std::set<int64_t> Evict(Eviction& eviction, HotTable<V>& table, uint32_t wanted) {
  std::set<int64_t> erased;
  eviction.Evict(table, wanted, kNobody,
                 [&](const HotEntry<V>& entry) { erased.insert(NumberOf(entry)); });
  return erased;
}

template <class V>
class EvictionHandTest : public testing::Test {};
TYPED_TEST_SUITE(EvictionHandTest, StateValues);

TYPED_TEST(EvictionHandTest, GoesOnWhereItStopped) {
  HotTable<TypeParam> table;
  std::map<uint32_t, int64_t> by_slot;
  for (int64_t n = 0; n < 100; ++n) by_slot[Insert(table, n)] = n;
  Eviction eviction;
  std::set<int64_t> first, second;
  for (uint32_t slot = 1; slot <= 10; ++slot) first.insert(by_slot.at(slot));
  for (uint32_t slot = 11; slot <= 30; ++slot) second.insert(by_slot.at(slot));
  EXPECT_EQ(Evict(eviction, table, 10), first);
  EXPECT_EQ(Evict(eviction, table, 20), second);
  EXPECT_EQ(table.size(), 70u);
}

TYPED_TEST(EvictionHandTest, SparesOnceWhatWasUsed) {
  HotTable<TypeParam> table;
  for (int64_t n = 0; n < 256; ++n) table.entry(Insert(table, n)).used = n % 2;
  Eviction eviction;
  // Once around, with one slot in two to spare.
  for (const int64_t n : Evict(eviction, table, 64)) EXPECT_EQ(n % 2, 0) << n;
  EXPECT_EQ(table.size(), 192u);
  while (table.size() > 128) Evict(eviction, table, 1);
  EXPECT_EQ(Evict(eviction, table, 128).size(), 128u) << "all were passed, and none used since";
}

TYPED_TEST(EvictionHandTest, LooksAtFourSlotsForEachThatIsWanted) {
  HotTable<TypeParam> table;
  for (int64_t n = 0; n < 1'000; ++n) Insert(table, n);
  Eviction eviction;
  int asked = 0;
  const auto all = [&](const HotEntry<TypeParam>&, uint32_t) { return ++asked > 0; };
  eviction.Evict(table, 10, all, [](const HotEntry<TypeParam>&) { FAIL(); });
  EXPECT_EQ(asked, 40);
  EXPECT_EQ(table.size(), 1'000u);
}

// The hand comes around before it has found as many as are wanted.
TYPED_TEST(EvictionHandTest, ATableOfFewKeysGivesUpEachOnce) {
  for (const int64_t keys : {1, 3, 16, 17, 100}) {
    HotTable<TypeParam> table;
    for (int64_t n = 0; n < keys; ++n) Insert(table, n);
    Eviction eviction;
    EXPECT_EQ(Evict(eviction, table, 200).size(), static_cast<size_t>(keys));
    EXPECT_EQ(table.size(), 0u);
  }
}

// By chance, entries come, are used, are needed and evicted.
template <class V>
void PlayHistory(uint64_t seed) {
  Rng rng(seed);
  HotTable<V> table;
  Eviction eviction;
  std::map<uint32_t, int64_t> here;  // by slot
  std::set<uint32_t> needed;
  int64_t next = 0;
  for (int step = 0; step < 300; ++step) {
    for (uint64_t n = rng.Below(step % 100 < 50 ? 60 : 5); n > 0; --n, ++next) {
      here[Insert(table, next)] = next;
    }
    std::set<uint32_t> used;
    needed.clear();
    for (const auto& [slot, value] : here) {
      if (table.entry(slot).used != 0 || rng.Chance(0.2)) used.insert(slot);
      if (rng.Chance(0.2)) needed.insert(slot);
      table.entry(slot).used = used.contains(slot);
    }
    const uint32_t wanted = static_cast<uint32_t>(rng.Below(40));
    std::map<int64_t, uint32_t> slots;
    for (const auto& [slot, value] : here) slots[value] = slot;
    uint32_t erased = 0;
    // Two rounds at most: a mark that was taken in the first counts no more in the second.
    const bool one_round = 4 * wanted < table.allocated_slots();
    const auto is_needed = [&](const HotEntry<V>&, uint32_t slot) { return needed.contains(slot); };
    eviction.Evict(table, wanted, is_needed, [&](const HotEntry<V>& entry) {
      const uint32_t slot = slots.at(NumberOf(entry));
      ASSERT_EQ(here.erase(slot), 1u) << "each once";
      ASSERT_FALSE(needed.contains(slot));
      ASSERT_FALSE(one_round && used.contains(slot));
      ++erased;
    });
    if (testing::Test::HasFatalFailure()) return;
    ASSERT_LE(erased, wanted);
    ASSERT_EQ(table.size(), here.size());
    if (step % 20 != 0) continue;
    for (const auto& [slot, value] : here) {
      const std::string key = Concat("key ", value);
      ASSERT_EQ(table.Find(HashBytes(key), key), slot);
    }
  }
}

TYPED_TEST(EvictionHandTest, TakesNothingThatIsNeededOrWasUsedOfLate) {
  for (const uint64_t seed : TestSeeds(1, 1)) {
    SCOPED_TRACE(Repro("EvictionHandTest/*.TakesNothingThatIsNeededOrWasUsedOfLate", seed));
    ASSERT_NO_FATAL_FAILURE(PlayHistory<TypeParam>(seed));
  }
}

TYPED_TEST(EvictionHandTest, OverTheBudgetTwoAreDueForEachInsertionAndOnceOnly) {
  MemoryBudget budget(1'000);
  budget.Add({.entries = 1'001});
  HotTable<TypeParam> table;
  Eviction eviction;
  EXPECT_EQ(eviction.TakeDue(table, budget), 0u);
  for (int i = 0; i < 3; ++i) eviction.CountInsertion();
  EXPECT_EQ(eviction.TakeDue(table, budget), 6u);
  EXPECT_EQ(eviction.TakeDue(table, budget), 0u);
}

// Values of an undecided txid grow while no entry has one: a large value would otherwise be worth a
// look at the whole table, for each row of a batch.
TYPED_TEST(EvictionHandTest, ForValuesThatGrowNoMoreAreDueThanGiveTheirMemoryBack) {
  MemoryBudget budget(1'000);
  budget.Add({.entries = 1'001});
  HotTable<TypeParam> table;
  for (int64_t n = 0; n < 5'000; ++n) Insert(table, n);
  Eviction eviction;
  const ValueGrowth growth{.grown = 10'000, .value_bytes = 0};
  const uint32_t due = eviction.TakeDue(table, budget, growth);
  if constexpr (!kHoldsHeap<TypeParam>) {
    EXPECT_EQ(due, 0u);
  } else {
    EXPECT_GE(due * sizeof(HotEntry<TypeParam>), growth.grown);
    EXPECT_LE(due * sizeof(HotEntry<TypeParam>), 2 * growth.grown + 200);
  }
}

TYPED_TEST(EvictionHandTest, WithinTheBudgetNoneAreDueUnlessTheTableMustGrowAndMayNot) {
  HotTable<TypeParam> table;
  for (int64_t n = 0; n < 200; ++n) Insert(table, n);
  MemoryBudget roomy(1'000'000), full(1'000);
  full.Add({.entries = 990});
  Eviction eviction;
  const auto insert = [&eviction](int keys) {
    for (int i = 0; i < keys; ++i) eviction.CountInsertion();
  };
  const uint32_t room = 2 * 200 - table.ErasuresFor(2 * 200);
  ASSERT_GE(room, 4u);
  insert(2);
  EXPECT_EQ(eviction.TakeDue(table, full), 0u) << "there are slots for four more";
  insert(200);
  EXPECT_EQ(eviction.TakeDue(table, roomy), 0u) << "the table may grow";
  insert(200);
  EXPECT_EQ(eviction.TakeDue(table, full), 400 - room);
}

}  // namespace
}  // namespace trident
