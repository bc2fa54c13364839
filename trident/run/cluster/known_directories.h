// SPDX-License-Identifier: Apache-2.0
//
// The directories of a topology's workers, by names that do not depend on where they are. A worker
// is bound to its directory, which is its memory. Another one, of another machine or of a slip,
// would take its place, and lack what was decided.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_KNOWN_DIRECTORIES_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_KNOWN_DIRECTORIES_H_

#include <string>

#include "base/ids.h"
#include "base/status.h"
#include "state/disk/durable_store.h"

namespace trident {

// No two are the same.
std::string NewDirectoryName(const DurableStore& store);

// Whether the worker may come with this directory: "NAME PATH", of which the path is for people.
// The first one of a worker is remembered in the store of the leader. Its write is not waited for,
// but what begins with the worker is written behind it. FailedPrecondition: it is another one.
Status JudgeDirectory(DurableStore& leader, WorkerId worker, const std::string& directory);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_KNOWN_DIRECTORIES_H_
