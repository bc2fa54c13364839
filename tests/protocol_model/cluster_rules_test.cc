// SPDX-License-Identifier: Apache-2.0
//
// Rules of ParticipantProtocol and Takeover in histories of a few steps, written by hand: what
// seeds reach too seldom. The cluster's mutants are judged by these, too.
#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/protocol/batch_protocol.h"
#include "coordinator/protocol/participant_protocol.h"
#include "coordinator/protocol/takeover.h"

namespace trident::model {
namespace {

constexpr GroupId kGroup(1);
constexpr WorkerId kMe(0);

Attempt A(uint64_t epoch, uint32_t counter = 1) { return {Epoch(epoch), counter}; }
BatchId Id(uint64_t txid, Attempt attempt) { return {kGroup, TxId(txid), attempt}; }
// Of the batches of these histories.
int64_t BatchTime(uint64_t txid) { return static_cast<int64_t>(1000 + 10 * txid); }
PreparedRecord Record(uint64_t txid, Attempt attempt, Attempt previous) {
  PreparedRecord record;
  record.txid = TxId(txid);
  record.attempt = attempt;
  record.previous = previous;
  record.cut = std::make_shared<const BatchCut>(
      BatchCut{{{{SpoutId(1), 0}, "s", std::to_string(txid - 1), std::to_string(txid), 1}},
               1,
               0,
               BatchTime(txid)});
  return record;
}
GroupReport Report(uint64_t known, Attempt attempt, std::vector<PreparedRecord> records = {}) {
  GroupReport report{kGroup, TxId(known), attempt, std::move(records), {}};
  report.log.emplace();
  report.log->after = TxId(known);
  if (known > 0) report.log->positions = {{SpoutId(1), {"s", std::to_string(known)}}};
  if (known > 0) report.log->batch_time_micros = BatchTime(known);
  return report;
}

// ---- a worker ----

class Participant {
 public:
  explicit Participant(Epoch promised = Epoch(), GroupReport has = Report(0, Attempt()),
                       uint64_t life = 1)
      : protocol_(kMe, Incarnation(life), {promised, {std::move(has)}}) {}

  // The names of the actions, in order.
  std::vector<std::string> Step(const ParticipantEvent& event) {
    std::vector<ParticipantAction> actions;
    protocol_.Step(event, actions);
    std::vector<std::string> names;
    for (const ParticipantAction& action : actions) {
      names.push_back(std::visit([](const auto& a) { return Name(a); }, action));
      if (const auto* promised = std::get_if<word::Promised>(&action)) report_ = *promised;
    }
    return names;
  }
  // Takes part in an epoch that starts with `settlement`.
  void Join(uint64_t epoch, GroupSettlement settlement = {kGroup, TxId(), {}}) {
    Step(word::PromiseAsked{Epoch(epoch)});
    Step(participant_event::PromiseWritten{Epoch(epoch)});
    Step(word::Settled{Epoch(epoch), {std::move(settlement)}});
    ASSERT_EQ(protocol_.joined(), Epoch(epoch));
  }
  void Prepare(uint64_t txid, Attempt attempt, Attempt previous) {
    Step(word::Permit{Id(txid, attempt), previous});
    Step(participant_event::Staged{Id(txid, attempt), Record(txid, attempt, previous)});
    Step(participant_event::RecordWritten{Id(txid, attempt)});
  }
  const word::Promised& report() const { return report_; }
  Epoch joined() const { return protocol_.joined(); }

