// SPDX-License-Identifier: Apache-2.0
//
// StateRows: the rows of a state at the last decided txid, in key order: its base with the decided
// redo over it.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_ROWS_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_ROWS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "coordinator/cli/directory/key_change.h"
#include "coordinator/cli/directory/redo_changes.h"
#include "coordinator/cli/directory/resting_directory.h"

namespace trident {

// Not thread-safe.
class StateRows {
 public:
  // Partitions in [first, end). What it refers to outlives the rows; `redo` keeps what waits of the
  // state. The walk stands at the first row.
  struct Of {
    const RestingDirectory& directory;
    const RestingState& state;
    const RedoChanges& redo;
    PartitionId first;
    PartitionId end;
  };
  explicit StateRows(const Of& of);
  ~StateRows();

  // False at the end, and on an error.
  bool Valid() const { return status_.ok() && !heap_.empty(); }
  // REQUIRES: Valid(). Good until Next.
  const std::string& key() const;
  const StoredValue& value() const;
  void Next();
  // Not ok: the rows up to here are not all.
  const Status& status() const { return status_; }

 private:
  class OnePartition;

  void Push(std::unique_ptr<OnePartition> rows);

  std::vector<std::unique_ptr<OnePartition>> heap_;  // the least key in front
  Status status_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_ROWS_H_
