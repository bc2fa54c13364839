// SPDX-License-Identifier: Apache-2.0
//
// PersistentAggregate: the groups of a batch into a map state, in txid order. The combining form
// takes partial results (one row per group and upstream task, keys attached); the reducing form
// takes rows. Both emit, in the stage phase, [group fields, new value] for each key that the batch
// changed. Over a state that is kept outside the same operators write through its share, and commit
// in the stage phase (trident/states/state.h). Source of the semantics: Trident's
// persistentAggregate with MapCombinerAggStateUpdater and MapReducerAggStateUpdater.
#ifndef TRIDENT_TRIDENT_OPERATORS_PERSISTENT_AGGREGATE_H_
#define TRIDENT_TRIDENT_OPERATORS_PERSISTENT_AGGREGATE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/partition_assignment.h"
#include "trident/operators/aggregate.h"
#include "trident/plan/state_declaration.h"

namespace trident {

// What the two forms share: the state's partitions of this task, and the hooks of the commit path.
// `D` is the state's declaration.
template <class D>
class StateWriter : public CommittingOperator {
 public:
  using Share = typename D::Share;

  StateWriter(const OperatorSite& site, const D& state)
      : step_(site.step),
        schema_(site.output),
        key_fields_(state.spec().key_fields),
        emits_(site.consumers == OperatorSite::Consumers::kSome),
        share_(site.Shared<Share>([&] {
          return state.NewShare(
              PartitionsOfTask(site.partition, state.spec().partitions, site.partitions));
        })) {}

  Status AppendRecord(const StagePermit& permit, std::string& record) override {
    share_->AppendRedo(permit.id().txid, record);
    return absl::OkStatus();
  }
  void Apply(const ApplyPermit& permit) override {
    share_->Apply(permit.id().txid, permit.id().attempt);
  }
  void Abort(TxId from) override { share_->Abort(from); }

 protected:
  // Emits [group fields, value] for the keys, in their order.
  template <class V>
  Status EmitNewValues(std::shared_ptr<const KeyColumn> keys, ColumnVector<V>& values,
                       Output& out) {
    const std::vector<KeyField>& fields = key_fields_;
    std::vector<size_t> wanted;
    for (const SchemaField& field : schema_->fields()) {
      for (size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].name == field.name) wanted.push_back(i);
      }
    }
    size_t rows = keys->keys.size();
    std::vector<ColumnRef> columns = KeyColumns(fields, wanted, *keys);
    columns.push_back(aggregate_internal::ColumnOfValues(values));
    Slice slice(schema_, std::move(columns), rows);
    slice.set_keys(std::move(keys));
    return out.Emit(slice);
  }

  const std::string step_;
  const SchemaRef schema_;
  const std::vector<KeyField> key_fields_;
  const bool emits_;
  const std::shared_ptr<Share> share_;
};

// Input: rows of [value] with keys attached, each key at most once per upstream task.
template <class A, class D = MapStateDeclaration<typename A::Value>>
class PersistentCombineOperator final : public StateWriter<D> {
 public:
  using Value = typename A::Value;

  PersistentCombineOperator(const OperatorSite& site, A aggregator, const D& state)
      : StateWriter<D>(site, state),
        aggregator_(std::move(aggregator)),
        value_(site.input->size() - 1) {}

  void Begin(const BatchContext& /*context*/) override { slices_.clear(); }
  Status Process(const Slice& slice, Output& /*out*/) override {
    TRIDENT_CHECK(slice.keys() != nullptr) << this->step_ << ": a slice without keys";
    slices_.push_back(slice);
    return absl::OkStatus();
  }

