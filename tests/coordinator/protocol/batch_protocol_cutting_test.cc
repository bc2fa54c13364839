// SPDX-License-Identifier: Apache-2.0
//
// When a batch is cut, who is asked for how much, and what holds the next one back.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

using word::Remaining;

constexpr EmitterId kA{SpoutId(0), 0};
constexpr EmitterId kB{SpoutId(0), 1};
constexpr EmitterId kC{SpoutId(0), 2};

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

class BatchProtocolCutting : public ::testing::Test {
 protected:
  std::string EmittedNothing(uint64_t txid, EmitterId emitter) {
    return h.Step(word::Emitted{
        {kGroup, TxId(txid), h.attempt(txid)}, emitter, Incarnation(1), {}, Remaining::kExhausted});
  }
  ProtocolHarness h;
};

TEST_F(BatchProtocolCutting, NothingIsCutWithoutInput) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kExhausted);
  h.Commit(1);
  EXPECT_EQ(h.status().gate, EmitGate::kNoInput);
  EXPECT_TRUE(h.status().in_flight.empty());
  EXPECT_TRUE(h.status().idle);
}

TEST_F(BatchProtocolCutting, ABatchIsCutAsSoonAsThereIsInput) {
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_EQ(h.InputReady(), "begin 2:5.1 after 5.1 [0/0]; emit 2:5.1 0/0 new 100 rows from p@10");
}

TEST_F(BatchProtocolCutting, InputThatComesWhileAskedIsNotForgotten) {
  h.Start();
  EXPECT_EQ(h.InputReady(), "");
  EXPECT_EQ(h.Emitted(1, 0, 10, Remaining::kExhausted),
            "permit 1:5.1; begin 2:5.1 after 5.1 [0/0]; emit 2:5.1 0/0 new 100 rows from p@10");
}

TEST_F(BatchProtocolCutting, AnEmptyBatchIsWithdrawnAndItsTxidUsedAgain) {
  h.Start();
  EXPECT_EQ(h.Emitted(1, {}), "abort 1:5.1");
  EXPECT_EQ(h.status().failures_total, 0u);
  EXPECT_EQ(h.At(100 * kSecond), "");
  EXPECT_EQ(h.InputReady(), "begin 1:5.2 after 0.0 [0/0]; emit 1:5.2 0/0 new 100 rows");
}

TEST_F(BatchProtocolCutting, AnEmptyAnswerDoesNotSpinWhateverItSays) {
  h.Start();
  EXPECT_EQ(h.Emitted(1, {}, Remaining::kMore), "abort 1:5.1");
}

TEST_F(BatchProtocolCutting, ARangeWithoutRowsAndMovementIsNone) {
  h.Start();
  EXPECT_EQ(h.Emitted(1, 0, 0), "abort 1:5.1");
}

TEST_F(BatchProtocolCutting, PositionsThatMovedOverSkippedRowsAreDecided) {
  h.Start();
  SourceRange skipped = Range({}, "p", 0, 5);
  skipped.rows = 0;
  EXPECT_EQ(h.Emitted(1, {skipped}), "permit 1:5.1");
  h.VotedByAll(1);
  h.Written(1, 1);
  EXPECT_TRUE(Contains(h.InputReady(), "from p@5"));
}

TEST_F(BatchProtocolCutting, OnlyReadyEmittersAreAskedAndTheOthersKeepTheirPositions) {
  h.config.spouts[0].tasks = 2;
  EXPECT_EQ((h.Start()),
            "begin 1:5.1 after 0.0 [0/0 0/1]; emit 1:5.1 0/0 new 50 rows; "
            "emit 1:5.1 0/1 new 50 rows");
  h.Emitted(1, {Range(kA, "a", 0, 5)});
  h.Emitted(1, {Range(kB, "b", 0, 7)});
  EXPECT_EQ(h.InputReady(kB), "begin 2:5.1 after 5.1 [0/1]; emit 2:5.1 0/1 new 100 rows from b@7");
  h.Emitted(2, {Range(kB, "b", 7, 8)});
  EXPECT_EQ(h.InputReady(kA), "begin 3:5.1 after 5.1 [0/0]; emit 3:5.1 0/0 new 100 rows from a@5");
}

TEST_F(BatchProtocolCutting, TheLimitsAreSharedAndNoRowOfThemIsLost) {
  h.config.spouts[0].tasks = 3;
  EXPECT_EQ(h.Start(),
            "begin 1:5.1 after 0.0 [0/0 0/1 0/2]; emit 1:5.1 0/0 new 34 rows; "
            "emit 1:5.1 0/1 new 33 rows; emit 1:5.1 0/2 new 33 rows");
  const auto& emit = std::get<word::Emit>(h.actions()[1]);
  EXPECT_EQ(emit.limits.bytes, 333u);
}

