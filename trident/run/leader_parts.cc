// SPDX-License-Identifier: Apache-2.0
#include "trident/run/leader_parts.h"

#include <algorithm>

#include "base/limits.h"
#include "base/logging.h"
#include "coordinator/protocol/earlier_deaths.h"
#include "state/disk/memory_budget.h"
#include "state/disk/store_identity.h"

namespace trident {
namespace {

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

GroupConfig ConfigOf(GroupId group, const Plan& plan, const RunOptions& options) {
  const uint64_t exchange = ShareMemory(options.memory_bytes).exchange / plan.group_ids.size();
  GroupConfig config;
  config.group = group;
  config.max_pending = options.max_pending;
  config.limits = LimitsWithin(exchange, options);
  config.age_max = options.batch_age;
  config.retry_limit = options.retry_limit;
  config.progress_deadline = options.progress_deadline;
  config.policy =
      options.on_failure == OnFailure::kStop ? FailurePolicy::kStop : FailurePolicy::kDeadLetter;
  for (const StageSpec& stage : MakeStages(plan, {})) {
    if (stage.group != group || stage.spout == nullptr) continue;
    config.spouts.push_back({stage.spout_id, stage.spout->kind(), stage.tasks});
  }
  AskForUserStates(plan, config);
  return config;
}

}  // namespace

StatusOr<std::unique_ptr<LeaderParts>> LeaderParts::Open(const Plan& plan,
                                                         const RunOptions& options, Seams seams) {
  std::unique_ptr<LeaderParts> parts(new LeaderParts(plan, options, std::move(seams)));
  TRIDENT_RETURN_IF_ERROR(parts->log_.Load());
  return parts;
}

LeaderParts::~LeaderParts() { Stop(); }

Status LeaderParts::Begin() {
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(*seams_.store));
  epoch_ = identity.epoch.Next();
  PutEpoch(epoch_, beginning_);
  coordinator_ = std::make_unique<BatchCoordinator>(BatchCoordinator::Options{
      .clock = seams_.clock,
      .store = seams_.store,
      .log = &log_,
      .events = seams_.events,
      .durability =
          options_.sync == CommitSync::kFsync ? Durability::kSynced : Durability::kBuffered});
  size_t emitters = 0;
  for (GroupId group : plan_.group_ids) {
    GroupConfig config = ConfigOf(group, plan_, options_);
    config.voters = seams_.workers;
    for (const SpoutConfig& spout : config.spouts) emitters += spout.tasks;
    if (config.cut_logging != CutLogging::kNone) repeats_cuts_.insert(config.group);
    groups_.push_back(config.group);
    if (seams_.marks != nullptr) Judge(config, identity.epoch);
    TRIDENT_RETURN_IF_ERROR(coordinator_->AddGroup(std::move(config), epoch_));
  }
  desk_ = std::make_unique<LeaderDesk>(LeaderDesk::Options{
      .workers = seams_.workers, .emitters = emitters, .changed = seams_.changed});
  return absl::OkStatus();
}

// Tells of an end of which only this start can tell.
void LeaderParts::Judge(GroupConfig& config, Epoch last_epoch) {
  const Recovered recovered = log_.Recover(config.group, epoch_);
  LastProcess last = seams_.marks->LastOf(config.group, last_epoch, recovered.last_decided);
  last.cut_is_logged = !recovered.cuts.empty();
  config.deaths = JudgeDeaths(seams_.marks->DeathsBefore(config.group), last, config);
  if (!config.deaths) return;
  const EarlierDeaths& deaths = deaths_[config.group] = *config.deaths;
  if (last.steps.empty()) return;
  using Fate = EarlierDeaths::Fate;
  TRIDENT_LOG(WARN) << "the last process ended " << deaths.cause << "; " << deaths.deaths
                    << (deaths.deaths == 1 ? " process has" : " processes have")
                    << " ended in txid " << deaths.txid.value() << " of group "
                    << config.group.value() << ", "
                    << (deaths.fate == Fate::kHalt     ? "so the group halts"
                        : deaths.fate == Fate::kDivert ? "so its row goes to the dead letters"
                        : deaths.fate == Fate::kSingle ? "so its row is tried alone"
                                                       : "so batches go one by one, of at most ")
                    << (deaths.fate == Fate::kCareful ? Concat(deaths.rows_max, " rows") : "");
}

void LeaderParts::Connect(WorkerLink* workers, RedoAtHand* redo) {
  desk_->Connect(coordinator_.get(), workers);
  coordinator_->Connect(desk_.get(), redo);
}

void LeaderParts::Start() { coordinator_->Start(); }

void LeaderParts::Stop() {
  if (coordinator_ != nullptr) coordinator_->Stop();
}

bool LeaderParts::Ended() const {
  if (!desk_->AllEnded()) return false;
  return std::all_of(groups_.begin(), groups_.end(),
                     [this](GroupId group) { return coordinator_->StatusOf(group).idle; });
}

CommitHistory LeaderParts::HistoryOf(GroupId group) {
  return {epoch_, log_.BeginEpoch(group, epoch_, beginning_)};
}

std::vector<SourcePosition> LeaderParts::PositionsOf(GroupId group, SpoutId spout) const {
  std::vector<SourcePosition> positions;
  for (SpoutPosition& position : log_.Recover(group, epoch_).positions) {
    if (position.spout == spout) positions.push_back(std::move(position.at));
  }
  return positions;
}

void LeaderParts::TrimDecisions(GroupId group, TxId folded) {
  Status trimmed = log_.Trim(group, folded);
  if (!trimmed.ok()) seams_.events->OnHalted(group, trimmed);
}

}  // namespace trident
