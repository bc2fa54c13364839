// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_ENGINE_PARTITIONERS_CUSTOM_H_
#define TRIDENT_ENGINE_PARTITIONERS_CUSTOM_H_

#include <functional>

#include "engine/partitioner.h"

namespace trident {

// A routing of the user's own: fills `out` for the slice. It must keep to the law of Partitioner,
// and may be called from several threads at once.
using RouteFunction =
    std::function<void(const RouteContext& context, const Slice& slice, Routing& out)>;

// A partitioner that calls `route`. Explain and errors call it `name`. If `route` names a task that
// does not exist, or gives another number of tasks than there are rows, Route throws
// std::out_of_range, which fails the attempt with that message.
PartitionerRef CustomPartitioner(std::string name, RouteFunction route);

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONERS_CUSTOM_H_
