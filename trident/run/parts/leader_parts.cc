// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/leader_parts.h"

#include <algorithm>

#include "base/logging.h"
#include "coordinator/protocol/earlier_deaths.h"
#include "state/disk/store_identity.h"
#include "trident/run/parts/group_config.h"

namespace trident {
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
    GroupConfig config = GroupConfigOf(group, plan_, options_);
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
  TRIDENT_LOG(WARN) << "the last process ended " << deaths.cause << "; "
                    << TextOf(deaths, config.group);
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
