// SPDX-License-Identifier: Apache-2.0
//
// StateStore: everything that a process remembers. The truth is the base plus the decided redo
// after it, both in one DurableStore. The hot tables of its partitions hold the values that were
// used of late.
//
//     auto store = StateStore::Open(durable, {.topology = "words"}, decisions, options);
//     auto counts = (*store)->AddMap<int64_t>({.name = "counts", .key_fields = key});
//     (*store)->Recover();  // once, and then
//     (*store)->Settle();  // before the first batch
//     ...
//     MapShare<int64_t> mine(**counts, first, last);  // a task's partitions
//     mine.Stage(t, attempt, keys, update);  // in txid order, over what t-1 staged
//     mine.AppendRedo(t, fragment);  // the caller makes redo and decision durable
//     mine.Apply(t, attempt);  // decided
//     (*store)->PublishApplied(group, t, attempt, redo_bytes);  // once every task has applied t
#ifndef TRIDENT_STATE_STATE_STORE_H_
#define TRIDENT_STATE_STATE_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/limits.h"
#include "base/status.h"
#include "state/disk/decided_attempts.h"
#include "state/disk/durable_store.h"
#include "state/disk/memory_budget.h"
#include "state/disk/state_spec.h"
#include "state/disk/store_claim.h"
#include "state/fold.h"
#include "state/map/appended_values.h"
#include "state/map/map_share.h"
#include "state/map/map_state.h"
#include "state/recovery.h"
#include "state/state_group.h"
#include "state/view/state_catalog.h"

namespace trident {

struct StateStoreOptions {
  uint64_t state_bytes = ShareMemory(kMemoryBytesDefault).state;  // see ShareMemory
  uint64_t readable_versions = kReadableVersions;
  // A round of folds is due after so much redo, or so many commits; see Fold.
  uint64_t fold_redo_bytes = kFoldRedoBytesDefault;
  uint64_t fold_commits = kFoldCommitsDefault;
  FoldDeltas fold_deltas = FoldDeltas::kWhateverIsCheaper;
  // States that this start gives up; Settle deletes them.
  std::set<std::string> drop_states = {};
};

// Recovery expects a redo record for every decided txid of a group that has states, also for one
// that changed nothing.
//
// Threads: AddMap, Recover and Settle come first, from one thread. After that the reading side
// (StateCatalog), PublishApplied and the calls under "maintenance" may be used on any thread.
// StatePartition and MapShare say who may touch a partition.
class StateStore final : public StateCatalog {
 public:
  // `durable` must outlive the store, `decided` the call of Recover. FailedPrecondition if the
  // directory belongs to another topology.
  static StatusOr<std::unique_ptr<StateStore>> Open(DurableStore& durable, const StoreOwner& owner,
                                                    const DecidedAttempts& decided,
                                                    const StateStoreOptions& options);
  ~StateStore() override;

  // Declares a state; Settle makes it if the directory does not have it yet. FailedPrecondition if
  // the directory has it with another kind, key, value type, group or number of partitions;
  // InvalidArgument if there cannot be such a state; AlreadyExists if it was declared before.
  template <class V>
  StatusOr<MapState<V>*> AddMap(const StateSpec& spec, MapOptions<V> options = {});

  // Applies again the decided txids that were not folded (rule R14 of docs/commit_rules.md). Writes
  // nothing. DataLoss, naming the txid, if a decided txid is neither in
  // the base nor in the redo, if the redo is not the one that was decided, or if the base is ahead
  // of the decisions; nothing may be served then. FailedPrecondition if the directory has a state
  // that was not declared.
  StatusOr<RecoveryReport> Recover();

  // The states of the directory that Recover would refuse, because they were not declared.
  std::vector<StoredState> Undeclared() const { return claim_.Undeclared(); }
  // Those that Settle deletes.
  std::vector<StoredState> GivenUp() const { return claim_.GivenUp(); }

  // Call it once, after Recover, when nothing can refuse the start any more: writes in one durable
  // write the store's owner and states, if they are new, and `others`; drops the redo of undecided
  // txids. Before it the directory is as the last process left it. Errors are those of the write.
  Status Settle(WriteSet others = {});

  // Makes `t`, which every task has applied, visible to readers, in all partitions and states of
  // the group at once. REQUIRES: t is Published(group) + 1.
  void PublishApplied(GroupId group, TxId t, Attempt attempt, uint64_t redo_bytes);

  // ---- StateCatalog ----
  std::vector<const ReadableState*> List() const override;
  StatusOr<const ReadableState*> Find(std::string_view name) const override;
  TxId Published(GroupId group) const override;
  StatusOr<Snapshot> Pin(GroupId group, const ReadAt& at) const override;
  StatusOr<Watch> Follow(const ReadableState& state, KeyRange range, TxId after) const override;

  // ---- maintenance (whoever runs the store does it now and then, on a thread of its own) ----

  // Call it after Recover.
  Fold& fold() { return *fold_; }
  // If there is too little memory: gives it back in partitions that nobody is using, makes the
  // accounts exact, and gives up old versions, one per call, as long as they take more than their
  // share. Else does nothing. Calls of this and of the fold make room for those who wait for it.
  void TrimIfNeeded();
  // The last txid that every state of the group has in its base. Decisions up to it are not needed
  // to recover, except the last one.
  TxId FoldedUpTo(GroupId group) const;

  // Tells the one who cuts batches whether to go on, or to wait for a fold.
  Pressure pressure() const;
  const MemoryBudget& budget() const { return budget_; }
  DurableStore& durable() { return durable_; }

 private:
  using CondenseValues = std::function<bool(std::string_view values, std::string& out)>;

  StateStore(DurableStore& durable, StoreClaim claim, const DecidedAttempts& decided,
             const StateStoreOptions& options);
  StatusOr<StateInfo> Declare(const StateSpec& spec, const TypeInfo& value_type);
  StateGroup& GroupOf(GroupId group);
  StateGroup* FindGroup(GroupId group) const;
  PartitionContext ContextOf(const StateInfo& info);
  // Tells the durable store how values of the states are condensed.
  void ExplainAppended();
  void Register(std::unique_ptr<ReadableState> state, std::vector<StatePartition*> partitions);

  // Constant after Open.
  DurableStore& durable_;
  const DecidedAttempts& decided_;
  const StateStoreOptions options_;

  // Synchronized by itself.
  MemoryBudget budget_;

  // Used up by Settle.
  StoreClaim claim_;
  WriteSet beginning_;

  // Constant after Recover.
  std::map<GroupId, std::unique_ptr<StateGroup>> groups_;
  std::vector<std::unique_ptr<ReadableState>> states_;
  std::vector<RecoveringPartition> partitions_;
  // For each state whose values can be condensed.
  std::map<StateId, CondenseValues> condensers_;
  std::unique_ptr<Fold> fold_;
};

template <class V>
StatusOr<MapState<V>*> StateStore::AddMap(const StateSpec& spec, MapOptions<V> options) {
  TRIDENT_ASSIGN_OR_RETURN(StateInfo info, Declare(spec, options.codec.type()));
  const PartitionContext context = ContextOf(info);
  if (options.combine != nullptr) {
    condensers_[info.id] = [options](std::string_view values, std::string& out) {
      return CondenseAppended<V>(values, options, out);
    };
  }
  auto state = std::make_unique<MapState<V>>(std::move(info), std::move(options), context);
  MapState<V>* added = state.get();
  Register(std::move(state), added->AllPartitions());
  return added;
}

}  // namespace trident

#endif  // TRIDENT_STATE_STATE_STORE_H_
