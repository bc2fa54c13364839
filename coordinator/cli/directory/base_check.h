// SPDX-License-Identifier: Apache-2.0
//
// Looks at every row of the base.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_BASE_CHECK_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_BASE_CHECK_H_

#include <cstdint>
#include <map>

#include "base/ids.h"
#include "coordinator/cli/directory/findings.h"
#include "coordinator/cli/directory/redo_changes.h"

namespace trident {

// Keys in the base, by state. Damage: a row of no state, of no partition, or of a partition without
// a marker; a key or value that is not of the state's types, or that stands in another partition
// than its own; a value that differs from what `redo`, which keeps all, says that was folded.
std::map<StateId, uint64_t> CheckBase(const DecidedState& state, const RedoChanges& redo,
                                      Findings& findings);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_BASE_CHECK_H_
