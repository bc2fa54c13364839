// SPDX-License-Identifier: Apache-2.0
#include "base/rng.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace trident {
namespace {

// The published sequence of SplitMix64. Seeds in regression lists and generated test data mean what
// they mean because of it.
TEST(RngTest, SequenceIsThePublishedOne) {
  Rng zero(0);
  EXPECT_EQ(zero(), 0xe220a8397b1dcdafu);
  EXPECT_EQ(zero(), 0x6e789e6aa1b965f4u);
  EXPECT_EQ(zero(), 0x06c45d188009454fu);
  Rng other(1234567);
  EXPECT_EQ(other(), 6457827717110365317u);
  EXPECT_EQ(other(), 3203168211198807973u);
  EXPECT_EQ(other(), 9817491932198370423u);
}

TEST(RngTest, BelowStaysBelowAndReachesAllValues) {
  Rng rng(3);
  for (uint64_t n : {1, 2, 3, 10}) {
    uint64_t seen = 0;
    for (int i = 0; i < 1000; ++i) {
      const uint64_t v = rng.Below(n);
      ASSERT_LT(v, n);
      seen |= uint64_t{1} << v;
    }
    EXPECT_EQ(seen, (uint64_t{1} << n) - 1);
  }
  for (int i = 0; i < 1000; ++i) EXPECT_LT(rng.Below(~uint64_t{0}), ~uint64_t{0});
}

TEST(RngTest, UnitIsInItsRangeAndCentred) {
  Rng rng(4);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double u = rng.Unit();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

TEST(RngTest, ChanceOfNothingAndOfCertainty) {
  Rng rng(5);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(rng.Chance(0.0));
    EXPECT_TRUE(rng.Chance(1.0));
  }
}

}  // namespace
}  // namespace trident
