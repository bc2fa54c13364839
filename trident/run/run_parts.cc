// SPDX-License-Identifier: Apache-2.0
#include "trident/run/run_parts.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/logging.h"
#include "state/disk/store_identity.h"

namespace trident {
namespace {

constexpr WorkerId kThisWorker{0};
constexpr Incarnation kThisLife{1};

// What user-defined states ask of their group: see trident/states/README.md.
void AskForUserStates(const Plan& plan, GroupConfig& config) {
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (plan.groups[node.id] != config.group || node.writes == nullptr) continue;
    if (!node.writes->user_defined()) continue;
    config.staging = Staging::kOneAtATime;
    // It takes a txid once; so the txid must hold the same rows whenever it comes again.
    if (node.writes->spec().kind == StateKind::kTransactional) {
      config.cut_logging = CutLogging::kBeforeStage;
    }
  }
}

// `exchange_bytes` is what the batches of the group may take together.
BatchLimits LimitsWithin(uint64_t exchange_bytes, const RunOptions& options) {
  const uint64_t a_batch = exchange_bytes / std::max(options.max_pending, 1u);
  auto within = [a_batch](uint64_t asked, uint64_t memory_of_one) {
    return std::min(asked, std::max<uint64_t>(a_batch / memory_of_one, 1));
  };
  return {within(options.batch_rows, kBatchMemoryBytesPerRow),
          within(options.batch_bytes, kBatchMemoryBytesPerByte)};
}

GroupConfig ConfigOf(GroupId group, const RunOptions& options, BatchLimits limits,
                     const std::vector<StageSpec>& stages) {
  GroupConfig config;
  config.group = group;
  config.max_pending = options.max_pending;
  config.limits = limits;
  config.age_max = options.batch_age;
  config.retry_limit = options.retry_limit;
  config.policy =
      options.on_failure == OnFailure::kStop ? FailurePolicy::kStop : FailurePolicy::kDeadLetter;
  config.voters = {kThisWorker};
  for (const StageSpec& stage : stages) {
    if (stage.group != group || stage.spout == nullptr) continue;
    config.spouts.push_back({stage.spout_id, stage.spout->kind(), stage.tasks});
  }
  return config;
}

}  // namespace

StatusOr<std::unique_ptr<RunParts>> RunParts::Open(Plan plan, const RunOptions& options,
                                                   RunSeams seams) {
  std::unique_ptr<RunParts> parts(new RunParts(std::move(plan), options, std::move(seams)));
  TRIDENT_RETURN_IF_ERROR(parts->OpenStates());
  TRIDENT_RETURN_IF_ERROR(parts->BuildWorker());
  parts->MakeMaintenance();
  return parts;
}

RunParts::~RunParts() { Stop(); }

Status RunParts::OpenStates() {
  log_ = std::make_unique<DecisionLog>(*seams_.store);
  TRIDENT_RETURN_IF_ERROR(log_->Load());
  StateStoreOptions state_options;
  state_options.state_bytes =
      seams_.state_bytes != 0 ? seams_.state_bytes : ShareMemory(options_.memory_bytes).state;
  state_options.readable_versions = options_.readable_versions;
  state_options.fold_redo_bytes = seams_.fold_redo_bytes;
  state_options.fold_commits = seams_.fold_commits;
  state_options.fold_deltas = seams_.fold_deltas;
  TRIDENT_ASSIGN_OR_RETURN(
      states_, StateStore::Open(*seams_.store, StoreOwner{.topology = plan_.logical->topology()},
                                *log_, state_options));
  for (const LogicalNode& node : plan_.logical->nodes()) {
    if (node.writes == nullptr) continue;
    TRIDENT_RETURN_IF_ERROR(node.writes->Open(*states_, plan_.groups[node.id]));
  }
  // Always there, so that the policy may change from run to run.
  for (uint32_t i = 1; i <= plan_.group_count; ++i) {
    std::shared_ptr<DeadLetterState> letters = DeclareDeadLetters(GroupId(i));
    TRIDENT_RETURN_IF_ERROR(letters->Open(*states_, GroupId(i)));
    if (options_.on_failure == OnFailure::kDeadLetter) dead_letters_[GroupId(i)] = letters;
  }
  TRIDENT_ASSIGN_OR_RETURN(RecoveryReport report, states_->Recover());
  TRIDENT_LOG(INFO) << "recovered " << report.records_replayed << " batches of "
                    << seams_.store->Where();
  TRIDENT_ASSIGN_OR_RETURN(epoch_, BeginEpoch(*seams_.store));
  return StartUserStates();
}

