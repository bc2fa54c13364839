// SPDX-License-Identifier: Apache-2.0
//
// PartitionContext: the surroundings of one partition of a state.
#ifndef TRIDENT_STATE_MAP_PARTITION_CONTEXT_H_
#define TRIDENT_STATE_MAP_PARTITION_CONTEXT_H_

#include <cstdint>

#include "base/ids.h"
#include "state/disk/durable_store.h"
#include "state/disk/memory_budget.h"
#include "state/view/group_timeline.h"

namespace trident {

// How a fold treats a delta over a value that nobody has read.
enum class FoldDeltas : uint8_t {
  kWhateverIsCheaper,
  kUnread,  // appends it, and reads nothing; for tests
};

struct StateSpec;

// Owned by the StateStore, outlives the partition.
struct PartitionContext {
  StateId state;
  PartitionId partition;
  const DurableStore* durable;
  const GroupTimeline* timeline;
  MemoryBudget* budget;
  FoldDeltas fold_deltas = FoldDeltas::kWhateverIsCheaper;
  const StateSpec* spec = nullptr;  // for messages: its name and key; null: they show numbers
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_PARTITION_CONTEXT_H_
