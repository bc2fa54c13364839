// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_ENGINE_PARTITIONERS_BY_FIELDS_H_
#define TRIDENT_ENGINE_PARTITIONERS_BY_FIELDS_H_

#include "engine/partitioner.h"

namespace trident {

// Equal keys to equal tasks. The key's hash names one of `partitions` partitions, as many as the
// state behind the exchange has, and the partition its task (base/partition_assignment.h), so a
// tuple lands where the state of its key lives. `names` are the key's fields, for Explain.
//
// REQUIRES: slices carry their keys; the operator that groups has put them there.
// REQUIRES: 1 <= partitions <= kStatePartitionsMax.
PartitionerRef ByFieldsPartitioner(std::vector<std::string> names, uint32_t partitions);

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONERS_BY_FIELDS_H_
