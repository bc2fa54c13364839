// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/decided_txids.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "coordinator/decision_log.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

std::string PlaceOf(std::string_view what, GroupId group, TxId txid) {
  return Concat(what, " of txid ", txid.value(), ", group ", group.value());
}
std::string PlaceOf(const PositionOwner& owner) {
  return Concat("position of source partition '", owner.partition, "' of spout ",
                owner.spout.value(), ", group ", owner.group.value());
}

class DecisionReader {
 public:
  DecisionReader(const RestingDirectory& directory, Findings& findings,
                 std::map<GroupId, DecidedTxIds::Group>& groups)
      : epoch_(directory.identity().epoch), findings_(findings), groups_(groups) {
    if (!directory.streams()) return;
    streams_.emplace();
    for (const auto& [name, stream] : directory.streams()->streams) {
      streams_->insert({stream.group, stream.spout});
    }
  }

  void Read(std::string_view key, std::string_view value);
  // All was read: compares what needs all of it.
  void Finish();

 private:
  void ReadDecision(const TxIdKey& key, std::string_view value);
  void ReadPosition(const PositionOwner& owner, std::string_view value);
  void CheckDecision(const TxIdKey& key, const DecisionRecord& record);

  const Epoch epoch_;
  // Those that have a name; nullopt: the directory knows none by name.
  std::optional<std::set<std::pair<GroupId, SpoutId>>> streams_;
  Findings& findings_;
  std::map<GroupId, DecidedTxIds::Group>& groups_;
  struct RangeEnd {
    TxId txid;
    Position at;
  };
  std::map<PositionOwner, RangeEnd> ends_;  // of the newest range of each source partition
  std::map<PositionOwner, std::optional<PositionRow>> positions_;  // nullopt: damaged, and said so
};

void DecisionReader::Read(std::string_view key, std::string_view value) {
  if (const auto decision = ParseDecisionKey(key)) return ReadDecision(*decision, value);
  if (const auto owner = ParsePositionKey(key)) return ReadPosition(*owner, value);
  if (const auto cut = ParseCutKey(key)) {
    findings_.Add(PlaceOf("logged cut", cut->group, cut->txid), DecodeCut(value).status());
    return;
  }
  if (const auto begun = ParseEpochKey(key)) {
    findings_.Add(
        Concat("beginning of epoch ", begun->epoch.value(), ", group ", begun->group.value()),
        DecodeEpoch(value).status());
    return;
  }
  findings_.AddDamage("decision table",
                      Concat("the key ", ToString(Datum{OwnedBytes{std::string(key)}}),
                             " is of no decision, cut, source position or epoch"));
}

void DecisionReader::ReadDecision(const TxIdKey& key, std::string_view value) {
  DecidedTxIds::Group& group = groups_[key.group];
  if (group.last != TxId() && key.txid != group.last.Next()) {
    findings_.AddDamage(Concat("decisions of group ", key.group.value()),
                        Concat("txid ", group.last.value(), " is followed by txid ",
                               key.txid.value(), "; those between are missing"));
  }
  if (group.first == TxId()) group.first = key.txid;
  group.last = key.txid;
  const StatusOr<DecisionRecord> record = DecodeDecision(value);
  findings_.Add(PlaceOf("decision", key.group, key.txid), record.status());
  if (!record.ok()) return;
  CheckDecision(key, *record);
  group.rows += record->rows;
  group.attempts[key.txid] = record->attempt;
  if (const std::optional<uint64_t> redo = RedoChecksumIn(*record)) {
    group.redo_checksums[key.txid] = *redo;
  }
  for (const SourceRange& range : record->ranges) {
    ends_[{key.group, range.emitter.spout, range.partition}] = {key.txid, range.end};
  }
}

void DecisionReader::CheckDecision(const TxIdKey& key, const DecisionRecord& record) {
  const std::string where = PlaceOf("decision", key.group, key.txid);
  if (record.txid != key.txid) {
    findings_.AddDamage(where, Concat("it is the record of txid ", record.txid.value()));
  }
  if (record.attempt.epoch > epoch_) {
    findings_.AddDamage(where,
                        Concat("it is of epoch ", record.attempt.epoch.value(),
                               ", but the newest epoch that began here is ", epoch_.value()));
  }
  uint64_t rows = 0;
  for (const SourceRange& range : record.ranges) rows += range.rows;
  if (rows != record.rows) {
    findings_.AddDamage(where,
                        Concat("it counts ", record.rows, " rows, its source ranges ", rows));
  }
}

void DecisionReader::ReadPosition(const PositionOwner& owner, std::string_view value) {
  StatusOr<PositionRow> position = DecodePosition(value);
  findings_.Add(PlaceOf(owner), position.status());
  positions_[owner] = position.ok() ? std::optional(*position) : std::nullopt;
}

void DecisionReader::Finish() {
  for (const auto& [owner, row] : positions_) {
    // The row of a forgotten partition may outlive its stream.
    const bool forgotten = row && row->by == PositionRow::By::kForgotten;
    if (!forgotten && streams_ && !streams_->contains({owner.group, owner.spout})) {
      findings_.AddDamage(PlaceOf(owner), "no stream of the directory has this number");
    }
    const auto group = groups_.find(owner.group);
    const TxId last = group == groups_.end() ? TxId() : group->second.last;
    if (!row || row->after <= last) continue;
    findings_.AddDamage(PlaceOf(owner), Concat("it was changed by hand after txid ",
                                               row->after.value(), ", which was never decided"));
  }
  for (const auto& [owner, end] : ends_) {
    const auto found = positions_.find(owner);
    if (found == positions_.end()) {
      findings_.AddDamage(PlaceOf(owner), "it is missing, although a decision has moved it");
      continue;
    }
    if (!found->second) continue;
    const PositionRow& row = *found->second;
    if (row.by == PositionRow::By::kDecision && row.at != end.at) {
      findings_.AddDamage(PlaceOf(owner), Concat("it says '", row.at,
                                                 "', but the newest range ends at '", end.at, "'"));
    }
    if (row.by != PositionRow::By::kDecision && row.after < end.txid) {
      findings_.AddDamage(PlaceOf(owner),
                          Concat("it was changed by hand after txid ", row.after.value(),
                                 ", but txid ", end.txid.value(), " has moved it since"));
    }
  }
}

}  // namespace

DecidedTxIds::DecidedTxIds(const RestingDirectory& directory, Findings& findings) {
  DecisionReader reader(directory, findings, groups_);
  const auto cursor = directory.store().NewCursor(
      Table::kDecision, {.end = {}, .pattern = CursorOptions::Pattern::kScan});
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    reader.Read(cursor->key(), cursor->value());
  }
  findings.Add("decision table", cursor->status());
  if (cursor->status().ok()) reader.Finish();
}

TxId DecidedTxIds::LastDecided(GroupId group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? TxId() : found->second.last;
}

std::optional<Attempt> DecidedTxIds::AttemptOf(GroupId group, TxId txid) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  const auto attempt = found->second.attempts.find(txid);
  if (attempt == found->second.attempts.end()) return std::nullopt;
  return attempt->second;
}

std::optional<uint64_t> DecidedTxIds::RedoChecksumOf(GroupId group, TxId txid) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  const auto redo = found->second.redo_checksums.find(txid);
  if (redo == found->second.redo_checksums.end()) return std::nullopt;
  return redo->second;
}

}  // namespace trident
