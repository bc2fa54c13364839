// SPDX-License-Identifier: Apache-2.0
//
// The rules 1 to 7 of coordinator/protocol/batch_protocol.h, a sentence each.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

using ::testing::Test;
using word::Remaining;

class BatchProtocolRules : public Test {
 protected:
  ProtocolHarness h;
};

bool Halted(const std::string& text) { return text.find("halt: ") != std::string::npos; }
bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

TEST_F(BatchProtocolRules, OneBatchGoesFromEmitToApply) {
  EXPECT_EQ(h.Start(), "begin 1:5.1 after 0.0 [0/0]; emit 1:5.1 0/0 new 100 rows");
  EXPECT_EQ(h.Emitted(1, 0, 10), "permit 1:5.1");
  EXPECT_EQ(h.Voted(1, 0), "");
  EXPECT_EQ(h.Voted(1, 1), "decide 1:5.1");
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1");
  EXPECT_EQ(h.status().last_decided, TxId(1));
}

TEST_F(BatchProtocolRules, NextBatchIsEmittedBeforeTheLastIsVotedOrDecided) {
  h.Start();
  EXPECT_EQ(h.Emitted(1, 0, 10, Remaining::kMore),
            "permit 1:5.1; begin 2:5.1 after 5.1 [0/0]; emit 2:5.1 0/0 new 100 rows from p@10");
  EXPECT_EQ(h.Emitted(2, 10, 20, Remaining::kMore),
            "permit 2:5.1; begin 3:5.1 after 5.1 [0/0]; emit 3:5.1 0/0 new 100 rows from p@20");
}

TEST_F(BatchProtocolRules, NextBatchIsNotEmittedBeforeTheRangesOfTheLastAreKnown) {
  h.config.spouts[0].tasks = 2;
  h.Start();
  EXPECT_EQ(h.Emitted(1, {Range({SpoutId(0), 0}, "a", 0, 5)}, Remaining::kMore), "");
  EXPECT_EQ(h.status().in_flight.size(), 1u);
  EXPECT_EQ(h.status().gate, EmitGate::kRangesUnknown);
}

TEST_F(BatchProtocolRules, AttemptsCountUpPerTxidAndCarryTheEpoch) {
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_EQ(h.Failed(1), "abort 1:5.1");
  EXPECT_EQ(h.AfterTheDelay(), "begin 1:5.2 after 0.0 [0/0]; emit 1:5.2 0/0 new 5 rows from p@");
}

TEST_F(BatchProtocolRules, AttemptsOfANewStartDifferFromAllBefore) {
  h.recovered = {Epoch(6), TxId(41), Attempt{Epoch(5), 9}, {{SpoutId(0), {"p", "410"}}}, {}};
  EXPECT_EQ(h.Start(), "begin 42:6.1 after 5.9 [0/0]; emit 42:6.1 0/0 new 100 rows from p@410");
}

TEST_F(BatchProtocolRules, AnEpochThatDoesNotGrowIsRefused) {
  h.recovered = {Epoch(5), TxId(41), Attempt{Epoch(5), 9}, {}, {}};
  auto made = BatchProtocol::Create(h.config, h.recovered);
  ASSERT_FALSE(made.ok());
  EXPECT_TRUE(Contains(made.status().ToString(), "epochs must grow"));
}

TEST_F(BatchProtocolRules, AMessageOfANewerEpochStopsThisCoordinator) {
  h.Start();
  const std::string text = h.Step(
      word::Voted{{kGroup, TxId(1), Attempt{Epoch(6), 1}}, WorkerId(0), Incarnation(1), 0, 0});
  EXPECT_TRUE(Halted(text) && Contains(text, "another coordinator leads")) << text;
}

TEST_F(BatchProtocolRules, AMessageAboutAnAttemptThatWasNeverMadeHalts) {
  h.Start();
  EXPECT_TRUE(Halted(h.Step(word::Progressed{{kGroup, TxId(1), Attempt{Epoch(5), 2}}})));
}

TEST_F(BatchProtocolRules, AMessageAboutATxidThatWasNeverCutHalts) {
  h.Start();
  EXPECT_TRUE(Halted(h.Step(word::Progressed{{kGroup, TxId(900), Attempt{Epoch(5), 1}}})));
}