 private:
  static std::string Of(const BatchId& id) {
    return " " + ToString(id.txid) + "/" + ToString(id.attempt);
  }
  static std::string Name(const word::Promised& a) { return "promised " + Text(a.epoch); }
  static std::string Name(const word::LogWritten& a) { return "log written " + Text(a.epoch); }
  static std::string Name(const word::WriteLog& a) { return "write log " + Text(a.epoch); }
  static std::string Name(const word::Refused& a) { return "refused " + Text(a.epoch); }
  static std::string Name(const word::Voted& a) { return "voted" + Of(a.id); }
  static std::string Name(const word::Voided& a) { return "voided" + Of(a.id); }
  static std::string Name(const word::Permit& a) { return "permit" + Of(a.id); }
  static std::string Name(const word::Abort&) { return "abort"; }
  static std::string Name(const participant_action::Forget&) { return "forget"; }
  static std::string Name(const participant_action::WritePromise& a) {
    return "write promise " + Text(a.epoch);
  }
  static std::string Name(const participant_action::WriteRecord& a) { return "write" + Of(a.id); }
  static std::string Name(const participant_action::DropRecords& a) {
    return "drop from " + ToString(a.id.txid);
  }
  static std::string Name(const participant_action::ApplyStaged& a) { return "apply" + Of(a.id); }
  static std::string Name(const participant_action::ApplyRecord& a) { return "replay" + Of(a.id); }
  static std::string Name(const participant_action::Join& a) { return "join " + Text(a.epoch); }
  static std::string Name(const participant_action::Damaged&) { return "damaged"; }
  static std::string Text(Epoch epoch) { return std::to_string(epoch.value()); }

