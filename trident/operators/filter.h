// SPDX-License-Identifier: Apache-2.0
//
// Filter keeps the rows for which a predicate holds; Peek shows each row to a function and passes
// it on. Neither copies a value: the result is a selection of the slice's rows.
#ifndef TRIDENT_TRIDENT_OPERATORS_FILTER_H_
#define TRIDENT_TRIDENT_OPERATORS_FILTER_H_

#include <memory>
#include <utility>
#include <vector>

#include "trident/functions/row_function.h"
#include "trident/plan/operator_site.h"

namespace trident {

template <class Fn, class In>
class FilterOperator;

template <class Fn, class... Ins>
class FilterOperator<Fn, FieldList<Ins...>> final : public Operator {
 public:
  FilterOperator(const OperatorSite& site, Fn predicate, const FieldList<Ins...>& in)
      : step_(site.step),
        predicate_(std::move(predicate)),
        in_(row_internal::Locate(*site.input, in.Describe())),
        kept_(site.KeptFields({})),
        schema_(site.output) {}

  Status Process(const Slice& slice, Output& out) override {
    return ProcessRows(slice, out, std::index_sequence_for<Ins...>{});
  }
  bool row_wise() const override { return true; }

 private:
  template <size_t... I>
  Status ProcessRows(const Slice& slice, Output& out, std::index_sequence<I...>) {
    std::tuple<row_internal::ColumnReader<Ins>...> readers{
        row_internal::ColumnReader<Ins>(slice, in_[I])...};
    std::vector<uint32_t> selection;
    const auto ask = [&](size_t, uint32_t row) {
      if constexpr (std::is_void_v<std::invoke_result_t<const Fn&, const Ins&...>>) {
        std::as_const(predicate_)(std::get<I>(readers)[row]...);
      } else if (std::as_const(predicate_)(std::get<I>(readers)[row]...)) {
        selection.push_back(row);
      }
    };
    TRIDENT_RETURN_IF_ERROR(row_internal::ForEachRow({step_, slice, out}, ask));
    Slice projected = slice.Project(schema_, kept_);
    if constexpr (std::is_void_v<std::invoke_result_t<const Fn&, const Ins&...>>) {
      return out.Emit(projected);
    } else {
      if (selection.size() == slice.rows()) return out.Emit(projected);
      return out.Emit(projected.Select(std::move(selection)));
    }
  }

  const std::string step_;
  const Fn predicate_;
  const std::vector<size_t> in_;
  const std::vector<size_t> kept_;
  const SchemaRef schema_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_FILTER_H_
