// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace trident::sim {
namespace {

// A schedule that is not over after so many steps without faults makes no progress.
constexpr uint32_t kQuietStepsMax = 20'000;
constexpr uint32_t kQuietHaltsMax = 3;
constexpr uint32_t kStartsMax = 50;

// The one worker, and the one life of it, that a process has.
constexpr WorkerId kWorker(0);
constexpr Incarnation kLife(1);

std::vector<std::unique_ptr<Source>> MakeSources(Trial& trial, const Workload& workload) {
  std::vector<std::unique_ptr<Source>> sources;
  for (uint32_t i = 0; i < trial.options.streams; ++i) {
    sources.push_back(std::make_unique<Source>(
        trial, i, [&workload](const RowSeed& seed) { return workload.MakeRow(seed); }));
  }
  return sources;
}

}  // namespace

World::World(const Options& options)
    : trial_(options),
      workload_(MakeWorkload(trial_)),
      sources_(MakeSources(trial_, *workload_)),
      history_(trial_, *workload_, sources_),
      disk_(trial_,
            {.during = [this] { OthersGoOn(); },
             .written =
                 [this](const WriteSet& changes, Durability durability, const Status& status) {
                   history_.OnWrite(changes, durability, status);
                 }}),
      readers_(trial_, *workload_, history_) {}

World::~World() {
  readers_.Disconnect();
  parts_.reset();
}

Outcome Play(const Options& options) { return World(options).Play(); }

Outcome World::Play() {
  PlayWithFaults();
  if (trial_.ok()) PlayToTheEnd();
  if (trial_.ok()) CheckTheEnd();
  outcome_.violation = trial_.violation;
  outcome_.digest = trial_.digest;
  outcome_.strikes = trial_.strikes_so_far;
  for (uint32_t group = 1; group <= trial_.options.streams; ++group) {
    outcome_.txids += history_.Committed(GroupId(group)).value();
  }
  return outcome_;
}

void World::PlayWithFaults() {
  uint32_t halted_for = 0;
  for (uint32_t i = 0; i < trial_.options.fault_steps && trial_.ok(); ++i) {
    if (parts_ == nullptr && !StartProcess()) return;
    Step();
    if (!halted_.ok() && ++halted_for > 20) {
      halted_for = 0;
      EndProcess(SimDisk::Death::kOfTheProcess);
      continue;
    }
    Command();
    MayCrash();
  }
}

void World::PlayToTheEnd() {
  trial_.faults_on = false;
  if (parts_ != nullptr) {
    parts_->coordinator().PostAll(batch_event::Resume{});
    parts_->coordinator().PostAll(word::Release{kWorker, kLife});
  }
  uint32_t halts = 0;
  for (uint32_t steps = 0; trial_.ok(); ++steps) {
    if (parts_ == nullptr && !StartProcess()) return;
    if (halted_.ok() && parts_->Ended()) return CheckFailures();
    if (steps > kQuietStepsMax) {
      const GroupStatus status = parts_->coordinator().StatusOf(GroupId(1));
      return trial_.Violated("faults have stopped, but not all input comes to be committed: ",
                             ToString(status.gate), ", ", status.last_failure.ToString());
    }
    Step();
    if (halted_.ok()) continue;
    // It may be the consequence of an earlier fault; the next life has no such excuse.
    if (++halts > kQuietHaltsMax)
      return trial_.Violated("it halts without a fault: ", halted_.ToString());
    EndProcess(SimDisk::Death::kOfTheProcess);
  }
}

void World::CheckTheEnd() {
  if (!history_.Complete()) return trial_.Violated("it ended, but not all input is committed");
  readers_.ReadEverything();
  if (!trial_.ok()) return;
  EndProcess(trial_.rng.Chance(0.5) ? SimDisk::Death::kOfTheProcess
                                    : SimDisk::Death::kOfTheMachine);
  if (!trial_.ok() || !StartProcess()) return;
  readers_.ReadEverything();
  maintaining_ = true;  // a fold that comes due meanwhile would wait for this one
  Status folded = parts_->states().fold().FoldAll();
  maintaining_ = false;
  if (!folded.ok()) return trial_.Violated("the last fold: ", folded.ToString());
  readers_.ReadEverything();
  EndProcess(SimDisk::Death::kOfTheProcess);
  if (trial_.ok() && StartProcess()) readers_.ReadEverything();
}

