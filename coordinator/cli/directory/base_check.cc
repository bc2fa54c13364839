// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/base_check.h"

#include <string>
#include <string_view>

#include "base/key_encoding.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

// What the folded redo of a partition says, compared with its base in key order.
class FoldedComparison {
 public:
  FoldedComparison(const RestingState& state, const KeyChanges& folded)
      : state_(state), next_(folded.begin()), end_(folded.end()) {}

  // The next key of the base.
  Status Compare(std::string_view key, const StoredValue& value);
  // The base has no more.
  Status Finish() { return SkipTo(nullptr); }

 private:
  Status SkipTo(const std::string_view* key);
  Combining By() const { return {state_.value_type(), state_.stored().combiner}; }
  std::optional<std::string> Expected() const { return next_->second.Over({}, By()).value; }

  const RestingState& state_;
  KeyChanges::const_iterator next_;
  const KeyChanges::const_iterator end_;
};

Status FoldedComparison::SkipTo(const std::string_view* key) {
  Status first;
  for (; next_ != end_ && (key == nullptr || next_->first < *key); ++next_) {
    if (!first.ok() || !next_->second.is_whole() || !Expected()) continue;
    first = DataLoss("the key ", state_.KeyText(next_->first),
                     " is missing, although its redo was folded");
  }
  return first;
}

Status FoldedComparison::Compare(std::string_view key, const StoredValue& value) {
  TRIDENT_RETURN_IF_ERROR(SkipTo(&key));
  if (next_ == end_ || next_->first != key) return {};
  const bool whole = next_->second.is_whole();
  const std::optional<std::string> expected = Expected();
  ++next_;
  if (!whole || (expected == value.value && value.deltas.empty())) return {};
  const auto text = [&](std::string_view encoded) {
    const StatusOr<Datum> datum = state_.value_type().DecodeAll(encoded);
    return datum.ok() ? ToString(*datum) : std::string("bytes that are no value");
  };
  return DataLoss("the key ", state_.KeyText(key), " has ", text(value.value.value_or("")),
                  value.deltas.empty() ? "" : " with deltas",
                  ", but the redo that was folded gives ",
                  expected ? text(*expected) : std::string("none"));
}

// Walks the base once; partitions come in the order of their keys.
class BaseWalk {
 public:
  BaseWalk(const DecidedState& state, const RedoChanges& redo, Findings& findings)
      : state_(state),
        redo_(redo),
        findings_(findings),
        cursor_(state.directory.store().NewCursor(
            Table::kBase, {.end = {}, .pattern = CursorOptions::Pattern::kScan})) {
    cursor_->Seek("");
  }

  // Returns the keys of the partition.
  uint64_t CheckPartition(const RestingState& state, PartitionId partition);
  void Finish();

 private:
  void SkipForeign(const std::string* until);
  Status CheckRow(const RestingState& state, PartitionId partition, std::string_view key,
                  FoldedComparison& folded);

  const DecidedState& state_;
  const RedoChanges& redo_;
  Findings& findings_;
  const std::unique_ptr<Cursor> cursor_;
};

uint64_t BaseWalk::CheckPartition(const RestingState& state, PartitionId partition) {
  const PartitionPlace place{state.stored().id, partition};
  const std::string begin = MarkerKey(place.state, partition);
  const std::string end = PartitionEnd(place.state, partition);
  const std::string where = state.Place(partition);
  SkipForeign(&begin);
  FoldedComparison folded(state, redo_.Folded(place));
  uint64_t keys = 0;
  for (; cursor_->Valid() && cursor_->key() < end; cursor_->Next()) {
    if (cursor_->key() == begin) continue;
    if (keys++ == 0 && !state_.markers.HasMarker(place)) {
      findings_.AddDamage(where, "its base holds keys, but no marker that could be read");
    }
    findings_.Add(where, CheckRow(state, partition, cursor_->key(), folded));
  }
  if (cursor_->status().ok()) findings_.Add(where, folded.Finish());
  return keys;
}

Status BaseWalk::CheckRow(const RestingState& state, PartitionId partition, std::string_view key,
                          FoldedComparison& folded) {
  const std::optional<ParsedBaseKey> parsed = ParseBaseKey(key);
  if (!parsed || parsed->is_marker) {
    return DataLoss("a key of ", key.size(), " bytes in its base is none");
  }
  const std::string name = state.KeyText(parsed->key);
  if (const Status decoded = state.DecodeKey(parsed->key).status(); !decoded.ok()) {
    return Annotate(decoded, Concat("key ", name));
  }
  if (!state.Owns(partition, parsed->key)) {
    return DataLoss("the key ", name, " belongs to another partition");
  }
  const StoredValue value =
      ReadBaseValue(cursor_->value(), {state.value_type(), state.stored().combiner});
  const Status decoded = state.value_type().DecodeAll(*value.value).status();
  if (!decoded.ok()) return Annotate(decoded, Concat("value of ", name));
  return folded.Compare(parsed->key, value);
}

// Rows that stand before `until` are of nothing that there is.
void BaseWalk::SkipForeign(const std::string* until) {
  for (; cursor_->Valid() && (until == nullptr || cursor_->key() < *until); cursor_->Next()) {
    const std::optional<ParsedBaseKey> parsed = ParseBaseKey(cursor_->key());
    // What is left of a state that is no more goes with the next start.
    if (parsed && state_.directory.identity().dropped.contains(parsed->state)) continue;
    findings_.AddDamage(
        "base",
        parsed ? Concat("it holds a row of state number ", parsed->state.value(), ", partition ",
                        parsed->partition.value(), ", which the directory does not have")
               : Concat("a key of ", cursor_->key().size(), " bytes is none"));
  }
}

void BaseWalk::Finish() {
  SkipForeign(nullptr);
  findings_.Add("base", cursor_->status());
}

}  // namespace

std::map<StateId, uint64_t> CheckBase(const DecidedState& state, const RedoChanges& redo,
                                      Findings& findings) {
  std::map<StateId, uint64_t> keys;
  BaseWalk walk(state, redo, findings);
  for (const auto& [id, resting] : state.directory.states()) {
    for (PartitionId p; p.value() < resting.stored().partitions; p = p.Next()) {
      keys[id] += walk.CheckPartition(resting, p);
    }
  }
  walk.Finish();
  return keys;
}

}  // namespace trident