  ParticipantProtocol protocol_;
  word::Promised report_;
};

using Names = std::vector<std::string>;

TEST(ClusterRules, AWorkerVotesWhenItsRecordIsDurable) {
  Participant worker;
  worker.Join(1);
  EXPECT_EQ(worker.Step(word::Permit{Id(1, A(1)), Attempt()}), Names{"permit 1/1.1"});
  EXPECT_EQ(worker.Step(participant_event::Staged{Id(1, A(1)), Record(1, A(1), Attempt())}),
            Names{"write 1/1.1"});
  EXPECT_EQ(worker.Step(participant_event::RecordWritten{Id(1, A(1))}), Names{"voted 1/1.1"});
  EXPECT_EQ(worker.Step(word::Apply{Id(1, A(1))}), Names{"apply 1/1.1"});
}

TEST(ClusterRules, RecordsAreWrittenInOrderEachOverTheOneBefore) {
  Participant worker;
  worker.Join(1);
  EXPECT_EQ(worker.Step(participant_event::Staged{Id(2, A(1)), Record(2, A(1), A(1))}), Names{});
  EXPECT_EQ(worker.Step(participant_event::Staged{Id(1, A(1)), Record(1, A(1), Attempt())}),
            (Names{"write 1/1.1", "write 2/1.1"}));
}

TEST(ClusterRules, AnApplyTellsOfAllBeforeIt) {
  Participant worker;
  worker.Join(1);
  worker.Prepare(1, A(1), Attempt());
  worker.Prepare(2, A(1), A(1));
  EXPECT_EQ(worker.Step(word::Apply{Id(2, A(1))}), (Names{"apply 1/1.1", "apply 2/1.1"}));
  EXPECT_EQ(worker.Step(word::Apply{Id(1, A(1))}), Names{}) << "late";
}

TEST(ClusterRules, AnApplyOfWhatWasNotVotedForIsNoDecision) {
  Participant worker;
  worker.Join(1);
  EXPECT_EQ(worker.Step(word::Apply{Id(1, A(1))}), Names{"damaged"});
}

TEST(ClusterRules, APromiseEndsTheEpochAtOnceAndIsReportedBehindAllRecords) {
  Participant worker;
  worker.Join(1);
  worker.Step(participant_event::Staged{Id(1, A(1)), Record(1, A(1), Attempt())});
  EXPECT_EQ(worker.Step(word::PromiseAsked{Epoch(2)}), (Names{"forget", "write promise 2"}));
  EXPECT_EQ(worker.Step(participant_event::RecordWritten{Id(1, A(1))}), Names{})
      << "a vote in an epoch that has ended";
  EXPECT_EQ(worker.Step(word::Permit{Id(2, A(1)), A(1)}), Names{"refused 1"});
  EXPECT_EQ(worker.Step(participant_event::PromiseWritten{Epoch(2)}), Names{"promised 2"});
  ASSERT_EQ(worker.report().groups.at(0).records.size(), 1u);
  EXPECT_EQ(worker.report().groups[0].records[0].attempt, A(1));
}

TEST(ClusterRules, AnOlderEpochIsRefusedAndTheSameOneIsAnsweredAgain) {
  Participant worker;
  worker.Step(word::PromiseAsked{Epoch(5)});
  EXPECT_EQ(worker.Step(word::PromiseAsked{Epoch(5)}), Names{}) << "it is being written";
  worker.Step(participant_event::PromiseWritten{Epoch(5)});
  EXPECT_EQ(worker.Step(word::PromiseAsked{Epoch(5)}), Names{"promised 5"});
  EXPECT_EQ(worker.Step(word::PromiseAsked{Epoch(4)}), Names{"refused 4"});
  EXPECT_EQ(worker.Step(word::Settled{Epoch(4), {{kGroup, TxId(), {}}}}), Names{"refused 4"});
}

// Else it would drop, for a second Settled, the record of what was decided meanwhile.
TEST(ClusterRules, ALaterLifeWaitsForANewerEpoch) {
  Participant later(Epoch(1), Report(0, Attempt(), {Record(1, A(1), Attempt())}), 2);
  EXPECT_EQ(later.Step(word::PromiseAsked{Epoch(1)}), Names{"refused 1"});
  EXPECT_EQ(later.Step(word::Settled{Epoch(1), {{kGroup, TxId(), {}}}}), Names{"refused 1"});
  EXPECT_EQ(later.Step(word::PromiseAsked{Epoch(2)}), (Names{"forget", "write promise 2"}));
}

TEST(ClusterRules, WhatIsDecidedIsAppliedFromTheRecordsAndTheRestIsDropped) {
  Participant worker(
      Epoch(1),
      Report(0, Attempt(),
             {Record(1, A(1), Attempt()), Record(2, A(1), A(1)), Record(3, A(1), A(1))}),
      2);
  worker.Step(word::PromiseAsked{Epoch(2)});
  worker.Step(participant_event::PromiseWritten{Epoch(2)});
  EXPECT_EQ(worker.Step(word::Settled{Epoch(2), {{kGroup, TxId(2), {A(1), A(1)}}}}),
            (Names{"replay 1/1.1", "replay 2/1.1", "drop from 3", "join 2"}));
}

TEST(ClusterRules, WhatIsDecidedAndNotHereIsDamage) {
  for (const GroupSettlement& settlement :
       {GroupSettlement{kGroup, TxId(2), {A(1), A(1)}}, GroupSettlement{kGroup, TxId(1), {A(1, 2)}},
        GroupSettlement{kGroup, TxId(2), {A(1)}}}) {
    Participant worker(Epoch(1), Report(0, Attempt(), {Record(1, A(1), Attempt())}), 2);
    worker.Step(word::PromiseAsked{Epoch(2)});
    worker.Step(participant_event::PromiseWritten{Epoch(2)});
    EXPECT_EQ(worker.Step(word::Settled{Epoch(2), {settlement}}), Names{"damaged"});
    EXPECT_EQ(worker.joined(), Epoch());
  }
  Participant ahead(Epoch(1), Report(3, A(1)), 2);
  ahead.Step(word::PromiseAsked{Epoch(2)});
  ahead.Step(participant_event::PromiseWritten{Epoch(2)});
  EXPECT_EQ(ahead.Step(word::Settled{Epoch(2), {{kGroup, TxId(2), {}}}}), Names{"damaged"});
}

TEST(ClusterRules, VoidedComesWhenTheRecordIsGone) {
  Participant worker;
  worker.Join(1);
  worker.Prepare(1, A(1), Attempt());
  EXPECT_EQ(worker.Step(word::Abort{{Id(1, A(1))}}), (Names{"abort", "drop from 1"}));
  EXPECT_EQ(worker.Step(participant_event::RecordsDropped{Id(1, A(1))}), Names{"voided 1/1.1"});
}

TEST(ClusterRules, ARecordOnItsWayToTheDiskMayBeThere) {
  Participant worker;
  worker.Join(1);
  worker.Step(participant_event::Staged{Id(1, A(1)), Record(1, A(1), Attempt())});
  EXPECT_EQ(worker.Step(word::Abort{{Id(1, A(1))}}), (Names{"abort", "drop from 1"}));
  EXPECT_EQ(worker.Step(participant_event::RecordWritten{Id(1, A(1))}), Names{});
  EXPECT_EQ(worker.Step(participant_event::RecordsDropped{Id(1, A(1))}), Names{"voided 1/1.1"});
}

TEST(ClusterRules, WhatWasNeverWrittenIsVoidAtOnceAndStaysUnwritten) {
  Participant worker;
  worker.Join(1);
  EXPECT_EQ(worker.Step(word::Abort{{Id(1, A(1)), Id(2, A(1))}}),
            (Names{"abort", "voided 1/1.1", "voided 2/1.1"}));
  EXPECT_EQ(worker.Step(participant_event::Staged{Id(1, A(1)), Record(1, A(1), Attempt())}),
            Names{});
  EXPECT_EQ(worker.Step(word::Permit{Id(1, A(1)), Attempt()}), Names{});
}

TEST(ClusterRules, ALateAbortLeavesTheNewerAttempt) {
  Participant worker;
  worker.Join(1);
  worker.Prepare(1, A(1, 2), Attempt());
  EXPECT_EQ(worker.Step(word::Abort{{Id(1, A(1, 1))}}), Names{"abort"});
  EXPECT_EQ(worker.Step(word::Apply{Id(1, A(1, 2))}), Names{"apply 1/1.2"});
}

TEST(ClusterRules, AWorkerWritesTheLogThatItIsGivenBetweenItsPromiseAndTheStart) {
  Participant worker;
  const word::WriteLog give{Epoch(1), {{kGroup, {}}}};
  worker.Step(word::PromiseAsked{Epoch(1)});
  EXPECT_EQ(worker.Step(give), Names{}) << "the promise is not durable";
  worker.Step(participant_event::PromiseWritten{Epoch(1)});
  EXPECT_EQ(worker.Step(give), Names{"write log 1"});
  EXPECT_EQ(worker.Step(give), Names{}) << "it is being written";
  EXPECT_EQ(worker.Step(participant_event::LogWritten{Epoch(1)}), Names{"log written 1"});
  EXPECT_EQ(worker.Step(give), Names{"log written 1"}) << "the answer may have been lost";
  worker.Step(word::Settled{Epoch(1), {{kGroup, TxId(), {}}}});
  EXPECT_EQ(worker.Step(give), Names{}) << "late: the log has gone on";
  worker.Step(word::PromiseAsked{Epoch(2)});
  EXPECT_EQ(worker.Step(give), Names{"refused 1"});
  EXPECT_EQ(worker.Step(participant_event::LogWritten{Epoch(1)}), Names{});
}

// ---- a takeover ----

class TakeoverOf {
 public:
  // Of epoch 3, over base epoch 1, of two workers, which decided `decided`.
  explicit TakeoverOf(uint64_t decided, uint64_t workers = 2) : takeover_(Mine(decided, workers)) {}
  // The same, with the log in other hands.
  TakeoverOf(std::vector<WorkerId> base_scribes, std::vector<WorkerId> scribes)
      : takeover_(WithScribes(std::move(base_scribes), std::move(scribes))) {}

