// SPDX-License-Identifier: Apache-2.0
//
// The bodies of the templates of trident/stream.h: each checks its function against the fields,
// then adds a step whose factory knows the types.
#ifndef TRIDENT_TRIDENT_STREAM_STEPS_H_
#define TRIDENT_TRIDENT_STREAM_STEPS_H_

#include "trident/operators/aggregate.h"
#include "trident/operators/each.h"
#include "trident/operators/filter.h"
#include "trident/operators/persistent_aggregate.h"
#include "trident/operators/state_query.h"
#include "trident/stream.h"

namespace trident {

namespace step_internal {

template <class A, class List>
struct CombinerFor : std::false_type {};
template <class A, class... Ins>
struct CombinerFor<A, FieldList<Ins...>> : std::bool_constant<Combiner<A, Ins...>> {};
template <class A, class List>
struct ReducerFor : std::false_type {};
template <class A, class... Ins>
struct ReducerFor<A, FieldList<Ins...>> : std::bool_constant<Reducer<A, Ins...>> {};

// The value type of an aggregator that has one; void otherwise.
template <class A>
struct ValueOf {
  using type = void;
};
template <class A>
requires requires { typename A::Value; }
struct ValueOf<A> {
  using type = typename A::Value;
};

template <class A, class Out>
inline constexpr bool kValueFits = false;
template <class A, class T>
inline constexpr bool kValueFits<A, FieldList<T>> =
    std::is_same_v<Viewed<typename ValueOf<A>::type>, T>;

// The checks of every aggregation, with messages for people.
template <class A, class In, class Out>
constexpr bool CheckAggregate() {
  constexpr bool combiner = CombinerFor<A, In>::value;
  constexpr bool reducer = ReducerFor<A, In>::value;
  constexpr bool aggregator = IsAggregator<A, In, Out>::value;
  static_assert(combiner || reducer || aggregator,
                "Aggregate: this is no aggregator of these input and output fields. A Combiner has "
                "Value, Zero(), Init(inputs...) and Combine(a, b); a Reducer has Value, Init() and "
                "Reduce(value, inputs...); an Aggregator has State, Begin(), Add(state, inputs..., "
                "emit) and Finish(state, emit); all const. One that may give nothing has a "
                "std::optional as its Value");
  if constexpr (combiner || reducer) {
    static_assert(
        !kIsView<typename FieldTraits<typename ValueOf<A>::type>::Stored>,
        "Aggregate: the aggregator's Value is a view (Text, Bytes, List) into a batch that "
        "will be gone; use an owning type such as std::string");
    static_assert(kValueFits<A, Out>,
                  "Aggregate: the output field must have the aggregator's Value type in its view "
                  "form: Text for std::string, Bytes for OwnedBytes, List<E> for std::vector<E>, a "
                  "std::optional of it for a std::optional");
    static_assert(kIsValue<typename FieldTraits<typename ValueOf<A>::type>::Stored>,
                  "Aggregate: the aggregator's Value is no type of a field. Use int64_t, double, "
                  "bool, std::string, OwnedBytes, Timestamp or a std::vector of these, or include "
                  "base/codec.h and specialise trident::UserCodec of it");
  }
  return combiner || reducer || aggregator;
}

}  // namespace step_internal

template <class In, class Fn, class Out>
Stream Stream::EachStep(const char* verb, Passes passes, const In& in, Fn function,
                        const Out& out) const {
  auto in_list = step_internal::AsList(in);
  auto out_list = step_internal::AsList(out);
  using InList = decltype(in_list);
  using OutList = decltype(out_list);
  constexpr bool fits = CheckEach<Fn, InList, OutList>::value;
  static_assert(
      fits,
      "Each/Map/FlatMap: the function must be callable, as const, either with exactly the "
      "types of the input fields and an Emit of the output types, or with the input types "
      "alone, returning the output type (a std::tuple for several fields)");
  if constexpr (fits) {
    step_internal::StepSpec spec(verb, in_list.Describe(), out_list.Describe());
    spec.passes = passes;
    spec.make = [function = std::move(function), in_list, out_list](const OperatorSite& site) {
      return std::make_unique<EachOperator<Fn, InList, OutList>>(site, function, in_list, out_list);
    };
    return Stream(step_internal::AddStep(at_, std::move(spec)));
  } else {
    return *this;
  }
}

template <class In, class Fn>
Stream Stream::Filter(const In& in, Fn predicate) const {
  static_assert(PredicateFits<step_internal::ListOf<In>, Fn>::value,
                "Filter: the predicate must be callable, as const, with exactly the types of the "
                "input fields, and return bool");
  return FilterStep<In, Fn>("filter", in, std::move(predicate));
}
template <class In, class Fn>
Stream Stream::Peek(const In& in, Fn consumer) const {
  static_assert(ConsumerFits<step_internal::ListOf<In>, Fn>::value,
                "Peek: the consumer must be callable, as const, with exactly the types of the "
                "input fields, and return nothing");
  return FilterStep<In, Fn>("peek", in, std::move(consumer));
}

template <class In, class Fn>
Stream Stream::FilterStep(const char* verb, const In& in, Fn function) const {
  auto list = step_internal::AsList(in);
  using List = decltype(list);
  if constexpr (PredicateFits<List, Fn>::value || ConsumerFits<List, Fn>::value) {
    step_internal::StepSpec spec(verb, list.Describe(), {});
    spec.detail = step_internal::Listed(spec.reads);
    spec.make = [function = std::move(function), list](const OperatorSite& site) {
      return std::make_unique<FilterOperator<Fn, List>>(site, function, list);
    };
    return Stream(step_internal::AddStep(at_, std::move(spec)));
  } else {
    return *this;
  }
}

template <class In, class A, class Out>
Stream Stream::AggregateTaskStep(const std::vector<SchemaField>& group, const In& in, A aggregator,
                                 const Out& out) const {
  auto in_list = step_internal::AsList(in);
  auto out_list = step_internal::AsList(out);
  using InList = decltype(in_list);
  using OutList = decltype(out_list);
  if constexpr (step_internal::CheckAggregate<A, InList, OutList>()) {
    step_internal::StepSpec spec("aggregate", in_list.Describe(), out_list.Describe());
    spec.AggregatesBy(group);
    AggregateFields<InList> fields{step_internal::Names(group), in_list};
    spec.make = [aggregator = std::move(aggregator),
                 fields](const OperatorSite& site) -> std::unique_ptr<Operator> {
      if constexpr (step_internal::CombinerFor<A, InList>::value) {
        return std::make_unique<CombineOperator<A, InList>>(site, aggregator, fields);
      } else if constexpr (step_internal::ReducerFor<A, InList>::value) {
        return std::make_unique<ReduceOperator<A, InList>>(site, aggregator, fields);
      } else {
        return std::make_unique<AggregateOperator<A, InList, OutList>>(site, aggregator, fields);
      }
    };
    return Stream(step_internal::AddStep(at_, std::move(spec)));
  } else {
    return *this;
  }
}

template <class In, class A, class Out>
Stream Stream::AggregateStep(const std::vector<SchemaField>& group, const In& in, A aggregator,
                             const Out& out) const {
  auto in_list = step_internal::AsList(in);
  using InList = decltype(in_list);
  using OutList = decltype(step_internal::AsList(out));
  if constexpr (!step_internal::CheckAggregate<A, InList, std::remove_cvref_t<OutList>>()) {
    return *this;
  } else if constexpr (!step_internal::CombinerFor<A, InList>::value) {
    step_internal::At at =
        group.empty() ? step_internal::AddGlobalExchange(at_)
                      : step_internal::AddExchangeByKey(step_internal::AddKeyBy(at_, group), group,
                                                        kStatePartitionsDefault);
    return Stream(at).AggregateTaskStep<In, A, Out>(group, in, std::move(aggregator), out);
  } else {
    Stream partial = AggregateTaskStep<In, A, Out>(group, in, aggregator, out);
    if (!partial.at_.ok() || step_internal::IsRequest(at_)) return partial;
    step_internal::SetVerb(partial.at_, "combine");
    step_internal::At at = group.empty() ? step_internal::AddGlobalExchange(partial.at_)
                                         : step_internal::AddExchangeByKey(partial.at_, group,
                                                                           kStatePartitionsDefault);
    step_internal::StepSpec spec("aggregate", in_list.Describe(),
                                 step_internal::AsList(out).Describe());
    spec.reads = spec.adds;
    spec.AggregatesBy(group);
    spec.make = [aggregator = std::move(aggregator), names = step_internal::Names(group),
                 value = spec.adds[0].name](const OperatorSite& site) {
      return std::make_unique<MergeOperator<A>>(site, aggregator, names, value);
    };
    return Stream(step_internal::AddStep(at, std::move(spec)));
  }
}

template <class In, class A, class Out>
Stream Stream::Aggregate(const In& in, A aggregator, const Out& out) const {
  return AggregateStep<In, A, Out>({}, in, std::move(aggregator), out);
}

template <class In>
GroupedStream Stream::GroupBy(const In& fields) const {
  return GroupByStep(step_internal::AsList(fields).Describe());
}

template <class In, class A, class T>
StateHandle<KeptValue<A>> Stream::PersistStep(const StateOptions& options,
                                              const std::vector<SchemaField>& group, const In& in,
                                              A aggregator, Field<T> out) const {
  using Value = typename A::Value;
  using Kept = KeptValue<A>;
  auto in_list = step_internal::AsList(in);
  using InList = decltype(in_list);
  constexpr bool combiner = step_internal::CombinerFor<A, InList>::value;
  static_assert(combiner || step_internal::ReducerFor<A, InList>::value,
                "PersistentAggregate takes a Combiner (Value, Zero, Init, Combine) or a Reducer "
                "(Value, Init, Reduce) of the input fields. One that may give nothing, to remove a "
                "key, has a std::optional as its Value");
  static_assert(kIsValue<Kept>,
                "PersistentAggregate: the aggregator's Value is no type of a state. Use int64_t, "
                "double, bool, std::string, OwnedBytes, Timestamp or a std::vector of these, or "
                "include base/codec.h and specialise trident::UserCodec of it");
  static_assert(std::is_same_v<Viewed<Value>, T> || std::is_same_v<Viewed<Kept>, T>,
                "PersistentAggregate: the output field must have the aggregator's Value type in "
                "its view form: Text for std::string, Bytes for OwnedBytes, List<E> for "
                "std::vector<E>. If Value is a std::optional it may have a std::optional of that, "
                "null for a key that was removed");
  auto state = step_internal::Declare<MapDeclaration<Kept>>(
      at_, options, group, "values of " + TypeOf<Kept>().name, [&](StateSpec spec) {
        CombineValues<Kept> combine;
        if constexpr (combiner) {
          spec.combiner = CombinerName<A>();
          combine = [aggregator](const Kept& a, const Kept& b) {
            if constexpr (kMayGiveNothing<A>) {
              // Deltas of an aggregator before it that kept all keys. A fold removes none.
              return Value(aggregator.Combine(Value(a), Value(b))).value_or(Kept{});
            } else {
              return aggregator.Combine(a, b);
            }
          };
        }
        return NewMapInStore<Kept>(std::move(spec), std::move(combine));
      });
  step_internal::StepSpec spec("persistent aggregate", in_list.Describe(),
                               FieldList<T>{{out}}.Describe());
  step_internal::At before;
  if constexpr (combiner) {
    using Partial = Field<Viewed<Value>>;
    const Partial partial{out.name};
    before = AggregateTaskStep<In, A, Partial>(group, in, aggregator, partial).at_;
    step_internal::SetVerb(before, "combine");
    spec.reads = FieldList<Viewed<Value>>{{partial}}.Describe();
    spec.PersistsBy(group);
    spec.make = [aggregator = std::move(aggregator), state](const OperatorSite& site) {
      return std::make_unique<PersistentCombineOperator<A>>(site, aggregator, *state);
    };
  } else {
    before = step_internal::AddKeyBy(at_, group);
    spec.AggregatesBy(group);
    AggregateFields<InList> fields{step_internal::Names(group), in_list};
    spec.make = [reducer = std::move(aggregator), state, fields](const OperatorSite& site) {
      return std::make_unique<PersistentReduceOperator<A, InList>>(site, reducer, *state, fields);
    };
  }
  return StateHandle<Kept>(step_internal::AddUpdate(before, group, std::move(spec), state),
                           options.name, state);
}

template <class In, class A, class T>
StateHandle<KeptValue<A>> Stream::PersistentAggregate(const StateOptions& state, const In& in,
                                                      A aggregator, Field<T> out) const {
  return PersistStep(state, {}, in, std::move(aggregator), out);
}

template <class In, class A, class T>
StateHandle<KeptValue<A>> GroupedStream::PersistentAggregate(const StateOptions& state,
                                                             const In& in, A aggregator,
                                                             Field<T> out) const {
  return stream_.PersistStep(state, group_, in, std::move(aggregator), out);
}

template <class V, class In, class Query, class Out>
Stream Stream::StateQuery(const StateHandle<V>& handle, const In& in, Query query,
                          const Out& out) const {
  auto out_list = step_internal::AsList(out);
  using OutList = decltype(out_list);
  constexpr bool fits = kMapQueryFits<V, Query, OutList>;
  static_assert(fits,
                "StateQuery: the query must be callable, as const, with a const V* of the state's "
                "value type V (null: no such key) and an Emit of the output types. MapGet() fits "
                "one output field of that type (Text for std::string), or std::optional of it");
  step_internal::StepSpec spec("state query", step_internal::AsList(in).Describe(),
                               out_list.Describe(), handle.name());
  if constexpr (fits) {
    spec.make = [state = handle.state_, query = std::move(query),
                 names = step_internal::Names(spec.reads)](const OperatorSite& site) {
      return std::make_unique<StateQueryOperator<V, Query, OutList>>(site, state, query, names);
    };
  }
  return Stream(step_internal::AddQuery(at_, handle.at_, handle.state_,
                                        step_internal::QueryKey::kAlways, std::move(spec)));
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STREAM_STEPS_H_
