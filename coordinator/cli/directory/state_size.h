// SPDX-License-Identifier: Apache-2.0
//
// How much a state of a directory at rest holds.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_SIZE_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_SIZE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "state/disk/durable_store.h"

namespace trident {

struct StateSize {
  std::string name;
  uint64_t keys = 0;
  uint64_t bytes = 0;  // of keys and values, as they are encoded
};

// Of each of these states at its newest txid; reads all their rows. NotFound: there is no such
// state. DataLoss: what is damaged.
StatusOr<std::vector<StateSize>> MeasureStates(const DurableStore& store,
                                               const std::vector<std::string>& names);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_SIZE_H_
