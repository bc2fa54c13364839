// SPDX-License-Identifier: Apache-2.0
//
// Failure and size: shrinking, isolation, diverting, giving up, and the deadline.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/letter_partition.h"
#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

using word::EmitMode;
using word::Remaining;

constexpr EmitterId kA{SpoutId(0), 0};
constexpr EmitterId kB{SpoutId(0), 1};

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}
bool Halted(const std::string& text) { return Contains(text, "halt: "); }

class BatchProtocolFailure : public ::testing::Test {
 protected:
  // The Emit of the last step.
  const word::Emit& Emit() const {
    for (const BatchAction& action : h.actions()) {
      if (const auto* emit = std::get_if<word::Emit>(&action)) return *emit;
    }
    ADD_FAILURE() << "the last step emitted nothing";
    static const word::Emit none;
    return none;
  }
  // Emits as many rows from `start` as were asked for and fails them.
  std::string FailAll(uint64_t txid, uint64_t start) {
    h.Emitted(txid, start, start + Emit().limits.rows, Remaining::kMore);
    return h.Failed(txid);
  }
  ProtocolHarness h;
};

TEST_F(BatchProtocolFailure, EachFailureHalvesTheBatchAndEachDecisionDoublesItAgain) {
  h.config.retry_limit = 10;
  h.Start();
  h.Emitted(1, 0, 100);
  h.Failed(1);
  h.AfterTheDelay();
  EXPECT_EQ(Emit().limits, (BatchLimits{50, 500}));
  h.Emitted(1, 0, 31);
  h.Failed(1);
  h.AfterTheDelay();
  EXPECT_EQ(Emit().limits, (BatchLimits{15, 250})) << "half of what it held";
  h.Emitted(1, 0, 15);
  h.Commit(1);
  EXPECT_EQ(h.status().limits, (BatchLimits{30, 500}));
  uint64_t at = 15;
  for (const uint64_t rows : {30, 60, 100, 100}) {
    const uint64_t txid = h.status().last_decided.value() + 1;
    h.InputReady();
    EXPECT_EQ(Emit().limits.rows, rows);
    h.Emitted(txid, at, at + 1);
    h.Commit(txid);
    ++at;
  }
}

TEST_F(BatchProtocolFailure, ABatchNeverShrinksBelowOneRow) {
  h.config.retry_limit = 100;
  h.config.limits = {3, 2};
  h.Start();
  for (int i = 0; i < 5; ++i) {
    h.Emitted(1, 0, 1);
    h.Failed(1);
    h.AfterTheDelay();
    EXPECT_EQ(Emit().limits, (BatchLimits{1, 1}));
  }
}

TEST_F(BatchProtocolFailure, TheStopPolicyHaltsAfterTheRetries) {
  h.config.retry_limit = 2;
  h.Start();
  EXPECT_FALSE(Halted(FailAll(1, 0)));
  h.AfterTheDelay();
  EXPECT_FALSE(Halted(FailAll(1, 0)));
  h.AfterTheDelay();
  const std::string text = FailAll(1, 0);
  EXPECT_TRUE(Halted(text)) << text;
  for (const char* part : {"batch group 7", "txid 1", "after 3 failed attempts", "5.3", "it broke",
                           "nothing of txid 1"}) {
    EXPECT_TRUE(Contains(text, part)) << part << " in " << text;
  }
}

TEST_F(BatchProtocolFailure, WithoutRetriesTheFirstFailureHalts) {
  h.config.retry_limit = 0;
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_TRUE(Halted(h.Failed(1)));
}

TEST_F(BatchProtocolFailure, ASuccessForgetsTheFailuresBefore) {
  h.config.retry_limit = 1;
  h.Start();
  uint64_t at = 0;
  for (uint64_t txid = 1; txid <= 5; ++txid) {
    h.Emitted(txid, at, at + 1);
    EXPECT_FALSE(Halted(h.Failed(txid)));
    h.AfterTheDelay();
    h.Emitted(txid, at, at + 1, Remaining::kExhausted);
    h.Commit(txid);
    EXPECT_EQ(h.status().failures, 0u);
    ++at;
    h.InputReady();
  }
}

TEST_F(BatchProtocolFailure, BatchesTakenAlongDoNotCountAsFailed) {
  h.config.retry_limit = 1;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  h.Failed(1);
  h.AfterTheDelay();
  h.Emitted(1, 0, 5, Remaining::kMore);
  h.Commit(1);
  h.Emitted(2, 5, 10, Remaining::kMore);
  EXPECT_EQ(h.Failed(2), "abort 2:5.2 3:5.2") << "this is the first failure of txid 2";
  EXPECT_EQ(h.status().failures, 1u);
  EXPECT_EQ(h.status().retrying, TxId(2));
}

