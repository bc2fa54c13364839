// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/participant_log.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/coding.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

constexpr uint8_t kVersion = 1;
constexpr std::string_view kLifeKey = "life";
constexpr std::string_view kPromiseKey = "promise";
constexpr std::string_view kDirectoryKey = "directory";
constexpr std::string_view kMemberPrefix = "member/";
constexpr std::string_view kPreparedPrefix = "prepared/";
constexpr std::string_view kSourcesPrefix = "sources/";

std::string PreparedKey(GroupId group, TxId txid) {
  return std::string(kPreparedPrefix) + RedoKey(group, txid);
}
std::string SourcesKey(GroupId group) {
  return std::string(kSourcesPrefix) + RedoKey(group, TxId());
}

Status Malformed(std::string_view what) {
  return DataLoss("a ", what, " is damaged: its checksum holds, but its content is no ", what,
                  "; restore the state directory from a backup");
}

// The decision that the record becomes when it is decided.
DecisionRecord DecisionOf(const PreparedRecord& record) {
  DecisionRecord decision;
  decision.txid = record.txid;
  decision.attempt = record.attempt;
  decision.votes.push_back({WorkerId(), record.rows, record.checksum});
  if (record.cut == nullptr) return decision;
  decision.ranges = record.cut->ranges;
  decision.rows = record.cut->rows;
  decision.rows_diverted = record.cut->rows_diverted;
  decision.batch_time_micros = record.cut->batch_time_micros;
  return decision;
}

// "": there is none.
StatusOr<std::string> TextUnder(const DurableStore& store, std::string_view key) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> sealed, store.Get(Table::kMeta, key));
  if (!sealed) return std::string();
  TRIDENT_ASSIGN_OR_RETURN(const std::string_view content, Unseal(key, kVersion, *sealed));
  return std::string(content);
}

std::string EncodePrepared(const PreparedRecord& record) {
  std::string out;
  PutVarint(out, record.previous.epoch.value());
  PutVarint(out, record.previous.counter);
  PutVarint(out, record.cut != nullptr ? 1 : 0);
  if (record.cut != nullptr) PutVarint(out, record.cut->rows_diverted);
  PutLengthPrefixed(out, EncodeDecision(DecisionOf(record)));
  return Seal(kVersion, out);
}

StatusOr<PreparedRecord> DecodePrepared(std::string_view bytes) {
  constexpr std::string_view kWhat = "prepared record";
  TRIDENT_ASSIGN_OR_RETURN(const std::string_view content, Unseal(kWhat, kVersion, bytes));
  ByteReader in(content);
  PreparedRecord record;
  record.previous.epoch = Epoch(in.Varint());
  record.previous.counter = static_cast<uint32_t>(in.Varint());
  const uint64_t has_cut = in.Varint();
  const uint64_t diverted = has_cut == 1 ? in.Varint() : 0;
  const std::string_view encoded = in.LengthPrefixed();
  if (!in.done() || has_cut > 1) return Malformed(kWhat);
  TRIDENT_ASSIGN_OR_RETURN(DecisionRecord decision, DecodeDecision(encoded));
  if (decision.votes.size() != 1) return Malformed(kWhat);
  record.txid = decision.txid;
  record.attempt = decision.attempt;
  record.rows = decision.votes.front().rows;
  record.checksum = decision.votes.front().checksum;
  if (has_cut == 0) return record;
  record.cut =
      std::make_shared<const BatchCut>(BatchCut{.ranges = std::move(decision.ranges),
                                                .rows = decision.rows,
                                                .rows_diverted = diverted,
                                                .batch_time_micros = decision.batch_time_micros});
  return record;
}

}  // namespace

StatusOr<Remembered> ParticipantLog::Load(const std::vector<GroupId>& groups) {
  TRIDENT_RETURN_IF_ERROR(decisions_.Load());
  MutexLock lock(mutex_);
  Remembered remembered;
  const std::unique_ptr<Cursor> cursor = store_.NewCursor(Table::kMeta);
  for (cursor->Seek(kPreparedPrefix); cursor->Valid(); cursor->Next()) {
    TRIDENT_RETURN_IF_ERROR(LoadMeta(cursor->key(), cursor->value(), remembered.promised));
  }
  TRIDENT_RETURN_IF_ERROR(cursor->status());
  for (const GroupId id : groups) {
    GroupReport& report = remembered.groups.emplace_back();
    report.group = id;
    const Recovered decided = decisions_.Recover(id, Epoch());
    report.known = decided.last_decided;
    report.known_attempt = decided.last_attempt;
    for (const auto& [txid, record] : groups_[id].prepared) report.records.push_back(record);
  }
  return remembered;
}