  void Hear(uint32_t worker, GroupReport report) {
    takeover_.Step(word::Promised{Epoch(3), WorkerId(worker), Incarnation(1), {std::move(report)}},
                   actions_);
  }
  void Step(const TakeoverEvent& event) { takeover_.Step(event, actions_); }
  // The start that it wants to write; null if it does not.
  const EpochRecord* start() const { return Find<takeover_action::WriteStart>(&Start); }
  TxId decided() const { return start() == nullptr ? TxId(99) : start()->groups[0].decided; }
  bool has_given_up() const { return Count<takeover_action::GiveUp>() > 0; }
  template <class Action>
  size_t Count() const {
    size_t count = 0;
    for (const TakeoverAction& a : actions_) count += std::holds_alternative<Action>(a) ? 1 : 0;
    return count;
  }
  const std::vector<TakeoverAction>& actions() const { return actions_; }

 private:
  static EpochRecord Mine(uint64_t decided, uint64_t workers) {
    EpochRecord record;
    record.epoch = Epoch(3);
    record.base = Epoch(1);
    for (uint32_t w = 0; w < workers; ++w) record.workers.push_back(WorkerId(w));
    record.base_workers = record.workers;
    record.scribes = record.base_scribes = record.workers;
    record.groups = {{kGroup, TxId(decided), decided == 0 ? Attempt() : A(1)}};
    return record;
  }
  static EpochRecord WithScribes(std::vector<WorkerId> base_scribes,
                                 std::vector<WorkerId> scribes) {
    EpochRecord record = Mine(0, 2);
    record.base_scribes = std::move(base_scribes);
    record.scribes = std::move(scribes);
    return record;
  }
  static const EpochRecord* Start(const takeover_action::WriteStart& a) { return &a.record; }
  template <class Action, class Get>
  auto Find(Get get) const -> decltype(get(std::declval<const Action&>())) {
    for (const TakeoverAction& a : actions_) {
      if (const auto* found = std::get_if<Action>(&a)) return get(*found);
    }
    return nullptr;
  }

