// SPDX-License-Identifier: Apache-2.0
//
// Rules of ParticipantProtocol and BatchProtocol in histories of a few steps, written by hand: what
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
#include "tests/protocol_model/cluster_scripts.h"

namespace trident::model {
namespace {

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

TEST(ClusterRules, AWorkerReportsHowItsLastLifeEnded) {
  GroupReport has = Report(0, Attempt());
  has.last_life = EndedIn(1);
  Participant worker(Epoch(1), has, 2);
  worker.Step(word::PromiseAsked{Epoch(2)});
  worker.Step(participant_event::PromiseWritten{Epoch(2)});
  ASSERT_TRUE(worker.report().groups.at(0).last_life);
  EXPECT_EQ(worker.report().groups[0].last_life->epoch, Epoch(1));
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

}  // namespace
}  // namespace trident::model