TEST_F(BatchProtocolRules, ARangeThatSkipsRowsHalts) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  const std::string text = h.Emitted(2, 11, 20);
  EXPECT_TRUE(Halted(text)) << text;
  EXPECT_TRUE(Contains(text, "must start at '10'") && Contains(text, "starts at '11'")) << text;
  EXPECT_TRUE(Contains(text, "abort 1:5.1 2:5.1")) << text;
}

TEST_F(BatchProtocolRules, ARangeThatOverlapsTheLastHalts) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  EXPECT_TRUE(Halted(h.Emitted(2, 9, 20)));
}

TEST_F(BatchProtocolRules, ARangeAfterARecoveredPositionMustStartThere) {
  h.recovered = {Epoch(6), TxId(41), Attempt{Epoch(5), 9}, {{SpoutId(0), {"p", "410"}}}, {}};
  h.Start();
  EXPECT_TRUE(Halted(h.Emitted(42, 0, 10)));
}

TEST_F(BatchProtocolRules, AfterAFailureTheNextCutStartsWhereTheFailedOneDid) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  h.Failed(1);
  EXPECT_EQ(h.AfterTheDelay(), "begin 1:5.2 after 0.0 [0/0]; emit 1:5.2 0/0 new 5 rows from p@");
  EXPECT_EQ(h.Emitted(1, 0, 4), "permit 1:5.2");
}

TEST_F(BatchProtocolRules, PartitionsMayAppearAndOneThatVanishesKeepsItsPosition) {
  h.Start();
  h.Emitted(1, {Range({}, "a", 0, 5), Range({}, "b", 0, 7)}, Remaining::kMore);
  EXPECT_EQ(h.Emitted(2, {Range({}, "c", 3, 4), Range({}, "b", 7, 8)}, Remaining::kMore),
            "permit 2:5.1; begin 3:5.1 after 5.1 [0/0]; "
            "emit 3:5.1 0/0 new 100 rows from a@5 from b@8 from c@4");
  EXPECT_EQ(h.Emitted(3, {Range({}, "a", 5, 6)}), "permit 3:5.1");
}

TEST_F(BatchProtocolRules, OnePartitionEmittedTwiceInOneBatchHalts) {
  h.Start();
  EXPECT_TRUE(Halted(h.Emitted(1, {Range({}, "a", 0, 5), Range({}, "a", 5, 7)})));
}

TEST_F(BatchProtocolRules, OnePartitionEmittedByTwoTasksOfASpoutHalts) {
  h.config.spouts[0].tasks = 2;
  h.Start();
  h.Emitted(1, {Range({SpoutId(0), 0}, "a", 0, 5)});
  EXPECT_TRUE(Halted(h.Emitted(1, {Range({SpoutId(0), 1}, "a", 5, 7)})));
}

TEST_F(BatchProtocolRules, RowsWithoutMovementHaltUnlessTheSpoutCannotGoBack) {
  SourceRange range = Range({}, "p", 4, 4);
  range.rows = 1;
  h.Start();
  EXPECT_TRUE(Halted(h.Emitted(1, {range})));

  ProtocolHarness other;
  other.config.spouts[0].kind = SpoutKind::kNonTransactional;
  other.Start();
  EXPECT_EQ(other.Emitted(1, {range}), "permit 1:5.1");
}

TEST_F(BatchProtocolRules, PositionsOfASpoutThatCannotGoBackAreNotChecked) {
  h.config.spouts[0].kind = SpoutKind::kNonTransactional;
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  EXPECT_TRUE(Contains(h.Emitted(2, 70, 75), "permit 2:5.1"));
}

TEST_F(BatchProtocolRules, MoreRowsThanAskedForHalt) {
  h.Start();
  const std::string text = h.Emitted(1, 0, 101);
  EXPECT_TRUE(Halted(text) && Contains(text, "at most 100 rows but emitted 101")) << text;
}

TEST_F(BatchProtocolRules, ARangeReportedForAnotherEmitterHalts) {
  h.config.spouts[0].tasks = 2;
  h.Start();
  EXPECT_TRUE(Halted(h.Step(word::Emitted{{kGroup, TxId(1), h.attempt(1)},
                                          {SpoutId(0), 0},
                                          Incarnation(1),
                                          {Range({SpoutId(0), 1}, "p", 0, 1)},
                                          Remaining::kMore})));
}

