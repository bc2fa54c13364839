// SPDX-License-Identifier: Apache-2.0
//
// The trace of Trident's MasterBatchCoordinator (three batches in flight, acks, failures, a
// restart) as this protocol answers it. Trident's trace had three bugs that must not come back:
//   - success was told before the commit was persisted, so a crash between lost or doubled offsets;
//   - attempt ids began anew after a restart, so that tasks dropped the new attempts as old;
//   - a stale failure threw away the live attempt.
#include <gtest/gtest.h>

#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

using word::Remaining;

class BatchProtocolTrident22 : public ::testing::Test {
 protected:
  BatchProtocolTrident22() {
    h.config.max_pending = 3;
    h.config.retry_limit = 10;
    h.config.limits.rows = 10;
  }
  static bool Contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  }
  ProtocolHarness h;
};

TEST_F(BatchProtocolTrident22, TheWholeTraceWithoutItsThreeBugs) {
  // nextTuple x4: three batches, then nothing.
  EXPECT_TRUE(Contains(h.Start(), "begin 1:5.1"));
  EXPECT_TRUE(Contains(h.Emitted(1, 0, 10, Remaining::kMore), "begin 2:5.1"));
  EXPECT_TRUE(Contains(h.Emitted(2, 10, 20, Remaining::kMore), "begin 3:5.1"));
  EXPECT_EQ(h.Emitted(3, 20, 30, Remaining::kMore), "permit 3:5.1");

  // ack 2:0: 2 is processed and waits for 1.
  EXPECT_EQ(h.VotedByAll(2), "");
  // ack 1:0: 1 is decided, and 2, which waited, in the same write.
  EXPECT_EQ(h.VotedByAll(1), "decide 1:5.1 2:5.1");
  // ack of the commit: success is told only now that the decision is durable.
  EXPECT_TRUE(Contains(h.Written(1, 2), "apply 1:5.1; apply 2:5.1; begin 4:5.1"));
  // The new slots: 4 now, 5 once the ranges of 4 are known.
  EXPECT_TRUE(Contains(h.Emitted(4, 30, 40, Remaining::kMore), "begin 5:5.1"));

  // fail 3: takes 4 and 5 along; 3 is tried again, alone.
  EXPECT_EQ(h.Failed(3), "abort 3:5.1 4:5.1 5:5.1");
  EXPECT_TRUE(Contains(h.AfterTheDelay(), "begin 3:5.2 after 5.1"));

  // fail 3:0 (stale!): the live attempt is untouched, and the sender learns of it.
  const Attempt stale{Epoch(5), 1};
  EXPECT_EQ(h.Step(word::Failed{{kGroup, TxId(3), stale}, Internal("late")}),
            "stale failed 3:5.1 now 5.2");
  EXPECT_EQ(h.attempt(3), (Attempt{Epoch(5), 2}));
  // ack 2:0 (stale): answered, not ignored.
  EXPECT_EQ(h.Step(word::Voted{{kGroup, TxId(2), stale}, WorkerId(0), Incarnation(1), 3, 9}),
            "stale voted 2:5.1");

  // deactivate; the batch in flight still commits.
  h.Step(batch_event::Pause{});
  EXPECT_EQ(h.Emitted(3, 20, 25, Remaining::kMore), "permit 3:5.2");
  EXPECT_EQ(h.VotedByAll(3), "decide 3:5.2");
  EXPECT_EQ(h.Written(3, 3), "apply 3:5.2");

  // Restart: attempts go on in a greater epoch, 4's attempts of before can never be taken for new.
  ProtocolHarness next;
  next.config = h.config;
  next.recovered = {Epoch(6), TxId(3), Attempt{Epoch(5), 2}, {{SpoutId(0), {"p", "25"}}}, {}};
  EXPECT_EQ(next.Start(), "begin 4:6.1 after 5.2 [0/0]; emit 4:6.1 0/0 new 10 rows from p@25");
  EXPECT_EQ(next.Step(word::Voted{{kGroup, TxId(4), stale}, WorkerId(0), Incarnation(1), 3, 9}),
            "stale voted 4:5.1 now 6.1");
  EXPECT_GT((Attempt{Epoch(6), 1}), (Attempt{Epoch(5), 4'000'000'000}));
}

// The trace's "fail 2:0 (of $commit)": while 2 is being staged it takes 3 and 4 along, and each of
// them gets its next attempt; once its decision is issued, nothing can fail it any more.
TEST_F(BatchProtocolTrident22, AFailureOfTheBatchThatCommitsTakesTheLaterOnesAlong) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  EXPECT_EQ(h.VotedByAll(1), "decide 1:5.1");
  EXPECT_EQ(h.Failed(1), "stale failed 1:5.1 now 5.1") << "its decision may be durable already";
  h.Written(1, 1);
  h.Emitted(3, 20, 30, Remaining::kMore);
  EXPECT_EQ(h.status().in_flight.size(), 3u);
  EXPECT_EQ(h.Failed(2), "abort 2:5.1 3:5.1 4:5.1");
  EXPECT_TRUE(Contains(h.AfterTheDelay(), "begin 2:5.2 after 5.1"));
  h.Emitted(2, 10, 15, Remaining::kMore);
  EXPECT_EQ(h.VotedByAll(2), "decide 2:5.2");
  EXPECT_TRUE(Contains(h.Written(2, 2), "apply 2:5.2; begin 3:5.2 after 5.2"));
  EXPECT_TRUE(Contains(h.Emitted(3, 15, 25, Remaining::kMore), "begin 4:5.2 after 5.2"));
}

// The trace's "restart, nextTuple x3".
TEST_F(BatchProtocolTrident22, AfterARestartThreeBatchesAreInFlightAgainUnderTheNewEpoch) {
  h.recovered = {Epoch(6), TxId(2), Attempt{Epoch(5), 2}, {{SpoutId(0), {"p", "20"}}}, {}};
  EXPECT_TRUE(Contains(h.Start(), "begin 3:6.1 after 5.2"));
  EXPECT_TRUE(Contains(h.Emitted(3, 20, 30, Remaining::kMore), "begin 4:6.1 after 6.1"));
  EXPECT_TRUE(Contains(h.Emitted(4, 30, 40, Remaining::kMore), "begin 5:6.1 after 6.1"));
  EXPECT_EQ(h.Emitted(5, 40, 50, Remaining::kMore), "permit 5:6.1");
}

TEST_F(BatchProtocolTrident22, ACrashBetweenDecisionAndSuccessLosesAndDoublesNothing) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.VotedByAll(1);
  const auto record = std::get<batch_action::Decide>(h.actions().front()).records.front();
  // The record alone tells the next start where to go on, whether or not success was told.
  ProtocolHarness next;
  next.recovered = {Epoch(6),
                    record.txid,
                    record.attempt,
                    {{SpoutId(0), {record.ranges[0].partition, record.ranges[0].end}}},
                    {}};
  EXPECT_TRUE(Contains(next.Start(), "emit 2:6.1 0/0 new 100 rows from p@10"));
}

TEST_F(BatchProtocolTrident22, AnOpaqueReplayMayHoldMoreAndTheNextBatchStartsBehindIt) {
  // Two partitions, ten rows of each a batch; 2 fails, and its replay finds more.
  h.config.spouts[0].kind = SpoutKind::kOpaque;
  h.config.limits.rows = 100;
  h.Start();
  h.Emitted(1, {Range({}, "p0", 0, 10), Range({}, "p1", 0, 10)}, Remaining::kMore);
  h.Emitted(2, {Range({}, "p0", 10, 20), Range({}, "p1", 10, 20)}, Remaining::kMore);
  h.Commit(1);
  h.Failed(2);
  EXPECT_TRUE(Contains(h.AfterTheDelay(), "from p0@10 from p1@10"));
  const uint64_t rows = std::get<word::Emit>(h.actions()[1]).limits.rows;
  ASSERT_GE(rows, 10u);
  h.Emitted(2, {Range({}, "p0", 10, 15), Range({}, "p1", 10, 15)}, Remaining::kMore);
  h.VotedByAll(2);
  EXPECT_TRUE(Contains(h.Written(2, 2), "from p0@15 from p1@15"));
}

TEST_F(BatchProtocolTrident22, ARetryOfOneBatchDoesNotWaitForAnEmitInterval) {
  h.config.retry_delay_min = 0;
  h.config.retry_delay_max = 0;
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_TRUE(Contains(h.Failed(1), "abort 1:5.1; begin 1:5.2"));
}

}  // namespace
}  // namespace trident