Status ParticipantLog::LoadMeta(std::string_view key, std::string_view value, Epoch& promised) {
  if (key == kPromiseKey) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string_view content, Unseal("promise", kVersion, value));
    ByteReader in(content);
    promised = Epoch(in.Varint());
    return in.done() ? absl::OkStatus() : Malformed("promise");
  }
  if (key.starts_with(kPreparedPrefix)) {
    const std::optional<TxIdKey> id = ParseRedoKey(key.substr(kPreparedPrefix.size()));
    if (!id) return Malformed("key of a prepared record");
    TRIDENT_ASSIGN_OR_RETURN(PreparedRecord record, DecodePrepared(value));
    if (record.txid != id->txid) return Malformed("prepared record");
    groups_[id->group].prepared[id->txid] = std::move(record);
    return absl::OkStatus();
  }
  if (!key.starts_with(kSourcesPrefix)) return absl::OkStatus();
  const std::optional<TxIdKey> id = ParseRedoKey(key.substr(kSourcesPrefix.size()));
  if (!id) return Malformed("key of the state of the sources");
  TRIDENT_ASSIGN_OR_RETURN(const std::string_view content,
                           Unseal("state of the sources", kVersion, value));
  ByteReader in(content);
  Group& group = groups_[id->group];
  group.has_gap = in.Varint() != 0;
  group.sources_after = TxId(in.Varint());
  group.sources_time = static_cast<int64_t>(in.Varint());
  return in.done() ? absl::OkStatus() : Malformed("state of the sources");
}

StatusOr<Incarnation> ParticipantLog::NextLife(const DurableStore& store) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> sealed,
                           store.Get(Table::kMeta, kLifeKey));
  if (!sealed) return Incarnation(1);
  TRIDENT_ASSIGN_OR_RETURN(const std::string_view content, Unseal("life", kVersion, *sealed));
  ByteReader in(content);
  const Incarnation last(in.Varint());
  if (!in.done()) return Malformed("life");
  return last.Next();
}

void ParticipantLog::AddLife(Incarnation life, WriteSet& changes) {
  std::string content;
  PutVarint(content, life.value());
  changes.Put(Table::kMeta, std::string(kLifeKey), Seal(kVersion, content));
}

StatusOr<std::string> ParticipantLog::DirectoryOf(const DurableStore& store) {
  return TextUnder(store, kDirectoryKey);
}

void ParticipantLog::AddDirectory(std::string_view name, WriteSet& changes) {
  changes.Put(Table::kMeta, std::string(kDirectoryKey), Seal(kVersion, name));
}

StatusOr<std::string> ParticipantLog::MemberOf(const DurableStore& store, WorkerId worker) {
  return TextUnder(store, Concat(kMemberPrefix, worker.value()));
}

void ParticipantLog::AddMember(WorkerId worker, std::string_view directory, WriteSet& changes) {
  changes.Put(Table::kMeta, Concat(kMemberPrefix, worker.value()), Seal(kVersion, directory));
}

void ParticipantLog::AddPromise(Epoch epoch, WriteSet& changes) {
  std::string content;
  PutVarint(content, epoch.value());
  changes.Put(Table::kMeta, std::string(kPromiseKey), Seal(kVersion, content));
}

void ParticipantLog::DropFrom(GroupId id, TxId from, WriteSet& changes) {
  std::map<TxId, PreparedRecord>& prepared = groups_[id].prepared;
  const auto first = prepared.lower_bound(from);
  for (auto it = first; it != prepared.end(); ++it) {
    changes.Delete(Table::kMeta, PreparedKey(id, it->first));
    changes.Delete(Table::kRedo, RedoKey(id, it->first));
  }
  prepared.erase(first, prepared.end());
}

void ParticipantLog::AddRecord(const BatchId& id, const PreparedRecord& record, WriteSet redo,
                               WriteSet& changes) {
  MutexLock lock(mutex_);
  DropFrom(id.group, id.txid, changes);
  changes.Append(std::move(redo));
  changes.Put(Table::kMeta, PreparedKey(id.group, id.txid), EncodePrepared(record));
  groups_[id.group].prepared[id.txid] = record;
}

void ParticipantLog::AddDrop(const BatchId& from, WriteSet& changes) {
  MutexLock lock(mutex_);
  DropFrom(from.group, from.txid, changes);
}