TEST_F(BatchProtocolRules, AnAnswerOfAnEmitterThatWasNotAskedHalts) {
  h.config.spouts[0].tasks = 2;
  h.Start();
  h.Emitted(1, {Range({SpoutId(0), 0}, "p", 0, 1)});
  h.Emitted(1, {Range({SpoutId(0), 1}, "q", 0, 1)});
  h.InputReady({SpoutId(0), 0});
  EXPECT_TRUE(Halted(h.Emitted(2, {Range({SpoutId(0), 1}, "q", 1, 2)})));
}

TEST_F(BatchProtocolRules, AVoteBeforeThePermitHalts) {
  h.Start();
  EXPECT_TRUE(Halted(h.Voted(1, 0)));
}

TEST_F(BatchProtocolRules, NothingIsDecidedWithoutTheVotesOfAllWorkers) {
  h.config.voters.push_back(WorkerId(2));
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_EQ(h.Voted(1, 2), "");
  EXPECT_EQ(h.Voted(1, 0), "");
  EXPECT_EQ(h.Voted(1, 0), "stale voted 1:5.1 now 5.1");
  EXPECT_EQ(h.Voted(1, 1), "decide 1:5.1");
}

TEST_F(BatchProtocolRules, VotesOfAnOlderAttemptDoNotCount) {
  h.Start();
  h.Emitted(1, 0, 10);
  h.Voted(1, 0);
  const Attempt old = h.attempt(1);
  h.Failed(1);
  h.AfterTheDelay();
  h.Emitted(1, 0, 5);
  EXPECT_EQ(h.Step(word::Voted{{kGroup, TxId(1), old}, WorkerId(1), Incarnation(1), 3, 9}),
            "stale voted 1:5.1 now 5.2");
  EXPECT_EQ(h.Voted(1, 0), "");
  EXPECT_EQ(h.Voted(1, 1), "decide 1:5.2");
}

TEST_F(BatchProtocolRules, VotesOfAnOlderLifeOfAWorkerDoNotCount) {
  h.Start();
  h.Step(word::WorkerJoined{WorkerId(1), Incarnation(2), TxId(0)});
  h.AfterTheDelay();
  h.Emitted(1, 0, 10);
  h.Voted(1, 0);
  EXPECT_EQ(h.Voted(1, 1), "stale voted 1:5.2 now 5.2");  // life 1
  EXPECT_EQ(h.Step(word::Voted{{kGroup, TxId(1), h.attempt(1)}, WorkerId(1), Incarnation(2), 3, 9}),
            "decide 1:5.2");
}

TEST_F(BatchProtocolRules, AWorkerThatVotesTwiceAndDifferentlyHalts) {
  h.Start();
  h.Emitted(1, 0, 10);
  h.Voted(1, 0);
  EXPECT_TRUE(Halted(
      h.Step(word::Voted{{kGroup, TxId(1), h.attempt(1)}, WorkerId(0), Incarnation(1), 3, 10})));
}

TEST_F(BatchProtocolRules, AnEmitterThatAnswersTwiceAndDifferentlyHalts) {
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_TRUE(Halted(h.Emitted(1, 0, 11)));
}

TEST_F(BatchProtocolRules, DecisionsAreIssuedInOrderWhateverTheOrderOfTheVotes) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  EXPECT_EQ(h.VotedByAll(2), "");
  EXPECT_EQ(h.VotedByAll(1), "decide 1:5.1 2:5.1");
}

TEST_F(BatchProtocolRules, OneDecideIsOutstandingAndTheReadyOnesRideTheNext) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  h.Emitted(3, 20, 30, Remaining::kExhausted);
  EXPECT_EQ(h.VotedByAll(1), "decide 1:5.1");
  EXPECT_EQ(h.VotedByAll(2), "");
  EXPECT_EQ(h.VotedByAll(3), "");
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1; decide 2:5.1 3:5.1");
  EXPECT_EQ(h.Written(2, 3), "apply 2:5.1; apply 3:5.1");
}

