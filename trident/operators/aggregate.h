// SPDX-License-Identifier: Apache-2.0
//
// The aggregating operators, over the groups of a batch at one task. CombineOperator makes partial
// results from rows; MergeOperator makes whole results from partial ones; ReduceOperator and
// AggregateOperator see the rows. All emit in the order in which groups first came.
// Source of the semantics: Trident's partitionAggregate and aggregate; an ungrouped aggregate gives
// its row also for an empty batch, a grouped one gives nothing.
#ifndef TRIDENT_TRIDENT_OPERATORS_AGGREGATE_H_
#define TRIDENT_TRIDENT_OPERATORS_AGGREGATE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/data/text_arena.h"
#include "trident/functions/aggregators.h"
#include "trident/operators/grouping.h"

namespace trident {

// The fields of an aggregate: those of its groups, and those of its input.
template <class In>
struct AggregateFields {
  std::vector<std::string> group;
  In in;
};

template <class A, class In>
class CombineOperator;

template <class A, class... Ins>
class CombineOperator<A, FieldList<Ins...>> final : public Operator {
 public:
  CombineOperator(const OperatorSite& site, A aggregator,
                  const AggregateFields<FieldList<Ins...>>& fields)
      : step_(site.step),
        aggregator_(std::move(aggregator)),
        grouping_(site, fields.group),
        in_(row_internal::Locate(*site.input, fields.in.Describe())),
        schema_(site.output) {}

  void Begin(const BatchContext& context) override {
    grouping_.Begin(context);
    values_.Clear();
    while (values_.size() < grouping_.size()) values_.Append(aggregator_.Zero());
  }
  Status Process(const Slice& slice, Output& out) override {
    return ProcessRows(slice, out, std::index_sequence_for<Ins...>{});
  }
  Status Finish(Output& out) override {
    std::vector<ColumnRef> values{ColumnOfValues(values_)};
    return out.Emit(grouping_.Finish(schema_, std::move(values)));
  }

 private:
  template <size_t... I>
  Status ProcessRows(const Slice& slice, Output& out, std::index_sequence<I...>) {
    [[maybe_unused]] std::tuple<row_internal::ColumnReader<Ins>...> readers{
        row_internal::ColumnReader<Ins>(slice, in_[I])...};
    const std::vector<uint32_t>& groups = grouping_.Assign(slice);
    return row_internal::ForEachRow(
        {step_, slice, out}, [&](size_t i, [[maybe_unused]] uint32_t row) {
          uint32_t group = groups[i];
          if (group == values_.size()) {
            values_.Append(aggregator_.Init(std::get<I>(readers)[row]...));
          } else {
            values_[group] = aggregator_.Combine(std::move(values_[group]),
                                                 aggregator_.Init(std::get<I>(readers)[row]...));
          }
        });
  }

  const std::string step_;
  const A aggregator_;
  Grouping grouping_;
  const std::vector<size_t> in_;
  const SchemaRef schema_;
  ColumnVector<typename A::Value> values_;  // by group
};

// Input: partial results, in a column of the aggregator's value type.
template <class A>
class MergeOperator final : public Operator {
 public:
  using Value = typename A::Value;

  MergeOperator(const OperatorSite& site, A aggregator, const std::vector<std::string>& group,
                const std::string& value_field)
      : step_(site.step),
        aggregator_(std::move(aggregator)),
        grouping_(site, group),
        value_(*site.input->IndexOf(value_field)),
        schema_(site.output) {}

  void Begin(const BatchContext& context) override {
    grouping_.Begin(context);
    values_.Clear();
    while (values_.size() < grouping_.size()) values_.Append(aggregator_.Zero());
  }
  Status Process(const Slice& slice, Output& out) override {
    const OwnedValues<Value> in(slice.column(value_));
    const std::vector<uint32_t>& groups = grouping_.Assign(slice);
    return row_internal::ForEachRow({step_, slice, out}, [&](size_t i, uint32_t row) {
      uint32_t group = groups[i];
      if (group == values_.size()) {
        values_.Append(in[row]);
      } else {
        values_[group] = aggregator_.Combine(std::move(values_[group]), in[row]);
      }
    });
  }
  Status Finish(Output& out) override {
    std::vector<ColumnRef> values{ColumnOfValues(values_)};
    return out.Emit(grouping_.Finish(schema_, std::move(values)));
  }

 private:
  const std::string step_;
  const A aggregator_;
  Grouping grouping_;
  const size_t value_;
  const SchemaRef schema_;
  ColumnVector<Value> values_;
};

template <class A, class In>
class ReduceOperator;

template <class A, class... Ins>
class ReduceOperator<A, FieldList<Ins...>> final : public Operator {
 public:
  ReduceOperator(const OperatorSite& site, A reducer,
                 const AggregateFields<FieldList<Ins...>>& fields)
      : step_(site.step),
        reducer_(std::move(reducer)),
        grouping_(site, fields.group),
        in_(row_internal::Locate(*site.input, fields.in.Describe())),
        schema_(site.output) {}