Status RunParts::StartUserStates() {
  std::map<GroupId, CommitHistory> histories;
  for (const LogicalNode& node : plan_.logical->nodes()) {
    if (node.writes == nullptr || !node.writes->user_defined()) continue;
    const GroupId group = plan_.groups[node.id];
    if (!histories.contains(group)) {
      TRIDENT_ASSIGN_OR_RETURN(auto begun_at, log_->BeginEpoch(group, epoch_));
      histories[group] = {epoch_, std::move(begun_at)};
    }
    TRIDENT_RETURN_IF_ERROR(node.writes->Start(histories[group]));
  }
  return absl::OkStatus();
}

Status RunParts::BuildWorker() {
  std::vector<StageSpec> stages = MakeStages(plan_, dead_letters_);
  coordinator_ = std::make_unique<BatchCoordinator>(BatchCoordinator::Options{
      .clock = seams_.clock,
      .store = seams_.store,
      .log = log_.get(),
      .events = seams_.events,
      .durability =
          options_.sync == CommitSync::kFsync ? Durability::kSynced : Durability::kBuffered});
  bridge_ = std::make_unique<WorkerBridge>(WorkerBridge::Options{
      .states = states_.get(), .worker = kThisWorker, .incarnation = kThisLife, .changed = [this] {
        if (maintenance_ != nullptr) maintenance_->WatchPressure();
        seams_.changed();
      }});
  coordinator_->Connect(bridge_.get());
  WorkerOptions worker;
  worker.executors = options_.executors;
  worker.clock = seams_.clock;
  worker.events = bridge_.get();
  worker.incarnation = kThisLife;
  worker.network = seams_.network;
  for (uint32_t i = 1; i <= plan_.group_count; ++i) {
    GroupId group(i);
    groups_.push_back(group);
    Recovered recovered = log_->Recover(group, epoch_);
    worker.applied[group] = {group, recovered.last_decided, recovered.last_attempt};
    const uint64_t exchange = ShareMemory(options_.memory_bytes).exchange / plan_.group_count;
    GroupConfig config = ConfigOf(group, options_, LimitsWithin(exchange, options_), stages);
    AskForUserStates(plan_, config);
    if (config.cut_logging != CutLogging::kNone) worker.repeats_cuts.insert(group);
    TRIDENT_RETURN_IF_ERROR(coordinator_->AddGroup(std::move(config), epoch_));
  }
  worker_ = std::make_unique<Worker>(std::move(worker));
  TRIDENT_RETURN_IF_ERROR(worker_->Build(stages));
  bridge_->Connect(worker_.get(), coordinator_.get());
  return absl::OkStatus();
}

void RunParts::MakeMaintenance() {
  maintenance_ = std::make_unique<Maintenance>(
      *states_, *seams_.clock,
      Maintenance::Callbacks{
          .hold = [this] { coordinator_->PostAll(batch_event::Hold{}); },
          .release = [this] { coordinator_->PostAll(batch_event::Release{}); },
          .failed = [this](const Status& status) { seams_.events->OnHalted(GroupId(0), status); },
          .folded = [this] { TrimDecisions(); }});
}

void RunParts::Start() {
  worker_->Start();
  coordinator_->Start();
  Announce();
  maintenance_->Start();
}

void RunParts::StartStepped() { Announce(); }

void RunParts::Announce() {
  for (GroupId group : groups_) bridge_->Announce(group, log_->LastDecided(group));
}

void RunParts::Stop() {
  if (maintenance_ != nullptr) maintenance_->Stop();
  if (coordinator_ != nullptr) coordinator_->Stop();
  if (worker_ != nullptr) worker_->Stop();
}

void RunParts::TrimDecisions() {
  for (GroupId group : groups_) {
    Status trimmed = log_->Trim(group, states_->FoldedUpTo(group));
    if (!trimmed.ok()) return seams_.events->OnHalted(group, trimmed);
  }
}

bool RunParts::Ended() const {
  if (!bridge_->AllEnded()) return false;
  for (GroupId group : groups_) {
    if (!coordinator_->StatusOf(group).idle) return false;
  }
  return true;
}

Lag RunParts::LagOf(GroupId group) const {
  Lag lag;
  for (const Worker::Source& source : worker_->sources()) {
    if (source.group != group) continue;
    for (const std::string& partition : source.partitions) {
      const Position at = log_->CommittedPosition(group, source.id, partition);
      lag.Add(source.spout->BacklogAfter(partition, at));
    }
  }
  return lag;
}

std::unique_ptr<RequestChain> RunParts::MakeRequestChain(const PlannedFunction& function) const {
  return std::make_unique<RequestChain>(plan_, function, *states_);
}

}  // namespace trident