// ---- lives ----

// False, and a violation: it does not start.
bool World::StartProcess() {
  Status opened;
  for (uint32_t i = 0; i < kStartsMax && trial_.ok(); ++i) {
    strikes_before_ = trial_.strikes_so_far;
    halted_ = absl::OkStatus();
    idle_ = 0;
    opened = OpenParts();
    if (opened.ok()) {
      readers_.Connect(*parts_);
      parts_->StartStepped();
      return trial_.ok();
    }
    if (trial_.strikes_so_far == strikes_before_) break;
    EndProcess(trial_.rng.Chance(trial_.options.power_loss) ? SimDisk::Death::kOfTheMachine
                                                            : SimDisk::Death::kOfTheProcess);
  }
  trial_.Violated("it does not start: ", opened.ToString());
  return false;
}

Status World::OpenParts() {
  Topology topology("simulated");
  for (uint32_t i = 0; i < sources_.size(); ++i) {
    workload_->AddStream(topology, i, sources_[i]->OpenSpout());
  }
  const RunOptions& options = trial_.options.run;
  TRIDENT_ASSIGN_OR_RETURN(auto logical, topology.Build());
  TRIDENT_ASSIGN_OR_RETURN(Plan plan, MakePlan(logical, {.executors = options.executors}));
  network_ = std::make_unique<SimNetwork>(trial_);
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<RunParts> opened,
                           RunParts::Open(std::move(plan), options,
                                          {.store = &disk_,
                                           .events = this,
                                           .changed = [] {},
                                           .clock = &trial_.clock,
                                           .network = network_.get(),
                                           .state_bytes = trial_.options.state_bytes,
                                           .fold_commits = trial_.options.fold_commits,
                                           .fold_deltas = trial_.options.fold_deltas}));
  network_->Connect([this](DataMessage m) {
    const Status taken = parts_->worker().Deliver(std::move(m));
    if (!taken.ok()) trial_.Violated("a frame is refused: ", taken.ToString());
  });
  TRIDENT_RETURN_IF_ERROR(opened->Settle());
  parts_ = std::move(opened);
  return absl::OkStatus();
}

// Honest parties are not taken for liars: without a fault no attempt fails.
void World::CheckFailures() {
  if (parts_ == nullptr || trial_.strikes_so_far != strikes_before_) return;
  for (GroupId group : parts_->groups()) {
    const GroupStatus status = parts_->coordinator().StatusOf(group);
    if (status.failures_total == 0) continue;
    trial_.Violated("an attempt of group ", group.value(),
                    " failed though no fault was made: ", status.last_failure.ToString());
  }
}

void World::EndProcess(SimDisk::Death death) {
  CheckFailures();
  ++outcome_.crashes;
  readers_.Disconnect();
  parts_.reset();
  network_.reset();
  for (auto& source : sources_) source->ForgetReaders();
  // Who starts it again has mended what stopped it for good.
  if (!halted_.ok() && trial_.options.run.on_failure == OnFailure::kStop) trial_.poison_on = false;
  disk_.Restart(death);
  // A write whose outcome was unknown may be there after the one and gone after the other, as long
  // as nobody has synced since.
  history_.OnRestart(disk_, death == SimDisk::Death::kOfTheMachine ? History::Kept::kWhatWasSynced
                                                                   : History::Kept::kEverything);
}

void World::OnHalted(GroupId group, const Status& cause) {
  ++outcome_.halts;
  trial_.Note(cause.ToString());
  if (halted_.ok()) halted_ = cause;
  if (trial_.strikes_so_far != strikes_before_) return;
  trial_.Violated("group ", group.value(), " halts though nothing failed: ", cause.ToString());
}

// ---- steps ----

size_t World::actors() const {
  return static_cast<size_t>(Actor::kExecutors) + parts_->worker().executors();
}

size_t World::ChooseActor() {
  const size_t chosen = trial_.rng.Below(actors());
  const size_t slow = static_cast<size_t>(Actor::kExecutors) + trial_.options.slow_executor;
  if (chosen != slow || !trial_.Disturbs(trial_.options.slowness)) return chosen;
  return trial_.rng.Below(actors());
}

