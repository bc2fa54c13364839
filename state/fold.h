// SPDX-License-Identifier: Apache-2.0
//
// Fold: moves committed changes into the base, in slices. A slice is a run of neighbouring
// partitions. Its changed keys, sorted, and its markers become one bulk load, which is installed as
// a whole; then its entries are clean. Slices go round all partitions. After a whole round, the
// redo that every partition has folded is deleted.
//
// Why slices instead of one large fold? Memory is given back while the round goes on. Each
// partition may gather changes for a whole round before it is folded; the more changes it has then,
// the less of the base is read and rewritten for each of them. And the runs of different slices do
// not overlap.
#ifndef TRIDENT_STATE_FOLD_H_
#define TRIDENT_STATE_FOLD_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/memory_budget.h"
#include "state/map/partition_fold.h"
#include "state/map/state_partition.h"
#include "state/state_group.h"

namespace trident {

struct FoldLimits {
  uint64_t redo_bytes;   // a round is due after so much redo,
  uint64_t commits;      // or so many commits, since the last one began
  uint64_t slice_bytes;  // a slice ends with the partition that brings it over so many dirty bytes
};

// Thread-safe; one slice at a time.
class Fold {
 public:
  // A partition with the group whose txids change it.
  struct Member {
    StatePartition* partition;
    StateGroup* group;
    std::string work = {};  // as a WorkMark says it: "the fold of state counts"
  };
  // `members` in base key order. All must outlive the fold.
  Fold(DurableStore& durable, MemoryBudget& budget, const FoldLimits& limits,
       std::vector<Member> members, std::vector<StateGroup*> groups);

  // Folds the next slice of the round, or the first of a new one. An error comes from the durable
  // store or from damage in the base. It loses nothing, but nothing is folded from then on.
  Status FoldSlice();
  // Goes on to the end of the round, and then through a whole one: everything that is published
  // when this is called gets into the base.
  Status FoldAll();

  // True if redo, commits or memory ask for a fold: someone should call FoldSlice until this is
  // false.
  bool IsDue() const;
  // True if something was committed since it was last folded.
  bool HasWork() const;
  // An upper bound of the redo that is not deleted yet, in bytes.
  uint64_t RedoBytesWaiting() const;

 private:
  Status FoldNextSlice() TRIDENT_REQUIRES(mutex_);
  Status FoldFrom(size_t& next) TRIDENT_REQUIRES(mutex_);
  void BeginRound() TRIDENT_REQUIRES(mutex_);
  Status EndRound() TRIDENT_REQUIRES(mutex_);
  static std::unique_ptr<PartitionFold> Collect(const Member& member);
  // Of most partitions a round finds that nothing has changed.
  static std::optional<Marker> MarkerIfUnchanged(const Member& member);
  // Published txids and bytes of redo, both summed over all groups since the store began.
  uint64_t Commits() const;
  uint64_t RedoBytes() const;
  bool RedoIsDue() const;

  // Constant after construction.
  DurableStore& durable_;
  MemoryBudget& budget_;
  const FoldLimits limits_;
  const std::vector<Member> members_;
  const std::vector<StateGroup*> groups_;

  // Any thread.
  std::atomic<uint64_t> redo_bytes_at_round_{0};  // when the round now going on, or the last, began
  std::atomic<uint64_t> redo_bytes_deleted_{0};   // at most what was
  std::atomic<uint64_t> commits_at_round_{0};
  std::atomic<bool> in_round_{false};
  // For each of groups_, up to which txid all of its partitions were folded when the last round
  // ended. So nobody need look at all of them to know whether there is work.
  std::vector<std::atomic<uint64_t>> folded_up_to_;
  // The round was begun to bound the redo, so it must come to its end, however much memory is free.
  std::atomic<bool> round_is_for_redo_{false};

  Mutex mutex_;
  size_t next_ TRIDENT_GUARDED_BY(mutex_) = 0;  // of members_; 0: between two rounds
  std::map<StateGroup*, TxId> redo_deleted_up_to_ TRIDENT_GUARDED_BY(mutex_);
  Status failed_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_STATE_FOLD_H_