TEST_F(BatchProtocolCutting, WithFewerRowsThanEmittersTheTurnGoesRound) {
  h.config.spouts[0].tasks = 3;
  h.config.limits.rows = 2;
  EXPECT_TRUE(Contains(h.Start(), "[0/0 0/1]"));
  h.Emitted(1, {Range(kA, "a", 0, 1)}, Remaining::kMore);
  EXPECT_TRUE(Contains(h.Emitted(1, {Range(kB, "b", 0, 1)}, Remaining::kMore), "[0/2 0/0]"));
  h.Emitted(2, {Range(kC, "c", 0, 1)}, Remaining::kMore);
  EXPECT_TRUE(Contains(h.Emitted(2, {Range(kA, "a", 1, 2)}, Remaining::kMore), "[0/1 0/2]"));
}

TEST_F(BatchProtocolCutting, ARetryAsksThoseWhoseTurnItWas) {
  h.config.spouts[0].tasks = 3;
  h.config.limits.rows = 1;
  EXPECT_TRUE(Contains(h.Start(), "[0/0]"));
  EXPECT_TRUE(Contains(h.Emitted(1, {Range(kA, "a", 0, 1)}, Remaining::kMore), "[0/1]"));
  EXPECT_TRUE(Contains(h.Emitted(2, {Range(kB, "b", 0, 1)}, Remaining::kMore), "[0/2]"));
  h.Failed(2);
  EXPECT_TRUE(Contains(h.AfterTheDelay(), "begin 2:5.2 after 5.1 [0/1]"));
}

TEST_F(BatchProtocolCutting, AtMostMaxPendingBatchesAreUndecided) {
  h.config.max_pending = 2;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  EXPECT_EQ(h.Emitted(2, 10, 20, Remaining::kMore), "permit 2:5.1");
  EXPECT_EQ(h.status().gate, EmitGate::kPendingFull);
  h.VotedByAll(1);
  EXPECT_EQ(h.Written(1, 1),
            "apply 1:5.1; begin 3:5.1 after 5.1 [0/0]; emit 3:5.1 0/0 new 100 rows from p@20");
}

TEST_F(BatchProtocolCutting, TheSlowestWorkerHoldsBackTheNextBatch) {
  h.config.backlog_max = 2;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kExhausted);
  h.VotedByAll(1);
  h.Written(1, 1);
  h.Applied(1, 0);
  h.InputReady();
  h.Emitted(2, 10, 20, Remaining::kExhausted);
  h.VotedByAll(2);
  h.Written(2, 2);
  h.Applied(2, 0);
  EXPECT_EQ(h.InputReady(), "");
  EXPECT_EQ(h.status().gate, EmitGate::kBacklog);
  EXPECT_TRUE(Contains(h.Applied(1, 1), "begin 3:5.1"));
}

TEST_F(BatchProtocolCutting, ABatchMayWaitToFillUntilItsAge) {
  h.config.age_max = 5 * kMillisecond;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kExhausted);
  h.At(kMillisecond);
  EXPECT_EQ(h.InputReady(), "");
  EXPECT_EQ(h.status().gate, EmitGate::kFilling);
  EXPECT_EQ(h.At(kMillisecond), "");
  EXPECT_EQ(h.timer(), 6 * kMillisecond);
  EXPECT_EQ(h.At(5 * kMillisecond), "");
  EXPECT_TRUE(Contains(h.At(6 * kMillisecond), "begin 2:5.1"));
}

TEST_F(BatchProtocolCutting, LaterInputDoesNotMakeTheFirstWaitLonger) {
  h.config.age_max = 5 * kMillisecond;
  h.config.spouts[0].tasks = 2;
  h.Start();
  h.Emitted(1, {Range(kA, "a", 0, 5)});
  h.Emitted(1, {Range(kB, "b", 0, 7)});
  h.InputReady(kA);
  h.At(0);
  h.At(4 * kMillisecond);
  h.InputReady(kB);
  EXPECT_TRUE(Contains(h.At(5 * kMillisecond), "begin 2:5.1 after 5.1 [0/0 0/1]"));
}

TEST_F(BatchProtocolCutting, InputThatALimitLeftBehindDoesNotWait) {
  h.config.age_max = kSecond;
  h.Start();
  EXPECT_TRUE(Contains(h.Emitted(1, 0, 100, Remaining::kMore), "begin 2:5.1"));
}

TEST_F(BatchProtocolCutting, InputThatCameWhileAskedWaitsToFillToo) {
  h.config.age_max = kMillisecond;
  h.Start();
  h.InputReady();
  EXPECT_EQ(h.Emitted(1, 0, 10, Remaining::kExhausted), "permit 1:5.1");
  EXPECT_EQ(h.status().gate, EmitGate::kFilling);
}