  void Begin(const BatchContext& context) override {
    grouping_.Begin(context);
    values_.Clear();
    while (values_.size() < grouping_.size()) values_.Append(reducer_.Init());
  }
  Status Process(const Slice& slice, Output& out) override {
    return ProcessRows(slice, out, std::index_sequence_for<Ins...>{});
  }
  Status Finish(Output& out) override {
    std::vector<ColumnRef> values{ColumnOfValues(values_)};
    return out.Emit(grouping_.Finish(schema_, std::move(values)));
  }

 private:
  template <size_t... I>
  Status ProcessRows(const Slice& slice, Output& out, std::index_sequence<I...>) {
    [[maybe_unused]] std::tuple<row_internal::ColumnReader<Ins>...> readers{
        row_internal::ColumnReader<Ins>(slice, in_[I])...};
    const std::vector<uint32_t>& groups = grouping_.Assign(slice);
    return row_internal::ForEachRow(
        {step_, slice, out}, [&](size_t i, [[maybe_unused]] uint32_t row) {
          while (values_.size() <= groups[i]) values_.Append(reducer_.Init());
          reducer_.Reduce(values_[groups[i]], std::get<I>(readers)[row]...);
        });
  }

  const std::string step_;
  const A reducer_;
  Grouping grouping_;
  const std::vector<size_t> in_;
  const SchemaRef schema_;
  ColumnVector<typename A::Value> values_;
};

template <class A, class In, class Out>
class AggregateOperator;

template <class A, class... Ins, class... Outs>
class AggregateOperator<A, FieldList<Ins...>, FieldList<Outs...>> final : public Operator {
 public:
  AggregateOperator(const OperatorSite& site, A aggregator,
                    const AggregateFields<FieldList<Ins...>>& fields)
      : step_(site.step),
        aggregator_(std::move(aggregator)),
        grouping_(site, fields.group),
        in_(row_internal::Locate(*site.input, fields.in.Describe())),
        schema_(site.output) {}

  void Begin(const BatchContext& context) override {
    grouping_.Begin(context);
    states_.clear();
    buffers_.clear();
    group_of_row_.clear();
    emit_.Take({});
    while (states_.size() < grouping_.size()) states_.push_back(aggregator_.Begin());
  }
  Status Process(const Slice& slice, Output& out) override {
    return ProcessRows(slice, out, std::index_sequence_for<Ins...>{});
  }
  Status Finish(Output& out) override {
    emit_.arguments().Clear();
    try {
      for (uint32_t group = 0; group < states_.size(); ++group) {
        aggregator_.Finish(states_[group], emit_);
        group_of_row_.resize(emit_.rows(), group);
      }
    } catch (const std::exception& e) {
      return Aborted("step \"", step_, "\" threw at the end of the batch: ", e.what());
    }
    return out.Emit(grouping_.FinishRows(schema_, emit_.Take(buffers_), group_of_row_));
  }

 private:
  template <size_t... I>
  Status ProcessRows(const Slice& slice, Output& out, std::index_sequence<I...>) {
    [[maybe_unused]] std::tuple<row_internal::ColumnReader<Ins>...> readers{
        row_internal::ColumnReader<Ins>(slice, in_[I])...};
    const std::vector<uint32_t>& groups = grouping_.Assign(slice);
    (std::get<I>(readers).AddBuffersTo(buffers_), ...);
    return row_internal::ForEachRow(
        {step_, slice, out}, [&](size_t i, [[maybe_unused]] uint32_t row) {
          while (states_.size() <= groups[i]) states_.push_back(aggregator_.Begin());
          emit_.arguments().Clear();
          (emit_.arguments().Add(std::get<I>(readers)[row]), ...);
          aggregator_.Add(states_[groups[i]], std::get<I>(readers)[row]..., emit_);
          group_of_row_.resize(emit_.rows(), groups[i]);
        });
  }

  const std::string step_;
  const A aggregator_;
  Grouping grouping_;
  const std::vector<size_t> in_;
  const SchemaRef schema_;
  std::vector<typename A::State> states_;
  Emit<Outs...> emit_;
  std::vector<BufferRef> buffers_;
  std::vector<uint32_t> group_of_row_;
};

// Compiled once, in the library (trident/operators/persistent_aggregate.cc).
extern template class CombineOperator<Count, FieldList<>>;
extern template class CombineOperator<SumOf<int64_t>, FieldList<int64_t>>;
extern template class CombineOperator<SumOf<double>, FieldList<double>>;
extern template class MergeOperator<Count>;
extern template class MergeOperator<SumOf<int64_t>>;
extern template class MergeOperator<SumOf<double>>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_AGGREGATE_H_
