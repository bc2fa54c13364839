// SPDX-License-Identifier: Apache-2.0
//
// Aggregators. Three kinds, Trident's names:
//
// Combiner    associative and commutative; combined early, inside each task before the exchange and
//             again before the state. That saves most of the work: prefer it.
//                 struct Mean {
//                   using Value = MyPair;                  // owns its content: no Text, no List
//                   Value Zero() const;                    // of no rows at all
//                   Value Init(double x) const;            // of one row; takes the input fields
//                   Value Combine(Value a, Value b) const;
//                 // Optional. It is stored with a state, which later refuses another name.
//                 // `trident state dump` combines by "sum", "min" and "max" itself.
//                   static constexpr std::string_view kCombiner = "mean";
//                 };
// Reducer     folds rows one after the other, in the batch's order; no early combining.
//                 using Value = ...; Value Init() const; void Reduce(Value& value, Args...) const;
// Aggregator  sees the whole (group of a) batch and emits what it likes, when it likes.
//                 using State = ...; State Begin() const;
//                 void Add(State&, Args..., Emit<Outs...>&) const;
//                 void Finish(State&, Emit<Outs...>&) const;
//
// All are copied per task and called as const objects.
//
// A Combiner or Reducer whose Value is a std::optional may give nothing. In a state that removes
// the key, and a later row begins it anew: a Combiner's Combine is called for values that are there
// already, a Reducer begins with Init(). For a Combiner, nothing must be what an absent value is:
// Combine(nothing, x) gives x. The output field is a Field<std::optional<T>>, null where there is
// nothing; PersistentAggregate takes a Field<T>, too (trident/stream.h).
//
//     struct LastPage {                                    // of the users who are logged in
//       using Value = std::optional<std::string>;
//       Value Init() const { return std::nullopt; }
//       void Reduce(Value& page, bool logs_out, Text url) const {
//         if (logs_out) page.reset(); else page = url;
//       }
//     };
#ifndef TRIDENT_TRIDENT_FUNCTIONS_AGGREGATORS_H_
#define TRIDENT_TRIDENT_FUNCTIONS_AGGREGATORS_H_

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "trident/functions/emit.h"
#include "trident/functions/row_function.h"

namespace trident {

template <class A, class... Ins>
concept Combiner = requires(const A& a, typename A::Value x, typename A::Value y,
                            const Ins&... in) {
  { a.Zero() } -> std::convertible_to<typename A::Value>;
  { a.Init(in...) } -> std::convertible_to<typename A::Value>;
  { a.Combine(std::move(x), std::move(y)) } -> std::convertible_to<typename A::Value>;
};

template <class A, class... Ins>
concept Reducer = requires(const A& a, typename A::Value x, const Ins&... in) {
  { a.Init() } -> std::convertible_to<typename A::Value>;
  a.Reduce(x, in...);
};

// The values that a state keeps for A.
template <class A>
using KeptValue = typename FieldTraits<typename A::Value>::Stored;
// True if A may give nothing, which removes a key.
template <class A>
inline constexpr bool kMayGiveNothing = !std::is_same_v<typename A::Value, KeptValue<A>>;

// A is an aggregator of the input fields Ins, whose results go to an EmitType.
template <class A, class EmitType, class... Ins>
concept FullAggregator = requires {
  typename A::State;
}
&&requires(const A& a, typename A::State s, EmitType& e, const Ins&... in) {
  { a.Begin() } -> std::convertible_to<typename A::State>;
  a.Add(s, in..., e);
  a.Finish(s, e);
};

template <class A, class In, class Out>
struct IsAggregator : std::false_type {};
template <class A, class... Ins, class... Outs>
struct IsAggregator<A, FieldList<Ins...>, FieldList<Outs...>>
    : std::bool_constant<FullAggregator<A, Emit<Outs...>, Ins...>> {};

// The name by which values are combined; empty where the aggregator gives none.
template <class A>
std::string CombinerName() {
  if constexpr (requires { A::kCombiner; }) {
    return std::string(A::kCombiner);
  } else {
    return {};
  }
}

namespace aggregator_internal {
template <class T>
constexpr T Highest() {
  if constexpr (std::is_same_v<T, Timestamp>) {
    return Timestamp{std::numeric_limits<int64_t>::max()};
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::numeric_limits<T>::infinity();
  } else {
    return std::numeric_limits<T>::max();
  }
}
template <class T>
constexpr T Lowest() {
  if constexpr (std::is_same_v<T, Timestamp>) {
    return Timestamp{std::numeric_limits<int64_t>::min()};
  } else if constexpr (std::is_floating_point_v<T>) {
    return -std::numeric_limits<T>::infinity();
  } else {
    return std::numeric_limits<T>::lowest();
  }
}
// An order in which values that are equal are the same: -0.0 stands before 0.0.
template <class T>
constexpr bool StandsBefore(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a == b) return __builtin_signbit(a) > __builtin_signbit(b);
  }
  return a < b;
}
// `wanted` of the two; if one of them is NaN, the same NaN always.
template <class T>
constexpr T UnlessNaN([[maybe_unused]] const T& a, [[maybe_unused]] const T& b, const T& wanted) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b) return std::numeric_limits<T>::quiet_NaN();
  }
  return wanted;
}
}  // namespace aggregator_internal

// The number of rows. Takes any fields, or none.
struct Count {
  using Value = int64_t;
  static constexpr std::string_view kCombiner = "sum";
  Value Zero() const { return 0; }
  template <class... Ins>
  Value Init(const Ins&...) const {
    return 1;
  }
  Value Combine(Value a, Value b) const { return a + b; }
};

// Sum of an int64 or double field. Integers wrap around as unsigned ones do.
template <class T>
struct SumOf {
  using Value = T;
  static constexpr std::string_view kCombiner = "sum";
  Value Zero() const { return 0; }
  Value Init(T x) const { return x; }
  Value Combine(Value a, Value b) const {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    } else {
      return a + b;
    }
  }
};
using Sum = SumOf<int64_t>;

// The least or greatest value of a numeric or timestamp field. Without rows MinOf
// gives the greatest value that the type has, and MaxOf the least; those of double are infinite.
// One NaN makes both NaN, as it does a sum; -0.0 is less than 0.0. So the result depends on the
// rows alone, and not on the tasks that they go to.
template <class T>
struct MinOf {
  using Value = T;
  static constexpr std::string_view kCombiner = "min";
  Value Zero() const { return aggregator_internal::Highest<T>(); }
  Value Init(T x) const { return Combine(x, x); }
  Value Combine(Value a, Value b) const {
    return aggregator_internal::UnlessNaN(a, b, aggregator_internal::StandsBefore(b, a) ? b : a);
  }
};
template <class T>
struct MaxOf {
  using Value = T;
  static constexpr std::string_view kCombiner = "max";
  Value Zero() const { return aggregator_internal::Lowest<T>(); }
  Value Init(T x) const { return Combine(x, x); }
  Value Combine(Value a, Value b) const {
    return aggregator_internal::UnlessNaN(a, b, aggregator_internal::StandsBefore(a, b) ? b : a);
  }
};
using Min = MinOf<int64_t>;
using Max = MaxOf<int64_t>;

}  // namespace trident

#endif  // TRIDENT_TRIDENT_FUNCTIONS_AGGREGATORS_H_
