// SPDX-License-Identifier: Apache-2.0
#include "state/state_store.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/check.h"
#include "base/spelling.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

// A slice holds about this part of the share, so that it is done in a fraction of a second and
// gives memory back soon.
constexpr uint64_t kSlicesPerShare = 24;

std::vector<std::string> NamesOf(const std::vector<std::unique_ptr<ReadableState>>& states) {
  std::vector<std::string> names;
  for (const auto& state : states) names.push_back(state->info().spec.name);
  return names;
}

}  // namespace

StatusOr<std::unique_ptr<StateStore>> StateStore::Open(DurableStore& durable,
                                                       const StoreOwner& owner,
                                                       const DecidedAttempts& decided,
                                                       const StateStoreOptions& options) {
  TRIDENT_ASSIGN_OR_RETURN(StoreClaim claim, StoreClaim::Make(durable, owner, options.drop_states));
  return std::unique_ptr<StateStore>(new StateStore(durable, std::move(claim), decided, options));
}

StateStore::StateStore(DurableStore& durable, StoreClaim claim, const DecidedAttempts& decided,
                       const StateStoreOptions& options)
    : durable_(durable),
      decided_(decided),
      options_(options),
      budget_(options.state_bytes),
      claim_(std::move(claim)) {}

StateStore::~StateStore() = default;

StatusOr<StateInfo> StateStore::Declare(const StateSpec& spec, const TypeInfo& value_type) {
  TRIDENT_CHECK(fold_ == nullptr) << "states are declared before Recover";
  TRIDENT_RETURN_IF_ERROR(ValidateSpec(spec));
  for (const auto& state : states_) {
    if (state->info().spec.name != spec.name) continue;
    return AlreadyExists("there are two states named ", spec.name,
                         ": give each state of a topology a name of its own");
  }
  StoredState wanted = Describe(spec, value_type);
  TRIDENT_ASSIGN_OR_RETURN(StoredState stored, claim_.Declare(wanted));
  for (uint32_t p = 0; p < spec.partitions; ++p) {
    partitions_.push_back({nullptr, stored.since, spec.name});
  }
  return StateInfo{stored.id, spec, &value_type};
}

StateGroup& StateStore::GroupOf(GroupId group) {
  std::unique_ptr<StateGroup>& found = groups_[group];
  if (found == nullptr) {
    found = std::make_unique<StateGroup>(group, std::max<uint64_t>(1, options_.readable_versions));
  }
  return *found;
}

StateGroup* StateStore::FindGroup(GroupId group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.get();
}

PartitionContext StateStore::ContextOf(const StateInfo& info) {
  return {.state = info.id,
          .partition = PartitionId(0),
          .durable = &durable_,
          .timeline = &GroupOf(info.spec.group).timeline(),
          .budget = &budget_,
          .fold_deltas = options_.fold_deltas};
}

void StateStore::Register(std::unique_ptr<ReadableState> state,
                          std::vector<StatePartition*> partitions) {
  const size_t first = partitions_.size() - partitions.size();
  for (size_t p = 0; p < partitions.size(); ++p) partitions_[first + p].partition = partitions[p];
  GroupOf(state->info().spec.group).AddPartitions(partitions);
  states_.push_back(std::move(state));
}

// The durable store may call the function when this store is gone. So the function refers to
// nothing of this store.
void StateStore::ExplainAppended() {
  durable_.SetCondense(std::make_shared<const Condense>(
      [condensers = condensers_](std::string_view key, std::string_view values, std::string& out) {
        const std::optional<ParsedBaseKey> parsed = ParseBaseKey(key);
        if (!parsed.has_value() || parsed->is_marker) return false;
        const auto condenser = condensers.find(parsed->state);
        return condenser != condensers.end() && condenser->second(values, out);
      }));
}

