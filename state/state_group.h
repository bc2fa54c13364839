// SPDX-License-Identifier: Apache-2.0
//
// StateGroup: the timeline, the partitions and the redo count of one batch group in a store.
#ifndef TRIDENT_STATE_STATE_GROUP_H_
#define TRIDENT_STATE_STATE_GROUP_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "state/map/state_partition.h"
#include "state/view/group_timeline.h"

namespace trident {

// Thread-safe once the store has recovered.
class StateGroup {
 public:
  StateGroup(GroupId id, uint64_t window) : timeline_(id, window) {}

  GroupId id() const { return timeline_.group(); }
  GroupTimeline& timeline() { return timeline_; }
  const GroupTimeline& timeline() const { return timeline_; }

  void AddPartitions(const std::vector<StatePartition*>& partitions) {
    partitions_.insert(partitions_.end(), partitions.begin(), partitions.end());
  }
  const std::vector<StatePartition*>& partitions() const { return partitions_; }
  // Every partition's base has all decided txids up to this one.
  TxId FoldedUpTo() const;

  void CountRedo(uint64_t bytes) { redo_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  // Bytes of redo that the group has written since the store began, deleted or not.
  uint64_t redo_bytes() const { return redo_bytes_.load(std::memory_order_relaxed); }

 private:
  GroupTimeline timeline_;
  std::vector<StatePartition*> partitions_;  // constant after recovery
  std::atomic<uint64_t> redo_bytes_{0};
};

}  // namespace trident

#endif  // TRIDENT_STATE_STATE_GROUP_H_
