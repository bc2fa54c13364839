// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/run_parts.h"

#include <set>
#include <utility>

#include "base/guard.h"
#include "base/limits.h"
#include "base/logging.h"
#include "state/disk/stored_expiry.h"
#include "trident/run/parts/known_sources.h"
#include "trident/run/parts/stream_names.h"

namespace trident {
namespace {

constexpr WorkerId kThisWorker{0};
constexpr Incarnation kThisLife{1};

StateStoreOptions StatesOf(const RunOptions& options, const RunSeams& seams) {
  StateStoreOptions states = WorkerParts::StatesOf(options);
  if (seams.state_bytes != 0) states.state_bytes = seams.state_bytes;
  states.fold_redo_bytes = seams.fold_redo_bytes;
  states.fold_commits = seams.fold_commits;
  states.fold_deltas = seams.fold_deltas;
  return states;
}

}  // namespace

StatusOr<std::unique_ptr<RunParts>> RunParts::Open(Plan plan, const RunOptions& options,
                                                   RunSeams seams) {
  std::unique_ptr<RunParts> parts(new RunParts(std::move(plan), seams.events));
  TRIDENT_RETURN_IF_ERROR(parts->OpenHalves(options, seams));
  return parts;
}

RunParts::~RunParts() { Stop(); }

// Recovery reads what was decided; the epoch follows when it has ended well.
Status RunParts::OpenHalves(const RunOptions& options, const RunSeams& seams) {
  marks_ = seams.marks;
  TRIDENT_RETURN_IF_ERROR(NumberByName(*seams.store, plan_, names_));
  TRIDENT_ASSIGN_OR_RETURN(leader_, LeaderParts::Open(plan_, options,
                                                      {.store = seams.store,
                                                       .events = this,
                                                       .changed = seams.changed,
                                                       .clock = seams.clock,
                                                       .workers = {kThisWorker},
                                                       .marks = seams.marks}));
  TRIDENT_RETURN_IF_ERROR(JudgePositions(plan_, *seams.store, leader_->log()));
  store_ = seams.store;
  TRIDENT_ASSIGN_OR_RETURN(
      worker_, WorkerParts::Open(plan_, options, StatesOf(options, seams),
                                 {.worker = kThisWorker,
                                  .life = kThisLife,
                                  .store = seams.store,
                                  .decided = &leader_->log(),
                                  .clock = seams.clock,
                                  .network = seams.network,
                                  .marks = marks_ == nullptr ? nullptr : marks_->marks(),
                                  .maintenance = MaintenanceTells()}));
  TRIDENT_RETURN_IF_ERROR(leader_->Begin());
  const WorkerParts::Epochs epochs{
      .repeats_cuts = leader_->repeats_cuts(),
      .history_of = [this](GroupId group) { return leader_->HistoryOf(group); },
      .positions_of = [this](GroupId group,
                             SpoutId spout) { return leader_->PositionsOf(group, spout); }};
  TRIDENT_RETURN_IF_ERROR(worker_->Build(epochs, leader_->link()));
  leader_->Connect(&worker_->desk(), &worker_->desk());
  return absl::OkStatus();
}

Maintenance::Callbacks RunParts::MaintenanceTells() {
  return {.marks = marks_ == nullptr ? nullptr : &marks_->sides(),
          .hold =
              [this] {
                for (GroupId group : groups()) worker_->desk().Hold(group);
              },
          .release =
              [this] {
                for (GroupId group : groups()) worker_->desk().Release(group);
              },
          .failed =
              [this](const Status& status) {
                for (const GroupId group : groups()) TellSources(group, status);
                events_->OnHalted(GroupId(0), status);
              },
          .folded =
              [this] {
                for (GroupId group : groups()) {
                  leader_->TrimDecisions(group, states().FoldedUpTo(group));
                }
              }};
}

void RunParts::OnHalted(GroupId group, const Status& cause) {
  TellSources(group, cause);
  events_->OnHalted(group, cause);
}

void RunParts::TellSources(GroupId group, const Status& cause) const {
  for (const Worker::Source& source : std::as_const(*worker_).worker().sources()) {
    if (source.group != group) continue;
    const Status told = Guarded("Halted", [&] { source.spout->Halted(cause); });
    if (!told.ok()) {
      TRIDENT_LOG(WARN) << "spout \"" << source.spout->Describe() << "\": " << Message(told);
    }
  }
}

Status RunParts::Settle() {
  WriteSet beginning = leader_->TakeBeginning();
  beginning.Append(std::exchange(names_, {}));
  for (const LogicalNode& node : plan_.logical->nodes()) {
    if (node.writes == nullptr || node.writes->user_defined()) continue;
    const StateSpec& state = node.writes->spec();
    PutExpiry(state.name, state.expire_after_micros, beginning);
  }
  TRIDENT_RETURN_IF_ERROR(worker_->states().Settle(std::move(beginning)));
  TellOfSourcesThatChanged();
  if (marks_ == nullptr) return absl::OkStatus();
  // Without the file all else is right; only rows that end the process are not found.
  const Status kept = marks_->Begin(leader_->deaths());
  if (!kept.ok()) {
    TRIDENT_LOG(WARN) << Message(kept) << "; a row that ends the process will not be found";
  }
  return absl::OkStatus();
}

// Another input than before may be meant, or may be a slip of who started the program.
void RunParts::TellOfSourcesThatChanged() const {
  for (const auto& [node, spout] : plan_.spouts) {
    for (const Worker::Source& source : std::as_const(*worker_).worker().sources()) {
      if (source.id != spout || source.group != plan_.groups.at(node)) continue;
      const std::vector<std::string>& listed = source.share->listed();
      std::set<std::string> read(listed.begin(), listed.end());
      const auto later = source.spout->PartitionsAfter(listed.size()).names;
      read.insert(later.begin(), later.end());
      const std::string changed =
          SourcesThatChanged(plan_.logical->node(node).name,
                             PositionsOf(plan_, {*store_, leader_->log(), node}), read);
      if (!changed.empty()) TRIDENT_LOG(WARN) << changed;
    }
  }
}

void RunParts::Start() {
  worker_->StartExecutors();
  leader_->Start();
  worker_->Join();
  worker_->StartMaintenance();
}

void RunParts::Stop() {
  if (worker_ != nullptr) worker_->StopMaintenance();
  if (leader_ != nullptr) leader_->Stop();
  if (worker_ != nullptr) worker_->Stop();
}

Lag RunParts::LagOf(GroupId group) const {
  Lag lag;
  for (const Worker::Source& source : std::as_const(*worker_).worker().sources()) {
    if (source.group != group) continue;
    const auto add = [&](const std::vector<std::string>& partitions) {
      for (const std::string& partition : partitions) {
        const Position at = leader_->log().CommittedPosition(group, source.id, partition);
        lag.Add(source.spout->BacklogAfter(partition, at));
      }
    };
    add(source.share->listed());
    add(source.spout->PartitionsAfter(source.share->listed().size()).names);
  }
  return lag;
}

SpoutCounts RunParts::CountsOf(GroupId group) const {
  SpoutCounts sum;
  for (const Worker::Source& source : std::as_const(*worker_).worker().sources()) {
    if (source.group != group) continue;
    const SpoutCounts counts = source.spout->Counts();
    sum.skipped += counts.skipped;
    sum.repaired += counts.repaired;
    sum.left += counts.left;
  }
  return sum;
}

uint64_t RunParts::RowsLost(GroupId group) const {
  uint64_t sum = 0;
  for (const Worker::Source& source : std::as_const(*worker_).worker().sources()) {
    if (source.group == group) sum += *source.rows_lost;
  }
  return sum;
}

std::vector<std::string> RunParts::LeftOut() const {
  std::vector<std::string> all;
  for (const Worker::Source& source : std::as_const(*worker_).worker().sources()) {
    for (std::string& what : source.spout->LeftOut()) all.push_back(std::move(what));
  }
  return all;
}

std::unique_ptr<RequestChain> RunParts::MakeRequestChain(const PlannedFunction& function) const {
  return std::make_unique<RequestChain>(plan_, function, states(),
                                        marks_ == nullptr ? nullptr : &marks_->sides());
}

}  // namespace trident