// The poison row stands at position 37; 1,000 rows in all.
TEST_F(BatchProtocolFailure, TheDeadLetterPolicyIsolatesTheRowAndCommitsTheRest) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.config.limits.rows = 64;
  h.config.max_pending = 1;
  h.Start();
  uint64_t at = 0;
  uint64_t diverted_at = 0;
  int failures = 0;
  while (at < 1000) {
    const word::Emit emit = Emit();
    const uint64_t txid = emit.id.txid.value();
    if (emit.mode == EmitMode::kDivert) {
      EXPECT_EQ(emit.cause, Internal("it broke").ToString());
      diverted_at = at;
    }
    const uint64_t end = std::min<uint64_t>(at + emit.limits.rows, 1000);
    const bool poisoned = at <= 37 && 37 < end && emit.mode != EmitMode::kDivert;
    h.Emitted(txid, at, end, Remaining::kMore);
    if (poisoned) {
      ASSERT_FALSE(Halted(h.Failed(txid)));
      ++failures;
      while (h.status().in_flight.empty()) h.AfterTheDelay();
      continue;
    }
    at = end;
    h.VotedByAll(txid);
    const auto decide = std::get<batch_action::Decide>(h.actions().front());
    EXPECT_EQ(decide.records.front().rows_diverted, emit.mode == EmitMode::kDivert ? 1u : 0u);
    h.Written(txid, txid);
  }
  EXPECT_EQ(diverted_at, 37u);
  EXPECT_EQ(h.status().rows_diverted, 1u);
  EXPECT_LE(failures, 6 + 3 + 6) << "halvings, and retry_limit + 1 at one row";
}

TEST_F(BatchProtocolFailure, RowsPutAsideFailNothingAndAreCountedInTheDecision) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.Start();
  h.rows_aside = 7;
  EXPECT_TRUE(Contains(h.Emitted(1, 0, 100, Remaining::kMore), "begin 2:5.1")) << "nothing waits";
  EXPECT_EQ(Emit().limits.rows, 100u);
  h.VotedByAll(1);
  EXPECT_EQ(std::get<batch_action::Decide>(h.actions().front()).records.front().rows_diverted, 7u);
  h.Written(1, 1);
  EXPECT_EQ(h.status().rows_diverted, 7u);
  EXPECT_EQ(h.status().failures_total, 0u);
}

TEST_F(BatchProtocolFailure, ATaskThatFailsBeforeTheEmittersAnswerFailsWhenTheyHave) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.Start();
  const auto fail = [&] {
    return h.Step(word::Failed{{kGroup, TxId(1), h.attempt(1)}, Internal("row 3"), {}});
  };
  EXPECT_EQ(fail(), "") << "it is not known yet what there is to be halved";
  EXPECT_TRUE(Contains(h.Emitted(1, 0, 1), "abort 1:5.1"));
  EXPECT_EQ(h.status().last_failure, Internal("row 3"));
  h.AfterTheDelay();
  EXPECT_EQ(Emit().mode, EmitMode::kSingle) << "the row is known";
  // An emitter that never answers does not hide the failure.
  EXPECT_EQ(fail(), "");
  h.AfterTheDelay();
  h.At(60 * kSecond);
  EXPECT_EQ(h.status().failures, 2u);
  EXPECT_EQ(h.status().last_failure, Internal("row 3"));
}

TEST_F(BatchProtocolFailure, RowsThatACancelledAttemptPutAsideDoNotCount) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.Start();
  h.rows_aside = 7;
  h.Emitted(1, 0, 100);
  h.Failed(1);
  h.AfterTheDelay();
  h.rows_aside = 3;
  h.Emitted(1, 0, 50);
  h.Commit(1);
  EXPECT_EQ(h.status().rows_diverted, 3u);
}

TEST_F(BatchProtocolFailure, ALetterThatIsTriedAgainInVainIsNoNewOne) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.Start();
  const std::string letters(kLetterPartition);
  bool was_diverted = false;
  while (!was_diverted) {
    was_diverted = Emit().mode == EmitMode::kDivert;
    h.Emitted(1, {Range({}, letters, 0, 1)}, Remaining::kMore);
    ASSERT_FALSE(h.status().in_flight.empty()) << "the answer was refused";
    if (was_diverted) break;
    ASSERT_FALSE(Halted(h.Failed(1)));
    while (h.status().in_flight.empty()) h.AfterTheDelay();
  }
  h.Commit(1);
  EXPECT_EQ(h.status().rows_diverted, 0u);
  EXPECT_TRUE(h.status().halted.ok()) << h.status().halted;
}

