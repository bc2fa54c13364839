// SPDX-License-Identifier: Apache-2.0
//
// ParticipantLog: what a worker of a cluster keeps on its disk for the commit, besides its states.
// Its decisions stand where one process keeps them (coordinator/decision_log.h), so its directory
// reads like that of one process. Besides these the kMeta table has
//
//   "life"                     of the newest process that worked here, a varint
//   "promise"                  the newest epoch that was promised, a varint
//   "prepared/" group, txid    what is known of a record in the redo that is not known to be
//                              decided: attempt, previous attempt, and the cut if it is kept here
//   "sources/" group           whether the source positions here can be relied on, and as of which
//                              txid at least
//
// integers in keys big-endian, each value sealed (Seal in state/disk/store_layout.h).
#ifndef TRIDENT_COORDINATOR_CLUSTER_PARTICIPANT_LOG_H_
#define TRIDENT_COORDINATOR_CLUSTER_PARTICIPANT_LOG_H_

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/status.h"
#include "coordinator/decision_log.h"
#include "coordinator/protocol/participant_protocol.h"
#include "state/disk/decided_attempts.h"
#include "state/disk/durable_store.h"

namespace trident {

// Calls that add to a WriteSet take effect at once in memory; the caller has the set written, in
// the order of the calls, or ends. Load comes first. Thread-safe.
class ParticipantLog final : public DecidedAttempts {
 public:
  // `store` outlives the log.
  explicit ParticipantLog(DurableStore& store) : store_(store), decisions_(store) {}

  // Reads what is there. `groups` are those of the topology. DataLoss when something is damaged.
  StatusOr<Remembered> Load(const std::vector<GroupId>& groups);

  // The life after the newest one that was added. DataLoss when that is damaged.
  static StatusOr<Incarnation> NextLife(const DurableStore& store);
  static void AddLife(Incarnation life, WriteSet& changes);
  // The name that a directory was given when it was made, whatever its path; "": none yet.
  static StatusOr<std::string> DirectoryOf(const DurableStore& store);
  static void AddDirectory(std::string_view name, WriteSet& changes);
  // Of the leader: the name of the directory with which a worker has come; "": it has not.
  static StatusOr<std::string> MemberOf(const DurableStore& store, WorkerId worker);
  static void AddMember(WorkerId worker, std::string_view directory, WriteSet& changes);
  static void AddPromise(Epoch epoch, WriteSet& changes);
  // The record takes the place of all of the group from its txid on. `redo` puts its bytes.
  void AddRecord(const BatchId& id, const PreparedRecord& record, WriteSet redo, WriteSet& changes);
  // Drops every record of the group from id.txid on.
  void AddDrop(const BatchId& from, WriteSet& changes);
  // The record of the batch is decided. In txid order. Internal: there is no such record.
  Status AddDecision(const BatchId& id, WriteSet& changes);
  // Puts the log of a settled epoch in the place of what is here of the sources.
  void AddLog(const word::WriteLog& log, WriteSet& changes);

  // Where the sources stand after the newest decision; nullopt where the log has a gap, because the
  // worker was not to keep it.
  std::optional<LogReport> LogOf(GroupId group) const;

  std::vector<SourcePosition> PositionsOf(GroupId group, SpoutId spout) const;
  // Drops the decisions before `folded`, which are not needed any more. Errors are those of the
  // store.
  Status Trim(GroupId group, TxId folded);

  // ---- DecidedAttempts: also of what was decided in this life ----
  TxId LastDecided(GroupId group) const override { return decisions_.LastDecided(group); }
  std::optional<Attempt> AttemptOf(GroupId group, TxId txid) const override;
  std::optional<uint64_t> RedoChecksumOf(GroupId group, TxId txid) const override;

 private:
  struct Decided {
    Attempt attempt;
    uint64_t redo_checksum;
  };
  struct Group {
    std::map<TxId, Decided> decided;  // in this life
    std::map<TxId, PreparedRecord> prepared;
    // The positions are as of this txid, if that is later than the newest decision.
    TxId sources_after;
    int64_t sources_time = 0;  // the batch time of sources_after
    bool has_gap = false;
  };
  Status LoadMeta(std::string_view key, std::string_view value, Epoch& promised)
      TRIDENT_REQUIRES(mutex_);
  void DropFrom(GroupId id, TxId from, WriteSet& changes) TRIDENT_REQUIRES(mutex_);
  static void PutSources(GroupId id, const Group& group, WriteSet& changes);
  const Decided* FindDecided(GroupId group, TxId txid) const TRIDENT_REQUIRES(mutex_);

  DurableStore& store_;
  DecisionLog decisions_;
  mutable Mutex mutex_;
  std::map<GroupId, Group> groups_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_PARTICIPANT_LOG_H_
