// SPDX-License-Identifier: Apache-2.0
//
// DecisionLog: what was decided, in the decision table of a durable store. The record of a txid is
// the single commit point of its states, source ranges and sinks; where coordinator and state are
// one process it is written in the same write set as the redo.
//
//   'd', group, txid            decision record (state/disk/store_layout.h)
//   'c', group, txid            logged cut
//   'p', group, spout, name     where a source partition stands after the newest decision; written
//                               by each decision that moves it, so that a start reads one row a
//                               partition; or by hand, at rest
//   'e', group, epoch           newest decided txid when the epoch began; for groups with
//                               user-defined states, which may hold what was never decided
//
// A decision record, sealed (Seal in state/disk/store_layout.h): txid, attempt, rows, votes,
// ranges; varints and length-prefixed strings. A vote is worker, changes in its redo record, and
// the checksum of that record; 0 in records of releases that did not know it. Bytes that are no
// record are DataLoss.
#ifndef TRIDENT_COORDINATOR_DECISION_LOG_H_
#define TRIDENT_COORDINATOR_DECISION_LOG_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_actions.h"
#include "coordinator/protocol/batch_protocol_types.h"
#include "state/disk/decided_attempts.h"
#include "state/disk/durable_store.h"

namespace trident {

std::string EncodeDecision(const DecisionRecord& record);
StatusOr<DecisionRecord> DecodeDecision(std::string_view bytes);
// RedoChecksum of the redo that was decided in the same store; nullopt: the record does not say.
std::optional<uint64_t> RedoChecksumIn(const DecisionRecord& record);
StatusOr<std::vector<SourceRange>> DecodeCut(std::string_view bytes);

// A row of the third kind. One that was set or forgotten by hand holds until a decision moves the
// partition.
struct PositionRow {
  enum class By : uint8_t {
    kDecision = 0,   // where the newest range ended
    kHand = 1,       // set, when `after` was the newest decided txid
    kForgotten = 2,  // the same, and the partition counts as never read
  } by = By::kDecision;
  TxId after = {};  // 0 for kDecision
  Position at = {};
};
std::string EncodePosition(const PositionRow& row);
StatusOr<PositionRow> DecodePosition(std::string_view bytes);

// Whose position a row of the third kind is.
struct PositionOwner {
  GroupId group;
  SpoutId spout;
  std::string partition;
  friend auto operator<=>(const PositionOwner&, const PositionOwner&) = default;
};
std::string PositionKey(const PositionOwner& owner);
// nullopt: the bytes are no such key.
std::optional<PositionOwner> ParsePositionKey(std::string_view key);

// Whose beginning a row of the fourth kind is, and the newest decided txid at that moment.
struct EpochOwner {
  GroupId group;
  Epoch epoch;
};
std::optional<EpochOwner> ParseEpochKey(std::string_view key);
StatusOr<TxId> DecodeEpoch(std::string_view bytes);

// Thread-safe after Load.
class DecisionLog final : public DecidedAttempts {
 public:
  explicit DecisionLog(DurableStore& store) : store_(store) {}

  // Reads what is there. DataLoss when a record is damaged or a txid is missing between two.
  Status Load();

  // What a protocol instance of the group needs to go on. `epoch` is of this start.
  Recovered Recover(GroupId group, Epoch epoch) const;

  // Adds to `changes` how far the group's decisions are as `epoch` begins. Gives what this call and
  // those of earlier starts have remembered.
  std::map<Epoch, TxId> BeginEpoch(GroupId group, Epoch epoch, WriteSet& changes);

  // Adds the record to `changes`. FailedPrecondition, and nothing is added, unless it is of the
  // txid after the last one that was added, and its batch time not before that one's: the guard of
  // the log.
  Status Append(GroupId group, const DecisionRecord& record, WriteSet& changes);
  // The record that Append added last has become durable: it has moved the source partitions.
  void Written(GroupId group, const DecisionRecord& record);
  // Where a source partition stands after what is durable: "" if nothing of it is committed.
  Position CommittedPosition(GroupId group, SpoutId spout, const std::string& partition) const;
  // The newest decided txid when a hand set this position; nullopt: no hand did. As Load found it.
  std::optional<TxId> SetByHandAfter(GroupId group, SpoutId spout,
                                     const std::string& partition) const;
  // Puts these positions and logged cuts in the place of all that the group has of both.
  void ReplaceSources(GroupId group, const std::vector<SpoutPosition>& positions,
                      const std::vector<LoggedCut>& cuts, WriteSet& changes);
  // Goes on from what a takeover has found out, in a log that has nothing of the group.
  void Restore(GroupId group, const Recovered& recovered, WriteSet& changes);
  // Adds the cut of a txid; dropped once the txid is decided.
  void AppendCut(GroupId group, TxId txid, const std::vector<SourceRange>& ranges,
                 WriteSet& changes);

  // Deletes the records before `folded`, which is durable and stays: whatever becomes of those that
  // are added to a write set, the log always tells how far it came. Not synced: what a crash brings
  // back is deleted again.
  Status Trim(GroupId group, TxId folded);

  // The batch time of the last decision, microseconds since the epoch; 0 if there is none.
  int64_t LastBatchTime(GroupId group) const;

  // ---- DecidedAttempts ----
  TxId LastDecided(GroupId group) const override;
  std::optional<Attempt> AttemptOf(GroupId group, TxId txid) const override;
  std::optional<uint64_t> RedoChecksumOf(GroupId group, TxId txid) const override;

 private:
  struct Decided {
    Attempt attempt;
    std::optional<uint64_t> redo_checksum;
  };
  struct Group {
    TxId last;
    Attempt last_attempt;
    int64_t last_time = 0;            // batch time of `last`
    TxId trimmed;                     // records up to it are gone
    std::map<TxId, Decided> decided;  // what was in the log at Load
    std::map<std::pair<SpoutId, std::string>, Position> positions;
    std::map<std::pair<SpoutId, std::string>, TxId> set_after;  // at Load
    std::map<TxId, std::vector<SourceRange>> cuts;
    std::map<Epoch, TxId> begun_at;
  };
  Status LoadDecision(std::string_view key, std::string_view value);
  Status LoadCut(std::string_view key, std::string_view value);
  Status LoadPosition(std::string_view key, std::string_view value);
  Status LoadEpoch(std::string_view key, std::string_view value);

  DurableStore& store_;
  mutable Mutex mutex_;
  std::map<GroupId, Group> groups_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_DECISION_LOG_H_
