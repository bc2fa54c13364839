// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_ENGINE_PARTITIONERS_BATCH_GLOBAL_H_
#define TRIDENT_ENGINE_PARTITIONERS_BATCH_GLOBAL_H_

#include "engine/partitioner.h"

namespace trident {

// All tuples of one batch to one task, chosen by the hash of its txid: batches of many txids
// spread.
PartitionerRef BatchGlobalPartitioner();

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONERS_BATCH_GLOBAL_H_
