// SPDX-License-Identifier: Apache-2.0
#include "trident/run/worker_parts.h"

#include <algorithm>

#include "base/logging.h"
#include "state/disk/store_identity.h"

namespace trident {

StatusOr<std::unique_ptr<WorkerParts>> WorkerParts::Open(const Plan& plan,
                                                         const RunOptions& options,
                                                         const StateStoreOptions& states,
                                                         Seams seams) {
  std::unique_ptr<WorkerParts> parts(new WorkerParts(plan, options, std::move(seams)));
  TRIDENT_RETURN_IF_ERROR(parts->OpenStates(states));
  parts->maintenance_ = std::make_unique<Maintenance>(*parts->states_, *parts->seams_.clock,
                                                      parts->seams_.maintenance);
  return parts;
}

WorkerParts::~WorkerParts() { Stop(); }

Status WorkerParts::OpenStates(const StateStoreOptions& options) {
  TRIDENT_ASSIGN_OR_RETURN(
      states_, StateStore::Open(*seams_.store, StoreOwner{.topology = plan_.logical->topology()},
                                *seams_.decided, options));
  for (const LogicalNode& node : plan_.logical->nodes()) {
    if (node.writes == nullptr) continue;
    TRIDENT_RETURN_IF_ERROR(node.writes->OpenIn(*states_, plan_.groups[node.id]));
  }
  // Always there, so that the policy may change from run to run.
  for (GroupId group : plan_.group_ids) {
    std::shared_ptr<DeadLetterState> letters = DeclareDeadLetters(group);
    TRIDENT_RETURN_IF_ERROR(letters->OpenIn(*states_, group));
    if (options_.on_failure == OnFailure::kDeadLetter) dead_letters_[group] = letters;
  }
  TRIDENT_RETURN_IF_ERROR(OpenOrphanedLetters());
  TRIDENT_ASSIGN_OR_RETURN(RecoveryReport report, states_->Recover());
  TRIDENT_LOG(INFO) << "recovered " << report.records_replayed << " batches of "
                    << seams_.store->Where();
  for (GroupId group : plan_.group_ids) {
    const TxId last = seams_.decided->LastDecided(group);
    applied_[group] = {group, last, seams_.decided->AttemptOf(group, last).value_or(Attempt{})};
  }
  return absl::OkStatus();
}

// Of groups whose streams the topology does not have any more. Nobody declared them, so nobody can
// be asked to declare them again.
Status WorkerParts::OpenOrphanedLetters() {
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(*seams_.store));
  for (const StoredState& state : identity.states) {
    const bool planned = std::find(plan_.group_ids.begin(), plan_.group_ids.end(), state.group) !=
                         plan_.group_ids.end();
    std::shared_ptr<DeadLetterState> letters = DeclareDeadLetters(state.group);
    if (planned || letters->spec().name != state.name) continue;
    if (options_.drop_states.contains(state.name)) continue;
    TRIDENT_RETURN_IF_ERROR(letters->OpenIn(*states_, state.group));
  }
  return absl::OkStatus();
}

Status WorkerParts::StartUserStates(const Epochs& epochs) {
  std::map<GroupId, CommitHistory> histories;
  for (const LogicalNode& node : plan_.logical->nodes()) {
    if (node.writes == nullptr || !node.writes->user_defined()) continue;
    const GroupId group = plan_.groups[node.id];
    if (!histories.contains(group)) histories[group] = epochs.history_of(group);
    TRIDENT_RETURN_IF_ERROR(node.writes->Start(histories[group]));
  }
  return absl::OkStatus();
}

Status WorkerParts::Build(const Epochs& epochs, LeaderLink* leader) {
  TRIDENT_RETURN_IF_ERROR(StartUserStates(epochs));
  desk_ = std::make_unique<WorkerDesk>(
      WorkerDesk::Options{.states = states_.get(),
                          .worker = seams_.worker,
                          .incarnation = seams_.life,
                          .published = [this] { maintenance_->WatchPressure(); }});
  worker_ = std::make_unique<Worker>(WorkerOptions{.executors = options_.executors,
                                                   .clock = seams_.clock,
                                                   .events = desk_.get(),
                                                   .incarnation = seams_.life,
                                                   .network = seams_.network,
                                                   .repeats_cuts = epochs.repeats_cuts,
                                                   .applied = applied_,
                                                   .committed = epochs.positions_of});
  TRIDENT_RETURN_IF_ERROR(worker_->Build(MakeStages(plan_, dead_letters_)));
  desk_->Connect(worker_.get(), leader);
  return absl::OkStatus();
}

void WorkerParts::StartExecutors() { worker_->Start(); }

void WorkerParts::Join() {
  for (const auto& [group, applied] : applied_) desk_->Join(group, applied.txid);
}

void WorkerParts::StartMaintenance() { maintenance_->Start(); }

void WorkerParts::StopMaintenance() {
  if (maintenance_ != nullptr) maintenance_->Stop();
}

void WorkerParts::Stop() {
  StopMaintenance();
  if (worker_ != nullptr) worker_->Stop();
}

}  // namespace trident
