// SPDX-License-Identifier: Apache-2.0
//
// StateQuery of a state of the program's own class. For each row the query function gets the object
// of the partition that the row's key belongs to, and emits rows. It sees the object as it is at
// that moment: with batches that are not decided yet, unless the class hides them. Source of the
// semantics: Trident's QueryFunction.
#ifndef TRIDENT_TRIDENT_OPERATORS_USER_STATE_QUERY_H_
#define TRIDENT_TRIDENT_OPERATORS_USER_STATE_QUERY_H_

#include <memory>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "trident/functions/row_function.h"
#include "trident/operators/grouping.h"
#include "trident/plan/state_declaration.h"

namespace trident {

template <class S, class Query, class In, class Out>
struct UserQueryFits;
template <class S, class Query, class... Ins, class... Outs>
struct UserQueryFits<S, Query, FieldList<Ins...>, FieldList<Outs...>>
    : std::is_invocable<const Query&, S&, const Ins&..., Emit<Outs...>&> {};

template <class S, class Query, class In, class Out>
class UserStateQueryOperator;

template <class S, class Query, class... Ins, class... Outs>
class UserStateQueryOperator<S, Query, FieldList<Ins...>, FieldList<Outs...>> final
    : public Operator {
 public:
  UserStateQueryOperator(const OperatorSite& site, std::shared_ptr<ObjectDeclaration<S>> state,
                         Query query, const FieldList<Ins...>& in)
      : step_(site.step),
        state_(std::move(state)),
        query_(std::move(query)),
        in_(row_internal::Locate(*site.input, in.Describe())),
        keys_(*site.input, NamesOf(in)),
        schema_(site.output) {
    for (const SchemaField& field : schema_->fields()) {
      if (auto place = site.input->IndexOf(field.name)) kept_.push_back(*place);
    }
  }

  Status Process(const Slice& slice, Output& out) override {
    return ProcessRows(slice, out, std::index_sequence_for<Ins...>{});
  }
  bool row_wise() const override { return true; }

 private:
  template <size_t... I>
  Status ProcessRows(const Slice& slice, Output& out, std::index_sequence<I...>) {
    std::tuple<row_internal::ColumnReader<Ins>...> readers{
        row_internal::ColumnReader<Ins>(slice, in_[I])...};
    const std::span<const HashedKey> keys = keys_.KeysOf(slice);
    const uint32_t partitions = state_->spec().partitions;
    parents_.Clear();
    emit_.arguments().Clear();
    Status status = row_internal::ForEachRow({step_, slice, out}, [&](size_t i, uint32_t row) {
      parents_.Begin(row, emit_.rows());
      state_
          ->With(PartitionOfHash(keys[i].hash, partitions),
                 [&](S& state) {
                   query_(state, std::get<I>(readers)[row]..., emit_);
                   return absl::OkStatus();
                 })
          .IgnoreError();
    });
    const size_t rows = emit_.rows();
    const std::vector<ColumnRef> made = emit_.Take({});
    if (!status.ok()) return status;
    return out.Emit(slice.Extend(schema_, kept_, parents_.End(rows), made, rows));
  }
  static std::vector<std::string> NamesOf(const FieldList<Ins...>& in) {
    std::vector<std::string> names;
    for (const SchemaField& field : in.Describe()) names.push_back(field.name);
    return names;
  }

  const std::string step_;
  const std::shared_ptr<ObjectDeclaration<S>> state_;
  const Query query_;
  const std::vector<size_t> in_;
  KeyLookup keys_;
  const SchemaRef schema_;
  std::vector<size_t> kept_;
  Emit<Outs...> emit_;
  row_internal::Parents parents_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_USER_STATE_QUERY_H_
