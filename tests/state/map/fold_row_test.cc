// SPDX-License-Identifier: Apache-2.0
#include "state/map/fold_row.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/rng.h"
#include "state/map/hot_table.h"
#include "tests/state/seeds.h"
#include "tests/state/typed_values.h"

namespace trident {
namespace {

// Few different bytes, zero among them, so that many keys begin alike or differ in length alone.
std::string RandomKey(Rng& rng) {
  std::string key(rng.Below(24), '\0');
  for (char& c : key) c = "\x00\x01\x7f\xff"[rng.Chance(0.8) ? 0 : rng.Below(4)];
  return key;
}

template <class V>
class FoldRowTest : public testing::Test {};
TYPED_TEST_SUITE(FoldRowTest, StateValues);

TYPED_TEST(FoldRowTest, RowsSortAsTheirKeysDoWhetherShortOrLong) {
  for (const uint64_t seed : TestSeeds(10, 10)) {
    SCOPED_TRACE(Repro("FoldRowTest/*.RowsSortAsTheirKeysDoWhetherShortOrLong", seed));
    Rng rng(seed);
    HotTable<TypeParam> table;
    std::set<std::string> keys;
    std::vector<FoldRow<TypeParam>> rows;
    for (int64_t i = 0; i < 500; ++i) {
      const std::string key = RandomKey(rng);
      if (!keys.insert(key).second) continue;
      const uint32_t slot = table.Insert(HashBytes(key), key);
      const TypeParam value = ValuesOf<TypeParam>::Of(i);
      rows.push_back(FoldRow<TypeParam>::Of(table.entry(slot), slot, {Presence::kDelta, &value}));
      ASSERT_EQ(rows.back().slot, slot);
      ASSERT_EQ(rows.back().presence, Presence::kDelta);
      ASSERT_EQ(rows.back().value, value);
    }
    std::sort(rows.begin(), rows.end(), &FoldRow<TypeParam>::KeyIsLess);
    ASSERT_EQ(rows.size(), keys.size());
    auto expected = keys.begin();
    typename FoldRow<TypeParam>::KeyBuffer buffer;
    for (const FoldRow<TypeParam>& row : rows) ASSERT_EQ(row.Key(buffer), *expected++);
  }
}

}  // namespace
}  // namespace trident
