// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/peer_watch.h"

#include <gtest/gtest.h>

#include "base/same_token.h"

namespace trident {
namespace {

constexpr PeerWatch::Options kOptions{.look_every = 100, .silence_max = 1000};

// Looks on time from `now` on, until the peer is found silent.
Nanos SilentAt(PeerWatch& watch, Nanos now) {
  do {
    now += kOptions.look_every;
  } while (!watch.IsSilent(now));
  return now;
}

TEST(PeerWatchTest, APeerOfWhichNothingIsHeardIsSilentAtTheFirstLookBehindTheLimit) {
  PeerWatch watch(kOptions);
  EXPECT_EQ(SilentAt(watch, 0), 1100);
}

TEST(PeerWatchTest, SilenceCountsFromWhatWasHeardLast) {
  PeerWatch watch(kOptions);
  for (Nanos now = 100; now <= 5000; now += 100) {
    EXPECT_FALSE(watch.IsSilent(now));
    if (now % 900 == 0) watch.Heard(now);
  }
  EXPECT_EQ(SilentAt(watch, 5000), 4500 + 1100);
}

TEST(PeerWatchTest, TimeInWhichThisEndDidNotRunIsNoSilenceOfThePeer) {
  PeerWatch watch(kOptions);
  EXPECT_FALSE(watch.IsSilent(100));
  EXPECT_FALSE(watch.IsSilent(60'000)) << "nobody was there to hear";
  EXPECT_EQ(SilentAt(watch, 60'000), 60'000 + 900) << "of before and after the pause: 1100";
}

TEST(PeerWatchTest, ALookThatIsALittleLateCounts) {
  PeerWatch watch(kOptions);
  Nanos now = 0;
  do {
    now += 2 * kOptions.look_every;
  } while (!watch.IsSilent(now));
  EXPECT_EQ(now, 1200);
}

TEST(PeerWatchTest, APauseOfThisEndDoesNotMakeUpForLaterSilence) {
  PeerWatch watch(kOptions);
  watch.Heard(59'990);
  EXPECT_FALSE(watch.IsSilent(60'000));
  EXPECT_EQ(SilentAt(watch, 60'000), 61'100);
}

TEST(PeerWatchTest, AWatchThatStartsLateCountsFromThen) {
  PeerWatch watch(kOptions);
  watch.Start(60'000);
  EXPECT_EQ(SilentAt(watch, 60'000), 61'100);
}

TEST(LinePaceTest, LinesComeAtMostEverySoOften) {
  LinePace pace(1000);
  EXPECT_TRUE(pace.IsDue(5));
  EXPECT_FALSE(pace.IsDue(5));
  EXPECT_FALSE(pace.IsDue(1004));
  EXPECT_TRUE(pace.IsDue(1005));
  EXPECT_FALSE(pace.IsDue(1006));
}

TEST(ControlTokenTest, TokensAreTheSameByEveryByteAndTheirLength) {
  EXPECT_TRUE(IsSameToken("abc", "abc"));
  EXPECT_TRUE(IsSameToken("", ""));
  EXPECT_FALSE(IsSameToken("abc", "abd"));
  EXPECT_FALSE(IsSameToken("abc", "bbc"));
  EXPECT_FALSE(IsSameToken("abc", "ab"));
  EXPECT_FALSE(IsSameToken("abc", ""));
  EXPECT_FALSE(IsSameToken("\x80", "\x81"));
}

}  // namespace
}  // namespace trident
