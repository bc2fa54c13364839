// SPDX-License-Identifier: Apache-2.0
//
// A leader, and a worker that is a process of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "base/clock.h"
#include "coordinator/cluster/control_server.h"
#include "tests/coordinator/cluster/control_ends.h"
#include "tests/support/process.h"

namespace trident {
namespace {

using ::testing::StartsWith;

Nanos Now() { return RealClock().MonotonicNanos(); }

void ExpectAnswer(LeaderEnd& leader, uint64_t number) {
  leader.server->Tell(WorkerId(3), Down(number));
  const std::string answer = "word 3.1 " + std::to_string(number);
  EXPECT_EQ(leader.notes.Await(answer), answer);
}

TEST(ControlProcessTest, AStoppedProcessCountsAsGoneAndComesAgainWhenItGoesOn) {
  // gRPC's pings are off at this end, so that heartbeats have to find it.
  LeaderEnd leader({.timing = {.keepalive = 60 * kSecond}});
  const Background worker({"tests/control_worker", leader.server->address(), "3"});
  ASSERT_EQ(leader.notes.Await("open 3.1"), "open 3.1");
  ExpectAnswer(leader, 1);

  const Nanos start = Now();
  ASSERT_EQ(kill(worker.pid(), SIGSTOP), 0);
  EXPECT_THAT(leader.notes.Await("gone 3.1"), StartsWith("gone 3.1 DEADLINE_EXCEEDED"));
  EXPECT_LT(Now() - start, 3 * kSecond);

  ASSERT_EQ(kill(worker.pid(), SIGCONT), 0);
  ASSERT_EQ(leader.notes.Await("open 3.1", 2), "open 3.1");
  ExpectAnswer(leader, 2);
}

TEST(ControlProcessTest, AKilledProcessIsGoneWithinOneAndAHalfSeconds) {
  LeaderEnd leader({.timing = {}});
  Background worker({"tests/control_worker", leader.server->address(), "3"});
  ASSERT_EQ(leader.notes.Await("open 3.1"), "open 3.1");
  ExpectAnswer(leader, 1);
  const Nanos start = Now();
  worker.End(SIGKILL);
  EXPECT_THAT(leader.notes.Await("gone 3.1"), StartsWith("gone 3.1 UNAVAILABLE"));
  EXPECT_LT(Now() - start, 1'500 * kMillisecond);
}

}  // namespace
}  // namespace trident
