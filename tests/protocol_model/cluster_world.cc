// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/cluster_world.h"

#include <algorithm>

#include "base/clock.h"
#include "tests/protocol_model/worker.h"

namespace trident::model {
namespace {

// Everything must be decided and applied this long after the last fault and the last input.
constexpr Nanos kCalmMax = 8 * kSecond;
// Living parties repeat who they are, because any message may be lost.
constexpr Nanos kAnnounceEvery = 12 * kMillisecond;
// What the clocks show at most when a history begins.
constexpr int64_t kWallMicros = 1'000'000'000;

EpochRecord FirstRecord(const Options& options) {
  EpochRecord record;
  record.groups.push_back({options.config.group, TxId(), Attempt()});
  return record;
}

}  // namespace

ClusterWorld::ClusterWorld(const ClusterOptions& options)
    : options_(options),
      time_(options_.group),
      oracle_(options_.group),
      epochs_(FirstRecord(options_.group),
              [this](const EpochRecord& record) { OnEpochRecord(record); }) {
  uint32_t source = 0;
  for (const SpoutConfig& spout : this->options().config.spouts) {
    for (uint32_t task = 0; task < spout.tasks; ++task) {
      std::vector<uint32_t> sources;
      for (uint32_t i = 0; i < this->options().sources_per_task; ++i) sources.push_back(source++);
      spout_tasks_.push_back(std::make_unique<SpoutTask>(*this, EmitterId{spout.spout, task},
                                                         spout.kind, std::move(sources)));
    }
  }
  for (uint32_t w = 0; w < this->options().config.voters.size(); ++w) {
    workers_.push_back(std::make_unique<ClusterWorker>(*this, w));
  }
}

ClusterWorld::~ClusterWorld() = default;

int64_t ClusterWorld::WallMicros(uint64_t leader) const {
  Rng rng(Mix64(options().seed ^ leader ^ 0xC10C));
  const int64_t starts_at = kWallMicros - static_cast<int64_t>(rng.Below(1'000'000));
  const double rate = 0.5 + rng.Unit();
  return starts_at + static_cast<int64_t>(rate * static_cast<double>(time_.now() / kMicrosecond));
}

// ---- the network ----

void ClusterWorld::Send(Wire kind, std::function<void()> deliver) {
  if (time_.faulty() && time_.rng().Chance(options_.lost[static_cast<size_t>(kind)])) return;
  time_.Send(std::move(deliver));
}

void ClusterWorld::SendToCoordinators(BatchEvent event) {
  Send(Wire::kOther, [this, event = std::move(event)] {
    for (size_t i = 0; i < leaders_.size(); ++i) {
      const bool is_newest = leaders_[i]->epoch() == epochs_.Read().epoch;
      if (is_newest || time_.rng().Chance(0.5)) leaders_[i]->Deliver(event);
    }
  });
}

void ClusterWorld::SendData(const BatchId& id, EmitterId from,
                            std::shared_ptr<const Emission> emission) {
  for (auto& worker : workers_) {
    Send(Wire::kData, [to = worker.get(), id, from, emission] { to->OnData(id, from, emission); });
  }
}

void ClusterWorld::SendToLeader(Wire kind, Epoch epoch, BatchEvent event) {
  Send(kind, [this, epoch, event = std::move(event)] {
    for (size_t i = 0; i < leaders_.size(); ++i) {
      if (leaders_[i]->epoch() == epoch) leaders_[i]->Deliver(event);
    }
  });
}

void ClusterWorld::SendToTakeover(Wire kind, Epoch epoch, TakeoverEvent event) {
  Send(kind, [this, epoch, event = std::move(event)] {
    for (size_t i = 0; i < leaders_.size(); ++i) {
      if (leaders_[i]->epoch() == epoch) leaders_[i]->Deliver(event);
    }
  });
}

void ClusterWorld::SendConnected(WorkerId worker, Incarnation incarnation) {
  Send(Wire::kOther, [this, worker, incarnation] {
    for (size_t i = 0; i < leaders_.size(); ++i) {
      leaders_[i]->Deliver(takeover_event::Connected{worker, incarnation});
    }
  });
}

// ---- the truth ----

void ClusterWorld::OnDecided(const DecisionRecord& record) {
  for (const auto& worker : workers_) {
    if (worker->Holds(record.txid, record.attempt)) continue;
    oracle_.Violation(Concat("I5: txid ", record.txid.value(), " attempt ",
                             ToString(record.attempt), " is decided, but worker ",
                             worker->id().value(), " has no durable record of it"));
  }
  if (record.txid > oracle_.last_decided()) {
    oracle_.OnDecision(record);
  } else if (oracle_.decided_attempt(record.txid) != record.attempt) {
    oracle_.Violation(Concat("I6: txid ", record.txid.value(), " was decided for attempt ",
                             ToString(oracle_.decided_attempt(record.txid)), " and for ",
                             ToString(record.attempt)));
  }
  CheckOutside();
}

void ClusterWorld::OnEpochRecord(const EpochRecord& record) {
  if (!record.started) return;
  ++outcome_.halts;
  const GroupStart& start = record.groups.at(0);
  if (start.decided < oracle_.last_decided()) {
    return oracle_.Violation(Concat("I6: epoch ", record.epoch.value(), " starts after txid ",
                                    start.decided.value(), ", and txid ",
                                    oracle_.last_decided().value(), " was decided"));
  }
  // Found in the records, last first.
  std::vector<DecisionRecord> found;
  Attempt attempt = start.attempt;
  for (TxId txid = start.decided; txid > oracle_.last_decided(); txid = txid.Prev()) {
    std::shared_ptr<const BatchCut> cut;
    for (const auto& worker : workers_) {
      if (!worker->Holds(txid, attempt)) {
        oracle_.Violation(Concat("I5: epoch ", record.epoch.value(), " starts after txid ",
                                 txid.value(), ", of which a worker has no durable record"));
      }
      if (cut == nullptr) cut = worker->CutOf(txid, attempt);
    }
    if (cut == nullptr) {
      return oracle_.Violation(
          Concat("I1: nobody knows what txid ", txid.value(), " took from its sources"));
    }
    DecisionRecord& decision = found.emplace_back();
    decision.txid = txid;
    decision.attempt = attempt;
    decision.ranges = cut->ranges;
    decision.rows = cut->rows;
    decision.rows_diverted = cut->rows_diverted;
    decision.batch_time_micros = cut->batch_time_micros;
    attempt = workers_[0]->PreviousOf(txid);
  }
  if (start.decided != TxId() && start.decided == oracle_.last_decided() &&
      start.attempt != oracle_.decided_attempt(start.decided)) {
    oracle_.Violation(Concat("I6: epoch ", record.epoch.value(), " starts with another attempt of ",
                             start.decided.value()));
  }
  std::reverse(found.begin(), found.end());
  for (const DecisionRecord& decision : found) oracle_.OnDecision(decision);
  CheckOutside();
  CheckScribes(record);
}

// Each knows by itself where the sources stand, and what must be repeated.
void ClusterWorld::CheckScribes(const EpochRecord& record) {
  for (WorkerId scribe : record.scribes) {
    const auto lacks = [&](const char* what) {
      oracle_.Violation(Concat("I1: epoch ", record.epoch.value(), " starts, but its scribe ",
                               scribe.value(), " has not on its disk ", what));
    };
    const auto log = worker(scribe).LogAfter(oracle_.last_decided());
    if (!log) return lacks("where the sources stand");
    std::map<std::pair<uint32_t, std::string>, std::string> positions;
    for (const SpoutPosition& position : log->positions) {
      positions[{position.spout.value(), position.at.partition}] = position.at.position;
    }
    if (positions != oracle_.positions()) return lacks("the positions that were decided");
    for (auto cut = logged_cuts_.upper_bound(oracle_.last_decided()); cut != logged_cuts_.end();
         ++cut) {
      if (!worker(scribe).HasCut(*cut)) return lacks("a cut that may have been staged");
    }
  }
}

std::vector<WorkerId> ClusterWorld::ChooseScribes(std::vector<WorkerId> last) {
  if (!last.empty() && !time_.rng().Chance(options_.scribes_change)) return last;
  std::vector<WorkerId> all = options().config.voters;
  const size_t number =
      last.empty() ? options_.scribes : 1 + time_.rng().Below(std::min<size_t>(all.size(), 3));
  std::vector<WorkerId> scribes;
  while (scribes.size() < number) {
    const size_t i = last.empty() ? 0 : time_.rng().Below(all.size());
    scribes.push_back(all[i]);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return scribes;
}

void ClusterWorld::OnStagedOutside(uint32_t worker, TxId txid, Attempt attempt) {
  if (txid > oracle_.last_decided() || oracle_.decided_attempt(txid) == attempt) return;
  oracle_.Violation(Concat("I7: worker ", worker, " overwrites outside what txid ", txid.value(),
                           " left there, which is decided"));
}

// A state outside holds what was staged last.
void ClusterWorld::CheckOutside() {
  const TxId last = oracle_.last_decided();
  if (!options_.has_outside || last == TxId()) return;
  for (const auto& worker : workers_) {
    if (worker->outside(last) == oracle_.decided_attempt(last)) continue;
    oracle_.Violation(Concat("I7: txid ", last.value(), " is decided for attempt ",
                             ToString(oracle_.decided_attempt(last)), ", and outside of worker ",
                             worker->id().value(), " stands attempt ",
                             ToString(worker->outside(last))));
  }
}

void ClusterWorld::OnHalt(const ClusterLeader& leader, const Status& cause) {
  if (Message(cause).find("rather than guess") != std::string_view::npos) {
    oracle_.Violation(Concat("I9: honest parties were taken for liars: ", Message(cause)));
  }
  if (leader.epoch() != epochs_.Read().epoch) return;
  if (cause.code() == StatusCode::kDataLoss) {
    oracle_.Violation(Concat("I9: the leader sees damage where there is none: ", Message(cause)));
  }
  if (!time_.faulty() && ++calm_halts_ > 3) {
    oracle_.Violation(Concat("I10: it halts again and again: ", Message(cause)));
  }
  const auto& deaths = epochs_.Read().groups.at(0).deaths;
  const bool hopeless = deaths && deaths->fate == EarlierDeaths::Fate::kHalt;
  const bool poisoned = cause.code() == StatusCode::kInvalidArgument || hopeless;
  const bool may_divert = options().config.policy == FailurePolicy::kDeadLetter &&
                          options().config.cut_logging == CutLogging::kNone;
  if (poisoned && !may_divert) stopped_ = true;
}

// ---- the faults ----

void ClusterWorld::BeginEpoch() {
  leaders_.push_back(std::make_unique<ClusterLeader>(*this, leaders_.size() + 1));
  leaders_.back()->Begin();
}

void ClusterWorld::CrashLeader() {
  for (auto& leader : leaders_) {
    if (leader->epoch() == epochs_.Read().epoch) leader->Kill();
  }
  time_.After(static_cast<Nanos>(time_.rng().Below(10 * kMillisecond)), [this] { BeginEpoch(); });
}

void ClusterWorld::CrashWorker(ClusterWorker& worker) {
  if (!worker.up()) return;
  const batch_event::WorkerLost lost{worker.id(), worker.incarnation()};
  worker.Crash();
  if (time_.rng().Chance(0.5)) SendToCoordinators(lost);
  time_.After(static_cast<Nanos>(time_.rng().Below(10 * kMillisecond)), [to = &worker] {
    if (!to->up()) to->Start();
  });
}

// From outside: whatever was at work then may look guilty.
void ClusterWorld::CrashAnyWorker() {
  ClusterWorker& worker = *workers_[time_.rng().Below(workers_.size())];
  if (time_.rng().Chance(0.3)) {
    worker.EndIn(time_.rng().Chance(0.5) ? kStageStep : "another", worker.known().Next());
  }
  CrashWorker(worker);
}

void ClusterWorld::LosePower() {
  for (auto& worker : workers_) CrashWorker(*worker);
  CrashLeader();
}

void ClusterWorld::CrashSpout() {
  SpoutTask* task = spout_tasks_[time_.rng().Below(spout_tasks_.size())].get();
  if (time_.rng().Chance(0.3)) return task->Start(SpoutTask::Predecessor::kZombie);
  const batch_event::EmitterLost lost{task->id(), task->incarnation()};
  task->Crash();
  if (time_.rng().Chance(0.5)) SendToCoordinators(lost);
  time_.After(static_cast<Nanos>(time_.rng().Below(10 * kMillisecond)),
              [task] { task->Start(SpoutTask::Predecessor::kEnds); });
}

void ClusterWorld::Plan(uint32_t times, void (ClusterWorld::*fault)()) {
  for (uint32_t i = 0; i < times; ++i) {
    const uint64_t window = static_cast<uint64_t>(options().faults_last) * 8 / 10;
    time_.After(static_cast<Nanos>(time_.rng().Below(window)), [this, fault] { (this->*fault)(); });
  }
}

// Somebody notices that nobody leads.
void ClusterWorld::EnsureLeader() {
  const Epoch newest = epochs_.Read().epoch;
  const bool is_led = std::any_of(leaders_.begin(), leaders_.end(), [&](const auto& leader) {
    return leader->alive() && leader->epoch() >= newest;
  });
  if (!is_led) BeginEpoch();
}

// ---- a history ----

bool ClusterWorld::Finished() const {
  for (const auto& task : spout_tasks_) {
    for (uint32_t source : task->sources()) {
      auto at = oracle_.positions().find({task->id().spout.value(), SourceName(source)});
      if (at == oracle_.positions().end()) return false;
      if (IndexOf(at->second) < options().rows_per_source) return false;
    }
  }
  return std::all_of(workers_.begin(), workers_.end(),
                     [&](const auto& worker) { return worker->known() == oracle_.last_decided(); });
}

Outcome ClusterWorld::Run() {
  for (auto& worker : workers_) worker->Start();
  BeginEpoch();
  for (auto& task : spout_tasks_) task->Start(SpoutTask::Predecessor::kEnds);
  Plan(options_.leader_crashes, &ClusterWorld::CrashLeader);
  Plan(options_.takeovers, &ClusterWorld::TakeOver);
  Plan(options_.worker_crashes, &ClusterWorld::CrashAnyWorker);
  Plan(options_.power_losses, &ClusterWorld::LosePower);
  Plan(options_.spout_crashes, &ClusterWorld::CrashSpout);
  Nanos announce_at = kAnnounceEvery;
  const Nanos end = options().faults_last + options().input_lasts + kCalmMax;
  while (oracle_.violation().empty() && !stopped_ && time_.now() < end) {
    if (!time_.Advance() || time_.now() >= announce_at) {
      if (!time_.faulty() && Finished()) break;
      EnsureLeader();
      for (auto& worker : workers_) worker->Announce();
      for (auto& task : spout_tasks_) task->Announce();
      announce_at = time_.now() + kAnnounceEvery;
    }
  }
  CheckEnd();
  return outcome_;
}

void ClusterWorld::CheckEnd() {
  if (!stopped_ && !Finished()) {
    std::string who;
    for (const auto& leader : leaders_) {
      if (!leader->alive()) continue;
      who += Concat("; epoch ", leader->epoch().value(), leader->leads() ? " leads, " : " awaits ",
                    leader->awaited().size(), ", the group ", ToString(leader->status().gate));
    }
    for (const auto& worker : workers_) {
      who += Concat("; worker ", worker->id().value(), worker->up() ? " at " : " down at ",
                    worker->known().value());
    }
    oracle_.Violation(Concat("I10: long after the last fault not all input is decided and applied",
                             who, "; decided ", oracle_.last_decided().value()));
  }
  for (const auto& leader : leaders_) outcome_.failures += leader->status().failures_total;
  outcome_.violation = oracle_.violation();
  outcome_.txids = oracle_.last_decided().value();
  outcome_.diverted = oracle_.rows_diverted();
}

Outcome PlayCluster(uint64_t seed) {
  ClusterWorld world(ClusterOptionsFor(seed));
  return world.Run();
}

}  // namespace trident::model