TEST_F(BatchProtocolRules, TheDecisionHoldsRangesRowsAndVotes) {
  h.Start();
  h.Emitted(1, {Range({}, "a", 0, 5), Range({}, "b", 2, 9)});
  h.VotedByAll(1);
  const auto& record = std::get<batch_action::Decide>(h.actions().front()).records.front();
  EXPECT_EQ(record.rows, 12u);
  EXPECT_EQ(record.rows_diverted, 0u);
  ASSERT_EQ(record.ranges.size(), 2u);
  EXPECT_EQ(ToText(record.ranges[1]), "0/0 b[2,9)");
  ASSERT_EQ(record.votes.size(), 2u);
  EXPECT_EQ(record.votes[1], (VoteRecord{WorkerId(1), 3, 9}));
}

TEST_F(BatchProtocolRules, AFailureCancelsEveryLaterBatchAndEachGetsAFreshAttempt) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20, Remaining::kMore);
  h.Emitted(3, 20, 30, Remaining::kMore);
  EXPECT_EQ(h.Failed(2), "abort 2:5.1 3:5.1 4:5.1");
  EXPECT_EQ(h.attempt(1), (Attempt{Epoch(5), 1}));
  EXPECT_EQ(h.AfterTheDelay(), "begin 2:5.2 after 5.1 [0/0]; emit 2:5.2 0/0 new 5 rows from p@10");
  h.Emitted(2, 10, 15, Remaining::kMore);
  EXPECT_EQ(h.status().gate, EmitGate::kRetrying);
  h.VotedByAll(1);
  h.VotedByAll(2);
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1; decide 2:5.2");
  EXPECT_EQ(h.Written(2, 2),
            "apply 2:5.2; begin 3:5.2 after 5.2 [0/0]; emit 3:5.2 0/0 new 10 rows from p@15");
}

TEST_F(BatchProtocolRules, ADecisionThatWasIssuedIsNotAborted) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20);
  h.VotedByAll(1);
  EXPECT_EQ(h.Failed(1), "stale failed 1:5.1 now 5.1");
  EXPECT_EQ(h.Step(batch_event::WorkerLost{WorkerId(1), Incarnation(1)}), "abort 2:5.1");
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1");
}

TEST_F(BatchProtocolRules, AnUnknownOutcomeOfADecisionHaltsAndIsNeverIssuedAgain) {
  h.Start();
  h.Emitted(1, 0, 10);
  h.VotedByAll(1);
  const std::string text =
      h.Step(batch_event::DecisionWritten{TxId(1), TxId(1), Internal("fsync: EIO")});
  EXPECT_TRUE(Halted(text)) << text;
  EXPECT_TRUE(Contains(text, "is unknown: reopen the decision log and compare")) << text;
  EXPECT_TRUE(Contains(text, "fsync: EIO")) << text;
  EXPECT_EQ(h.VotedByAll(1), "");
  EXPECT_EQ(h.At(100 * kSecond), "");
}

TEST_F(BatchProtocolRules, DecisionsThatTheStoreRefusesHaltWithTheReasonAndAreNotCalledUnknown) {
  h.Start();
  h.Emitted(1, 0, 10);
  h.VotedByAll(1);
  const std::string text = h.Step(batch_event::DecisionWritten{
      TxId(1), TxId(1), FailedPrecondition("takes no more writes since one failed: disk full")});
  EXPECT_TRUE(Halted(text)) << text;
  EXPECT_TRUE(Contains(text, "the decisions 1 to 1 were not written: takes no more")) << text;
  EXPECT_FALSE(Contains(text, "unknown")) << text;
  EXPECT_EQ(h.VotedByAll(1), "");
  EXPECT_EQ(h.At(100 * kSecond), "");
}

TEST_F(BatchProtocolRules, AReportOfDecisionsThatWereNotIssuedHalts) {
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_TRUE(Halted(h.Written(1, 1)));
}

TEST_F(BatchProtocolRules, AReportOfMoreDecisionsThanIssuedHalts) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.Emitted(2, 10, 20);
  h.VotedByAll(1);
  EXPECT_TRUE(Halted(h.Written(1, 2)));
}

TEST_F(BatchProtocolRules, ADecisionOnItsWayIsAppliedAlsoAfterAHalt) {
  h.Start();
  h.Emitted(1, 0, 10, Remaining::kMore);
  h.VotedByAll(1);
  EXPECT_TRUE(Halted(h.Emitted(2, 99, 100)));
  EXPECT_EQ(h.Written(1, 1), "apply 1:5.1");
  EXPECT_EQ(h.status().last_decided, TxId(1));
  EXPECT_FALSE(h.status().halted.ok());
}