TEST_F(BatchProtocolFailure, WhoHasNoDeadLettersOrEmitsFewerRowsPutsNoneAside) {
  h.Start();
  h.rows_aside = 1;
  EXPECT_TRUE(Contains(h.Emitted(1, 0, 10), "has no dead letters"));
  ProtocolHarness other;
  other.config.policy = FailurePolicy::kDeadLetter;
  other.Start();
  other.rows_aside = 11;
  EXPECT_TRUE(Contains(other.Emitted(1, 0, 10), "put 11 rows aside, but emitted 10"));
  ProtocolHarness logged;
  logged.config.policy = FailurePolicy::kDeadLetter;
  logged.config.cut_logging = CutLogging::kBeforeStage;
  logged.Start();
  logged.rows_aside = 1;
  EXPECT_TRUE(Contains(logged.Emitted(1, 0, 10), "repeats logged cuts"));
}

TEST_F(BatchProtocolFailure, AOneRowBatchIsRetriedAloneAndFromItsPlace) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.config.spouts[0].tasks = 2;
  h.Start();
  h.Emitted(1, {Range(kB, "b", 0, 1)}, Remaining::kMore);
  h.Step(word::Emitted{
      {kGroup, TxId(1), h.attempt(1)}, kA, Incarnation(1), {}, Remaining::kExhausted});
  h.Failed(1);
  EXPECT_EQ(h.AfterTheDelay(), "begin 1:5.2 after 0.0 [0/1]; emit 1:5.2 0/1 single 1 rows from b@");
}

TEST_F(BatchProtocolFailure, AnotherPartitionThanTheIsolatedOneHalts) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.Start();
  h.Emitted(1, 0, 1);
  h.Failed(1);
  h.AfterTheDelay();
  EXPECT_TRUE(Halted(h.Emitted(1, {Range({}, "other", 0, 1)})));
}

TEST_F(BatchProtocolFailure, ATransientFailureAtOneRowIsNotDiverted) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.config.retry_limit = 2;
  h.Start();
  h.Emitted(1, 0, 1);
  h.Failed(1);
  h.AfterTheDelay();
  EXPECT_EQ(Emit().mode, EmitMode::kSingle);
  h.Emitted(1, 0, 1);
  h.Failed(1);
  h.AfterTheDelay();
  EXPECT_EQ(Emit().mode, EmitMode::kSingle) << "the second and last retry";
  h.Emitted(1, 0, 1);
  h.Commit(1);
  EXPECT_EQ(h.status().rows_diverted, 0u);
}

TEST_F(BatchProtocolFailure, DivertingThatFailsTooHalts) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.config.retry_limit = 1;
  h.Start();
  int failures = 0;
  std::string text;
  while (!Halted(text) && failures < 50) {
    h.Emitted(1, 0, 1);
    text = h.Failed(1);
    ++failures;
    if (!Halted(text)) h.AfterTheDelay();
  }
  EXPECT_EQ(failures, 4) << "retry_limit + 1 at one row, and as many diverting it";
  EXPECT_TRUE(Contains(text, "diverting its row failed too")) << text;
}

TEST_F(BatchProtocolFailure, EveryPoisonedTxidEndsWithinTheStatedNumberOfFailures) {
  for (const uint64_t rows : {1u, 2u, 3u, 64u, 100u, 100'000u}) {
    for (const uint32_t retry_limit : {0u, 1u, 4u}) {
      ProtocolHarness other;
      other.config.policy = FailurePolicy::kDeadLetter;
      other.config.limits.rows = rows;
      other.config.retry_limit = retry_limit;
      std::string text = other.Start();
      int failures = 0;
      while (!Halted(text) && failures < 100) {
        other.Emitted(1, 0, other.status().limits.rows);
        text = other.Failed(1);
        ++failures;
        if (!Halted(text)) other.AfterTheDelay();
      }
      int log2 = 0;
      while ((rows >> (log2 + 1)) > 0) ++log2;
      EXPECT_LE(failures, log2 + 2 * (static_cast<int>(retry_limit) + 1)) << rows;
    }
  }
}

TEST_F(BatchProtocolFailure, ARowThatIsNotThereAnyMoreStartsTheIsolationAnew) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.config.spouts[0].kind = SpoutKind::kOpaque;
  h.Start();
  h.Emitted(1, 0, 1);
  h.Failed(1);
  h.AfterTheDelay();
  EXPECT_EQ(Emit().mode, EmitMode::kSingle);
  EXPECT_TRUE(Contains(h.Emitted(1, {}), "abort 1:5.2; begin 1:5.3"));
  EXPECT_EQ(Emit().mode, EmitMode::kNew) << "the emitter may hold other rows: it is asked for all";
}

