// SPDX-License-Identifier: Apache-2.0
//
// Each: calls a function of some fields of each row, and adds its results to the row as new fields.
// It may give no result (the row is dropped), one, or many (the row is repeated). Map replaces the
// row by the result. Source of the semantics: Trident's Stream.each(Function), map and flatMap.
#ifndef TRIDENT_TRIDENT_OPERATORS_EACH_H_
#define TRIDENT_TRIDENT_OPERATORS_EACH_H_

#include <memory>
#include <utility>
#include <vector>

#include "trident/functions/row_function.h"
#include "trident/plan/operator_site.h"

namespace trident {

// `In` and `Out` are FieldLists. The function either takes the input values and an Emit of the
// output types, or takes the input values and returns the output value (a std::tuple for several
// fields).
template <class Fn, class In, class Out>
class EachOperator;

template <class Fn, class... Ins, class... Outs>
class EachOperator<Fn, FieldList<Ins...>, FieldList<Outs...>> final : public Operator {
 public:
  EachOperator(const OperatorSite& site, Fn function, const FieldList<Ins...>& in,
               const FieldList<Outs...>& out)
      : step_(site.step),
        function_(std::move(function)),
        in_(row_internal::Locate(*site.input, in.Describe())),
        schema_(site.output),
        kept_(site.KeptFields(out.Describe())) {}

  Status Process(const Slice& slice, Output& out) override {
    return ProcessRows(slice, out, std::index_sequence_for<Ins...>{});
  }
  bool row_wise() const override { return true; }

 private:
  template <size_t... I>
  Status ProcessRows(const Slice& slice, Output& out, std::index_sequence<I...>) {
    std::tuple<row_internal::ColumnReader<Ins>...> readers{
        row_internal::ColumnReader<Ins>(slice, in_[I])...};
    parents_.Clear();
    const bool has_parents = !kept_.empty() || slice.origins() != nullptr;
    Status status = row_internal::ForEachRow({step_, slice, out}, [&](size_t, uint32_t row) {
      if (has_parents) parents_.Begin(row, emit_.rows());
      Call(std::get<I>(readers)[row]...);
    });
    size_t rows = emit_.rows();
    std::vector<BufferRef> buffers;
    (std::get<I>(readers).AddBuffersTo(buffers), ...);
    const std::vector<ColumnRef> made = emit_.Take(buffers);
    if (!status.ok()) return status;
    const std::span<const uint32_t> parents =
        has_parents ? parents_.End(rows) : std::span<const uint32_t>();
    return out.Emit(slice.Extend(schema_, kept_, parents, made, rows));
  }

  void Call(const Ins&... values) {
    emit_.arguments().Clear();
    (emit_.arguments().Add(values), ...);
    if constexpr (row_internal::kTakesEmit<Fn, Emit<Outs...>, Ins...>) {
      std::as_const(function_)(values..., emit_);
    } else if constexpr (sizeof...(Outs) == 1) {
      emit_(std::as_const(function_)(values...));
    } else {
      std::apply([&](const auto&... results) { emit_(results...); },
                 std::as_const(function_)(values...));
    }
  }

  const std::string step_;
  const Fn function_;
  const std::vector<size_t> in_;
  const SchemaRef schema_;
  const std::vector<size_t> kept_;  // input columns that stay
  Emit<Outs...> emit_;
  row_internal::Parents parents_;
};

// Checks the function against the fields, so that the compiler's message points to the user's line.
template <class Fn, class In, class Out>
struct CheckEach;
template <class Fn, class... Ins, class... Outs>
struct CheckEach<Fn, FieldList<Ins...>, FieldList<Outs...>> {
  static constexpr bool kEmits = row_internal::kTakesEmit<Fn, Emit<Outs...>, Ins...>;
  static constexpr bool Returns() {
    if constexpr (row_internal::kTakes<Fn, Ins...>) {
      using R = std::invoke_result_t<const Fn&, const Ins&...>;
      if constexpr (sizeof...(Outs) == 1) {
        return (row_internal::kExact<std::decay_t<R>, Outs> && ...);
      } else {
        return std::is_convertible_v<R, std::tuple<Outs...>>;
      }
    } else {
      return false;
    }
  }
  static constexpr bool value = kEmits || Returns();
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OPERATORS_EACH_H_
