// SPDX-License-Identifier: Apache-2.0
#include "coordinator/decision_log.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionByHand = 2;  // of a source position
constexpr uint8_t kVersionTimed = 2;   // of a decision, which then ends with its batch time
constexpr char kPositionTag = 'p';
constexpr char kEpochTag = 'e';
// A record with more of anything than this is damage.
constexpr uint64_t kItemsMax = 1 << 20;

void PutBigEndian32(std::string& out, uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
}

uint32_t BigEndian32(std::string_view bytes) {
  uint32_t v = 0;
  for (char c : bytes.substr(0, 4)) v = (v << 8) | static_cast<uint8_t>(c);
  return v;
}

uint64_t BigEndian64(std::string_view bytes) {
  return (uint64_t{BigEndian32(bytes)} << 32) | BigEndian32(bytes.substr(4));
}

std::string EpochKey(GroupId group, Epoch epoch) {
  std::string key(1, kEpochTag);
  PutBigEndian32(key, group.value());
  PutBigEndian32(key, static_cast<uint32_t>(epoch.value() >> 32));
  PutBigEndian32(key, static_cast<uint32_t>(epoch.value()));
  return key;
}

void PutRange(std::string& out, const SourceRange& range) {
  PutVarint(out, range.emitter.spout.value());
  PutVarint(out, range.emitter.task);
  PutLengthPrefixed(out, range.partition);
  PutLengthPrefixed(out, range.start);
  PutLengthPrefixed(out, range.end);
  PutVarint(out, range.rows);
  PutVarint(out, range.bytes);
  PutFixed64(out, range.checksum);
}

SourceRange ReadRange(ByteReader& in) {
  SourceRange range;
  range.emitter.spout = SpoutId(static_cast<uint32_t>(in.Varint()));
  range.emitter.task = static_cast<uint32_t>(in.Varint());
  range.partition = std::string(in.LengthPrefixed());
  range.start = std::string(in.LengthPrefixed());
  range.end = std::string(in.LengthPrefixed());
  range.rows = in.Varint();
  range.bytes = in.Varint();
  range.checksum = in.Fixed64();
  return range;
}

void PutRanges(std::string& out, const std::vector<SourceRange>& ranges) {
  PutVarint(out, ranges.size());
  for (const SourceRange& range : ranges) PutRange(out, range);
}

std::vector<SourceRange> ReadRanges(ByteReader& in) {
  std::vector<SourceRange> ranges;
  uint64_t n = in.Varint();
  if (n > kItemsMax) in.Invalidate();
  for (uint64_t i = 0; i < n && in.ok(); ++i) ranges.push_back(ReadRange(in));
  return ranges;
}

Status Malformed(std::string_view what) {
  return DataLoss("a ", what, " is damaged: its checksum holds, but its content is no ", what,
                  "; restore the state directory from a backup");
}

}  // namespace

std::string EncodeDecision(const DecisionRecord& record) {
  std::string out;
  PutVarint(out, record.txid.value());
  PutVarint(out, record.attempt.epoch.value());
  PutVarint(out, record.attempt.counter);
  PutVarint(out, record.rows);
  PutVarint(out, record.votes.size());
  for (const VoteRecord& vote : record.votes) {
    PutVarint(out, vote.worker.value());
    PutVarint(out, vote.rows);
    PutFixed64(out, vote.checksum);
  }
  PutRanges(out, record.ranges);
  PutVarint(out, static_cast<uint64_t>(record.batch_time_micros));
  return Seal(kVersionTimed, out);
}

StatusOr<DecisionRecord> DecodeDecision(std::string_view bytes) {
  const bool is_timed = !bytes.empty() && static_cast<uint8_t>(bytes.front()) != kVersion;
  TRIDENT_ASSIGN_OR_RETURN(std::string_view content,
                           Unseal("decision record", is_timed ? kVersionTimed : kVersion, bytes));
  ByteReader in(content);
  DecisionRecord record;
  record.txid = TxId(in.Varint());
  record.attempt.epoch = Epoch(in.Varint());
  record.attempt.counter = static_cast<uint32_t>(in.Varint());
  record.rows = in.Varint();
  uint64_t votes = in.Varint();
  if (votes > kItemsMax) in.Invalidate();
  for (uint64_t i = 0; i < votes && in.ok(); ++i) {
    VoteRecord vote;
    vote.worker = WorkerId(static_cast<uint32_t>(in.Varint()));
    vote.rows = in.Varint();
    vote.checksum = in.Fixed64();
    record.votes.push_back(vote);
  }
  record.ranges = ReadRanges(in);
  if (is_timed) record.batch_time_micros = static_cast<int64_t>(in.Varint());
  if (!in.done()) return Malformed("decision record");
  return record;
}