  Status Stage(const StagePermit& permit, Output& out) override {
    std::shared_ptr<const KeyColumn> keys;
    ColumnVector<Value> gathered;
    const std::span<const Value> partials = Gather(&keys, &gathered);
    TxId t = permit.id().txid;
    std::span<const HashedKey> key_span = keys->keys.view();
    if constexpr (!D::kOutside) {
      if (!this->emits_) {
        return this->share_->StageDelta(
            t, permit.id().attempt, key_span, partials,
            [this](const Value& a, const Value& b) { return aggregator_.Combine(a, b); });
      }
    }
    ColumnVector<Value> values;
    Value* to = nullptr;
    values.Reserve(key_span.size());
    for (size_t i = 0; i < key_span.size(); ++i) values.Append(Value{});
    to = values.data();
    auto update = [&](size_t i, const Value* old) {
      to[i] = old == nullptr ? partials[i] : aggregator_.Combine(*old, partials[i]);
      return to[i];
    };
    if constexpr (D::kOutside) {
      TRIDENT_RETURN_IF_ERROR(this->share_->Stage(t, key_span, {to, values.size()}, update));
      TRIDENT_RETURN_IF_ERROR(this->share_->Commit(t));
      if (!this->emits_) return absl::OkStatus();
    } else {
      TRIDENT_RETURN_IF_ERROR(this->share_->Stage(t, permit.id().attempt, key_span, update));
    }
    return this->EmitNewValues(std::move(keys), values, out);
  }

 private:
  // All partial results of the batch, each key once; in `partials`, or where they are.
  std::span<const Value> Gather(std::shared_ptr<const KeyColumn>* keys,
                                ColumnVector<Value>* partials) {
    using Column = ColumnTypeOf<Value>;
    if (slices_.size() == 1) {
      *keys = slices_[0].keys();
      std::span<const Column> in = As<Column>(slices_[0].column(value_)).values();
      if constexpr (std::is_same_v<Column, Value>) {
        if (slices_[0].selection() == nullptr) return in;
      }
      partials->Reserve(in.size());
      for (size_t i = 0; i < slices_[0].rows(); ++i)
        partials->Append(Value(in[slices_[0].RowAt(i)]));
      return partials->view();
    }
    auto merged = std::make_shared<KeyColumn>();
    groups_.Clear();
    for (const Slice& slice : slices_) {
      std::span<const Column> in = As<Column>(slice.column(value_)).values();
      const ColumnVector<HashedKey>& slice_keys = slice.keys()->keys;
      group_of_row_.resize(slice.rows());
      groups_.FindOrAddAll(
          slice.rows(), [&](size_t i) { return slice_keys[i]; }, group_of_row_.data());
      for (size_t i = 0; i < slice.rows(); ++i) {
        const uint32_t group = group_of_row_[i];
        const Column& partial = in[slice.RowAt(i)];
        if (group == partials->size()) {
          partials->Append(Value(partial));
        } else {
          (*partials)[group] = aggregator_.Combine(std::move((*partials)[group]), Value(partial));
        }
      }
      for (const BufferRef& buffer : slice.keys()->retained) merged->retained.push_back(buffer);
      merged->retained.push_back(slice.keys());
    }
    merged->keys = groups_.TakeKeys();
    *keys = std::move(merged);
    return partials->view();
  }

  const A aggregator_;
  const size_t value_;
  std::vector<Slice> slices_;
  GroupIndex groups_;
  std::vector<uint32_t> group_of_row_;
};

template <class A, class In, class D = MapStateDeclaration<typename A::Value>>
class PersistentReduceOperator;

// Input: rows with the group's and the reducer's fields.
template <class A, class... Ins, class D>
class PersistentReduceOperator<A, FieldList<Ins...>, D> final : public StateWriter<D> {
 public:
  using Value = typename A::Value;

  PersistentReduceOperator(const OperatorSite& site, A reducer, const D& state,
                           const AggregateFields<FieldList<Ins...>>& fields)
      : StateWriter<D>(site, state),
        reducer_(std::move(reducer)),
        in_(row_internal::Locate(*site.input, fields.in.Describe())) {}

