// SPDX-License-Identifier: Apache-2.0
//
// Rules of Takeover in histories of a few steps, written by hand: what seeds reach too seldom. The
// cluster's mutants are judged by these, too.
#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/protocol/takeover.h"
#include "tests/protocol_model/cluster_scripts.h"

namespace trident::model {
namespace {

class TakeoverOf {
 public:
  // Of epoch 3, over base epoch 1, of two workers, which decided `decided`.
  explicit TakeoverOf(uint64_t decided, uint64_t workers = 2)
      : takeover_(Mine(decided, workers), Configs()) {}
  // Of epoch 3, after what the base was to fear.
  explicit TakeoverOf(std::optional<EarlierDeaths> deaths)
      : takeover_(After(std::move(deaths)), Configs()) {}
  // The same, with the log in other hands.
  TakeoverOf(std::vector<WorkerId> base_scribes, std::vector<WorkerId> scribes)
      : takeover_(WithScribes(std::move(base_scribes), std::move(scribes)), Configs()) {}

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
  static EpochRecord After(std::optional<EarlierDeaths> deaths) {
    EpochRecord record = Mine(0, 2);
    record.groups[0].deaths = std::move(deaths);
    return record;
  }
  static std::vector<GroupConfig> Configs() {
    GroupConfig config;
    config.group = kGroup;
    config.limits = {64, 1'000'000};
    config.retry_limit = 1;
    config.policy = FailurePolicy::kDeadLetter;
    return {config};
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
  EXPECT_EQ(lead.groups[0].recovered.last_decided, TxId(1));
  ASSERT_EQ(lead.groups[0].recovered.positions.size(), 1u);
  EXPECT_EQ(lead.groups[0].recovered.positions[0].at.position, "1");
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

// What an epoch is to fear, when `last` is told of the life before by the first worker.
std::optional<EarlierDeaths> FearAfter(const std::optional<EarlierDeaths>& before,
                                       const std::optional<LastLife>& last) {
  TakeoverOf takeover(before);
  GroupReport first = Report(0, Attempt());
  first.last_life = last;
  takeover.Hear(0, first);
  takeover.Hear(1, Report(0, Attempt()));
  EXPECT_NE(takeover.start(), nullptr);
  takeover.Step(takeover_event::StartWritten{absl::OkStatus()});
  const auto& lead = std::get<takeover_action::Lead>(takeover.actions().back());
  EXPECT_EQ(lead.groups.at(0).deaths, takeover.start()->groups[0].deaths);
  return takeover.start()->groups[0].deaths;
}

// As within one process: smaller, then the row alone, then to the dead letters.
TEST(ClusterRules, ARowThatEndsItsWorkerIsFoundOverEpochs) {
  using Fate = EarlierDeaths::Fate;
  const RowPlace row{{SpoutId(1), 0}, {"s", ""}};
  std::optional<EarlierDeaths> fear = FearAfter(std::nullopt, EndedIn(1));
  ASSERT_TRUE(fear);
  EXPECT_EQ(fear->deaths, 1u);
  EXPECT_EQ(fear->txid, TxId(1));
  const uint64_t first = fear->rows_max;
  fear = FearAfter(fear, EndedIn(1));
  EXPECT_EQ(fear->deaths, 2u);
  EXPECT_LT(fear->rows_max, first);
  fear->rows_max = 1;
  fear = FearAfter(fear, EndedIn(1, row));
  EXPECT_EQ(fear->fate, Fate::kSingle);
  fear = FearAfter(fear, EndedIn(1, row));
  EXPECT_EQ(fear->fate, Fate::kDivert);
  EXPECT_EQ(fear->the_row, row);
}

TEST(ClusterRules, AnEndIsCountedInOneEpochAlone) {
  EXPECT_EQ(FearAfter(std::nullopt, std::nullopt), std::nullopt);
  EXPECT_EQ(FearAfter(std::nullopt, EndedIn(0)), std::nullopt) << "of an older epoch than the base";
  const auto fear = FearAfter(std::nullopt, EndedIn(1));
  EXPECT_EQ(FearAfter(fear, std::nullopt)->deaths, 1u) << "an epoch that began for another reason";
  TakeoverOf both(std::nullopt);
  for (uint32_t w : {0, 1}) {
    GroupReport report = Report(0, Attempt());
    report.last_life = EndedIn(1);
    both.Hear(w, report);
  }
  EXPECT_EQ(both.start()->groups[0].deaths->deaths, 1u) << "one batch ended both";
}

// The batch at which it ended was decided all the same, so its row is not to blame.
TEST(ClusterRules, ARowOfWhatIsDecidedIsNotToBlame) {
  EarlierDeaths before;
  before.txid = TxId(1);
  before.deaths = 1;
  before.rows_max = 1;
  before.steps = {"parse"};
  LastLife life = EndedIn(1, RowPlace{{SpoutId(1), 0}, {"s", "7"}});
  life.process.last_decided = TxId(1);
  const auto fear = FearAfter(before, life);
  ASSERT_TRUE(fear);
  EXPECT_EQ(fear->the_row, std::nullopt);
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
        .recovered.batch_time_micros;
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
