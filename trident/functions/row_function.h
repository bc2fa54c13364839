// SPDX-License-Identifier: Apache-2.0
//
// Binds columns to the arguments of a user's function, and checks at compile time that the function
// takes them. The message of a failed static_assert is written for the user.
#ifndef TRIDENT_TRIDENT_FUNCTIONS_ROW_FUNCTION_H_
#define TRIDENT_TRIDENT_FUNCTIONS_ROW_FUNCTION_H_

#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/status.h"
#include "engine/data/field.h"
#include "engine/data/slice.h"
#include "engine/operator.h"
#include "trident/functions/emit.h"

namespace trident::row_internal {

// The parameter types of a function object whose operator() is no template; void otherwise.
template <class F>
struct ParametersOf {
  using type = void;
};
template <class M>
struct ParametersOfMember;
template <class C, class R, class... As>
struct ParametersOfMember<R (C::*)(As...) const> {
  using type = std::tuple<std::decay_t<As>...>;
};
template <class C, class R, class... As>
struct ParametersOfMember<R (C::*)(As...)> {
  using type = std::tuple<std::decay_t<As>...>;
};
template <class C, class R, class... As>
struct ParametersOfMember<R (C::*)(As...) const noexcept> {
  using type = std::tuple<std::decay_t<As>...>;
};
template <class F>
requires requires { &F::operator(); }
struct ParametersOf<F> : ParametersOfMember<decltype(&F::operator())> {};
template <class R, class... As>
struct ParametersOf<R (*)(As...)> {
  using type = std::tuple<std::decay_t<As>...>;
};

// True if a value of field type `From` reaches a parameter of type `To` unchanged. An int64 that
// becomes an int would compile and lose bits, so numbers must match exactly.
template <class From, class To>
inline constexpr bool kExact = std::is_same_v<From, To> ||
                               (!std::is_arithmetic_v<From> && std::is_convertible_v<From, To>);

template <class Parameters, class... Args>
struct ExactPrefix : std::true_type {};
template <class... Ps, class... Args>
struct ExactPrefix<std::tuple<Ps...>, Args...> {
  template <size_t... I>
  static constexpr bool Check(std::index_sequence<I...>) {
    using P = std::tuple<Ps...>;
    using A = std::tuple<Args...>;
    return (kExact<std::tuple_element_t<I, A>, std::tuple_element_t<I, P>> && ...);
  }
  static constexpr bool value =
      sizeof...(Ps) >= sizeof...(Args) && Check(std::index_sequence_for<Args...>{});
};

// True if F can be called with values of exactly these field types (and then `More`), as a const
// object.
template <class F, class... Args>
inline constexpr bool kTakes = std::is_invocable_v<const F&, const Args&...>&&
    ExactPrefix<typename ParametersOf<F>::type, Args...>::value;
template <class F, class EmitType, class... Args>
inline constexpr bool kTakesEmit = std::is_invocable_v<const F&, const Args&..., EmitType&>&&
    ExactPrefix<typename ParametersOf<F>::type, Args...>::value;

// Reads the values of one field from a slice.
template <class T>
class ColumnReader {
 public:
  using Stored = typename FieldTraits<T>::Stored;
  ColumnReader(const Slice& slice, size_t index)
      : column_(As<Stored>(slice.column(index))), values_(column_.values().data()) {}
  T operator[](uint32_t row) const {
    if constexpr (std::is_same_v<T, Stored>) {
      return values_[row];
    } else {
      return column_.Value(row);
    }
  }
  void AddBuffersTo(std::vector<BufferRef>& buffers) const {
    if constexpr (kIsView<Stored>) {
      buffers.insert(buffers.end(), column_.retained().begin(), column_.retained().end());
    }
  }

 private:
  const ColumnOf<Stored>& column_;
  const Stored* values_;
};

// The index of each field in the schema. REQUIRES: it is there (the planner has checked).
std::vector<size_t> Locate(const Schema& schema, const std::vector<SchemaField>& fields);

// The error for a function that threw. It names the step, the row number and the row's values.
Status RowError(const std::string& step, const Slice& slice, size_t row, const char* what);

// The row that the calling thread is at, for those who ask why nothing moves (base/work_mark.h).
std::atomic<uint64_t>& RowAtHand();

// The rows of a slice, as a step takes them.
struct StepRows {
  const std::string& step;
  const Slice& slice;
  Output& out;
};

// Calls body(row number, column row) for each selected row. A row at which it throws is put aside;
// where that may not be, the call returns a RowError.
template <class Body>
Status ForEachRow(const StepRows& rows, Body&& body) {
  const size_t count = rows.slice.rows();
  const std::vector<uint32_t>* const selection = rows.slice.selection();
  std::atomic<uint64_t>& at_hand = RowAtHand();
  const auto take = [&](size_t i, uint32_t row) {
    at_hand.store(i, std::memory_order_relaxed);
    body(i, row);
  };
  for (size_t i = 0; i < count; ++i) {
    Status failed;
    try {
      if (selection != nullptr) {
        for (; i < count; ++i) take(i, (*selection)[i]);
      } else {
        for (; i < count; ++i) take(i, static_cast<uint32_t>(i));
      }
    } catch (const std::exception& e) {
      failed = RowError(rows.step, rows.slice, i, e.what());
    } catch (...) {
      failed = RowError(rows.step, rows.slice, i, "something that is no std::exception");
    }
    if (!failed.ok()) TRIDENT_RETURN_IF_ERROR(rows.out.PutAside(rows.slice, i, failed));
  }
  return absl::OkStatus();
}

// The input row of each output row of a function, also of those that it gave before it threw.
class Parents {
 public:
  void Clear() { rows_.Clear(); }
  // The function takes `row` now; the calls before have given `emitted` rows.
  void Begin(uint32_t row, size_t emitted) {
    Fill(emitted);
    row_ = row;
  }
  // All calls have given `emitted` rows.
  std::span<const uint32_t> End(size_t emitted) {
    Fill(emitted);
    return rows_.view();
  }

 private:
  void Fill(size_t emitted) {
    while (rows_.size() < emitted) rows_.Append(row_);
  }

  ColumnVector<uint32_t> rows_;
  uint32_t row_ = 0;
};

}  // namespace trident::row_internal

#endif  // TRIDENT_TRIDENT_FUNCTIONS_ROW_FUNCTION_H_
