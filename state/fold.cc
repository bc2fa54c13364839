// SPDX-License-Identifier: Apache-2.0
#include "state/fold.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/work_mark.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

// Entries that are read while the partition's owner waits.
constexpr uint32_t kCollectStep = 512;

// Keeps the published txid of a group readable while it lives.
class PublishedHold {
 public:
  explicit PublishedHold(GroupTimeline& timeline)
      : timeline_(timeline), hold_(timeline.HoldPublished()) {}
  ~PublishedHold() { timeline_.ReleaseHold(hold_.txid); }
  PublishedHold(const PublishedHold&) = delete;
  PublishedHold& operator=(const PublishedHold&) = delete;
  const GroupTimeline::Hold& operator*() const { return hold_; }

 private:
  GroupTimeline& timeline_;
  const GroupTimeline::Hold hold_;
};

}  // namespace

Fold::Fold(DurableStore& durable, MemoryBudget& budget, const FoldLimits& limits,
           std::vector<Member> members, std::vector<StateGroup*> groups)
    : durable_(durable),
      budget_(budget),
      limits_(limits),
      members_(std::move(members)),
      groups_(std::move(groups)),
      folded_up_to_(groups_.size()) {
  commits_at_round_ = Commits();
  for (size_t g = 0; g < groups_.size(); ++g) {
    folded_up_to_[g] = groups_[g]->FoldedUpTo().value();
  }
}

Status Fold::FoldSlice() {
  MutexLock lock(mutex_);
  return FoldNextSlice();
}

Status Fold::FoldAll() {
  MutexLock lock(mutex_);
  while (next_ != 0) TRIDENT_RETURN_IF_ERROR(FoldNextSlice());
  do {
    TRIDENT_RETURN_IF_ERROR(FoldNextSlice());
  } while (next_ != 0);
  return absl::OkStatus();
}

Status Fold::FoldNextSlice() {
  if (members_.empty()) return absl::OkStatus();
  TRIDENT_RETURN_IF_ERROR(failed_);
  if (next_ == 0) BeginRound();
  size_t next = next_;
  failed_ = FoldFrom(next);
  TRIDENT_RETURN_IF_ERROR(failed_);
  next_ = next;
  return next_ == members_.size() ? EndRound() : absl::OkStatus();
}

// Moves `next` behind what was folded.
Status Fold::FoldFrom(size_t& next) {
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<BulkLoad> load, durable_.NewBulkLoad(Table::kBase));
  std::vector<std::unique_ptr<PartitionFold>> folds;
  std::vector<std::pair<StatePartition*, Marker>> unchanged;
  uint64_t dirty = 0;
  while (next < members_.size() && dirty < limits_.slice_bytes) {
    const Member& member = members_[next++];
    if (member.partition->marker().txid == member.group->timeline().published()) continue;
    const WorkMark::Scope under_way({member.work, {}, member.partition->partition().value()});
    dirty += member.partition->DirtyBytes();
    if (const auto marker = MarkerIfUnchanged(member)) {
      unchanged.emplace_back(member.partition, *marker);
      TRIDENT_RETURN_IF_ERROR(
          load->Put(MarkerKey(member.partition->state(), member.partition->partition()),
                    EncodeMarker(*marker)));
      continue;
    }
    folds.push_back(Collect(member));
    TRIDENT_RETURN_IF_ERROR(folds.back()->Merge());
    TRIDENT_RETURN_IF_ERROR(folds.back()->WriteTo(*load));
    folds.back()->ReleaseRows();
  }
  if (!folds.empty() || !unchanged.empty()) {
    // A txid that was decided without a sync may be lost in a power failure, but not once the base
    // has it.
    TRIDENT_RETURN_IF_ERROR(durable_.Write(WriteSet(), Durability::kSynced));
    TRIDENT_RETURN_IF_ERROR(load->Install());
  }
  Status finished;
  for (const auto& [partition, marker] : unchanged) partition->AdvanceTo(marker);
  for (auto& fold : folds) finished.Update(fold->Finish());
  return finished;
}

std::optional<Marker> Fold::MarkerIfUnchanged(const Member& member) {
  const PublishedHold published(member.group->timeline());
  return member.partition->MarkerIfUnchanged((*published).txid, (*published).attempt);
}

std::unique_ptr<PartitionFold> Fold::Collect(const Member& member) {
  const PublishedHold published(member.group->timeline());
  auto fold = member.partition->BeginFold((*published).txid, (*published).attempt);
  while (fold->Collect(kCollectStep)) {
  }
  return fold;
}

void Fold::BeginRound() {
  round_is_for_redo_ = RedoIsDue();
  redo_bytes_at_round_ = RedoBytes();
  commits_at_round_ = Commits();
  in_round_ = true;
}

Status Fold::EndRound() {
  next_ = 0;
  in_round_ = false;
  WriteSet changes;
  for (size_t g = 0; g < groups_.size(); ++g) {
    StateGroup* const group = groups_[g];
    const TxId up_to = group->FoldedUpTo();
    folded_up_to_[g] = up_to.value();
    TxId& deleted = redo_deleted_up_to_[group];
    if (up_to <= deleted) continue;
    changes.DeleteRange(Table::kRedo, RedoKey(group->id(), deleted.Next()),
                        RedoKey(group->id(), up_to.Next()));
    deleted = up_to;
  }
  redo_bytes_deleted_ = redo_bytes_at_round_.load();
  if (changes.empty()) return absl::OkStatus();
  return durable_.Write(changes, Durability::kBuffered);
}

bool Fold::IsDue() const {
  return budget_.FoldIsDue() || RedoIsDue() || (in_round_ && round_is_for_redo_);
}

bool Fold::RedoIsDue() const {
  return RedoBytes() - redo_bytes_at_round_ >= limits_.redo_bytes ||
         Commits() - commits_at_round_ >= limits_.commits;
}

bool Fold::HasWork() const {
  if (in_round_) return true;
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (folded_up_to_[g] < groups_[g]->timeline().published().value()) return true;
  }
  return false;
}

uint64_t Fold::RedoBytesWaiting() const { return RedoBytes() - redo_bytes_deleted_; }

uint64_t Fold::RedoBytes() const {
  uint64_t bytes = 0;
  for (const StateGroup* group : groups_) bytes += group->redo_bytes();
  return bytes;
}

uint64_t Fold::Commits() const {
  uint64_t commits = 0;
  for (const StateGroup* group : groups_) commits += group->timeline().published().value();
  return commits;
}

}  // namespace trident
