// SPDX-License-Identifier: Apache-2.0
#include "state/map/scan_overlay.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>

#include "base/rng.h"
#include "base/status.h"
#include "tests/state/seeds.h"
#include "tests/state/typed_values.h"

namespace trident {
namespace {

// Rows come in any order, some keys twice, and the least are kept now and then: up to the horizon
// every key is there, in key order, once.
template <class V>
void PlayHistory(uint64_t seed) {
  Rng rng(seed);
  const uint64_t count = 1 + rng.Below(20);
  ScanOverlay<V> overlay(/*generation=*/7);
  std::map<std::string, int64_t> all;
  for (int i = 0; i < 300; ++i) {
    const std::string key = Concat("k", rng.Below(1'000));
    all[key] = i;
    if (overlay.IsBeyondHorizon(key)) continue;
    overlay.Add({key, Presence::kPresent, ValuesOf<V>::Of(i), nullptr});
    if (overlay.size() > 3 * count) {
      overlay.KeepLeast({.rows = count});
      ASSERT_EQ(overlay.size(), count + 1);
    }
  }
  overlay.Sort();
  auto expected = all.begin();
  for (const auto& row : overlay.rows()) ASSERT_EQ(row.key, (expected++)->first);
  if (overlay.horizon().has_value()) {
    ASSERT_LE(overlay.rows().back().key, *overlay.horizon());
    ASSERT_TRUE(expected == all.end() || expected->first > *overlay.horizon());
  } else {
    ASSERT_EQ(expected, all.end());
  }
  ASSERT_EQ(overlay.generation(), 7u);
}

template <class V>
class ScanOverlayTest : public testing::Test {};
TYPED_TEST_SUITE(ScanOverlayTest, StateValues);

TYPED_TEST(ScanOverlayTest, HasEveryKeyUpToItsHorizon) {
  for (const uint64_t seed : TestSeeds(50, 25)) {
    SCOPED_TRACE(Repro("ScanOverlayTest/*.HasEveryKeyUpToItsHorizon", seed));
    ASSERT_NO_FATAL_FAILURE(PlayHistory<TypeParam>(seed));
  }
}

TYPED_TEST(ScanOverlayTest, RowsThatCameInOrderEndAtTheLastOne) {
  ScanOverlay<TypeParam> overlay(0);
  overlay.Add({"a", Presence::kPresent, ValuesOf<TypeParam>::Of(1), nullptr});
  overlay.Add({"b", Presence::kPresent, ValuesOf<TypeParam>::Of(2), nullptr});
  EXPECT_FALSE(overlay.horizon().has_value());
  overlay.EndAtLast();
  EXPECT_EQ(overlay.horizon(), "b");
  EXPECT_FALSE(overlay.IsBeyondHorizon("b"));
  EXPECT_TRUE(overlay.IsBeyondHorizon("ba"));
}

}  // namespace
}  // namespace trident