StatusOr<RecoveryReport> StateStore::Recover() {
  TRIDENT_CHECK(fold_ == nullptr) << "a store recovers once";
  TRIDENT_RETURN_IF_ERROR(claim_.CheckAllDeclared());
  ExplainAppended();
  RecoveryReport report;
  std::vector<Fold::Member> members;
  std::vector<StateGroup*> groups;
  const std::set<StateId> gone = claim_.Gone();
  for (auto& [id, group] : groups_) {
    const std::unordered_set<const StatePartition*> mine(group->partitions().begin(),
                                                         group->partitions().end());
    std::vector<RecoveringPartition> partitions;
    for (const RecoveringPartition& partition : partitions_) {
      if (!mine.contains(partition.partition)) continue;
      partitions.push_back(partition);
      members.push_back(
          {partition.partition, group.get(), Concat("the fold of state ", partition.state_name)});
    }
    TRIDENT_ASSIGN_OR_RETURN(RecoveryReport one,
                             RecoverGroup(durable_, *group, partitions, gone, decided_));
    beginning_.Append(std::move(one.undecided));
    report.records_replayed += one.records_replayed;
    report.records_dropped += one.records_dropped;
    report.bytes_replayed += one.bytes_replayed;
    groups.push_back(group.get());
  }
  std::sort(members.begin(), members.end(), [](const Fold::Member& a, const Fold::Member& b) {
    return std::pair(a.partition->state(), a.partition->partition()) <
           std::pair(b.partition->state(), b.partition->partition());
  });
  const FoldLimits limits{.redo_bytes = options_.fold_redo_bytes,
                          .commits = options_.fold_commits,
                          .slice_bytes = options_.state_bytes / kSlicesPerShare};
  fold_ = std::make_unique<Fold>(durable_, budget_, limits, std::move(members), std::move(groups));
  return report;
}

Status StateStore::Settle(WriteSet others) {
  TRIDENT_CHECK(fold_ != nullptr) << "a store settles after it has recovered";
  TRIDENT_RETURN_IF_ERROR(claim_.AddTo(beginning_));
  beginning_.Append(std::move(others));
  TRIDENT_RETURN_IF_ERROR(durable_.Write(std::exchange(beginning_, {}), Durability::kSynced));
  durable_.StartMerging();
  return {};
}

void StateStore::PublishApplied(GroupId group, TxId t, Attempt attempt, uint64_t redo_bytes) {
  StateGroup& published = GroupOf(group);
  published.CountRedo(redo_bytes);
  published.timeline().Publish(t, attempt);
  if (budget_.VersionsOverShare()) published.timeline().Shorten();
}

std::vector<const ReadableState*> StateStore::List() const {
  std::vector<const ReadableState*> out;
  for (const auto& state : states_) out.push_back(state.get());
  return out;
}

StatusOr<const ReadableState*> StateStore::Find(std::string_view name) const {
  for (const auto& state : states_) {
    if (state->info().spec.name == name) return state.get();
  }
  return NotFound("there is no state ", name, SpellingHint(name, "states", NamesOf(states_)));
}

TxId StateStore::Published(GroupId group) const {
  const StateGroup* found = FindGroup(group);
  return found == nullptr ? TxId(0) : found->timeline().published();
}

StatusOr<Snapshot> StateStore::Pin(GroupId group, const ReadAt& at) const {
  StateGroup* found = FindGroup(group);
  if (found == nullptr) return NotFound("no state belongs to group ", group.value());
  return Snapshot::Take(found->timeline(), at);
}

StatusOr<Watch> StateStore::Follow(const ReadableState& state, KeyRange range, TxId after) const {
  StateGroup* group = FindGroup(state.info().spec.group);
  TRIDENT_CHECK(group != nullptr);
  StatusOr<Snapshot> position = Snapshot::Take(group->timeline(), ReadAt::Exactly(after));
  const TxId oldest = group->timeline().oldest();
  if (absl::IsOutOfRange(position.status()) && after < oldest) {
    return OutOfRange("the changes of txid ", after.value() + 1,
                      " are not kept any more (a restart keeps none): read the state, which is "
                      "readable from txid ",
                      oldest.value(), " on, and watch from txid ", oldest.value() + 1, " on");
  }
  TRIDENT_RETURN_IF_ERROR(position.status());
  return Watch(*this, state, std::move(range), *std::move(position));
}

TxId StateStore::FoldedUpTo(GroupId group) const {
  const StateGroup* found = FindGroup(group);
  return found == nullptr ? TxId(0) : found->FoldedUpTo();
}

void StateStore::TrimIfNeeded() {
  const auto needed = [this] {
    return budget_.MustEvict() || budget_.VersionsOverShare() ||
           budget_.pressure() == Pressure::kStop;
  };
  for (const RecoveringPartition& partition : partitions_) {
    if (!needed()) return;
    partition.partition->Trim();
  }
  if (!budget_.VersionsOverShare()) return;
  for (auto& [id, group] : groups_) group->timeline().Shorten();
}

Pressure StateStore::pressure() const {
  const bool redo_is_full =
      fold_ != nullptr && fold_->RedoBytesWaiting() > static_cast<uint64_t>(kRedoBytesMax);
  if (redo_is_full) return Pressure::kStop;
  const Pressure memory = budget_.pressure();
  if (memory == Pressure::kNone && fold_ != nullptr && fold_->IsDue()) return Pressure::kFold;
  return memory;
}

}  // namespace trident
