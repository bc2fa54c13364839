// SPDX-License-Identifier: Apache-2.0
//
// Eviction: a partition gives up what it need not keep, each key once, down to the last.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/state/state_harness.h"
#include "tests/state/typed_maps.h"

namespace trident {
namespace {

template <class V>
class EvictionTest : public ::testing::Test {};
TYPED_TEST_SUITE(EvictionTest, StateValues);

// While keys go, whole chunks of the table go too; the hand that looks for keys skips them, so it
// comes around sooner than the table is long.
TYPED_TEST(EvictionTest, ATableGivesUpItsLastKeysOnce) {
  for (const int keys : {1, 15, 17, 300, 5'000, 5'003}) {
    HarnessOptions options{.partitions = 1, .store = {}};
    options.store.state_bytes = 4096;
    StateHarness<TypeParam> h(options);
    NumberedChanges changes;
    for (int i = 0; i < keys; ++i) changes[Concat("key ", i)] = i;
    h.Commit(changes);
    while (h.store().fold().HasWork()) {
      ASSERT_TRUE(h.store().fold().FoldSlice().ok());
    }
    // Then nobody may ask for what was before the first txid.
    for (uint64_t i = 0; i < kReadableVersions + 1; ++i) h.Commit({{"another", 1}});
    for (int round = 0; round < 4; ++round) h.store().TrimIfNeeded();
    h.Commit({{"key 0", 7}});
    EXPECT_EQ(*h.ReadAll(h.published(), 1'000), h.At(h.published())) << keys << " keys";
  }
}

}  // namespace
}  // namespace trident
