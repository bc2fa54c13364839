// SPDX-License-Identifier: Apache-2.0
//
// StateQuery: looks up a key of a state for each row, calls a query function with the value, and
// adds the fields that it emits. A batch of requests reads the one cut that all its requests are
// answered at; a batch of a stream reads the newest committed cut when its first slice comes. A row
// whose key cannot be read is treated like one at which the query function throws.
// Source of the semantics: Trident's stateQuery with MapGet and QueryFunction.
#ifndef TRIDENT_TRIDENT_OPERATORS_STATE_QUERY_H_
#define TRIDENT_TRIDENT_OPERATORS_STATE_QUERY_H_

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/data/text_arena.h"
#include "trident/functions/row_function.h"
#include "trident/operators/grouping.h"
#include "trident/plan/state_declaration.h"

namespace trident {

// The query function that adds the value itself. For a key without value a Field<std::optional<V>>
// gets null; with a Field<V> the row is dropped.
struct MapGet {
  template <class V, class Out>
  requires std::is_same_v<typename FieldTraits<Out>::Stored, Viewed<V>>
  void operator()(const V* value, Emit<Out>& emit) const {
    TextArena arena;  // emit copies the views
    if (value != nullptr) {
      emit(Out(ViewOf<Viewed<V>>(*value, arena)));
    } else if constexpr (!std::is_same_v<Out, Viewed<V>>) {
      emit(std::nullopt);
    }
  }
};

// Can `Query` be called with the values of a map of V, and emit these fields?
template <class V, class Query, class Out>
inline constexpr bool kMapQueryFits = false;
template <class V, class Query, class... Outs>
inline constexpr bool kMapQueryFits<V, Query, FieldList<Outs...>> =
    std::is_invocable_v<const Query&, const V*, Emit<Outs...>&>;

// `Query` is called as query(const V* value, Emit<Outs...>&); null: the key has no value.
template <class V, class Query, class Out>
class StateQueryOperator;

template <class V, class Query, class... Outs>
class StateQueryOperator<V, Query, FieldList<Outs...>> final : public Operator {
 public:
  StateQueryOperator(const OperatorSite& site, std::shared_ptr<MapDeclaration<V>> state,
                     Query query, const std::vector<std::string>& key)
      : step_(site.step),
        state_(std::move(state)),
        query_(std::move(query)),
        keys_(*site.input, key),
        schema_(site.output) {
    for (const SchemaField& field : schema_->fields()) {
      if (auto place = site.input->IndexOf(field.name)) kept_.push_back(*place);
    }
  }

  void Begin(const BatchContext& context) override { cut_ = context.cut; }

  Status Process(const Slice& slice, Output& out) override {
    if (cut_ == nullptr) {
      TRIDENT_ASSIGN_OR_RETURN(cut_, state_->PinNewest());
    }
    TRIDENT_RETURN_IF_ERROR(
        state_->Read(cut_->At(state_->spec().group), keys_.KeysOf(slice), values_));
    parents_.Clear();
    Status status = row_internal::ForEachRow({step_, slice, out}, [&](size_t i, uint32_t row) {
      parents_.Begin(row, emit_.rows());
      if (!values_[i].ok()) throw std::runtime_error(std::string(values_[i].status().message()));
      query_(values_[i]->has_value() ? &**values_[i] : nullptr, emit_);
    });
    const size_t rows = emit_.rows();
    const std::vector<ColumnRef> made = emit_.Take({});
    if (!status.ok()) return status;
    return out.Emit(slice.Extend(schema_, kept_, parents_.End(rows), made, rows));
  }
  bool row_wise() const override { return true; }

 private:
  const std::string step_;
  const std::shared_ptr<MapDeclaration<V>> state_;
  const Query query_;
  KeyLookup keys_;
  const SchemaRef schema_;
  std::vector<size_t> kept_;
  std::shared_ptr<const ReadCut> cut_;  // of the batch of requests, or pinned at the first slice
  typename MapDeclaration<V>::Values values_;
  Emit<Outs...> emit_;
  row_internal::Parents parents_;
};

extern template class StateQueryOperator<int64_t, MapGet, FieldList<int64_t>>;
extern template class StateQueryOperator<int64_t, MapGet, FieldList<std::optional<int64_t>>>;
extern template class StateQueryOperator<double, MapGet, FieldList<double>>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_STATE_QUERY_H_