TEST_F(BatchProtocolCutting, InputThatHadNoTurnStartsToAgeAtOnce) {
  h.config.age_max = 5 * kMillisecond;
  h.config.limits.rows = 1;
  h.config.spouts[0].tasks = 2;
  h.Start();
  h.Emitted(1, {Range(kA, "a", 0, 1)}, Remaining::kMore);
  h.Emitted(2, {Range(kB, "b", 0, 1)}, Remaining::kExhausted);
  h.At(10 * kMillisecond);
  h.Hold(1);
  h.Emitted(3, {Range(kA, "a", 1, 2)}, Remaining::kMore);
  h.InputReady(kB);
  EXPECT_TRUE(Contains(h.Release(1), "begin 4:5.1 after 5.1 [0/0]"));
  EXPECT_EQ(h.timer(), 10 * kMillisecond) << "a Tick at once, from which it ages";
}

TEST_F(BatchProtocolCutting, PauseFinishesWhatIsInFlightAndCutsNothingNew) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  EXPECT_EQ(h.Step(batch_event::Pause{}), "");
  EXPECT_EQ(h.Emitted(2, 10, 20, Remaining::kMore), "permit 2:5.1");
  h.VotedByAll(1);
  h.VotedByAll(2);
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1; decide 2:5.1");
  EXPECT_EQ(h.Written(2, 2), "apply 2:5.1");
  EXPECT_EQ(h.status().gate, EmitGate::kPaused);
  EXPECT_TRUE(h.status().paused);
  EXPECT_TRUE(Contains(h.Step(batch_event::Resume{}), "begin 3:5.1"));
}

TEST_F(BatchProtocolCutting, AFailureUnderPauseWaitsForResume) {
  h.Start();
  h.Emitted(1, 0, 10);
  h.Step(batch_event::Pause{});
  EXPECT_EQ(h.Failed(1), "abort 1:5.1");
  EXPECT_EQ(h.AfterTheDelay(), "");
  EXPECT_TRUE(Contains(h.Step(batch_event::Resume{}), "begin 1:5.2"));
}

TEST_F(BatchProtocolCutting, HoldStopsNewBatchesAndReleaseLetsThemGo) {
  h.Start();
  h.Hold(1);
  EXPECT_EQ(h.Emitted(1, 0, 10, Remaining::kMore), "permit 1:5.1");
  EXPECT_EQ(h.status().gate, EmitGate::kHeld);
  EXPECT_EQ(h.Step(batch_event::Resume{}), "");
  EXPECT_TRUE(Contains(h.Release(1), "begin 2:5.1"));
}

TEST_F(BatchProtocolCutting, EachWorkerEndsItsOwnHoldAlone) {
  h.Start();
  h.Hold(0);
  h.Hold(1);
  h.Hold(1);
  h.Emitted(1, 0, 10, Remaining::kMore);
  EXPECT_EQ(h.Release(1), "");
  EXPECT_EQ(h.status().gate, EmitGate::kHeld) << "worker 0 has no room";
  EXPECT_EQ(h.Release(1), "") << "again";
  EXPECT_TRUE(Contains(h.Release(0), "begin 2:5.1"));
}

TEST_F(BatchProtocolCutting, AHoldEndsWithTheLifeThatAskedForIt) {
  h.Start();
  h.Hold(1);
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Step(batch_event::WorkerLost{WorkerId(1), Incarnation(1)});
  h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId()});
  EXPECT_NE(h.status().gate, EmitGate::kHeld);
  EXPECT_EQ(h.Hold(1, 1), "stale hold") << "of the life before";
  EXPECT_NE(h.status().gate, EmitGate::kHeld);
  h.Hold(1, 2);
  EXPECT_EQ(h.Release(1, 1), "stale release");
  EXPECT_EQ(h.status().gate, EmitGate::kHeld);
}

TEST_F(BatchProtocolCutting, AHoldMayOvertakeTheNewsOfItsLife) {
  h.Start();
  h.Hold(1, 2);
  h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId()});
  EXPECT_EQ(h.status().gate, EmitGate::kHeld);
  h.Release(1, 2);
  EXPECT_NE(h.status().gate, EmitGate::kHeld);
}

TEST_F(BatchProtocolCutting, DrainReportsWhenAllInFlightIsAppliedByAll) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  EXPECT_EQ(h.Step(batch_event::Drain{}), "");
  EXPECT_EQ(h.Emitted(2, 10, 20, Remaining::kMore), "permit 2:5.1");
  h.VotedByAll(1);
  h.VotedByAll(2);
  h.Written(1, 1);
  EXPECT_EQ(h.Written(2, 2), "apply 2:5.1");
  EXPECT_EQ(h.Applied(2, 0), "");
  EXPECT_EQ(h.Applied(2, 1), "drained 2");
  EXPECT_EQ(h.InputReady(), "");
}

