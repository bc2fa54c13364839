// SPDX-License-Identifier: Apache-2.0
//
// How batch groups and states are shown to people: as views, and as metrics in Prometheus' text
// format.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_SHOWN_PARTS_H_
#define TRIDENT_TRIDENT_RUN_PARTS_SHOWN_PARTS_H_

#include <string>

#include "base/lag.h"
#include "coordinator/batch_coordinator.h"
#include "coordinator/serve/topology_control.h"
#include "engine/spout.h"
#include "state/state_store.h"

namespace trident {

// What is known of a group, besides what its sources say.
struct ShownGroup {
  GroupId group;
  GroupStatus status;
  GroupCounters counters;
};

// The limits of the options, the sources' counts and the lag are not in it.
BatchGroupView ViewOf(const ShownGroup& shown);

void AddMetric(const char* name, GroupId group, uint64_t value, std::string& out);
void AddGroupMetrics(const ShownGroup& shown, std::string& out);
void AddSourceMetrics(GroupId group, const SpoutCounts& counts, const Lag& lag, std::string& out);
void AddStateMetrics(StateStore& states, std::string& out);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_SHOWN_PARTS_H_