// With several workers, each has its redo in a store of its own.
std::optional<uint64_t> RedoChecksumIn(const DecisionRecord& record) {
  if (record.votes.size() != 1 || record.votes.front().checksum == 0) return std::nullopt;
  return record.votes.front().checksum;
}

StatusOr<std::vector<SourceRange>> DecodeCut(std::string_view bytes) {
  TRIDENT_ASSIGN_OR_RETURN(std::string_view content, Unseal("logged cut", kVersion, bytes));
  ByteReader in(content);
  std::vector<SourceRange> ranges = ReadRanges(in);
  if (!in.done()) return Malformed("logged cut");
  return ranges;
}

std::string EncodePosition(const PositionRow& row) {
  if (row.by == PositionRow::By::kDecision) return Seal(kVersion, row.at);
  std::string content;
  PutVarint(content, static_cast<uint64_t>(row.by));
  PutVarint(content, row.after.value());
  content += row.at;
  return Seal(kVersionByHand, content);
}

StatusOr<PositionRow> DecodePosition(std::string_view bytes) {
  constexpr std::string_view kWhat = "source position";
  PositionRow row;
  if (bytes.empty() || static_cast<uint8_t>(bytes.front()) != kVersionByHand) {
    TRIDENT_ASSIGN_OR_RETURN(row.at, Unseal(kWhat, kVersion, bytes));
    return row;
  }
  TRIDENT_ASSIGN_OR_RETURN(std::string_view content, Unseal(kWhat, kVersionByHand, bytes));
  ByteReader in(content);
  const uint64_t by = in.Varint();
  row.by = static_cast<PositionRow::By>(by);
  row.after = TxId(in.Varint());
  row.at = Position(in.rest());
  const bool known =
      row.by == PositionRow::By::kHand || (row.by == PositionRow::By::kForgotten && row.at.empty());
  if (!in.ok() || by > 2 || !known) return Malformed(kWhat);
  return row;
}

std::string PositionKey(const PositionOwner& owner) {
  std::string key(1, kPositionTag);
  PutBigEndian32(key, owner.group.value());
  PutBigEndian32(key, owner.spout.value());
  key.append(owner.partition);
  return key;
}

std::optional<PositionOwner> ParsePositionKey(std::string_view key) {
  constexpr size_t kPrefix = 9;
  if (key.size() < kPrefix || key.front() != kPositionTag) return std::nullopt;
  return PositionOwner{GroupId(BigEndian32(key.substr(1))), SpoutId(BigEndian32(key.substr(5))),
                       std::string(key.substr(kPrefix))};
}

std::optional<EpochOwner> ParseEpochKey(std::string_view key) {
  constexpr size_t kBytes = 13;
  if (key.size() != kBytes || key.front() != kEpochTag) return std::nullopt;
  return EpochOwner{GroupId(BigEndian32(key.substr(1))), Epoch(BigEndian64(key.substr(5)))};
}

StatusOr<TxId> DecodeEpoch(std::string_view bytes) {
  TRIDENT_ASSIGN_OR_RETURN(std::string_view content, Unseal("epoch's beginning", kVersion, bytes));
  ByteReader in(content);
  const TxId decided(in.Varint());
  if (!in.done()) return Malformed("epoch's beginning");
  return decided;
}

Status DecisionLog::Load() {
  std::unique_ptr<Cursor> cursor = store_.NewCursor(Table::kDecision);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    switch (cursor->key().empty() ? '\0' : cursor->key()[0]) {
      case 'd':
        TRIDENT_RETURN_IF_ERROR(LoadDecision(cursor->key(), cursor->value()));
        break;
      case 'c':
        TRIDENT_RETURN_IF_ERROR(LoadCut(cursor->key(), cursor->value()));
        break;
      case kPositionTag:
        TRIDENT_RETURN_IF_ERROR(LoadPosition(cursor->key(), cursor->value()));
        break;
      case kEpochTag:
        TRIDENT_RETURN_IF_ERROR(LoadEpoch(cursor->key(), cursor->value()));
        break;
      default:
        return Malformed("key of the decision table");
    }
  }
  return cursor->status();
}

