// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/cluster_leader.h"

#include <algorithm>

#include "base/check.h"
#include "tests/protocol_model/cluster_world.h"

namespace trident::model {

ClusterLeader::ClusterLeader(ClusterWorld& world, uint64_t number)
    : world_(world), number_(number) {}

void ClusterLeader::Begin() {
  const EpochRecord last = world_.epochs().Read();
  mine_ = NextEpoch(last, world_.options().config.voters, world_.ChooseScribes(last.scribes));
  mine_.leader_life = Incarnation(number_);
  CompareAndSet(last, mine_, [this](bool is_set) {
    if (!is_set) return Kill();
    takeover_ = std::make_unique<Takeover>(mine_, std::vector{world_.options().config});
    for (const auto& worker : world_.workers()) {
      Deliver(takeover_event::Connected{worker->id(), worker->incarnation()});
    }
  });
}

void ClusterLeader::CompareAndSet(const EpochRecord& expected, const EpochRecord& next,
                                  std::function<void(bool)> then) {
  Timeline& time = world_.time();
  time.After(time.Delay(), [this, expected, next, then] {
    if (!alive_) return;
    Timeline& time = world_.time();
    const bool unknown = time.faulty() && time.rng().Chance(world_.cluster().cas_unknown);
    if (!unknown) {
      const bool is_set = world_.epochs().CompareAndSet(expected, next);
      time.After(time.Delay(), [this, is_set, next, then] {
        if (alive_) then(is_set);
      });
      return;
    }
    // The write may still be on its way when the record is read again.
    if (time.rng().Chance(0.6)) {
      time.After(time.Delay(),
                 [this, expected, next] { world_.epochs().CompareAndSet(expected, next); });
    }
    time.After(time.Delay(), [this, expected, next, then] {
      if (!alive_) return;
      const EpochRecord& found = world_.epochs().Read();
      if (found == next) return then(true);
      if (found == expected) return CompareAndSet(expected, next, then);
      then(false);
    });
  });
}

// ---- the epoch ----

std::vector<WorkerId> ClusterLeader::awaited() const {
  return takeover_ == nullptr ? std::vector<WorkerId>() : takeover_->awaited();
}

void ClusterLeader::Deliver(const TakeoverEvent& event) {
  if (!alive_ || takeover_ == nullptr) return;
  std::vector<TakeoverAction> actions;
  takeover_->Step(event, actions);
  Outcome& outcome = world_.outcome();
  outcome.digest = Mix64(outcome.digest ^ (event.index() << 20) ^ actions.size());
  for (const TakeoverAction& action : actions) {
    std::visit([&](const auto& a) { Perform(a); }, action);
  }
}

void ClusterLeader::Perform(const takeover_action::Ask& action) {
  ClusterWorker* to = &world_.worker(action.worker);
  world_.Send(Wire::kPromiseAsked, [to, word = action.word] { to->Step(word); });
}

void ClusterLeader::Perform(const takeover_action::WriteLog& action) {
  ClusterWorker* to = &world_.worker(action.worker);
  world_.Send(Wire::kWriteLog, [to, word = action.word] { to->Step(word); });
}

bool ClusterLeader::IsScribe(WorkerId worker) const {
  return std::find(mine_.scribes.begin(), mine_.scribes.end(), worker) != mine_.scribes.end();
}

void ClusterLeader::Perform(const takeover_action::WriteStart& action) {
  CompareAndSet(mine_, action.record, [this, record = action.record](bool is_set) {
    if (is_set) mine_ = record;
    Deliver(takeover_event::StartWritten{is_set ? absl::OkStatus()
                                                : Aborted("a newer epoch has begun")});
  });
}

void ClusterLeader::Perform(const takeover_action::Tell& action) {
  ClusterWorker* to = &world_.worker(action.worker);
  world_.Send(Wire::kSettled, [to, word = action.word] { to->Step(word); });
}

void ClusterLeader::Perform(const takeover_action::Lead& action) {
  const auto& [group, recovered, deaths] = action.groups.at(0);
  GroupConfig config = world_.options().config;
  config.deaths = deaths;
  auto made = BatchProtocol::Create(std::move(config), recovered);
  if (!made.ok()) {
    return world_.oracle().Violation(
        Concat("I9: an epoch cannot be led: ", Message(made.status())));
  }
  protocol_ = std::move(*made);
  time_micros_ = recovered.batch_time_micros;
  if (recovered.last_decided != TxId()) {
    last_applied_ = world_.IdOf(recovered.last_decided, recovered.last_attempt);
  }
}

void ClusterLeader::Perform(const takeover_action::GiveUp& action) {
  if (action.cause.code() == StatusCode::kDataLoss ||
      action.cause.code() == StatusCode::kInternal) {
    world_.oracle().Violation(
        Concat("I9: a leader sees damage where there is none: ", Message(action.cause)));
  }
  Kill();
}

// ---- its batches ----

void ClusterLeader::Deliver(const BatchEvent& event) {
  if (!leads()) return;
  // Whoever is behind is told again how far all is decided.
  if (const auto* applied = std::get_if<word::Applied>(&event)) {
    const bool behind = last_applied_ && applied->txid < last_applied_->txid;
    if (behind && last_applied_->attempt.epoch == epoch()) {
      ClusterWorker* to = &world_.worker(applied->worker);
      world_.Send(Wire::kApply, [to, id = *last_applied_] { to->Step(word::Apply{id}); });
    }
  }
  NoteHolds(event);
  std::vector<BatchAction> actions;
  protocol_->Step(event, actions);
  Outcome& outcome = world_.outcome();
  ++outcome.steps;
  outcome.digest = Mix64(outcome.digest ^ (event.index() << 32) ^ actions.size());
  for (const BatchAction& action : actions) {
    outcome.digest = Mix64(outcome.digest ^ action.index());
    std::visit([&](const auto& a) { Perform(a); }, action);
  }
}

// The rule in words of its own: a hold is of one life of one worker, and no other ends it.
void ClusterLeader::NoteHolds(const BatchEvent& event) {
  if (const auto* hold = std::get_if<word::Hold>(&event)) {
    Incarnation& life = holds_[hold->worker];
    if (hold->incarnation >= lives_[hold->worker]) life = std::max(life, hold->incarnation);
  }
  const auto ends = [this](WorkerId worker, Incarnation up_to) {
    const auto hold = holds_.find(worker);
    if (hold != holds_.end() && hold->second <= up_to) holds_.erase(hold);
  };
  if (const auto* release = std::get_if<word::Release>(&event)) {
    if (release->incarnation >= lives_[release->worker])
      ends(release->worker, release->incarnation);
  }
  if (const auto* joined = std::get_if<word::WorkerJoined>(&event)) {
    Incarnation& life = lives_[joined->worker];
    if (joined->incarnation <= life) return;
    life = joined->incarnation;
    ends(joined->worker, Incarnation(life.value() - 1));
  }
  if (const auto* lost = std::get_if<batch_event::WorkerLost>(&event)) {
    Incarnation& life = lives_[lost->worker];
    life = std::max(life, lost->incarnation);
    ends(lost->worker, lost->incarnation);
  }
}

void ClusterLeader::Perform(const word::Begin& action) {
  if (!holds_.empty()) {
    world_.oracle().Violation("I11: a batch is begun while a worker has no room");
  }
  ++world_.outcome().attempts;
  world_.oracle().OnBegin(action.id.txid, action.id.attempt);
  time_micros_ = std::max(time_micros_, world_.WallMicros(number_));
  time_of_[action.id.txid] = time_micros_;
  for (auto& worker : world_.workers()) {
    world_.Send(Wire::kBegin, [to = worker.get(), action] { to->OnBegin(action); });
  }
}

void ClusterLeader::Perform(const word::Emit& action) {
  for (auto& task : world_.spout_tasks()) {
    if (task->id() != action.emitter) continue;
    world_.Send(Wire::kEmit, [to = task.get(), action] { to->OnEmit(action); });
  }
}

// The cut counts as logged when every worker that keeps the log has it.
void ClusterLeader::Perform(const batch_action::LogCut& action) {
  auto missing = std::make_shared<size_t>(mine_.scribes.size());
  for (auto& worker : world_.workers()) {
    if (!IsScribe(worker->id())) continue;
    auto done = [this, action, missing] {
      world_.Send(Wire::kOther, [this, action, missing] {
        if (--*missing > 0) return;
        world_.OnCutLogged(action.id.txid);
        Deliver(batch_event::CutLogged{action.id, absl::OkStatus()});
      });
    };
    world_.Send(Wire::kOther, [to = worker.get(), action, done] { to->OnLogCut(action, done); });
  }
}

void ClusterLeader::Perform(const word::Permit& action) {
  auto cut = std::make_shared<BatchCut>(*action.cut);
  cut->batch_time_micros = time_of_.at(action.id.txid);
  for (auto& worker : world_.workers()) {
    word::Permit permit = action;
    permit.cut = IsScribe(worker->id()) ? cut : nullptr;
    world_.Send(Wire::kPermit, [to = worker.get(), permit] { to->Step(permit); });
  }
}

void ClusterLeader::Perform(const batch_action::Decide& action) {
  for (DecisionRecord record : action.records) {
    record.batch_time_micros = time_of_.at(record.txid);
    world_.OnDecided(record);
  }
  world_.time().After(
      0, [this, first = action.records.front().txid, last = action.records.back().txid] {
        Deliver(batch_event::DecisionWritten{first, last, absl::OkStatus()});
      });
}

void ClusterLeader::Perform(const word::Apply& action) {
  world_.oracle().OnTold(action.id.txid, action.id.attempt);
  last_applied_ = action.id;
  for (auto& worker : world_.workers()) {
    world_.Send(Wire::kApply, [to = worker.get(), action] { to->Step(action); });
  }
}

void ClusterLeader::Perform(const word::Abort& action) {
  for (auto& worker : world_.workers()) {
    world_.Send(Wire::kAbort, [to = worker.get(), action] { to->Step(action); });
  }
}

void ClusterLeader::Perform(const batch_action::Stale&) { ++world_.outcome().stale; }

void ClusterLeader::Perform(const batch_action::Halt& action) {
  Kill();
  world_.OnHalt(*this, action.cause);
}

void ClusterLeader::Perform(const batch_action::Drained&) {}

void ClusterLeader::Perform(const batch_action::SetTimer& action) {
  Timeline& time = world_.time();
  time.After(std::max<Nanos>(action.at - time.now(), 0), [this, number = ++timer_] {
    if (number == timer_) Deliver(batch_event::Tick{world_.time().now()});
  });
}

}  // namespace trident::model