  Takeover takeover_;
  std::vector<TakeoverAction> actions_;
};

TEST(ClusterRules, ATakeoverWaitsForEveryWorkerOfTheBase) {
  TakeoverOf takeover(0, 3);
  takeover.Hear(0, Report(0, Attempt()));
  takeover.Hear(1, Report(0, Attempt()));
  EXPECT_EQ(takeover.start(), nullptr);
  takeover.Hear(2, Report(0, Attempt()));
  EXPECT_EQ(takeover.decided(), TxId(0));
}

TEST(ClusterRules, WhatAllHoldIsDecidedAlsoIfNobodyKnewIt) {
  TakeoverOf takeover(0);
  for (uint32_t w : {0, 1}) {
    takeover.Hear(w, Report(0, Attempt(), {Record(1, A(1), Attempt()), Record(2, A(1), A(1))}));
  }
  EXPECT_EQ(takeover.decided(), TxId(2));
}

TEST(ClusterRules, WhatOneLacksIsNotDecided) {
  TakeoverOf takeover(0);
  takeover.Hear(0, Report(0, Attempt(), {Record(1, A(1), Attempt()), Record(2, A(1), A(1))}));
  takeover.Hear(1, Report(0, Attempt(), {Record(1, A(1), Attempt())}));
  EXPECT_EQ(takeover.decided(), TxId(1));
}

TEST(ClusterRules, TwoAttemptsAreNoDecision) {
  TakeoverOf takeover(0);
  takeover.Hear(0, Report(0, Attempt(), {Record(1, A(1, 1), Attempt())}));
  takeover.Hear(1, Report(0, Attempt(), {Record(1, A(1, 2), Attempt())}));
  EXPECT_EQ(takeover.decided(), TxId(0));
}

TEST(ClusterRules, RecordsOfAnOlderEpochThanTheBaseDoNotCount) {
  TakeoverOf takeover(0);
  for (uint32_t w : {0, 1}) takeover.Hear(w, Report(0, Attempt(), {Record(1, A(0), Attempt())}));
  EXPECT_EQ(takeover.decided(), TxId(0));
}

// The base started with attempt 1.1 of txid 1, which one of them has applied; over it lies nothing.
TEST(ClusterRules, AChainGoesOnOverTheDecidedAttemptAlone) {
  TakeoverOf takeover(1);
  takeover.Hear(0, Report(1, A(1), {Record(2, A(1), A(1))}));
  takeover.Hear(1, Report(0, Attempt(), {Record(1, A(1), Attempt()), Record(2, A(1), A(1))}));
  EXPECT_EQ(takeover.decided(), TxId(2));
}

TEST(ClusterRules, WhatOneKnowsIsDecidedAndTheOthersMustHaveIt) {
  TakeoverOf takeover(0);
  takeover.Hear(0, Report(2, A(1)));
  takeover.Hear(1, Report(1, A(1), {Record(2, A(1), A(1))}));
  EXPECT_EQ(takeover.decided(), TxId(2));
  TakeoverOf damaged(0);
  damaged.Hear(0, Report(2, A(1)));
  damaged.Hear(1, Report(1, A(1)));
  EXPECT_TRUE(damaged.has_given_up());
  TakeoverOf other(0);
  other.Hear(0, Report(2, A(1)));
  other.Hear(1, Report(1, A(1), {Record(2, A(1, 2), A(1))}));
  EXPECT_TRUE(other.has_given_up());
}

TEST(ClusterRules, WhatTheBaseStartedWithIsDecidedThoughAllWereForgetful) {
  TakeoverOf takeover(2);
  for (uint32_t w : {0, 1}) {
    takeover.Hear(w, Report(0, Attempt(), {Record(1, A(0), Attempt()), Record(2, A(1), A(0))}));
  }
  EXPECT_EQ(takeover.decided(), TxId(2));
  TakeoverOf damaged(2);
  for (uint32_t w : {0, 1}) damaged.Hear(w, Report(0, Attempt()));
  EXPECT_TRUE(damaged.has_given_up());
}

TEST(ClusterRules, NobodyIsToldBeforeTheStartIsWritten) {
  TakeoverOf takeover(0);
  for (uint32_t w : {0, 1}) takeover.Hear(w, Report(0, Attempt(), {Record(1, A(1), Attempt())}));
  EXPECT_EQ(takeover.Count<takeover_action::Tell>(), 0u);
  takeover.Step(takeover_event::StartWritten{absl::OkStatus()});
  EXPECT_EQ(takeover.Count<takeover_action::Tell>(), 2u);
  ASSERT_EQ(takeover.Count<takeover_action::Lead>(), 1u);
  const auto& lead = std::get<takeover_action::Lead>(takeover.actions().back());
  ASSERT_EQ(lead.groups.size(), 1u);
  EXPECT_EQ(lead.groups[0].second.last_decided, TxId(1));
  ASSERT_EQ(lead.groups[0].second.positions.size(), 1u);
  EXPECT_EQ(lead.groups[0].second.positions[0].at.position, "1");
}

TEST(ClusterRules, ANewScribeHasTheLogBeforeTheEpochStarts) {
  TakeoverOf takeover({WorkerId(0)}, {WorkerId(1)});
  GroupReport of_scribe = Report(0, Attempt(), {Record(1, A(1), Attempt())});
  of_scribe.log->cuts = {{TxId(2), {}}};
  GroupReport of_other = Report(0, Attempt(), {Record(1, A(1), Attempt())});
  of_other.records[0].cut = nullptr;
  takeover.Hear(0, of_scribe);
  takeover.Hear(1, of_other);
  ASSERT_EQ(takeover.Count<takeover_action::WriteLog>(), 1u);
  const auto& give = std::get<takeover_action::WriteLog>(takeover.actions().back());
  EXPECT_EQ(give.worker, WorkerId(1));
  const LogReport& log = give.word.groups.at(0).log;
  EXPECT_EQ(log.after, TxId(1));
  ASSERT_EQ(log.positions.size(), 1u);
  EXPECT_EQ(log.positions[0].at.position, "1");
  EXPECT_EQ(log.batch_time_micros, BatchTime(1));
  ASSERT_EQ(log.cuts.size(), 1u);
  EXPECT_EQ(log.cuts[0].txid, TxId(2));

  takeover.Step(takeover_event::Connected{WorkerId(1), Incarnation(1)});
  EXPECT_EQ(takeover.Count<takeover_action::WriteLog>(), 2u) << "it may have been lost";
  takeover.Step(word::LogWritten{Epoch(2), WorkerId(1), Incarnation(1)});
  takeover.Step(word::LogWritten{Epoch(3), WorkerId(1), Incarnation(2)});
  EXPECT_EQ(takeover.start(), nullptr) << "of another epoch, of another life";
  takeover.Step(word::LogWritten{Epoch(3), WorkerId(1), Incarnation(1)});
  EXPECT_EQ(takeover.decided(), TxId(1));
}

// It was asked to log the cut, and the leader ended. The next one repeats the cut without asking.
TEST(ClusterRules, AScribeThatLacksALoggedCutIsGivenIt) {
  TakeoverOf takeover(0);
  GroupReport with_cut = Report(0, Attempt());
  with_cut.log->cuts = {{TxId(1), {}}};
  takeover.Hear(0, with_cut);
  takeover.Hear(1, Report(0, Attempt()));
  ASSERT_EQ(takeover.Count<takeover_action::WriteLog>(), 1u);
  EXPECT_EQ(std::get<takeover_action::WriteLog>(takeover.actions().back()).worker, WorkerId(1));
}

// What a scribe of an older epoch still has of the log means nothing.
TEST(ClusterRules, OnlyScribesOfTheBaseTellWhereTheSourcesStand) {
  TakeoverOf takeover({WorkerId(1)}, {WorkerId(1)});
  takeover.Hear(0, Report(2, A(1)));
  GroupReport without = Report(2, A(1));
  without.log.reset();
  takeover.Hear(1, without);
  EXPECT_TRUE(takeover.has_given_up());
}

// Else keys that have expired would be there again, wherever the new leader's clock is behind.
TEST(ClusterRules, TheNextLeaderGoesOnFromTheBatchTimeOfTheLastDecidedBatch) {
  const auto batch_time = [](uint64_t known, std::vector<PreparedRecord> records) {
    TakeoverOf takeover(0);
    for (uint32_t w : {0, 1})
      takeover.Hear(w, Report(known, known == 0 ? Attempt() : A(1), records));
    takeover.Step(takeover_event::StartWritten{absl::OkStatus()});
    return std::get<takeover_action::Lead>(takeover.actions().back())
        .groups.at(0)
        .second.batch_time_micros;
  };
  EXPECT_EQ(batch_time(0, {}), 0);
  EXPECT_EQ(batch_time(0, {Record(1, A(1), Attempt()), Record(2, A(1), A(1))}), BatchTime(2));
  EXPECT_EQ(batch_time(2, {}), BatchTime(2)) << "applied and trimmed";
  EXPECT_EQ(batch_time(2, {Record(3, A(1), A(1))}), BatchTime(3));
}

TEST(ClusterRules, ANewerEpochEndsATakeover) {
  TakeoverOf takeover(0);
  for (uint32_t w : {0, 1}) takeover.Hear(w, Report(0, Attempt()));
  takeover.Step(takeover_event::StartWritten{Aborted("epoch 4 has begun")});
  EXPECT_TRUE(takeover.has_given_up());
  EXPECT_EQ(takeover.Count<takeover_action::Lead>(), 0u);
  TakeoverOf refused(0);
  refused.Step(word::Refused{Epoch(3), WorkerId(0), Incarnation(1), Epoch(4)});
  EXPECT_TRUE(refused.has_given_up());
}

TEST(ClusterRules, AWorkerThatStartsAgainEndsTheEpoch) {
  TakeoverOf takeover(0);
  for (uint32_t w : {0, 1}) takeover.Hear(w, Report(0, Attempt()));
  takeover.Step(takeover_event::StartWritten{absl::OkStatus()});
  takeover.Step(takeover_event::Connected{WorkerId(1), Incarnation(1)});
  EXPECT_EQ(takeover.Count<takeover_action::Tell>(), 3u) << "the same life is told again";
  takeover.Step(takeover_event::Connected{WorkerId(1), Incarnation(2)});
  EXPECT_TRUE(takeover.has_given_up());
}

// ---- a leader's batches ----

TEST(ClusterRules, TheNextAttemptIsPermittedWhenTheCancelledOneIsVoid) {
  GroupConfig config;
  config.group = kGroup;
  config.commit = CommitBy::kVotes;
  config.retry_delay_min = config.retry_delay_max = 0;
  config.spouts = {{SpoutId(1), SpoutKind::kOpaque, 1}};
  config.voters = {kMe};
  Recovered recovered;
  recovered.epoch = Epoch(1);
  auto protocol = BatchProtocol::Create(config, recovered);
  ASSERT_TRUE(protocol.ok());
  const Incarnation life(1);
  const EmitterId emitter{SpoutId(1), 0};
  Attempt newest;
  const auto permits = [&](const BatchEvent& event) {
    std::vector<BatchAction> actions;
    (*protocol)->Step(event, actions);
    size_t permits = 0;
    for (const BatchAction& action : actions) {
      permits += std::holds_alternative<word::Permit>(action) ? 1 : 0;
      if (const auto* begin = std::get_if<word::Begin>(&action)) newest = begin->id.attempt;
    }
    return permits;
  };
  const auto emitted = [&] {
    return word::Emitted{Id(1, newest), emitter, life, {{emitter, "s", "", "1", 1}}};
  };
  permits(word::WorkerJoined{kMe, life, TxId()});
  permits(word::EmitterStarted{emitter, life});
  EXPECT_EQ(permits(emitted()), 1u);
  permits(word::Failed{Id(1, A(1, 1)), Unavailable("it broke")});
  permits(batch_event::Tick{1});
  permits(batch_event::Tick{2});
  ASSERT_EQ(newest, A(1, 2));
  EXPECT_EQ(permits(emitted()), 0u);
  EXPECT_EQ(permits(word::Voided{Id(1, A(1, 0)), kMe, life}), 0u) << "of one before it";
  EXPECT_EQ(permits(word::Voided{Id(1, A(1, 1)), kMe, life}), 1u);
}

// ---- the record of an epoch ----

TEST(ClusterRules, OnlyAnEpochThatStartedIsABase) {
  EpochRecord last;
  last.epoch = Epoch(4);
  last.started = true;
  last.workers = {WorkerId(0)};
  last.scribes = {WorkerId(0)};
  const EpochRecord begun = NextEpoch(last, {WorkerId(0), WorkerId(1)}, {WorkerId(1)});
  EXPECT_EQ(begun.epoch, Epoch(5));
  EXPECT_EQ(begun.base, Epoch(4));
  EXPECT_EQ(begun.base_workers, std::vector<WorkerId>{WorkerId(0)});
  EXPECT_EQ(begun.base_scribes, std::vector<WorkerId>{WorkerId(0)});
  EXPECT_EQ(begun.scribes, std::vector<WorkerId>{WorkerId(1)});
  const EpochRecord after = NextEpoch(begun, {WorkerId(1)}, {WorkerId(1)});
  EXPECT_EQ(after.base_scribes, std::vector<WorkerId>{WorkerId(0)});
  EXPECT_EQ(after.epoch, Epoch(6));
  EXPECT_EQ(after.base, Epoch(4));
  EXPECT_EQ(after.base_workers, std::vector<WorkerId>{WorkerId(0)});
}

}  // namespace
}  // namespace trident::model
