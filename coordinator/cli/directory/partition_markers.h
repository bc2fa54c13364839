// SPDX-License-Identifier: Apache-2.0
//
// PartitionMarkers: how far each partition of each state is in the base.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_PARTITION_MARKERS_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_PARTITION_MARKERS_H_

#include <compare>
#include <map>
#include <optional>

#include "base/ids.h"
#include "coordinator/cli/directory/findings.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "state/disk/decided_attempts.h"
#include "state/disk/store_layout.h"

namespace trident {

struct PartitionPlace {
  StateId state;
  PartitionId partition;
  friend auto operator<=>(const PartitionPlace&, const PartitionPlace&) = default;
};

class PartitionMarkers {
 public:
  // Damage, of a marker: it is none, it is ahead of the decisions, or it holds another attempt than
  // the one that was decided.
  PartitionMarkers(const RestingDirectory& directory, const DecidedAttempts& decided,
                   Findings& findings);

  // Every txid up to this one is in the base. REQUIRES: the state has such a partition.
  TxId FoldedTo(const PartitionPlace& place) const { return folded_to_.at(place); }
  bool HasMarker(const PartitionPlace& place) const { return markers_.contains(place); }
  // The least and the greatest of a state's partitions.
  struct Span {
    TxId least;
    TxId greatest;
  };
  Span Of(const StoredState& state) const;
  // The least of a group; nullopt: it has no states.
  std::optional<TxId> LeastOf(GroupId group) const;

 private:
  std::map<PartitionPlace, Marker> markers_;
  std::map<PartitionPlace, TxId> folded_to_;
  std::map<GroupId, TxId> least_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_PARTITION_MARKERS_H_
