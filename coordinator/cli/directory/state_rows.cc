// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/state_rows.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "state/disk/store_layout.h"

namespace trident {

// The rows of one partition in key order: its base, and the redo that waits over it.
class StateRows::OnePartition {
 public:
  OnePartition(const RestingDirectory& directory, const RestingState& state, PartitionId partition,
               const KeyChanges& changes)
      : by_{state.value_type(), state.stored().combiner},
        prefix_(BasePrefix(state.stored().id, partition)),
        base_(directory.store().NewCursor(Table::kBase,
                                          {.end = PartitionEnd(state.stored().id, partition)})),
        change_(changes.begin()),
        changes_end_(changes.end()) {
    base_->Seek(prefix_);
    Find();
  }

  bool Valid() const { return value_.exists(); }
  const std::string& key() const { return key_; }
  const StoredValue& value() const { return value_; }
  void Next() { Find(); }
  Status status() const { return base_->status(); }

 private:
  // Steps over the next key of either side, until one has a value.
  void Find() {
    do {
      value_ = {};
    } while (TakeNext() && !value_.exists());
  }

  bool TakeNext() {
    const bool has_base = base_->Valid(), has_change = change_ != changes_end_;
    if (!has_base && !has_change) return false;
    const std::string_view base_key =
        has_base ? base_->key().substr(prefix_.size()) : std::string_view();
    const bool from_base = has_base && (!has_change || base_key <= change_->first);
    const bool from_change = has_change && (!has_base || change_->first <= base_key);
    key_ = from_base ? std::string(base_key) : change_->first;
    StoredValue before;
    if (from_base) {
      before = ReadBaseValue(base_->value(), by_);
      base_->Next();
    }
    value_ = from_change ? change_++->second.Over(std::move(before), by_) : std::move(before);
    return true;
  }

  const Combining by_;
  const std::string prefix_;
  const std::unique_ptr<Cursor> base_;
  KeyChanges::const_iterator change_;
  const KeyChanges::const_iterator changes_end_;
  std::string key_;
  StoredValue value_;
};

StateRows::StateRows(const Of& of) {
  const StateId id = of.state.stored().id;
  for (PartitionId p = of.first; p < of.end && status_.ok(); p = p.Next()) {
    Push(std::make_unique<OnePartition>(of.directory, of.state, p, of.redo.Waiting({id, p})));
  }
}

StateRows::~StateRows() = default;

const std::string& StateRows::key() const { return heap_.front()->key(); }
const StoredValue& StateRows::value() const { return heap_.front()->value(); }

void StateRows::Push(std::unique_ptr<OnePartition> rows) {
  status_.Update(rows->status());
  if (!status_.ok() || !rows->Valid()) return;
  heap_.push_back(std::move(rows));
  std::push_heap(heap_.begin(), heap_.end(),
                 [](const auto& a, const auto& b) { return b->key() < a->key(); });
}

void StateRows::Next() {
  std::pop_heap(heap_.begin(), heap_.end(),
                [](const auto& a, const auto& b) { return b->key() < a->key(); });
  std::unique_ptr<OnePartition> least = std::move(heap_.back());
  heap_.pop_back();
  least->Next();
  Push(std::move(least));
}

}  // namespace trident
