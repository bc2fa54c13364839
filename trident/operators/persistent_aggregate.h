// SPDX-License-Identifier: Apache-2.0
//
// PersistentAggregate: writes the groups of a batch into a map state, in txid order. The combining
// form takes partial results (one row per group and upstream task, keys attached); the reducing
// form takes rows. Both emit, in the stage phase, [group fields, new value] for each key that the
// batch changed; a key that it removed has null there, or no row if the field may not be null.
// MapWriter hides where the state is kept. Source of the semantics: Trident's persistentAggregate
// with MapCombinerAggStateUpdater and MapReducerAggStateUpdater; removal is ours.
#ifndef TRIDENT_TRIDENT_OPERATORS_PERSISTENT_AGGREGATE_H_
#define TRIDENT_TRIDENT_OPERATORS_PERSISTENT_AGGREGATE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "trident/operators/aggregate.h"
#include "trident/plan/state_declaration.h"

namespace trident {

// The common part of the operators that write a state: the hooks of the commit path, and the output
// of new values.
class StateStep : public CommittingOperator {
 public:
  StateStep(const OperatorSite& site, const StateSpec& state, std::shared_ptr<StateWriter> writer);

  Status AppendRecord(const StagePermit& permit, std::string& record) override;
  void Apply(const ApplyPermit& permit) override;
  void Abort(TxId from) override;

 protected:
  // Emits [group fields, values] for the keys, in their order.
  Status EmitNewValues(std::shared_ptr<const KeyColumn> keys, ColumnRef values, Output& out) {
    return EmitNewValues(std::move(keys), std::move(values), {}, out);
  }
  // The same without those at the places `left_out`.
  Status EmitNewValues(std::shared_ptr<const KeyColumn> keys, ColumnRef values,
                       std::span<const uint32_t> left_out, Output& out);

  const std::string step_;
  const SchemaRef schema_;
  const bool emits_;

 private:
  const std::vector<KeyField> key_fields_;
  const std::shared_ptr<StateWriter> state_writer_;
};

// A StateStep over a map state.
template <class V>
class MapStep : public StateStep {
 public:
  MapStep(const OperatorSite& site, const MapDeclaration<V>& state)
      : MapStep(site, state, site.Shared<MapWriter<V>>([&] {
          return std::shared_ptr<MapWriter<V>>(state.NewWriter(site.partition, site.partitions));
        })) {}

  void Begin(const BatchContext& context) override {
    slices_.Clear();
    batch_time_micros_ = context.batch_time_micros;
  }
  Status Process(const Slice& slice, Output& /*out*/) override {
    slices_.Add(step_, slice);
    return absl::OkStatus();
  }

 protected:
  // Begins to write the batch.
  StatusOr<MapWriter<V>*> OpenWriter(const BatchId& id) {
    TRIDENT_RETURN_IF_ERROR(writer_->Begin(id, batch_time_micros_));
    return writer_.get();
  }
  // Emits the keys with their new values, or with null where they have none any more.
  Status EmitWithRemoved(std::shared_ptr<const KeyColumn> keys, NewValues<V>& now, Output& out) {
    const bool takes_null = this->schema_->fields().back().nullability == Nullability::kNullable;
    if (now.removed.empty() || !takes_null) {
      std::vector<uint32_t> left_out = std::move(now.untouched);
      left_out.insert(left_out.end(), now.removed.begin(), now.removed.end());
      return this->EmitNewValues(std::move(keys), ColumnOfValues(now.values), left_out, out);
    }
    ColumnVector<std::optional<V>> values;
    values.Reserve(now.values.size());
    for (size_t i = 0; i < now.values.size(); ++i) values.Append(std::move(now.values[i]));
    for (const uint32_t i : now.removed) values[i].reset();
    return this->EmitNewValues(std::move(keys), ColumnOfValues(values), now.untouched, out);
  }
  KeyedSlices slices_;

 private:
  MapStep(const OperatorSite& site, const MapDeclaration<V>& state,
          std::shared_ptr<MapWriter<V>> writer)
      : StateStep(site, state.spec(), writer), writer_(std::move(writer)) {}

  const std::shared_ptr<MapWriter<V>> writer_;
  int64_t batch_time_micros_ = 0;
};

// Input: rows of [value] with keys attached, each key at most once per upstream task.
template <class A>
class PersistentCombineOperator final : public MapStep<KeptValue<A>> {
 public:
  using Value = typename A::Value;
  using Kept = KeptValue<A>;

  PersistentCombineOperator(const OperatorSite& site, A aggregator,
                            const MapDeclaration<Kept>& state)
      : MapStep<Kept>(site, state),
        aggregator_(std::move(aggregator)),
        value_(site.input->size() - 1) {}

