// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_ENGINE_PARTITIONERS_IDENTITY_H_
#define TRIDENT_ENGINE_PARTITIONERS_IDENTITY_H_

#include "engine/partitioner.h"

namespace trident {

// From task i to task i.
//
// REQUIRES: the stages have equally many tasks, which the planner checks.
PartitionerRef IdentityPartitioner();

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONERS_IDENTITY_H_