TEST_F(BatchProtocolRules, AHaltedGroupDoesNothingMore) {
  h.Start();
  EXPECT_TRUE(Halted(h.Emitted(1, 0, 101)));
  EXPECT_EQ(h.InputReady(), "");
  EXPECT_EQ(h.Step(batch_event::Resume{}), "");
  EXPECT_EQ(h.At(kSecond), "");
  EXPECT_EQ(h.status().gate, EmitGate::kHalted);
}

TEST_F(BatchProtocolRules, AWorkerThatAppliedMoreThanIsDecidedHalts) {
  h.Start();
  EXPECT_TRUE(Halted(h.Applied(1, 0)));

  ProtocolHarness other;
  other.Start();
  const std::string text = other.Step(word::WorkerJoined{WorkerId(0), Incarnation(2), TxId(3)});
  EXPECT_TRUE(Halted(text) && Contains(text, "an older decision log")) << text;
}

TEST_F(BatchProtocolRules, StrangersHaltTheGroup) {
  for (const BatchEvent& event :
       std::vector<BatchEvent>{word::WorkerJoined{WorkerId(9), Incarnation(1), TxId(0)},
                               batch_event::WorkerLost{WorkerId(9), Incarnation(1)},
                               word::Applied{TxId(1), WorkerId(9), Incarnation(1)},
                               word::InputReady{{SpoutId(0), 1}, Incarnation(1)},
                               word::EmitterStarted{{SpoutId(3), 0}, Incarnation(1)},
                               batch_event::EmitterLost{{SpoutId(3), 0}, Incarnation(1)}}) {
    ProtocolHarness other;
    other.Start();
    EXPECT_TRUE(Halted(other.Step(event))) << event.index();
  }
}

TEST_F(BatchProtocolRules, ConfigurationsThatCannotWorkAreRefused) {
  const auto refused = [&](auto change) {
    GroupConfig config = h.config;
    change(config);
    return BatchProtocol::Create(config, h.recovered).status().code() ==
           StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](GroupConfig& c) { c.max_pending = 0; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.max_pending = kMaxPendingMax + 1; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.limits.rows = 0; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.limits.bytes = 0; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.backlog_max = 0; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.age_max = -1; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.retry_delay_max = c.retry_delay_min - 1; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.progress_deadline = 0; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.spouts.clear(); }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.spouts[0].tasks = 0; }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.spouts.push_back(c.spouts[0]); }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.voters.clear(); }));
  EXPECT_TRUE(refused([](GroupConfig& c) { c.voters.push_back(c.voters[0]); }));
}

TEST_F(BatchProtocolRules, MemoriesThatContradictThemselvesAreRefused) {
  const auto outcome = [&](Recovered recovered) {
    return BatchProtocol::Create(h.config, recovered).status().code();
  };
  const Attempt old{Epoch(4), 1};
  const SpoutPosition at{SpoutId(0), {"p", "10"}};
  EXPECT_EQ(outcome({Epoch(5), TxId(3), old, {at}, {}}), StatusCode::kOk);
  EXPECT_EQ(outcome({Epoch(0), TxId(0), {}, {}, {}}), StatusCode::kInvalidArgument);
  EXPECT_EQ(outcome({Epoch(5), TxId(3), {}, {at}, {}}), StatusCode::kDataLoss);
  EXPECT_EQ(outcome({Epoch(5), TxId(0), {}, {at}, {}}), StatusCode::kDataLoss);
  EXPECT_EQ(outcome({Epoch(5), TxId(3), old, {at, at}, {}}), StatusCode::kDataLoss);
  EXPECT_EQ(outcome({Epoch(5), TxId(3), old, {{SpoutId(8), {"p", "1"}}}, {}}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(outcome({Epoch(5), TxId(3), old, {at}, {{TxId(5), {}}}}), StatusCode::kDataLoss);
  EXPECT_EQ(outcome({Epoch(5), TxId(3), old, {at}, {{TxId(4), {Range({}, "p", 11, 12)}}}}),
            StatusCode::kDataLoss);
  EXPECT_EQ(
      outcome({Epoch(5), TxId(3), old, {at}, {{TxId(4), {Range({SpoutId(0), 5}, "p", 10, 12)}}}}),
      StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace trident