Status ParticipantLog::AddDecision(const BatchId& id, WriteSet& changes) {
  MutexLock lock(mutex_);
  Group& group = groups_[id.group];
  const auto found = group.prepared.find(id.txid);
  if (found == group.prepared.end() || found->second.attempt != id.attempt) {
    return Internal("batch group ", id.group.value(), ": attempt ", ToString(id.attempt),
                    " of txid ", id.txid.value(), " is decided, but there is no record of it");
  }
  DecisionRecord decision = DecisionOf(found->second);
  const int64_t last_time = decisions_.LastBatchTime(id.group);
  if (id.txid <= group.sources_after || found->second.cut == nullptr) {
    // Where the sources stand is known already, or it is not to be known here.
    decision.ranges.clear();
    decision.batch_time_micros = last_time;
  }
  TRIDENT_RETURN_IF_ERROR(decisions_.Append(id.group, decision, changes));
  decisions_.Written(id.group, decision);
  changes.Delete(Table::kMeta, PreparedKey(id.group, id.txid));
  if (id.txid > group.sources_after && found->second.cut == nullptr && !group.has_gap) {
    group.has_gap = true;
    PutSources(id.group, group, changes);
  }
  group.decided[id.txid] = {id.attempt, found->second.checksum};
  group.prepared.erase(found);
  return absl::OkStatus();
}

void ParticipantLog::AddLog(const word::WriteLog& log, WriteSet& changes) {
  MutexLock lock(mutex_);
  for (const GroupLog& of : log.groups) {
    Group& group = groups_[of.group];
    decisions_.ReplaceSources(of.group, of.log.positions, of.log.cuts, changes);
    group.has_gap = false;
    group.sources_after = of.log.after;
    group.sources_time = of.log.batch_time_micros;
    PutSources(of.group, group, changes);
  }
}

void ParticipantLog::PutSources(GroupId id, const Group& group, WriteSet& changes) {
  std::string content;
  PutVarint(content, group.has_gap ? 1 : 0);
  PutVarint(content, group.sources_after.value());
  PutVarint(content, static_cast<uint64_t>(group.sources_time));
  changes.Put(Table::kMeta, SourcesKey(id), Seal(kVersion, content));
}

std::optional<LogReport> ParticipantLog::LogOf(GroupId id) const {
  MutexLock lock(mutex_);
  const auto found = groups_.find(id);
  const Group none;
  const Group& group = found == groups_.end() ? none : found->second;
  if (group.has_gap) return std::nullopt;
  Recovered recovered = decisions_.Recover(id, Epoch());
  LogReport log;
  log.after = std::max(recovered.last_decided, group.sources_after);
  log.positions = std::move(recovered.positions);
  log.batch_time_micros = std::max(recovered.batch_time_micros, group.sources_time);
  for (LoggedCut& cut : recovered.cuts) {
    if (cut.txid > log.after) log.cuts.push_back(std::move(cut));
  }
  return log;
}

std::vector<SourcePosition> ParticipantLog::PositionsOf(GroupId group, SpoutId spout) const {
  std::vector<SourcePosition> positions;
  for (SpoutPosition& position : decisions_.Recover(group, Epoch()).positions) {
    if (position.spout == spout) positions.push_back(std::move(position.at));
  }
  return positions;
}

Status ParticipantLog::Trim(GroupId id, TxId folded) {
  {
    MutexLock lock(mutex_);
    std::map<TxId, Decided>& decided = groups_[id].decided;
    decided.erase(decided.begin(), decided.lower_bound(folded));
  }
  return decisions_.Trim(id, folded);
}

const ParticipantLog::Decided* ParticipantLog::FindDecided(GroupId id, TxId txid) const {
  const auto group = groups_.find(id);
  if (group == groups_.end()) return nullptr;
  const auto found = group->second.decided.find(txid);
  return found == group->second.decided.end() ? nullptr : &found->second;
}

std::optional<Attempt> ParticipantLog::AttemptOf(GroupId group, TxId txid) const {
  MutexLock lock(mutex_);
  const Decided* decided = FindDecided(group, txid);
  return decided != nullptr ? decided->attempt : decisions_.AttemptOf(group, txid);
}

std::optional<uint64_t> ParticipantLog::RedoChecksumOf(GroupId group, TxId txid) const {
  MutexLock lock(mutex_);
  const Decided* decided = FindDecided(group, txid);
  return decided != nullptr ? decided->redo_checksum : decisions_.RedoChecksumOf(group, txid);
}

}  // namespace trident