  void Begin(const BatchContext& /*context*/) override { slices_.clear(); }
  Status Process(const Slice& slice, Output& /*out*/) override {
    TRIDENT_CHECK(slice.keys() != nullptr) << this->step_ << ": a slice without keys";
    slices_.push_back(slice);
    return absl::OkStatus();
  }

  Status Stage(const StagePermit& permit, Output& out) override {
    GroupRows();
    ColumnVector<Value> values;
    for (size_t i = 0; i < groups_.size(); ++i) values.Append(Value{});
    Status row_status;
    auto update = [&](size_t group, const Value* old) {
      values[group] = old == nullptr ? reducer_.Init() : *old;
      for (uint32_t i = first_row_[group]; i < first_row_[group + 1]; ++i) {
        Status reduced = Reduce(rows_[i], values[group], std::index_sequence_for<Ins...>{});
        if (row_status.ok()) row_status = reduced;
      }
      return values[group];
    };
    const TxId t = permit.id().txid;
    const std::span<const HashedKey> group_keys = groups_.keys().view();
    if constexpr (D::kOutside) {
      TRIDENT_RETURN_IF_ERROR(
          this->share_->Stage(t, group_keys, {values.data(), values.size()}, update));
      // Not a value goes out before all rows are known to be good.
      TRIDENT_RETURN_IF_ERROR(row_status);
      TRIDENT_RETURN_IF_ERROR(this->share_->Commit(t));
    } else {
      TRIDENT_RETURN_IF_ERROR(this->share_->Stage(t, permit.id().attempt, group_keys, update));
      TRIDENT_RETURN_IF_ERROR(row_status);
    }
    auto keys = std::make_shared<KeyColumn>();
    for (const Slice& slice : slices_) keys->retained.push_back(slice.keys());
    keys->keys = groups_.TakeKeys();
    if (!this->emits_) return absl::OkStatus();
    return this->EmitNewValues(std::move(keys), values, out);
  }

 private:
  struct RowRef {
    uint32_t slice;
    uint32_t place;
  };

  // Sorts the rows by group, keeping the batch's order within each.
  void GroupRows() {
    groups_.Clear();
    std::vector<uint32_t> group_of_row;
    std::vector<RowRef> rows;
    for (uint32_t s = 0; s < slices_.size(); ++s) {
      const ColumnVector<HashedKey>& keys = slices_[s].keys()->keys;
      const auto slice_rows = static_cast<uint32_t>(slices_[s].rows());
      const size_t before = rows.size();
      group_of_row.resize(before + slice_rows);
      groups_.FindOrAddAll(
          slice_rows, [&](size_t i) { return keys[i]; }, group_of_row.data() + before);
      for (uint32_t i = 0; i < slice_rows; ++i) rows.push_back({s, i});
    }
    first_row_.assign(groups_.size() + 1, 0);
    for (uint32_t group : group_of_row) ++first_row_[group + 1];
    for (size_t g = 0; g < groups_.size(); ++g) first_row_[g + 1] += first_row_[g];
    std::vector<uint32_t> next(first_row_.begin(), first_row_.end());
    rows_.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) rows_[next[group_of_row[i]]++] = rows[i];
  }

  template <size_t... I>
  Status Reduce(RowRef at, Value& value, std::index_sequence<I...>) {
    const Slice& slice = slices_[at.slice];
    [[maybe_unused]] uint32_t row = slice.RowAt(at.place);
    try {
      reducer_.Reduce(value, row_internal::ColumnReader<Ins>(slice, in_[I])[row]...);
    } catch (const std::exception& e) {
      return row_internal::RowError(this->step_, slice, at.place, e.what());
    }
    return absl::OkStatus();
  }

  const A reducer_;
  const std::vector<size_t> in_;
  std::vector<Slice> slices_;
  GroupIndex groups_;
  std::vector<uint32_t> first_row_;  // per group; one more at the end
  std::vector<RowRef> rows_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_PERSISTENT_AGGREGATE_H_
