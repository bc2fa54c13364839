// SPDX-License-Identifier: Apache-2.0
//
// DecidedTxIds: what the decision table of a state directory says, record by record.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_DECIDED_TXIDS_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_DECIDED_TXIDS_H_

#include <cstdint>
#include <map>
#include <optional>

#include "base/ids.h"
#include "coordinator/cli/directory/findings.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "state/disk/decided_attempts.h"

namespace trident {

class DecidedTxIds final : public DecidedAttempts {
 public:
  // Reads all of it. Damage: a record that is none or stands under a foreign key, a txid that is
  // missing between two, an attempt of an epoch that has not begun, a position that is not where
  // the newest range ended, unless it was changed by hand since, or is of a stream that has no
  // name. Two ranges need not meet: sources differ in that, and a position may have been changed
  // between them.
  DecidedTxIds(const RestingDirectory& directory, Findings& findings);

  struct Group {
    TxId first;  // of which there still is a decision
    TxId last;
    uint64_t rows = 0;  // of all these
    std::map<TxId, Attempt> attempts;
    std::map<TxId, uint64_t> redo_checksums;  // of those whose vote says it
  };
  const std::map<GroupId, Group>& groups() const { return groups_; }

  // ---- DecidedAttempts ----
  TxId LastDecided(GroupId group) const override;
  std::optional<Attempt> AttemptOf(GroupId group, TxId txid) const override;
  std::optional<uint64_t> RedoChecksumOf(GroupId group, TxId txid) const override;

 private:
  std::map<GroupId, Group> groups_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_DECIDED_TXIDS_H_