TEST_F(BatchProtocolFailure, ASourceThatCannotBeReadHaltsAfterTheRetriesUnderEitherPolicy) {
  for (const FailurePolicy policy : {FailurePolicy::kStop, FailurePolicy::kDeadLetter}) {
    ProtocolHarness other;
    other.config.policy = policy;
    other.config.retry_limit = 1;
    other.Start();
    EXPECT_FALSE(Halted(other.Failed(1, "cannot read")));
    other.AfterTheDelay();
    const std::string text = other.Failed(1, "cannot read; is it another spout?");
    EXPECT_TRUE(Halted(text));
    EXPECT_TRUE(Contains(text, "another spout? Everything up to")) << text;
    EXPECT_TRUE(Contains(text, "the source could not be read")) << text;
    EXPECT_FALSE(Contains(text, "dead-letter")) << "they do not help: " << text;
  }
}

TEST_F(BatchProtocolFailure, ASourceErrorThatLastsIsNotRetried) {
  h.config.retry_limit = 1000;
  h.Start();
  const std::string text = h.Step(word::Failed{
      {kGroup, TxId(1), h.attempt(1)}, FailedPrecondition("it was truncated"), EmitterId{}});
  EXPECT_TRUE(Halted(text)) << text;
  EXPECT_TRUE(Contains(text, "after 1 failed attempt, 5.1 with 0 rows: it was truncated. "))
      << text;
}

TEST_F(BatchProtocolFailure, TheAdviceFitsTheCauseAndNamesTheOption) {
  h.config.retry_limit = 0;
  h.Start();
  h.Emitted(1, 0, 10);
  const auto fail = [](ProtocolHarness& at, const Status& cause) {
    return at.Step(word::Failed{{kGroup, TxId(1), at.attempt(1)}, cause, {}});
  };
  EXPECT_TRUE(Contains(fail(h, Aborted("it threw")), "--on-failure dead-letter"));
  ProtocolHarness lost;
  lost.config.retry_limit = 0;
  lost.Start();
  lost.Emitted(1, 0, 10);
  EXPECT_FALSE(Contains(fail(lost, Unavailable("worker 1 was lost")), "dead-letter"));
}

TEST_F(BatchProtocolFailure, WhatFailedAndIsNotThereAnyMoreDoesNotKeepTheGroupBusy) {
  h.Start();
  h.Failed(1);  // while it looked for input
  h.AfterTheDelay();
  EXPECT_FALSE(h.status().idle);
  h.Emitted(1, 0, 0);
  EXPECT_EQ(h.status().retrying, TxId(0));
  EXPECT_TRUE(h.status().idle);
}

TEST_F(BatchProtocolFailure, ALostWorkerFailsWhatNeedsItAndNothingStartsWithoutIt) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  h.VotedByAll(2);
  EXPECT_EQ(h.Step(batch_event::WorkerLost{WorkerId(1), Incarnation(1)}),
            "abort 1:5.1 2:5.1 3:5.1");
  EXPECT_EQ(h.AfterTheDelay(), "");
  EXPECT_EQ(h.status().gate, EmitGate::kWorkerAbsent);
  EXPECT_TRUE(
      Contains(h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId(0)}), "begin 1:5.2"));
}

TEST_F(BatchProtocolFailure, AWorkerThatJoinsAnewWasLostBefore) {
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_EQ(h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId(0)}), "abort 1:5.1");
}

TEST_F(BatchProtocolFailure, ALossThatIsReportedBeforeItsJoinIsNotForgotten) {
  h.Start();
  h.Step(batch_event::WorkerLost{WorkerId(1), Incarnation(2)});
  EXPECT_EQ(h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId(0)}),
            "stale worker joined");
  EXPECT_EQ(h.status().gate, EmitGate::kWorkerAbsent);
}

TEST_F(BatchProtocolFailure, AnEmitterThatStartsAgainFailsTheAttemptThatWaitsForIt) {
  h.Start();
  EXPECT_EQ(h.Step(word::EmitterStarted{kA, Incarnation(2)}), "abort 1:5.1");
  h.AfterTheDelay();
  EXPECT_EQ(Emit().incarnation, Incarnation(2));
}

TEST_F(BatchProtocolFailure, AnEmitterThatStartsAgainAfterItAnsweredFailsNothing) {
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_TRUE(Contains(h.Step(word::EmitterStarted{kA, Incarnation(2)}), "begin 2:5.1"));
  EXPECT_EQ(h.VotedByAll(1), "decide 1:5.1");
}

