// SPDX-License-Identifier: Apache-2.0
#include "state/recovery.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "base/guard.h"
#include "base/limits.h"
#include "state/disk/store_layout.h"
#include "state/redo/redo_record.h"

namespace trident {
namespace {

constexpr char kRestore[] =
    "; nothing was changed: restore the state directory from a backup, whole";

// Records are replayed so many bytes at a time. Fewer are not worth a thread.
constexpr size_t kWindowBytes = 4 * kMiB;
constexpr size_t kWindowBytesForThreads = 512 * kKiB;
constexpr uint32_t kReplayThreadsMax = 4;

class GroupRecovery {
 public:
  GroupRecovery(DurableStore& durable, StateGroup& group, const std::set<StateId>& gone,
                const DecidedAttempts& decided)
      : durable_(durable),
        group_(group),
        gone_(gone),
        decided_(decided),
        last_(decided.LastDecided(group.id())),
        next_(last_.Next()) {}

  Status StartPartition(const RecoveringPartition& recovering);
  Status Replay();
  void NoteUndecided();
  RecoveryReport TakeReport() { return std::move(report_); }

 private:
  // A partition that is behind the last decision, and from where.
  struct Behind {
    StatePartition* partition;
    TxId marker;
    uint32_t number;  // counted from 0
  };
  // Decided records that follow each other.
  struct Window {
    std::deque<std::string> bytes;
    std::vector<RedoRecord> records;  // into `bytes`
    size_t size = 0;
  };
  Status CheckMarker(const RecoveringPartition& recovering, const Marker& marker) const;
  Status AddRecord(TxId txid, std::string_view bytes, Window& window);
  Status ReplayWindow(const Window& window);
  // The sections of every `of`-th partition, from number `share` on.
  Status ReplayShare(const Window& window, uint32_t share, uint32_t of) const;
  Status ReplaySection(const RedoRecord& record, const RedoSection& section,
                       const Behind& behind) const;
  Status Missing(TxId txid) const;
  void Drop(TxId txid);

