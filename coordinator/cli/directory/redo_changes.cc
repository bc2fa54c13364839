// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/redo_changes.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/coding.h"
#include "base/key_encoding.h"
#include "state/disk/store_layout.h"
#include "state/redo/redo_record.h"

namespace trident {
namespace {

const KeyChanges kNoChanges;

const KeyChanges& Find(const std::map<PartitionPlace, KeyChanges>& all,
                       const PartitionPlace& place) {
  const auto found = all.find(place);
  return found == all.end() ? kNoChanges : found->second;
}

std::string PlaceOf(GroupId group, TxId txid) {
  return Concat("redo of txid ", txid.value(), ", group ", group.value());
}

}  // namespace

// Walks the table once, in txid order of each group.
class RedoReader {
 public:
  RedoReader(const DecidedState& state, const RedoChanges::Keep& keep, Findings& findings,
             RedoChanges& out)
      : state_(state), keep_(keep), findings_(findings), out_(out) {}

  void ReadAll();

 private:
  void Read(const TxIdKey& key, std::string_view value);
  void CheckNoneIsMissing(const TxIdKey& key);
  void CheckHeader(const RedoHeader& header);
  void ReadSection(const RedoHeader& header, const RedoSection& section);
  Status ReadRows(const RedoHeader& header, const RedoSection& section, const RestingState& state);
  KeyChanges* ChangesFor(const RestingState& state, PartitionId partition, TxId txid);

  const DecidedState& state_;
  const RedoChanges::Keep& keep_;
  Findings& findings_;
  RedoChanges& out_;
  std::map<GroupId, TxId> next_;  // the first txid that some partition needs and was not seen
};

void RedoReader::ReadAll() {
  for (const auto& [id, resting] : state_.directory.states()) {
    const GroupId group = resting.stored().group;
    next_[group] = state_.markers.LeastOf(group)->Next();
  }
  const auto cursor = state_.directory.store().NewCursor(
      Table::kRedo, {.end = {}, .pattern = CursorOptions::Pattern::kScan});
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    if (const auto key = ParseRedoKey(cursor->key())) {
      Read(*key, cursor->value());
    } else {
      findings_.AddDamage("redo table",
                          Concat("a key of ", cursor->key().size(), " bytes is that of no record"));
    }
  }
  findings_.Add("redo table", cursor->status());
  if (!cursor->status().ok()) return;
  for (const auto& [group, next] : next_) {
    CheckNoneIsMissing({group, state_.decided.LastDecided(group).Next()});
  }
}

void RedoReader::Read(const TxIdKey& key, std::string_view value) {
  RedoChanges::Group& group = out_.groups_[key.group];
  ++group.records;
  group.bytes += value.size();
  if (key.txid > state_.decided.LastDecided(key.group)) {
    ++group.undecided;
    return;
  }
  CheckNoneIsMissing(key);
  const auto least = state_.markers.LeastOf(key.group);
  if (least && key.txid > *least) ++group.waiting;
  const StatusOr<RedoRecord> record = ParseRedoRecordOf(key.group, key.txid, value);
  findings_.Add(PlaceOf(key.group, key.txid), record.status());
  if (!record.ok()) return;
  CheckHeader(record->header);
  const std::optional<uint64_t> voted = state_.decided.RedoChecksumOf(key.group, key.txid);
  if (voted && *voted != RedoChecksum(value)) {
    findings_.AddDamage(PlaceOf(key.group, key.txid),
                        Concat("its checksum is ", RedoChecksum(value),
                               ", but redo with the checksum ", *voted, " was decided"));
  }
  for (const RedoSection& section : record->sections) {
    if (section.id.kind == RedoSectionId::Kind::kState) ReadSection(record->header, section);
  }
}

// `key` is there: so must be everything before it that is still needed.
void RedoReader::CheckNoneIsMissing(const TxIdKey& key) {
  const auto needed = next_.find(key.group);
  if (needed == next_.end() || key.txid < needed->second) return;
  if (key.txid > needed->second) {
    const TxId last = key.txid.Prev();
    const std::string txids = needed->second == last ? Concat("txid ", last.value(), " was")
                                                     : Concat("txids ", needed->second.value(),
                                                              " to ", last.value(), " were");
    findings_.AddDamage(Concat("redo of group ", key.group.value()),
                        Concat(txids, " decided, but neither the base nor the redo has all of it"));
  }
  needed->second = key.txid.Next();
}