TEST_F(BatchProtocolFailure, NoProgressForTheDeadlineFailsTheFirstThatIsNotReady) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kExhausted);
  h.At(10 * kSecond);
  EXPECT_EQ(h.At(11 * kSecond - 1), "");
  EXPECT_EQ(h.At(11 * kSecond), "abort 1:5.1 2:5.1");
  EXPECT_EQ(h.status().last_failure.code(), StatusCode::kDeadlineExceeded);
}

TEST_F(BatchProtocolFailure, WhatIsHeardOfTheFirstUnreadyAttemptExtendsItsDeadline) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  Nanos now = 10 * kSecond;
  h.At(now);
  for (int i = 0; i < 20; ++i) {
    h.Step(word::Progressed{{kGroup, TxId(1), h.attempt(1)}});
    now += kSecond - 1;
    EXPECT_EQ(h.At(now), "");
  }
}

TEST_F(BatchProtocolFailure, EmptyBatchesThatComeAndGoDoNotKeepALostOneWaiting) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kExhausted);
  Nanos now = 10 * kSecond;
  h.At(now);
  std::string text;
  for (int i = 0; i < 4 && !Contains(text, "abort 1:5.1"); ++i) {
    EXPECT_TRUE(Contains(h.InputReady(), "begin 2:"));
    h.Step(word::Progressed{{kGroup, TxId(2), h.attempt(2)}});
    h.Emitted(2, {});
    now += kSecond / 2;
    text = h.At(now);
  }
  EXPECT_TRUE(Contains(text, "abort 1:5.1")) << text;
}

TEST_F(BatchProtocolFailure, TheNextUnreadyAttemptHasADeadlineOfItsOwn) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kExhausted);
  h.At(10 * kSecond);
  h.VotedByAll(1);
  EXPECT_EQ(h.At(11 * kSecond), "") << "the deadline of txid 2 starts here";
  EXPECT_EQ(h.At(12 * kSecond), "abort 2:5.1");
}

TEST_F(BatchProtocolFailure, EventsOfStaleAttemptsDoNotExtendTheDeadline) {
  h.Start();
  h.Emitted(1, 0, 10);
  const Attempt old = h.attempt(1);
  h.Failed(1);
  h.AfterTheDelay();
  h.At(10 * kSecond);
  h.Step(word::Progressed{{kGroup, TxId(1), old}});
  EXPECT_EQ(h.At(11 * kSecond), "abort 1:5.2");
}

TEST_F(BatchProtocolFailure, ASlowDecisionIsWaitedForHoweverLongItTakes) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kExhausted);
  h.VotedByAll(1);
  h.VotedByAll(2);
  for (int i = 1; i < 100; ++i) EXPECT_EQ(h.At(i * 10 * kSecond), "");
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1; decide 2:5.1");
}

TEST_F(BatchProtocolFailure, TheDeadlineOfABatchAfterALongIdleTimeStartsWithTheBatch) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kExhausted);
  h.Commit(1);
  h.At(kSecond);
  h.InputReady();
  EXPECT_EQ(h.At(500 * kSecond), "") << "the first Tick since the batch started";
  EXPECT_EQ(h.At(501 * kSecond), "abort 2:5.1");
}

TEST_F(BatchProtocolFailure, AFailureOfAnEarlierTxidTakesThePlaceOfALaterOne) {
  h.config.retry_limit = 1;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  h.Failed(2);
  h.AfterTheDelay();
  EXPECT_EQ(h.Failed(1), "abort 1:5.1 2:5.2");
  EXPECT_EQ(h.status().retrying, TxId(1));
  h.AfterTheDelay();
  h.Emitted(1, 0, 2, Remaining::kMore);
  EXPECT_EQ(h.status().gate, EmitGate::kRetrying) << "nothing is cut after it";
  EXPECT_TRUE(Halted(h.Failed(1)));
}

TEST_F(BatchProtocolFailure, DecisionsOfEarlierTxidsDoNotGrowABatchThatIsBeingRetried) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  h.VotedByAll(1);
  h.Failed(2);
  EXPECT_EQ(h.status().limits.rows, 5u);
  h.Written(1, 1);
  EXPECT_EQ(h.status().limits.rows, 5u);
}

TEST_F(BatchProtocolFailure, AFailureWithoutACauseIsAFailureAllTheSame) {
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_EQ(h.Step(word::Failed{{kGroup, TxId(1), h.attempt(1)}, {}}), "abort 1:5.1");
  EXPECT_FALSE(h.status().last_failure.ok());
}

}  // namespace
}  // namespace trident
