// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/history.h"

#include <algorithm>
#include <utility>

#include "state/disk/store_layout.h"
#include "state/redo/redo_record.h"

namespace trident::sim {

History::History(Trial& trial, const Workload& workload,
                 std::vector<std::unique_ptr<Source>>& sources)
    : trial_(trial), workload_(workload), sources_(sources), groups_(sources.size()) {
  for (uint32_t i = 0; i < groups_.size(); ++i) groups_[i].cuts = {workload.EmptyCut(i)};
}

std::vector<std::pair<GroupId, DecisionRecord>> History::DecisionsIn(const WriteSet& changes) {
  std::vector<std::pair<GroupId, DecisionRecord>> decisions;
  for (const WriteSet::Change& change : changes.changes()) {
    if (change.table != Table::kDecision || change.kind != WriteSet::Change::Kind::kPut) continue;
    const std::optional<TxIdKey> key = ParseDecisionKey(change.key);
    if (!key) continue;
    StatusOr<DecisionRecord> record = DecodeDecision(change.value);
    if (record.ok()) decisions.emplace_back(key->group, *std::move(record));
  }
  return decisions;
}

// The redo that a decision names is in the same write.
void History::CheckRedo(const WriteSet& changes, GroupId group, const DecisionRecord& record) {
  const std::string key = RedoKey(group, record.txid);
  for (const WriteSet::Change& change : changes.changes()) {
    if (change.table != Table::kRedo || change.key != key) continue;
    if (RedoChecksumIn(record) == RedoChecksum(change.value)) return;
    return trial_.Violated("the decision of txid ", record.txid.value(),
                           " does not hold the checksum of its redo");
  }
}

void History::OnWrite(const WriteSet& changes, Durability durability, const Status& status) {
  for (auto& [group, record] : DecisionsIn(changes)) {
    CheckRedo(changes, group, record);
    if (status.ok()) {
      Commit(group, record);
    } else if (!failed_) {
      Of(group).in_doubt.push_back(record);
    }
  }
  if (!status.ok()) failed_ = true;  // later ones are refused
  if (!status.ok() || durability != Durability::kSynced) return;
  for (Group& group : groups_) group.synced = group.last();
}

void History::Commit(GroupId id, const DecisionRecord& record) {
  Group& group = Of(id);
  if (record.txid != group.last().Next()) {
    return trial_.Violated("txid ", record.txid.value(), " was decided after txid ",
                           group.last().value());
  }
  Batch batch;
  batch.record = record;
  if (!group.batches.empty()) {
    const Batch& before = group.batches.back();
    batch.ends = before.ends;
    if (record.attempt.epoch < before.record.attempt.epoch) {
      trial_.Violated("txid ", record.txid.value(), " was decided by an older epoch");
    }
    if (record.batch_time_micros < before.record.batch_time_micros) {
      trial_.Violated("the time of txid ", record.txid.value(), " went back");
    }
  }
  for (const SourceRange& range : record.ranges) CheckRange(range, id, batch);
  if (batch.rows.size() != record.rows) {
    trial_.Violated("the decision of txid ", record.txid.value(), " counts ", record.rows,
                    " rows, its ranges hold ", batch.rows.size());
  }
  group.batches.push_back(std::move(batch));
}

void History::CheckRange(const SourceRange& range, GroupId id, Batch& batch) {
  const TxId txid = batch.record.txid;
  Position& end = batch.ends[range.partition];
  if (range.start != end) {
    trial_.Violated("the range of txid ", txid.value(), " in partition ", range.partition,
                    " starts at \"", range.start, "\", not at \"", end, "\"");
  }
  end = range.end;
  const auto partition = static_cast<uint32_t>(std::stoul(range.partition));
  StatusOr<std::vector<std::string>> rows =
      sources_[id.value() - 1]->RowsOf(partition, range.start, range.end);
  if (!rows.ok()) return trial_.Violated("txid ", txid.value(), ": ", rows.status().ToString());
  if (rows->size() != range.rows) {
    trial_.Violated("the range of txid ", txid.value(), " says ", range.rows, " rows, not ",
                    rows->size());
  }
  batch.rows.insert(batch.rows.end(), rows->begin(), rows->end());
}

void History::OnRestart(const DurableStore& disk, Kept kept) {
  failed_ = false;
  std::vector<TxId> found(groups_.size());
  std::unique_ptr<Cursor> cursor = disk.NewCursor(Table::kDecision);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    const std::optional<TxIdKey> key = ParseDecisionKey(cursor->key());
    if (key) found[key->group.value() - 1] = std::max(found[key->group.value() - 1], key->txid);
  }
  for (uint32_t i = 0; i < groups_.size(); ++i) {
    Group& group = groups_[i];
    const TxId all(group.last().value() + group.in_doubt.size());
    const TxId least = kept == Kept::kEverything ? group.last() : group.synced;
    if (found[i] < least || (found[i] > group.last() && found[i] != all)) {
      trial_.Violated("after the restart the decisions of group ", i + 1, " end at txid ",
                      found[i].value(), "; expected ", least.value(), " to ", group.last().value(),
                      ", or ", all.value());
    }
    if (found[i] < group.last()) Truncate(group, found[i]);
    for (const DecisionRecord& record : std::exchange(group.in_doubt, {})) {
      if (record.txid <= found[i]) Commit(GroupId(i + 1), record);
    }
    // What one life of the process found stays as it is in the next.
    if (kept == Kept::kWhatWasSynced) group.synced = group.last();
  }
}

