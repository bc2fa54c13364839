// SPDX-License-Identifier: Apache-2.0
//
// RedoChanges: the redo table of a state directory, record by record, and what it does to the keys.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_REDO_CHANGES_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_REDO_CHANGES_H_

#include <cstdint>
#include <map>
#include <string>

#include "base/ids.h"
#include "coordinator/cli/directory/findings.h"
#include "coordinator/cli/directory/key_change.h"
#include "coordinator/cli/directory/partition_markers.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "state/disk/decided_attempts.h"

namespace trident {

// By key, in key order.
using KeyChanges = std::map<std::string, KeyChange>;

// What a directory was decided to be: who decided, and how far the base is.
struct DecidedState {
  const RestingDirectory& directory;
  const DecidedAttempts& decided;
  const PartitionMarkers& markers;
};

class RedoChanges {
 public:
  // Whose changes to keep in memory; the others are only looked at.
  struct Keep {
    enum class Which : uint8_t { kWaiting, kAll } which = Which::kWaiting;
    const RestingState* only = nullptr;  // null: of every state
  };
  // Damage, of a record: it is none, or stands under a foreign key; it is not of the attempt that
  // was decided, or not computed over the one that was decided before; it changes a state, a
  // partition or a key that cannot be; it is missing, although the base needs it.
  RedoChanges(const DecidedState& state, const Keep& keep, Findings& findings);

  // Decided and not in the base.
  const KeyChanges& Waiting(const PartitionPlace& place) const;
  // In the base as well.
  const KeyChanges& Folded(const PartitionPlace& place) const;

  struct Group {
    uint64_t records = 0;
    uint64_t bytes = 0;
    uint64_t waiting = 0;    // records that a start would apply again
    uint64_t undecided = 0;  // that a start would drop
  };
  const std::map<GroupId, Group>& groups() const { return groups_; }

 private:
  friend class RedoReader;

  std::map<PartitionPlace, KeyChanges> waiting_;
  std::map<PartitionPlace, KeyChanges> folded_;
  std::map<GroupId, Group> groups_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_REDO_CHANGES_H_
