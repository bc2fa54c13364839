// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/worker_parts.h"

#include <string>

#include "base/logging.h"
#include "trident/run/parts/declared_states.h"

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

StoreOwner WorkerParts::OwnerOf(const Plan& plan, WorkerId worker, uint32_t workers) {
  StoreOwner owner;
  owner.topology = plan.logical->topology();
  owner.worker = worker.value();
  owner.workers = workers;
  return owner;
}

StateStoreOptions WorkerParts::StatesOf(const RunOptions& options) {
  StateStoreOptions states;
  states.state_bytes = ShareMemory(options.memory_bytes).state;
  states.readable_versions = options.readable_versions;
  states.drop_states = options.drop_states;
  return states;
}

WorkerParts::~WorkerParts() { Stop(); }

Status WorkerParts::OpenStates(const StateStoreOptions& options) {
  TRIDENT_ASSIGN_OR_RETURN(
      states_, StateStore::Open(*seams_.store, OwnerOf(plan_, seams_.worker, seams_.workers),
                                *seams_.decided, options));
  TRIDENT_ASSIGN_OR_RETURN(
      dead_letters_,
      DeclareStates(
          {.plan = plan_, .options = options_, .store = *seams_.store, .states = *states_},
          [](const std::string& /*state*/, const Status& outcome) { return outcome; }));
  TRIDENT_ASSIGN_OR_RETURN(RecoveryReport report, states_->Recover());
  TRIDENT_LOG(INFO) << "recovered " << report.records_replayed << " batches of "
                    << seams_.store->Where();
  for (GroupId group : plan_.group_ids) {
    const TxId last = seams_.decided->LastDecided(group);
    applied_[group] = {group, last, seams_.decided->AttemptOf(group, last).value_or(Attempt{})};
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
                          .groups = plan_.group_ids,
                          .published = [this] { maintenance_->WatchPressure(); }});
  worker_ = std::make_unique<Worker>(WorkerOptions{.executors = options_.executors,
                                                   .clock = seams_.clock,
                                                   .events = desk_.get(),
                                                   .incarnation = seams_.life,
                                                   .network = seams_.network,
                                                   .marks = seams_.marks,
                                                   .has_task = seams_.has_task,
                                                   .repeats_cuts = epochs.repeats_cuts,
                                                   .applied = applied_,
                                                   .committed = epochs.positions_of,
                                                   .agreed = epochs.agreed});
  const std::vector<StageSpec> stages = MakeStages(plan_, dead_letters_);
  letters_ = std::make_unique<LetterDesk>(LetterDesk::Parts{
      .states = dead_letters_, .stages = stages, .repeats_cuts = epochs.repeats_cuts});
  TRIDENT_RETURN_IF_ERROR(worker_->Build(stages));
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
