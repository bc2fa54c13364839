// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_ENGINE_PARTITIONERS_SHUFFLE_H_
#define TRIDENT_ENGINE_PARTITIONERS_SHUFFLE_H_

#include "engine/partitioner.h"

namespace trident {

// Spreads tuples evenly over all tasks: of one slice, no task gets two tuples more than another,
// and the task that comes first rotates with txid and slice, so that small batches spread too.
// Which attempt it is does not matter: a replay of the same slices goes the same ways.
PartitionerRef ShufflePartitioner();

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONERS_SHUFFLE_H_
