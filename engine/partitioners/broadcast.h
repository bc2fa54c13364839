// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_ENGINE_PARTITIONERS_BROADCAST_H_
#define TRIDENT_ENGINE_PARTITIONERS_BROADCAST_H_

#include "engine/partitioner.h"

namespace trident {

// Every tuple to every task; copies references, not values.
PartitionerRef BroadcastPartitioner();

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONERS_BROADCAST_H_
