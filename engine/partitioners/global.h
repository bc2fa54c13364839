// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_ENGINE_PARTITIONERS_GLOBAL_H_
#define TRIDENT_ENGINE_PARTITIONERS_GLOBAL_H_

#include "engine/partitioner.h"

namespace trident {

// Every tuple of every batch to task 0.
PartitionerRef GlobalPartitioner();

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONERS_GLOBAL_H_