Status DecisionLog::LoadDecision(std::string_view key, std::string_view value) {
  std::optional<TxIdKey> id = ParseDecisionKey(key);
  if (!id) return Malformed("key of a decision record");
  TRIDENT_ASSIGN_OR_RETURN(DecisionRecord record, DecodeDecision(value));
  MutexLock lock(mutex_);
  Group& group = groups_[id->group];
  if (record.txid != id->txid) return Malformed("decision record");
  if (group.last != TxId() && id->txid != group.last.Next()) {
    return DataLoss("the decision log of batch group ", id->group.value(), " goes from txid ",
                    group.last.value(), " to ", id->txid.value(),
                    ": decisions are missing; restore the state directory from a backup");
  }
  group.last = id->txid;
  group.last_attempt = record.attempt;
  group.last_time = record.batch_time_micros;
  group.decided[id->txid] = {record.attempt, RedoChecksumIn(record)};
  return absl::OkStatus();
}

Status DecisionLog::LoadCut(std::string_view key, std::string_view value) {
  std::optional<TxIdKey> id = ParseCutKey(key);
  if (!id) return Malformed("key of a logged cut");
  TRIDENT_ASSIGN_OR_RETURN(std::vector<SourceRange> ranges, DecodeCut(value));
  MutexLock lock(mutex_);
  groups_[id->group].cuts[id->txid] = std::move(ranges);
  return absl::OkStatus();
}

Status DecisionLog::LoadPosition(std::string_view key, std::string_view value) {
  std::optional<PositionOwner> owner = ParsePositionKey(key);
  if (!owner) return Malformed("key of a source position");
  TRIDENT_ASSIGN_OR_RETURN(PositionRow row, DecodePosition(value));
  if (row.by == PositionRow::By::kForgotten) return absl::OkStatus();
  MutexLock lock(mutex_);
  Group& group = groups_[owner->group];
  const std::pair place{owner->spout, std::move(owner->partition)};
  if (row.by == PositionRow::By::kHand) group.set_after[place] = row.after;
  group.positions[place] = std::move(row.at);
  return absl::OkStatus();
}

Status DecisionLog::LoadEpoch(std::string_view key, std::string_view value) {
  const std::optional<EpochOwner> owner = ParseEpochKey(key);
  if (!owner) return Malformed("key of an epoch's beginning");
  TRIDENT_ASSIGN_OR_RETURN(const TxId decided, DecodeEpoch(value));
  MutexLock lock(mutex_);
  groups_[owner->group].begun_at[owner->epoch] = decided;
  return absl::OkStatus();
}

std::map<Epoch, TxId> DecisionLog::BeginEpoch(GroupId id, Epoch epoch, WriteSet& changes) {
  MutexLock lock(mutex_);
  Group& group = groups_[id];
  group.begun_at[epoch] = group.last;
  std::string content;
  PutVarint(content, group.last.value());
  changes.Put(Table::kDecision, EpochKey(id, epoch), Seal(kVersion, content));
  return group.begun_at;
}

Recovered DecisionLog::Recover(GroupId id, Epoch epoch) const {
  Recovered recovered;
  recovered.epoch = epoch;
  MutexLock lock(mutex_);
  auto it = groups_.find(id);
  if (it == groups_.end()) return recovered;
  const Group& group = it->second;
  recovered.last_decided = group.last;
  recovered.last_attempt = group.last_attempt;
  recovered.batch_time_micros = group.last_time;
  for (const auto& [source, position] : group.positions) {
    recovered.positions.push_back({source.first, {source.second, position}});
  }
  for (auto cut = group.cuts.upper_bound(group.last); cut != group.cuts.end(); ++cut) {
    recovered.cuts.push_back({cut->first, cut->second});
  }
  return recovered;
}

Status DecisionLog::Append(GroupId id, const DecisionRecord& record, WriteSet& changes) {
  MutexLock lock(mutex_);
  Group& group = groups_[id];
  if (record.txid != group.last.Next()) {
    return FailedPrecondition("txid ", record.txid.value(), " is to be decided after txid ",
                              group.last.value(), " of batch group ", id.value(),
                              "; only the next one may be");
  }
  if (record.batch_time_micros < group.last_time) {
    return FailedPrecondition("txid ", record.txid.value(), " of batch group ", id.value(),
                              " was cut at ", record.batch_time_micros,
                              " us, before the one that it follows, at ", group.last_time, " us");
  }
  changes.Put(Table::kDecision, DecisionKey(id, record.txid), EncodeDecision(record));
  for (const SourceRange& range : record.ranges) {
    changes.Put(Table::kDecision, PositionKey({id, range.emitter.spout, range.partition}),
                EncodePosition({.at = range.end}));
  }
  if (group.cuts.erase(record.txid) > 0) changes.Delete(Table::kDecision, CutKey(id, record.txid));
  group.last = record.txid;
  group.last_attempt = record.attempt;
  group.last_time = record.batch_time_micros;
  return absl::OkStatus();
}

