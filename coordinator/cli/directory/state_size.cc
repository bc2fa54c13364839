// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/state_size.h"

#include "coordinator/cli/directory/decided_txids.h"
#include "coordinator/cli/directory/findings.h"
#include "coordinator/cli/directory/partition_markers.h"
#include "coordinator/cli/directory/redo_changes.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "coordinator/cli/directory/state_rows.h"

namespace trident {

StatusOr<std::vector<StateSize>> MeasureStates(const DurableStore& store,
                                               const std::vector<std::string>& names) {
  TRIDENT_ASSIGN_OR_RETURN(const auto directory, RestingDirectory::ReadFrom(store));
  Findings findings;
  const DecidedTxIds decided(*directory, findings);
  const PartitionMarkers markers(*directory, decided, findings);
  const DecidedState from{*directory, decided, markers};
  std::vector<StateSize> sizes;
  for (const std::string& name : names) {
    TRIDENT_ASSIGN_OR_RETURN(const RestingState* const state, directory->FindState(name));
    const RedoChanges redo(from, {.which = RedoChanges::Keep::Which::kWaiting, .only = state},
                           findings);
    TRIDENT_RETURN_IF_ERROR(findings.ToStatus());
    StateSize& size = sizes.emplace_back(StateSize{.name = name});
    StateRows rows({.directory = *directory,
                    .state = *state,
                    .redo = redo,
                    .first = PartitionId(0),
                    .end = PartitionId(state->stored().partitions)});
    for (; rows.Valid(); rows.Next()) {
      ++size.keys;
      size.bytes += rows.key().size();
      if (rows.value().value) size.bytes += rows.value().value->size();
      for (const std::string& delta : rows.value().deltas) size.bytes += delta.size();
    }
    TRIDENT_RETURN_IF_ERROR(rows.status());
  }
  return sizes;
}

}  // namespace trident
