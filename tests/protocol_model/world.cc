// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/world.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "tests/protocol_model/coordinator.h"
#include "tests/protocol_model/worker.h"

namespace trident::model {
namespace {

// Everything must be decided and applied this long after the last fault and the last input.
constexpr Nanos kCalmMax = 6 * kSecond;
// Living parties repeat who they are, because any message may be lost.
constexpr Nanos kAnnounceEvery = 12 * kMillisecond;

}  // namespace

World::World(const Options& options)
    : options_(options), time_(options_), oracle_(options_), store_(oracle_) {
  uint32_t source = 0;
  for (const SpoutConfig& spout : options_.config.spouts) {
    for (uint32_t task = 0; task < spout.tasks; ++task) {
      std::vector<uint32_t> sources;
      for (uint32_t i = 0; i < options_.sources_per_task; ++i) sources.push_back(source++);
      spout_tasks_.push_back(std::make_unique<SpoutTask>(*this, EmitterId{spout.spout, task},
                                                         spout.kind, std::move(sources)));
    }
  }
  for (uint32_t w = 0; w < options_.config.voters.size(); ++w) {
    workers_.push_back(std::make_unique<Worker>(*this, w));
  }
}

World::~World() = default;

void World::SendToCoordinators(BatchEvent event) {
  time_.Send([this, event = std::move(event), life = outcome_.deaths] {
    if (life != outcome_.deaths) return;  // nobody hears what a process said that has ended
    // By index: a delivery may start a coordinator only later, never now.
    for (size_t i = 0; i < coordinators_.size(); ++i) {
      const bool leads = i + 1 == coordinators_.size();
      if (!coordinators_[i]->alive()) continue;
      if (leads || time_.rng().Chance(0.5)) coordinators_[i]->Deliver(event);
    }
  });
}

void World::SendData(const BatchId& id, EmitterId from, std::shared_ptr<const Emission> emission) {
  for (auto& worker : workers_) {
    time_.Send([to = worker.get(), id, from, emission] {
      to->OnData(id.txid, id.attempt, from, emission);
    });
  }
}

void World::OnHalt(const Coordinator& coordinator, const Status& cause) {
  if (Message(cause).find("rather than guess") != std::string_view::npos && options_.forgets == 0) {
    oracle_.Violation(Concat("I9: honest parties were taken for liars: ", Message(cause)));
  }
  if (&coordinator != coordinators_.back().get()) return;
  ++outcome_.halts;
  if (cause.code() == StatusCode::kDataLoss) {
    oracle_.Violation(Concat("I9: the leader sees damage where there is none: ", Message(cause)));
  }
  if (!time_.faulty() && ++calm_halts_ > 3) {
    oracle_.Violation(Concat("I10: it halts again and again: ", Message(cause)));
  }
  const bool hopeless = deaths_ && deaths_->fate == EarlierDeaths::Fate::kHalt;
  const bool poisoned = cause.code() == StatusCode::kInvalidArgument || hopeless;
  const bool may_divert = options_.config.policy == FailurePolicy::kDeadLetter &&
                          options_.config.cut_logging == CutLogging::kNone;
  if (poisoned && !may_divert) {
    stopped_ = true;
    return;
  }
  time_.After(static_cast<Nanos>(time_.rng().Below(5 * kMillisecond)), [this, &coordinator] {
    if (&coordinator == coordinators_.back().get()) StartCoordinator();
  });
}

void World::StartCoordinator() {
  const Recovered recovered = store_.Recover(store_.NewEpoch());
  const TxId first_undecided = last_.last_decided.Next();
  last_.last_decided = recovered.last_decided;
  last_.cut_is_logged = !recovered.cuts.empty();
  if (first_undecided != recovered.last_decided.Next()) last_.the_row.reset();
  deaths_ = JudgeDeaths(deaths_, std::exchange(last_, {}), options_.config);
  coordinators_.push_back(std::make_unique<Coordinator>(*this, recovered, deaths_));
}

void World::EndProcess(const std::string& step) {
  if (std::exchange(is_down_, true)) return;
  ++outcome_.deaths;
  last_ = {};
  last_.last_decided = oracle_.last_decided();
  last_.steps = {step};
  last_.cause = Concat("while step \"", step, "\" worked");
  for (const auto& worker : workers_) {
    if (!last_.the_row) last_.the_row = worker->RowAlone(last_.last_decided.Next());
  }
  for (auto& coordinator : coordinators_) coordinator->Kill();
  for (auto& worker : workers_) worker->Crash();
  for (auto& task : spout_tasks_) task->Crash();
  time_.After(static_cast<Nanos>(time_.rng().Below(5 * kMillisecond)),
              [this, leader = coordinators_.back().get()] { StartProcess(leader); });
}

void World::StartProcess(const Coordinator* leader) {
  is_down_ = false;
  if (leader == coordinators_.back().get()) StartCoordinator();
  for (auto& worker : workers_) {
    if (!worker->up()) worker->Start();
  }
  for (auto& task : spout_tasks_) task->Start(SpoutTask::Predecessor::kEnds);
}

// From outside: whatever was at work then looks guilty.
void World::KillProcess() {
  EndProcess(time_.rng().Chance(0.5) ? std::string(kStageStep) : "another");
}

void World::CrashCoordinator() {
  Coordinator* leader = coordinators_.back().get();
  leader->Kill();
  time_.After(static_cast<Nanos>(time_.rng().Below(15 * kMillisecond)), [this, leader] {
    if (leader == coordinators_.back().get()) StartCoordinator();
  });
}

// A second coordinator takes over while the first still believes that it leads.
void World::ForkCoordinator() { StartCoordinator(); }

void World::CrashWorker() {
  Worker* worker = workers_[time_.rng().Below(workers_.size())].get();
  if (!worker->up()) return;
  const batch_event::WorkerLost lost{WorkerId(worker->number()), worker->incarnation()};
  worker->Crash();
  if (time_.rng().Chance(0.6)) SendToCoordinators(lost);
  time_.After(static_cast<Nanos>(time_.rng().Below(10 * kMillisecond)), [worker] {
    if (!worker->up()) worker->Start();
  });
}

void World::SuspectWorker() {
  Worker* worker = workers_[time_.rng().Below(workers_.size())].get();
  SendToCoordinators(batch_event::WorkerLost{WorkerId(worker->number()), worker->incarnation()});
  time_.After(static_cast<Nanos>(time_.rng().Below(10 * kMillisecond)), [worker] {
    worker->Crash();
    worker->Start();
  });
}

void World::CrashSpout() {
  SpoutTask* task = spout_tasks_[time_.rng().Below(spout_tasks_.size())].get();
  const batch_event::EmitterLost lost{task->id(), task->incarnation()};
  if (time_.rng().Chance(0.3)) return task->Start(SpoutTask::Predecessor::kZombie);
  task->Crash();
  if (time_.rng().Chance(0.5)) SendToCoordinators(lost);
  time_.After(static_cast<Nanos>(time_.rng().Below(10 * kMillisecond)),
              [task] { task->Start(SpoutTask::Predecessor::kEnds); });
}

void World::PauseGroup() {
  Coordinator* leader = coordinators_.back().get();
  leader->Deliver(batch_event::Pause{});
  time_.After(static_cast<Nanos>(time_.rng().Below(20 * kMillisecond)),
              [leader] { leader->Deliver(batch_event::Resume{}); });
}

void World::Plan(uint32_t times, void (World::*fault)()) {
  for (uint32_t i = 0; i < times; ++i) {
    // The end of the window is left to those who come back.
    const uint64_t window = static_cast<uint64_t>(options_.faults_last) * 8 / 10;
    time_.After(static_cast<Nanos>(time_.rng().Below(window)), [this, fault] { (this->*fault)(); });
  }
}

void World::PlanFaults() {
  Plan(options_.coordinator_crashes, &World::CrashCoordinator);
  Plan(options_.coordinator_zombies, &World::ForkCoordinator);
  Plan(options_.worker_crashes, &World::CrashWorker);
  Plan(options_.worker_suspicions, &World::SuspectWorker);
  Plan(options_.spout_crashes, &World::CrashSpout);
  Plan(options_.pauses, &World::PauseGroup);
  Plan(options_.kills, &World::KillProcess);
  time_.After(options_.faults_last, [this] { EndOfFaults(); });
}

void World::EndOfFaults() {
  for (auto& coordinator : coordinators_) {
    if (coordinator != coordinators_.back()) coordinator->Kill();
  }
}

bool World::Finished() const {
  for (const auto& task : spout_tasks_) {
    for (uint32_t source : task->sources()) {
      auto at = oracle_.positions().find({task->id().spout.value(), SourceName(source)});
      if (at == oracle_.positions().end()) return false;
      if (IndexOf(at->second) < options_.rows_per_source) return false;
    }
  }
  return std::all_of(workers_.begin(), workers_.end(), [&](const auto& worker) {
    return worker->applied() == oracle_.last_decided();
  });
}

Outcome World::Run() {
  StartCoordinator();
  for (auto& worker : workers_) worker->Start();
  for (auto& task : spout_tasks_) task->Start(SpoutTask::Predecessor::kEnds);
  PlanFaults();
  Nanos announce_at = kAnnounceEvery;
  const Nanos end = options_.faults_last + options_.input_lasts + kCalmMax;
  while (oracle_.violation().empty() && !stopped_ && time_.now() < end) {
    if (!time_.Advance() || time_.now() >= announce_at) {
      if (!time_.faulty() && Finished()) break;
      for (auto& worker : workers_) {
        worker->CatchUp();
        worker->Announce();
      }
      for (auto& task : spout_tasks_) task->Announce();
      announce_at = time_.now() + kAnnounceEvery;
    }
  }
  CheckEnd();
  return outcome_;
}

void World::CheckEnd() {
  if (!stopped_ && !Finished()) {
    const GroupStatus status = coordinators_.back()->status();
    oracle_.Violation(Concat(
        "I10: long after the last fault not all input is decided and applied: ", "the group ",
        ToString(status.gate), " after txid ", status.last_decided.value(), " at ",
        time_.now() / kMillisecond, " ms"));
  }
  for (const auto& coordinator : coordinators_) {
    outcome_.failures += coordinator->status().failures_total;
  }
  outcome_.violation = oracle_.violation();
  outcome_.txids = oracle_.last_decided().value();
  outcome_.diverted = oracle_.rows_diverted();
}

Outcome Play(uint64_t seed) {
  const Options options = OptionsFor(seed);
  World world(options);
  return world.Run();
}

}  // namespace trident::model
