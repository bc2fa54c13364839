// SPDX-License-Identifier: Apache-2.0
//
// History: what is true. It reads along what becomes durable, and computes from the decisions
// alone, with the record of the sources, what each state holds at each txid.
//
// Checked on the way: txids are contiguous; each range starts where the one before it ended and has
// the rows that it says; attempts grow; what was durable is there after a restart, and what was not
// decided is not.
#ifndef TRIDENT_TESTS_SIM_HISTORY_H_
#define TRIDENT_TESTS_SIM_HISTORY_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/decision_log.h"
#include "state/disk/durable_store.h"
#include "tests/sim/workload.h"

namespace trident::sim {

class History {
 public:
  // The rows of each txid that went to the dead letters, as "[row] <- cause".
  using Letters = std::map<TxId, std::vector<std::string>>;

  History(Trial& trial, const Workload& workload, std::vector<std::unique_ptr<Source>>& sources);

  // A write ended; not ok: its outcome is unknown until the restart.
  void OnWrite(const WriteSet& changes, Durability durability, const Status& status);
  // The process starts again on what the disk kept. `power`: unsynced writes may be gone.
  enum class Kept : uint8_t { kEverything, kWhatWasSynced };
  void OnRestart(const DurableStore& disk, Kept kept);

  TxId Committed(GroupId group) const { return Of(group).last(); }
  // All input of all streams is committed.
  bool Complete() const;

  // What the states of the group hold at `at`, if the rows in `letters` went to the dead letters
  // instead. Null, and a violation: no committed history has these letters.
  const Cut* At(GroupId group, TxId at, const Letters& letters);

 private:
  struct Batch {
    DecisionRecord record;
    std::vector<std::string> rows;
    std::map<std::string, Position> ends;  // of all source partitions after it
  };
  struct Group {
    std::vector<Batch> batches;  // of txids 1, 2, ...
    std::vector<Cut> cuts;       // of txids 0, 1, ...; as far as they were asked for
    Letters letters;             // of the txids in `cuts`
    TxId synced;
    std::vector<DecisionRecord> in_doubt;

    TxId last() const { return TxId(batches.size()); }
  };
  const Group& Of(GroupId group) const { return groups_[group.value() - 1]; }
  Group& Of(GroupId group) { return groups_[group.value() - 1]; }
  static std::vector<std::pair<GroupId, DecisionRecord>> DecisionsIn(const WriteSet& changes);
  void CheckRedo(const WriteSet& changes, GroupId group, const DecisionRecord& record);
  void Commit(GroupId id, const DecisionRecord& record);
  void CheckRange(const SourceRange& range, GroupId id, Batch& batch);
  void Truncate(Group& group, TxId last);
  bool Extend(GroupId id, const Letters& letters);
  bool MustBeLetter(const std::string& row) const;

  Trial& trial_;
  const Workload& workload_;
  std::vector<std::unique_ptr<Source>>& sources_;
  std::vector<Group> groups_;
  bool failed_ = false;  // a write of this life
};

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_HISTORY_H_
