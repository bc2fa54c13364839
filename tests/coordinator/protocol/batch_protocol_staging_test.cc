// SPDX-License-Identifier: Apache-2.0
//
// Staging one batch at a time, for states that are written outside of the protocol.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

using word::Remaining;

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

class BatchProtocolStaging : public ::testing::Test {
 protected:
  BatchProtocolStaging() { h.config.staging = Staging::kOneAtATime; }
  // Txids 1 and 2 are emitted, 1 is staged everywhere and its decision issued.
  void DecideTheFirst() {
    h.Start();
    EXPECT_TRUE(Contains(h.Emitted(1, 0, 10, Remaining::kMore), "permit 1:5.1; begin 2:5.1"));
    EXPECT_EQ(h.Emitted(2, 10, 20), "");
    EXPECT_EQ(h.VotedByAll(1), "decide 1:5.1");
  }
  ProtocolHarness h;
};

TEST_F(BatchProtocolStaging, TheNextBatchIsEmittedButNotStagedBeforeTheLastIsApplied) {
  DecideTheFirst();
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1") << "decided, but nobody has applied it";
  EXPECT_EQ(h.Applied(1, 0), "") << "worker 1 has not";
  EXPECT_EQ(h.Applied(1, 1), "permit 2:5.1");
}

TEST_F(BatchProtocolStaging, AWorkerThatAppliesBeforeTheDecisionIsKnownMakesNoDifference) {
  DecideTheFirst();
  EXPECT_EQ(h.AppliedByAll(1), "");
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1; permit 2:5.1");
}

TEST_F(BatchProtocolStaging, BatchesOverlapWhereNothingOutsideIsWritten) {
  h.config.staging = Staging::kOverlapped;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  EXPECT_EQ(h.Emitted(2, 10, 20), "permit 2:5.1");
}

TEST_F(BatchProtocolStaging, ACutIsLoggedWhileItsBatchWaitsForItsTurn) {
  h.config.cut_logging = CutLogging::kBeforeStage;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20);
  EXPECT_EQ(h.CutLogged(1), "permit 1:5.1; log cut 2:5.1 [0/0 p[10,20)]");
  EXPECT_EQ(h.CutLogged(2), "");
  h.VotedByAll(1);
  h.Written(1, 1);
  EXPECT_EQ(h.AppliedByAll(1), "permit 2:5.1");
}

TEST_F(BatchProtocolStaging, WaitingForItsTurnIsNoLackOfProgress) {
  DecideTheFirst();
  for (Nanos now = 0; now < 20 * kSecond; now += kSecond) {
    ASSERT_FALSE(Contains(h.At(now), "abort")) << "at " << now / kSecond << " s";
  }
  h.Written(1, 1);
  EXPECT_EQ(h.AppliedByAll(1), "permit 2:5.1");
  h.At(20 * kSecond);
  EXPECT_TRUE(Contains(h.At(22 * kSecond), "abort 2:5.1")) << "from now on it is waited for";
}

TEST_F(BatchProtocolStaging, AFailureOfTheBatchThatWaitsLetsItsNextAttemptWaitToo) {
  DecideTheFirst();
  EXPECT_EQ(h.Failed(2), "abort 2:5.1");
  EXPECT_TRUE(Contains(h.AfterTheDelay(), "begin 2:5.2"));
  EXPECT_EQ(h.Emitted(2, 10, 15), "");
  h.Written(1, 1);
  EXPECT_EQ(h.AppliedByAll(1), "permit 2:5.2");
}

TEST_F(BatchProtocolStaging, AStartAfterADecisionStagesOnceItsWorkersHaveCaughtUp) {
  h.recovered = {Epoch(6), TxId(3), Attempt{Epoch(5), 1}, {{SpoutId(0), {"p", "30"}}}, {}};
  EXPECT_TRUE(Contains(h.Start(), "begin 4:6.1"));
  EXPECT_EQ(h.Emitted(4, 30, 40), "permit 4:6.1");
}

}  // namespace
}  // namespace trident
