// SPDX-License-Identifier: Apache-2.0
//
// Recovery: from what the disk has to what was committed. For every partition it compares marker,
// decisions and redo (rule R14 of docs/commit_rules.md), and re-applies the decided redo after the
// marker.
#ifndef TRIDENT_STATE_RECOVERY_H_
#define TRIDENT_STATE_RECOVERY_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "state/disk/decided_attempts.h"
#include "state/disk/durable_store.h"
#include "state/map/state_partition.h"
#include "state/state_group.h"

namespace trident {

// The findings and deeds of recovery, for the log.
struct RecoveryReport {
  uint64_t records_replayed = 0;
  uint64_t records_dropped = 0;  // folded before, or of attempts that were not decided
  uint64_t bytes_replayed = 0;
  WriteSet undecided;  // deletes redo that was not decided; recovery itself writes nothing
};

struct RecoveringPartition {
  StatePartition* partition;
  TxId since;              // newest decided txid when its state was made
  std::string state_name;  // for errors
};

// Brings the partitions of one group to the group's last decided txid, and starts its timeline
// there. `partitions` are the group's; the changes of states in `gone`, which are no more, are
// passed over. See StateStore::Recover for the errors.
StatusOr<RecoveryReport> RecoverGroup(DurableStore& durable, StateGroup& group,
                                      const std::vector<RecoveringPartition>& partitions,
                                      const std::set<StateId>& gone,
                                      const DecidedAttempts& decided);

}  // namespace trident

#endif  // TRIDENT_STATE_RECOVERY_H_