  DurableStore& durable_;
  StateGroup& group_;
  const std::set<StateId>& gone_;
  const DecidedAttempts& decided_;
  const TxId last_;
  TxId next_;  // first txid that some partition still needs
  std::map<RedoSectionId, Behind> partitions_;
  std::vector<TxId> dropped_;
  RecoveryReport report_;
};

Status GroupRecovery::StartPartition(const RecoveringPartition& recovering) {
  StatePartition& partition = *recovering.partition;
  TRIDENT_ASSIGN_OR_RETURN(
      std::optional<std::string> stored,
      durable_.Get(Table::kBase, MarkerKey(partition.state(), partition.partition())));
  Marker marker;
  marker.txid = recovering.since;
  if (stored.has_value()) {
    TRIDENT_ASSIGN_OR_RETURN(marker, DecodeMarker(*stored));
    partition.StartFrom(marker);
  } else {
    partition.StartEmpty(recovering.since);
  }
  TRIDENT_RETURN_IF_ERROR(CheckMarker(recovering, marker));
  next_ = std::min(next_, marker.txid.Next());
  const auto number = static_cast<uint32_t>(partitions_.size());
  partitions_[StateSection(partition.state(), partition.partition())] = {&partition, marker.txid,
                                                                         number};
  return absl::OkStatus();
}

Status GroupRecovery::CheckMarker(const RecoveringPartition& recovering,
                                  const Marker& marker) const {
  const std::string where =
      Concat("state ", recovering.state_name, ", partition ",
             recovering.partition->partition().value(), " in ", durable_.Where());
  if (marker.txid > last_) {
    return DataLoss(where, " holds everything up to txid ", marker.txid.value(),
                    ", but the decisions of group ", group_.id().value(), " end at txid ",
                    last_.value(), ": they were lost, or come from another time", kRestore);
  }
  const std::optional<Attempt> attempt = decided_.AttemptOf(group_.id(), marker.txid);
  if (!attempt.has_value() || marker.attempt == Attempt{} || *attempt == marker.attempt) {
    return absl::OkStatus();
  }
  return DataLoss(where, " holds attempt ", ToString(marker.attempt), " of txid ",
                  marker.txid.value(), ", but attempt ", ToString(*attempt), " was decided",
                  kRestore);
}

Status GroupRecovery::Replay() {
  std::string end = RedoKey(GroupId(group_.id().value() + 1), TxId(0));
  auto cursor = durable_.NewCursor(
      Table::kRedo, CursorOptions{.end = std::move(end), .pattern = CursorOptions::Pattern::kScan});
  Window window;
  for (cursor->Seek(RedoKey(group_.id(), TxId(0))); cursor->Valid(); cursor->Next()) {
    const std::optional<TxIdKey> key = ParseRedoKey(cursor->key());
    if (!key.has_value()) {
      return DataLoss("the redo in ", durable_.Where(), " has a key of ", cursor->key().size(),
                      " bytes that is none", kRestore);
    }
    if (key->txid < next_ || key->txid > last_) {
      Drop(key->txid);
      continue;
    }
    if (key->txid != next_) return Missing(next_);
    TRIDENT_RETURN_IF_ERROR(AddRecord(key->txid, cursor->value(), window));
    next_ = next_.Next();
    if (window.size < kWindowBytes) continue;
    TRIDENT_RETURN_IF_ERROR(ReplayWindow(window));
    window = {};
  }
  TRIDENT_RETURN_IF_ERROR(cursor->status());
  TRIDENT_RETURN_IF_ERROR(ReplayWindow(window));
  return next_ <= last_ ? Missing(next_) : absl::OkStatus();
}

Status GroupRecovery::AddRecord(TxId txid, std::string_view bytes, Window& window) {
  window.bytes.emplace_back(bytes);
  window.size += bytes.size();
  TRIDENT_ASSIGN_OR_RETURN(RedoRecord record,
                           ParseRedoRecordOf(group_.id(), txid, window.bytes.back()));
  const std::optional<Attempt> attempt = decided_.AttemptOf(group_.id(), txid);
  if (!attempt.has_value()) {
    return DataLoss("txid ", txid.value(), " of group ", group_.id().value(), " in ",
                    durable_.Where(), " is not folded yet, but the decisions, which reach to txid ",
                    last_.value(), ", have none for it", kRestore);
  }
  if (record.header.attempt != *attempt) {
    return DataLoss("txid ", txid.value(), " of group ", group_.id().value(),
                    " was decided for attempt ", ToString(*attempt), ", but the redo in ",
                    durable_.Where(), " has attempt ", ToString(record.header.attempt), kRestore);
  }
  const std::optional<uint64_t> voted = decided_.RedoChecksumOf(group_.id(), txid);
  if (voted.has_value() && *voted != RedoChecksum(bytes)) {
    return DataLoss("txid ", txid.value(), " of group ", group_.id().value(),
                    " was decided for redo with the checksum ", *voted, ", but the redo in ",
                    durable_.Where(), " has ", RedoChecksum(bytes), kRestore);
  }
  window.records.push_back(std::move(record));
  ++report_.records_replayed;
  report_.bytes_replayed += bytes.size();
  group_.CountRedo(bytes.size());
  return absl::OkStatus();
}

// Partitions do not know of each other, so that each may be replayed by a thread of its own.
Status GroupRecovery::ReplayWindow(const Window& window) {
  const uint32_t threads = window.size < kWindowBytesForThreads ? 1 : kReplayThreadsMax;
  const uint32_t shares = std::clamp<uint32_t>(std::thread::hardware_concurrency(), 1, threads);
  std::vector<Status> outcomes(shares);
  // A combiner or codec of the user may throw.
  const auto replay = [&](uint32_t share) {
    outcomes[share] = Guarded("replaying the redo in " + durable_.Where(),
                              [&] { return ReplayShare(window, share, shares); });
  };
  std::vector<std::thread> others;
  others.reserve(shares);
  for (uint32_t share = 1; share < shares; ++share) {
    try {
      others.emplace_back(replay, share);
    } catch (const std::system_error&) {
      replay(share);  // there is no other thread to be had
    }
  }
  replay(0);
  for (std::thread& other : others) other.join();
  for (const Status& outcome : outcomes) TRIDENT_RETURN_IF_ERROR(outcome);
  return absl::OkStatus();
}

Status GroupRecovery::ReplayShare(const Window& window, uint32_t share, uint32_t of) const {
  for (const RedoRecord& record : window.records) {
    for (const RedoSection& section : record.sections) {
      if (section.id.kind != RedoSectionId::Kind::kState) continue;
      if (gone_.contains(StateId(section.id.owner))) continue;
      const auto found = partitions_.find(section.id);
      if (found == partitions_.end()) {
        return DataLoss("the redo of txid ", record.header.txid.value(), " in ", durable_.Where(),
                        " changes state ", section.id.owner, ", partition ",
                        section.id.partition.value(), ", which the store does not have", kRestore);
      }
      if (found->second.number % of != share) continue;
      TRIDENT_RETURN_IF_ERROR(ReplaySection(record, section, found->second));
    }
  }
  return absl::OkStatus();
}

Status GroupRecovery::ReplaySection(const RedoRecord& record, const RedoSection& section,
                                    const Behind& behind) const {
  if (record.header.txid <= behind.marker) return absl::OkStatus();
  return behind.partition->ReplayRedo(record.header.txid, record.header.attempt, section.bytes);
}

Status GroupRecovery::Missing(TxId txid) const {
  return DataLoss("txid ", txid.value(), " of group ", group_.id().value(),
                  " was decided, but is neither in the base nor in the redo in ", durable_.Where(),
                  ", whose decisions reach to txid ", last_.value(), kRestore);
}

void GroupRecovery::Drop(TxId txid) {
  dropped_.push_back(txid);
  ++report_.records_dropped;
}

void GroupRecovery::NoteUndecided() {
  // Redo that was folded goes with the end of the next round; only the undecided must go now.
  for (TxId txid : dropped_) {
    if (txid > last_) report_.undecided.Delete(Table::kRedo, RedoKey(group_.id(), txid));
  }
}

}  // namespace

StatusOr<RecoveryReport> RecoverGroup(DurableStore& durable, StateGroup& group,
                                      const std::vector<RecoveringPartition>& partitions,
                                      const std::set<StateId>& gone,
                                      const DecidedAttempts& decided) {
  GroupRecovery recovery(durable, group, gone, decided);
  const TxId last = decided.LastDecided(group.id());
  // Replayed txids cannot be read one by one: memory need not keep what they replaced.
  group.timeline().Start(last, decided.AttemptOf(group.id(), last).value_or(Attempt{}));
  for (const RecoveringPartition& partition : partitions) {
    TRIDENT_RETURN_IF_ERROR(recovery.StartPartition(partition));
  }
  TRIDENT_RETURN_IF_ERROR(recovery.Replay());
  recovery.NoteUndecided();
  return recovery.TakeReport();
}

}  // namespace trident
