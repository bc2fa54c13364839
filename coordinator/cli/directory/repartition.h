// SPDX-License-Identifier: Apache-2.0
//
// Another number of partitions for a state of a directory that no process is running on.
//
// The rows are written under a new number of a state, which counts as dropped so far. One write
// then gives the state this number and drops the old one. So a crash at any point leaves the state
// with the old partitions or with the new ones; what else it leaves goes with the next start or
// change.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_REPARTITION_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_REPARTITION_H_

#include <cstdint>
#include <string>

#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/store_identity.h"

namespace trident {

struct Repartitioned {
  StoredState was;
  uint64_t rows = 0;
};

// NotFound: there is no such state; InvalidArgument: no state can have so many partitions;
// DataLoss: something is damaged. Nothing is changed then.
StatusOr<Repartitioned> RepartitionStateOf(DurableStore& store, const std::string& name,
                                           uint32_t partitions);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_REPARTITION_H_