bool World::Work(size_t actor) {
  switch (static_cast<Actor>(actor)) {
    case Actor::kCoordinator:
      return parts_->coordinator().StepOnce();
    case Actor::kCommitter:
      return Commit();
    case Actor::kMaintenance:
      return Maintain();
    case Actor::kNetwork:
      return network_->RunOnce();
    default:
      return parts_->worker().executor(actor - static_cast<size_t>(Actor::kExecutors)).RunOnce();
  }
}

bool World::Commit() {
  if (committing_) return false;
  committing_ = true;
  const bool worked = parts_->coordinator().CommitOnce();
  committing_ = false;
  return worked;
}

bool World::Maintain() {
  if (maintaining_) return false;
  maintaining_ = true;
  const bool worked = parts_->maintenance().RunOnce();
  maintaining_ = false;
  outcome_.folds += worked ? 1 : 0;
  return worked;
}

void World::Step() {
  ++outcome_.steps;
  const size_t actor = ChooseActor();
  const bool worked = Work(actor);
  trial_.Note(actor * 2 + (worked ? 1 : 0));
  if (disk_.crashed()) return;
  if (trial_.rng.Chance(0.08)) readers_.RunOnce();
  trial_.clock.Advance(static_cast<Nanos>(trial_.rng.Below(50 * kMicrosecond)));
  if (trial_.wall_rng.Chance(0.02)) {
    trial_.clock.TurnWall(static_cast<Nanos>(trial_.wall_rng.Below(1500 * kMillisecond)) -
                          500 * kMillisecond);
  }
  idle_ = worked ? 0 : idle_ + 1;
  if (idle_ > 2 * actors()) LetTimePass();
}

// Nobody seems to have work: to when someone will.
void World::LetTimePass() {
  idle_ = 0;
  for (size_t actor = 0; actor < actors(); ++actor) {
    if (Work(actor)) return;
    if (disk_.crashed()) return;
  }
  std::optional<Nanos> next = parts_->coordinator().NextTick();
  auto consider = [&next](std::optional<Nanos> at) {
    if (at) next = std::min(next.value_or(*at), *at);
  };
  consider(network_->NextDelivery());
  for (size_t i = 0; i < parts_->worker().executors(); ++i) {
    consider(parts_->worker().executor(i).NextPoll());
  }
  if (next) trial_.clock.AdvanceTo(*next);
  trial_.clock.Advance(kMicrosecond);
}

void World::Command() {
  if (Dead()) return;
  BatchCoordinator& coordinator = parts_->coordinator();
  if (trial_.Disturbs(trial_.options.pause)) coordinator.PostAll(batch_event::Pause{});
  if (trial_.Disturbs(2 * trial_.options.pause)) coordinator.PostAll(batch_event::Resume{});
  if (trial_.Disturbs(trial_.options.hold)) {
    coordinator.PostAll(word::Hold{kWorker, kLife});
  }
  if (trial_.Disturbs(2 * trial_.options.hold)) {
    coordinator.PostAll(word::Release{kWorker, kLife});
  }
  if (trial_.Disturbs(0.02)) {
    for (auto& source : sources_) source->WakeReaders();
  }
}

void World::MayCrash() {
  const bool crashes =
      outcome_.crashes < trial_.options.crashes_max && trial_.Strikes(trial_.options.crash);
  if (!crashes && !disk_.crashed()) return;
  EndProcess(trial_.rng.Chance(trial_.options.power_loss) ? SimDisk::Death::kOfTheMachine
                                                          : SimDisk::Death::kOfTheProcess);
}

// While the disk is at work. A committer or a fold that waits for it does nothing else.
void World::OthersGoOn() {
  if (parts_ == nullptr) return;  // it is only starting
  for (uint64_t i = trial_.rng.Below(6); i > 0 && !disk_.crashed() && trial_.ok(); --i) {
    const size_t actor = ChooseActor();
    const bool worked = Work(actor);
    trial_.Note(actor * 2 + (worked ? 1 : 0));
    if (!disk_.crashed() && trial_.rng.Chance(0.1)) readers_.RunOnce();
  }
}

}  // namespace trident::sim
