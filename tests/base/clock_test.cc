// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

namespace trident {
namespace {

TEST(ClockTest, MonotonicNeverGoesBack) {
  Nanos last = RealClock().MonotonicNanos();
  for (int i = 0; i < 10'000; ++i) {
    const Nanos now = RealClock().MonotonicNanos();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(ClockTest, WallCountsNanosecondsFromTheEpoch) {
  constexpr Nanos kYear = 365 * 24 * 3600 * kSecond;
  // Between 2020 and 2262, where 64 bits end.
  EXPECT_GT(RealClock().WallNanos(), 50 * kYear);
}

TEST(ClockTest, UnitsFitTogether) {
  EXPECT_EQ(kSecond, 1000 * kMillisecond);
  EXPECT_EQ(kMillisecond, 1000 * kMicrosecond);
}

}  // namespace
}  // namespace trident