TEST_F(BatchProtocolCutting, DrainOfAnIdleGroupReportsAtOnceAndEachTimeItIsAsked) {
  h.Start();
  h.Emitted(1, {});
  EXPECT_EQ(h.Step(batch_event::Drain{}), "drained 0");
  EXPECT_EQ(h.Step(batch_event::Drain{}), "drained 0");
  EXPECT_TRUE(Contains(h.Step(batch_event::Resume{}) + h.InputReady(), "begin 1:5.2"));
}

TEST_F(BatchProtocolCutting, DrainDoesNotRetryABatchThatFails) {
  h.Start();
  h.Emitted(1, 0, 10);
  h.Step(batch_event::Drain{});
  EXPECT_EQ(h.Failed(1), "abort 1:5.1; drained 0");
  EXPECT_EQ(h.AfterTheDelay(), "");
}

TEST_F(BatchProtocolCutting, NoBatchStartsBeforeAllWorkersJoined) {
  auto made = BatchProtocol::Create(h.config, h.recovered);
  ASSERT_TRUE(made.ok());
  std::vector<BatchAction> out;
  (*made)->Step(word::EmitterStarted{kA, Incarnation(1)}, out);
  (*made)->Step(word::WorkerJoined{WorkerId(1), Incarnation(1), TxId(0)}, out);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ((*made)->status().gate, EmitGate::kWorkerAbsent);
}

TEST_F(BatchProtocolCutting, AWorkerThatJoinsCatchesUpBeforeTheNextBatch) {
  h.recovered = {Epoch(6), TxId(41), Attempt{Epoch(5), 9}, {}, {}};
  h.Start();
  h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId(39)});
  EXPECT_EQ(h.AfterTheDelay(), "");
  EXPECT_EQ(h.status().gate, EmitGate::kWorkerBehind);
  EXPECT_EQ(h.Applied(40, 1, 2), "");
  EXPECT_TRUE(Contains(h.Applied(41, 1, 2) + h.AfterTheDelay(), "begin 42:6.2 after 5.9"));
}

TEST_F(BatchProtocolCutting, AWorkerThatJoinsDuringADecisionCatchesUpWithItToo) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.VotedByAll(1);
  h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId(0)});
  h.Written(1, 1);
  EXPECT_EQ(h.AfterTheDelay(), "");
  EXPECT_EQ(h.status().gate, EmitGate::kWorkerBehind);
  EXPECT_TRUE(Contains(h.Applied(1, 1, 2) + h.AfterTheDelay(), "begin 2:5.2"));
}

TEST_F(BatchProtocolCutting, InputOfALifeNotHeardOfTellsThatItStarted) {
  h.Start();
  EXPECT_EQ(h.Step(word::InputReady{kA, Incarnation(2)}), "abort 1:5.1");
  EXPECT_EQ(h.Step(word::EmitterStarted{kA, Incarnation(2)}), "stale emitter started");
  h.AfterTheDelay();
  EXPECT_EQ(std::get<word::Emit>(h.actions()[1]).incarnation, Incarnation(2));
}

TEST_F(BatchProtocolCutting, ALostEmitterIsNotAskedUntilItStartsAgain) {
  h.config.spouts[0].tasks = 2;
  h.Start();
  h.Emitted(1, {Range(kA, "a", 0, 5)}, Remaining::kMore);
  EXPECT_EQ(h.Step(batch_event::EmitterLost{kB, Incarnation(1)}), "abort 1:5.1");
  EXPECT_TRUE(Contains(h.AfterTheDelay(), "begin 1:5.2 after 0.0 [0/0]"));
  h.Emitted(1, {Range(kA, "a", 0, 2)}, Remaining::kExhausted);
  h.Commit(1);
  EXPECT_EQ(h.status().gate, EmitGate::kNoInput);
  EXPECT_TRUE(Contains(h.Step(word::EmitterStarted{kB, Incarnation(2)}), "[0/1]"));
}

TEST_F(BatchProtocolCutting, AfterARestartOfATaskItsSpoutsPartitionsMayBeDealtAnew) {
  h.config.spouts[0].tasks = 2;
  h.Start();
  h.Emitted(1, {Range(kA, "a", 0, 5)});
  h.Emitted(1, {Range(kB, "b", 0, 7)});
  EXPECT_TRUE(Contains(h.Step(word::EmitterStarted{kB, Incarnation(2)}),
                       "emit 2:5.1 0/1 new 100 rows from a@5 from b@7"));
}

}  // namespace
}  // namespace trident
