// SPDX-License-Identifier: Apache-2.0
//
// The configuration of a batch group: what its plan and the options of the run ask of the protocol.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_GROUP_CONFIG_H_
#define TRIDENT_TRIDENT_RUN_PARTS_GROUP_CONFIG_H_

#include "base/ids.h"
#include "coordinator/protocol/batch_protocol_types.h"
#include "trident/planner/planner.h"
#include "trident/run/parts/run_options.h"

namespace trident {

// All of it but who votes, and what earlier processes ended in.
GroupConfig GroupConfigOf(GroupId group, const Plan& plan, const RunOptions& options);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_GROUP_CONFIG_H_