void DecisionLog::Written(GroupId id, const DecisionRecord& record) {
  MutexLock lock(mutex_);
  Group& group = groups_[id];
  for (const SourceRange& range : record.ranges) {
    group.positions[{range.emitter.spout, range.partition}] = range.end;
  }
}

Position DecisionLog::CommittedPosition(GroupId id, SpoutId spout,
                                        const std::string& partition) const {
  MutexLock lock(mutex_);
  auto group = groups_.find(id);
  if (group == groups_.end()) return {};
  auto position = group->second.positions.find({spout, partition});
  return position == group->second.positions.end() ? Position() : position->second;
}

std::optional<TxId> DecisionLog::SetByHandAfter(GroupId id, SpoutId spout,
                                                const std::string& partition) const {
  MutexLock lock(mutex_);
  const auto group = groups_.find(id);
  if (group == groups_.end()) return std::nullopt;
  const auto set = group->second.set_after.find({spout, partition});
  if (set == group->second.set_after.end()) return std::nullopt;
  return set->second;
}

void DecisionLog::ReplaceSources(GroupId id, const std::vector<SpoutPosition>& positions,
                                 const std::vector<LoggedCut>& cuts, WriteSet& changes) {
  {
    MutexLock lock(mutex_);
    Group& group = groups_[id];
    for (const auto& [source, at] : group.positions) {
      changes.Delete(Table::kDecision, PositionKey({id, source.first, source.second}));
    }
    group.positions.clear();
    group.set_after.clear();
    for (const SpoutPosition& position : positions) {
      changes.Put(Table::kDecision, PositionKey({id, position.spout, position.at.partition}),
                  EncodePosition({.at = position.at.position}));
      group.positions[{position.spout, position.at.partition}] = position.at.position;
    }
    for (const auto& [txid, ranges] : group.cuts) {
      changes.Delete(Table::kDecision, CutKey(id, txid));
    }
    group.cuts.clear();
  }
  for (const LoggedCut& cut : cuts) AppendCut(id, cut.txid, cut.ranges, changes);
}

void DecisionLog::Restore(GroupId id, const Recovered& recovered, WriteSet& changes) {
  {
    MutexLock lock(mutex_);
    Group& group = groups_[id];
    group.last = recovered.last_decided;
    group.last_attempt = recovered.last_attempt;
    group.last_time = recovered.batch_time_micros;
  }
  ReplaceSources(id, recovered.positions, recovered.cuts, changes);
}

void DecisionLog::AppendCut(GroupId id, TxId txid, const std::vector<SourceRange>& ranges,
                            WriteSet& changes) {
  std::string content;
  PutRanges(content, ranges);
  changes.Put(Table::kDecision, CutKey(id, txid), Seal(kVersion, content));
  MutexLock lock(mutex_);
  groups_[id].cuts[txid] = ranges;
}

Status DecisionLog::Trim(GroupId id, TxId folded) {
  TxId from;
  TxId to;
  {
    MutexLock lock(mutex_);
    Group& group = groups_[id];
    from = group.trimmed.Next();
    // A newer decision may be on its way to the disk, and not come there.
    if (folded <= from) return absl::OkStatus();
    to = folded.Prev();
    group.trimmed = to;
    group.decided.erase(group.decided.begin(), group.decided.upper_bound(to));
  }
  WriteSet changes;
  changes.DeleteRange(Table::kDecision, DecisionKey(id, from), DecisionKey(id, to.Next()));
  return store_.Write(changes, Durability::kBuffered);
}

int64_t DecisionLog::LastBatchTime(GroupId id) const {
  MutexLock lock(mutex_);
  auto it = groups_.find(id);
  return it == groups_.end() ? 0 : it->second.last_time;
}

TxId DecisionLog::LastDecided(GroupId id) const {
  MutexLock lock(mutex_);
  auto it = groups_.find(id);
  return it == groups_.end() ? TxId() : it->second.last;
}

std::optional<Attempt> DecisionLog::AttemptOf(GroupId id, TxId txid) const {
  MutexLock lock(mutex_);
  auto it = groups_.find(id);
  if (it == groups_.end()) return std::nullopt;
  auto found = it->second.decided.find(txid);
  if (found == it->second.decided.end()) return std::nullopt;
  return found->second.attempt;
}

std::optional<uint64_t> DecisionLog::RedoChecksumOf(GroupId id, TxId txid) const {
  MutexLock lock(mutex_);
  auto it = groups_.find(id);
  if (it == groups_.end()) return std::nullopt;
  auto found = it->second.decided.find(txid);
  if (found == it->second.decided.end()) return std::nullopt;
  return found->second.redo_checksum;
}

}  // namespace trident