void History::Truncate(Group& group, TxId last) {
  group.batches.resize(last.value());
  if (group.cuts.size() > last.value() + 1) group.cuts.resize(last.value() + 1);
  group.letters.erase(group.letters.upper_bound(last), group.letters.end());
}

bool History::Complete() const {
  for (const Group& group : groups_) {
    for (uint32_t p = 0; p < trial_.options.source_partitions; ++p) {
      if (group.batches.empty()) return false;
      const auto end = group.batches.back().ends.find(std::to_string(p));
      if (end == group.batches.back().ends.end()) return false;
      if (Source::IndexOf(end->second) != trial_.options.rows_per_partition) return false;
    }
  }
  return true;
}

bool History::MustBeLetter(const std::string& row) const {
  return trial_.poison_on && row.find(kPoison) != std::string::npos;
}

// Adds the cut of the next txid. False, and a violation: it cannot be so.
bool History::Extend(GroupId id, const Letters& letters) {
  Group& group = Of(id);
  const Batch& batch = group.batches[group.cuts.size() - 1];
  const TxId txid = batch.record.txid;
  Cut cut = group.cuts.back();
  workload_.Begin(batch.record.batch_time_micros, cut);
  std::vector<std::string> left;  // letters of this txid that no row has claimed
  if (const auto of_txid = letters.find(txid); of_txid != letters.end()) {
    left = of_txid->second;
    group.letters.insert(*of_txid);
  }
  for (const std::string& row : batch.rows) {
    const auto letter = std::find_if(left.begin(), left.end(), [&](const std::string& text) {
      return text.starts_with(Concat("[", row, "] <- "));
    });
    if (letter != left.end()) {
      left.erase(letter);
      continue;
    }
    if (MustBeLetter(row)) {
      trial_.Violated("txid ", txid.value(),
                      " holds a row that cannot be processed, and no letter: ", row);
    }
    workload_.Fold(row, batch.record.batch_time_micros, cut);
  }
  if (!left.empty()) {
    trial_.Violated("a letter of txid ", txid.value(), " is of no row of it: ", left.front());
  }
  group.cuts.push_back(std::move(cut));
  return trial_.ok();
}

const Cut* History::At(GroupId id, TxId at, const Letters& letters) {
  Group& group = Of(id);
  if (at > group.last()) {
    trial_.Violated("a reader saw txid ", at.value(), " of group ", id.value(), ", but only ",
                    group.last().value(), " are decided");
    return nullptr;
  }
  while (group.cuts.size() <= at.value()) {
    if (!Extend(id, letters)) return nullptr;
  }
  Letters known(group.letters.begin(), group.letters.upper_bound(at));
  if (known != letters) {
    trial_.Violated("at txid ", at.value(), " the dead letters are not what they were");
    return nullptr;
  }
  return &group.cuts[at.value()];
}

}  // namespace trident::sim
