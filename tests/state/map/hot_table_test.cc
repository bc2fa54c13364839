// SPDX-License-Identifier: Apache-2.0
//
// Keys come and go: the table finds exactly those that are there, and keeps no chunk without one.
#include "state/map/hot_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

#include "base/hash.h"
#include "base/rng.h"
#include "base/status.h"
#include "tests/state/seeds.h"
#include "tests/state/typed_values.h"

namespace trident {
namespace {

std::string KeyOf(uint64_t n) {
  return n % 7 == 0 ? Concat("a key that the arena must hold ", n) : Concat("k", n);
}

template <class V>
uint32_t Insert(HotTable<V>& table, uint64_t n) {
  const std::string key = KeyOf(n);
  const uint32_t slot = table.Insert(HashBytes(key), key);
  table.entry(slot).presence = Presence::kPresent;
  table.entry(slot).value = ValuesOf<V>::Of(static_cast<int64_t>(n));
  return slot;
}

template <class V>
void Erase(HotTable<V>& table, uint64_t n) {
  const uint64_t hash = HashBytes(KeyOf(n));
  table.Erase(table.Find(hash, KeyOf(n)), hash);
}

template <class V>
void PlayHistory(uint64_t seed) {
  Rng rng(seed);
  HotTable<V> table;
  std::map<uint64_t, uint32_t> slots;  // of each key that is there
  for (int step = 0; step < 20'000; ++step) {
    // Grows, shrinks to nearly nothing, grows again.
    const bool shrink = step / 4'000 % 2 == 1;
    const uint64_t n = rng.Below(3'000);
    if (rng.Chance(shrink ? 0.1 : 0.8)) {
      if (!slots.contains(n)) slots[n] = Insert(table, n);
    } else if (!slots.empty()) {
      auto victim = slots.lower_bound(n);
      if (victim == slots.end()) victim = slots.begin();
      Erase(table, victim->first);
      slots.erase(victim);
    }
    ASSERT_EQ(table.size(), slots.size());
    if (rng.Chance(0.002)) {
      table.Compact();
      for (auto& [key, slot] : slots) slot = table.Find(HashBytes(KeyOf(key)), KeyOf(key));
    }
    if (step % 500 != 0) continue;
    for (uint64_t key = 0; key < 3'000; ++key) {
      const uint32_t found = table.Find(HashBytes(KeyOf(key)), KeyOf(key));
      const auto expected = slots.find(key);
      ASSERT_EQ(found, expected == slots.end() ? kNone : expected->second);
      if (found == kNone) continue;
      ASSERT_EQ(table.entry(found).key(), KeyOf(key)) << "an entry never moves";
      ASSERT_EQ(table.entry(found).value, ValuesOf<V>::Of(static_cast<int64_t>(key)));
    }
  }
}

template <class V>
class HotTableTest : public testing::Test {};
TYPED_TEST_SUITE(HotTableTest, StateValues);

TYPED_TEST(HotTableTest, FindsWhatIsThereAndNothingElse) {
  for (const uint64_t seed : TestSeeds(1, 1)) {
    SCOPED_TRACE(Repro("HotTableTest/*.FindsWhatIsThereAndNothingElse", seed));
    ASSERT_NO_FATAL_FAILURE(PlayHistory<TypeParam>(seed));
  }
}

TYPED_TEST(HotTableTest, EntriesThatAreErasedInTheirOrderGiveTheirMemoryBack) {
  HotTable<TypeParam> table;
  for (uint64_t n = 0; n < 10'000; ++n) Insert(table, n);
  const size_t full = table.allocated_bytes();
  for (uint64_t n = 0; n < 9'000; ++n) Erase(table, n);
  EXPECT_LT(table.allocated_bytes(), full / 2) << "the index and the keys' arena stay";
  uint32_t looked_at = 0;
  uint32_t slot = 0;
  do {
    slot = table.NextSlot(slot);
    looked_at += table.IsAllocated(slot);
  } while (slot != 0 && looked_at < 20'000);
  EXPECT_LT(looked_at, 1'600u) << "a hand that goes round jumps over what is not allocated";
}

// Somebody who knows the hash that says where keys are on disk can make keys whose hashes end
// alike, or are all the same. Neither makes a table search for long.
TYPED_TEST(HotTableTest, KeysThatWereMadeToCollideAreFoundAsSoonAsOthers) {
  constexpr uint64_t kKeys = 20'000;
  for (const bool are_equal : {false, true}) {
    const auto hash_of = [&](uint64_t n) { return are_equal ? 7 : n << 32 | 7; };
    HotTable<TypeParam> table;
    for (uint64_t n = 0; n < kKeys; ++n) {
      const uint32_t slot = table.Insert(hash_of(n), KeyOf(n));
      table.entry(slot).presence = Presence::kPresent;
    }
    for (uint64_t n = 0; n < kKeys; n += 3) {
      table.Erase(table.Find(hash_of(n), KeyOf(n)), hash_of(n));
    }
    size_t cells = 0;
    for (uint64_t n = 0; n < kKeys; ++n) {
      const bool is_there = n % 3 != 0;
      ASSERT_EQ(table.Find(hash_of(n), KeyOf(n)) != kNone, is_there);
      if (is_there) cells += table.CellsToFind(hash_of(n), KeyOf(n));
    }
    EXPECT_LT(cells, 6 * kKeys) << (are_equal ? "equal hashes" : "hashes that end alike");
  }
}

TYPED_TEST(HotTableTest, GrowthIsForeseen) {
  HotTable<TypeParam> table;
  for (uint64_t n = 0; n < 5'000; ++n) {
    const uint32_t erasures = table.ErasuresFor(1);
    const size_t growth = table.GrowthFor(1);
    EXPECT_EQ(erasures == 0, growth == 0) << n;
    const size_t before = table.allocated_bytes();
    const std::string key = Concat("k", n);
    table.Insert(HashBytes(key), key);
    if (growth == 0) {
      ASSERT_EQ(table.allocated_bytes(), before) << n;
    } else {
      ASSERT_GT(table.allocated_bytes(), before) << n;
    }
  }
}

}  // namespace
}  // namespace trident