void RedoReader::CheckHeader(const RedoHeader& header) {
  const auto check = [&](TxId txid, const Attempt& found, std::string_view what) {
    const std::optional<Attempt> decided = state_.decided.AttemptOf(header.group, txid);
    if (!decided || *decided == found) return;
    findings_.AddDamage(PlaceOf(header.group, header.txid),
                        Concat("it ", what, " attempt ", ToString(found), " of txid ", txid.value(),
                               ", but attempt ", ToString(*decided), " was decided"));
  };
  check(header.txid, header.attempt, "is of");
  check(header.txid.Prev(), header.previous, "was computed over");
}

void RedoReader::ReadSection(const RedoHeader& header, const RedoSection& section) {
  const std::string where = PlaceOf(header.group, header.txid);
  const auto found = state_.directory.states().find(StateId(section.id.owner));
  // Nobody applies what a dropped state was changed by.
  if (state_.directory.identity().dropped.contains(StateId(section.id.owner))) return;
  if (found == state_.directory.states().end()) {
    findings_.AddDamage(where, Concat("it changes state number ", section.id.owner,
                                      ", which the directory does not have"));
    return;
  }
  const RestingState& state = found->second;
  if (state.stored().group != header.group ||
      section.id.partition.value() >= state.stored().partitions) {
    findings_.AddDamage(where,
                        Concat("it changes ", state.Place(section.id.partition), ", which has ",
                               state.stored().partitions, " partitions and is of group ",
                               state.stored().group.value()));
    return;
  }
  findings_.Add(Concat(where, ", ", state.Place(section.id.partition)),
                ReadRows(header, section, state));
}

Status RedoReader::ReadRows(const RedoHeader& header, const RedoSection& section,
                            const RestingState& state) {
  KeyChanges* changes = ChangesFor(state, section.id.partition, header.txid);
  const Combining by{state.value_type(), state.stored().combiner};
  uint32_t rows = 0;
  for (ByteReader in(section.bytes); !in.done(); ++rows) {
    RowOperation operation = RowOperation::kReplace;
    std::string_view key;
    ReadChangeHead(in, operation, key);
    const std::string_view from_value = in.rest();
    if (HasValue(operation)) state.value_type().Decode(in);
    if (!in.ok()) {
      return DataLoss("expected changes with values of type ", state.value_type().name(),
                      ", found bytes that are none after row ", rows);
    }
    TRIDENT_RETURN_IF_ERROR(state.DecodeKey(key).status());
    if (!state.Owns(section.id.partition, key)) {
      return DataLoss("the key ", state.KeyText(key), " belongs to another partition");
    }
    if (changes == nullptr) continue;
    (*changes)[std::string(key)].Add(operation,
                                     from_value.substr(0, from_value.size() - in.remaining()), by);
  }
  if (rows == section.count) return {};
  return DataLoss("it claims ", section.count, " changes, but has ", rows);
}

KeyChanges* RedoReader::ChangesFor(const RestingState& state, PartitionId partition, TxId txid) {
  if (keep_.only != nullptr && keep_.only != &state) return nullptr;
  const PartitionPlace place{state.stored().id, partition};
  if (txid > state_.markers.FoldedTo(place)) return &out_.waiting_[place];
  return keep_.which == RedoChanges::Keep::Which::kAll ? &out_.folded_[place] : nullptr;
}

RedoChanges::RedoChanges(const DecidedState& state, const Keep& keep, Findings& findings) {
  RedoReader(state, keep, findings, *this).ReadAll();
}

const KeyChanges& RedoChanges::Waiting(const PartitionPlace& place) const {
  return Find(waiting_, place);
}
const KeyChanges& RedoChanges::Folded(const PartitionPlace& place) const {
  return Find(folded_, place);
}

}  // namespace trident
