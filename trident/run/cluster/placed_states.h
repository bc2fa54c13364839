// SPDX-License-Identifier: Apache-2.0
//
// The states of a topology of several workers: what they are, and which worker has which partition.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_PLACED_STATES_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_PLACED_STATES_H_

#include <vector>

#include "base/status.h"
#include "coordinator/serve/topology_control.h"
#include "state/disk/durable_store.h"
#include "trident/planner/planner.h"
#include "trident/run/cluster/cluster_catalog.h"
#include "trident/run/parts/run_options.h"

namespace trident {

// `plan` has the numbers of `store` (NumberByName). A partition is where the task is that writes
// it; dead letters are with the task that keeps them. Call it before the plan's states are opened.
StatusOr<std::vector<PlacedState>> PlaceStates(const Plan& plan, const RunOptions& options,
                                               const DurableStore& store, uint32_t workers);

// What a worker has of them.
std::vector<WorkerView::StatePart> PartsOf(WorkerId worker, const std::vector<PlacedState>& states);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_PLACED_STATES_H_