  Status Stage(const StagePermit& permit, Output& out) override {
    std::shared_ptr<const KeyColumn> keys;
    ColumnVector<Value> gathered;
    const std::span<const Value> partials = Gather(&keys, &gathered);
    const std::span<const HashedKey> key_span = keys->keys.view();
    TRIDENT_ASSIGN_OR_RETURN(MapWriter<Kept>* const writer, this->OpenWriter(permit.id()));
    // Whether a key goes, only its whole value tells.
    if constexpr (!kMayGiveNothing<A>) {
      if (!this->emits_ && writer->takes_deltas()) {
        return writer->StageDelta(
            permit.id(), key_span, partials,
            [this](const Value& a, const Value& b) { return aggregator_.Combine(a, b); });
      }
    }
    NewValues<Kept> now(key_span.size());
    const auto update = [&](size_t i, const Kept* old) {
      return std::optional<Kept>(old == nullptr ? partials[i]
                                                : aggregator_.Combine(Value(*old), partials[i]));
    };
    TRIDENT_RETURN_IF_ERROR(writer->Stage(permit.id(), key_span, update, now));
    TRIDENT_RETURN_IF_ERROR(writer->Complete(permit.id().txid));
    if (!this->emits_) return absl::OkStatus();
    if constexpr (kMayGiveNothing<A>) {
      return this->EmitWithRemoved(std::move(keys), now, out);
    } else {
      return this->EmitNewValues(std::move(keys), ColumnOfValues(now.values), out);
    }
  }

 private:
  // All partial results of the batch, each key once. They are in `partials`, or stay in the slice
  // if it has them in this form already.
  std::span<const Value> Gather(std::shared_ptr<const KeyColumn>* keys,
                                ColumnVector<Value>* partials) {
    const std::span<const Slice> slices = this->slices_.slices();
    if (slices.size() == 1) {
      *keys = slices[0].keys();
      if constexpr (std::is_same_v<Viewed<Value>, Value> && !kMayGiveNothing<A>) {
        if (slices[0].selection() == nullptr) return As<Value>(slices[0].column(value_)).values();
      }
      const OwnedValues<Value> in(slices[0].column(value_));
      partials->Reserve(slices[0].rows());
      for (size_t i = 0; i < slices[0].rows(); ++i) partials->Append(in[slices[0].RowAt(i)]);
      return partials->view();
    }
    const uint32_t* group = this->slices_.Number().data();
    for (const Slice& slice : slices) {
      const OwnedValues<Value> in(slice.column(value_));
      for (size_t i = 0; i < slice.rows(); ++i, ++group) {
        if (*group == partials->size()) {
          partials->Append(in[slice.RowAt(i)]);
        } else {
          Value& whole = (*partials)[*group];
          whole = aggregator_.Combine(std::move(whole), in[slice.RowAt(i)]);
        }
      }
    }
    *keys = this->slices_.TakeKeys();
    return partials->view();
  }

  const A aggregator_;
  const size_t value_;
};

template <class A, class In>
class PersistentReduceOperator;

// Input: rows with the group's and the reducer's fields.
template <class A, class... Ins>
class PersistentReduceOperator<A, FieldList<Ins...>> final : public MapStep<KeptValue<A>> {
 public:
  using Value = typename A::Value;
  using Kept = KeptValue<A>;

  PersistentReduceOperator(const OperatorSite& site, A reducer, const MapDeclaration<Kept>& state,
                           const AggregateFields<FieldList<Ins...>>& fields)
      : MapStep<Kept>(site, state),
        reducer_(std::move(reducer)),
        in_(row_internal::Locate(*site.input, fields.in.Describe())) {}

  Status Stage(const StagePermit& permit, Output& out) override {
    this->slices_.Number();
    this->slices_.SortRows();
    const std::span<const HashedKey> keys = this->slices_.keys();
    NewValues<Kept> now(keys.size());
    Status row_status;
    const auto update = [&](size_t group, const Kept* old) {
      Value value = old == nullptr ? Value(reducer_.Init()) : Value(*old);
      for (const KeyedSlices::RowPlace& row : this->slices_.RowsOf(static_cast<uint32_t>(group))) {
        Status reduced = Reduce(row, value, std::index_sequence_for<Ins...>{});
        if (row_status.ok()) row_status = reduced;
      }
      return std::optional<Kept>(std::move(value));
    };
    TRIDENT_ASSIGN_OR_RETURN(MapWriter<Kept>* const writer, this->OpenWriter(permit.id()));
    TRIDENT_RETURN_IF_ERROR(writer->Stage(permit.id(), keys, update, now));
    // No value goes out before all rows are known to be good.
    TRIDENT_RETURN_IF_ERROR(row_status);
    TRIDENT_RETURN_IF_ERROR(writer->Complete(permit.id().txid));
    if (!this->emits_) return absl::OkStatus();
    if constexpr (kMayGiveNothing<A>) {
      return this->EmitWithRemoved(this->slices_.TakeKeys(), now, out);
    } else {
      return this->EmitNewValues(this->slices_.TakeKeys(), ColumnOfValues(now.values), out);
    }
  }

 private:
  template <size_t... I>
  Status Reduce(KeyedSlices::RowPlace at, Value& value, std::index_sequence<I...>) {
    const Slice& slice = this->slices_.slices()[at.slice];
    [[maybe_unused]] const uint32_t row = slice.RowAt(at.row);
    try {
      reducer_.Reduce(value, row_internal::ColumnReader<Ins>(slice, in_[I])[row]...);
    } catch (const std::exception& e) {
      return row_internal::RowError(this->step_, slice, at.row, e.what());
    }
    return absl::OkStatus();
  }

  const A reducer_;
  const std::vector<size_t> in_;
};

extern template class MapStep<int64_t>;
extern template class PersistentCombineOperator<Count>;
extern template class PersistentCombineOperator<SumOf<int64_t>>;
extern template class PersistentCombineOperator<SumOf<double>>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_PERSISTENT_AGGREGATE_H_
