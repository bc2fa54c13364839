// SPDX-License-Identifier: Apache-2.0
//
// The bodies of the templates of trident/stream.h: each checks its function against the fields,
// then adds a step whose factory knows the types.
#ifndef TRIDENT_TRIDENT_STREAM_STEPS_H_
#define TRIDENT_TRIDENT_STREAM_STEPS_H_

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
    std::is_same_v<ColumnTypeOf<typename ValueOf<A>::type>, T>;

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
                "emit) and Finish(state, emit); all const");
  if constexpr (combiner || reducer) {
    static_assert(
        !kIsView<typename ValueOf<A>::type>,
        "Aggregate: the aggregator's Value is a view (Text, Bytes, List) into a batch that "
        "will be gone; use an owning type such as std::string");
    static_assert(kValueFits<A, Out>,
                  "Aggregate: the output field must have the aggregator's Value type (Text for "
                  "std::string)");
  }
  return combiner || reducer || aggregator;
}

}  // namespace step_internal

template <class In, class Fn, class Out>
Stream Stream::EachStep(const char* verb, LogicalNode::Passes passes, const In& in, Fn function,
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
    step_internal::StepSpec spec;
    spec.verb = verb;
    spec.reads = in_list.Describe();
    spec.adds = out_list.Describe();
    spec.detail = step_internal::Arrow(spec.reads, spec.adds);
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
Stream Stream::FilterStep(const char* verb, const In& in, Fn function) const {
  auto list = step_internal::AsList(in);
  using List = decltype(list);
  if constexpr (PredicateFits<List, Fn>::value || ConsumerFits<List, Fn>::value) {
    step_internal::StepSpec spec;
    spec.verb = verb;
    spec.reads = list.Describe();
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
Stream Stream::WholeStep(const std::vector<SchemaField>& group, const In& in, A aggregator,
                         const Out& out) const {
  auto in_list = step_internal::AsList(in);
  auto out_list = step_internal::AsList(out);
  using InList = decltype(in_list);
  using OutList = decltype(out_list);
  if constexpr (step_internal::CheckAggregate<A, InList, OutList>()) {
    step_internal::StepSpec spec;
    spec.verb = "aggregate";
    spec.reads = in_list.Describe();
    spec.reads.insert(spec.reads.end(), group.begin(), group.end());
    spec.group = group;
    spec.adds = out_list.Describe();
    spec.detail = step_internal::Arrow(in_list.Describe(), spec.adds);
    spec.passes = LogicalNode::Passes::kNone;
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
    return Stream(at).WholeStep<In, A, Out>(group, in, std::move(aggregator), out);
  } else {
    Stream partial = WholeStep<In, A, Out>(group, in, aggregator, out);
    if (!partial.at_.ok() || step_internal::IsRequest(at_)) return partial;
    partial.at_.plan->node(partial.at_.node).verb = "combine";
    step_internal::At at = group.empty() ? step_internal::AddGlobalExchange(partial.at_)
                                         : step_internal::AddExchangeByKey(partial.at_, group,
                                                                           kStatePartitionsDefault);
    step_internal::StepSpec spec;
    spec.verb = "aggregate";
    spec.adds = step_internal::AsList(out).Describe();
    spec.detail = step_internal::Arrow(in_list.Describe(), spec.adds);
    spec.reads = spec.adds;
    spec.reads.insert(spec.reads.end(), group.begin(), group.end());
    spec.group = group;
    spec.passes = LogicalNode::Passes::kNone;
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
  std::vector<SchemaField> group = step_internal::AsList(fields).Describe();
  if (at_.ok()) {
    for (const SchemaField& field : group) {
      StatusOr<size_t> found = schema().Find(field);
      if (!found.ok()) step_internal::FailAt(at_, "group by " + field.name, found.status());
    }
  }
  return GroupedStream(*this, std::move(group));
}

template <class In, class A, class T>
StateHandle<typename A::Value> Stream::PersistStep(const StateOptions& options,
                                                   const std::vector<SchemaField>& group,
                                                   const In& in, A aggregator, Field<T> out) const {
  using Value = typename A::Value;
  using InList = std::remove_cvref_t<decltype(step_internal::AsList(in))>;
  MapOptions<Value> map_options;
  StateSpec map_spec =
      step_internal::MapSpec(options.name, options.kind, options.partitions, group);
  if constexpr (step_internal::CombinerFor<A, InList>::value) {
    map_spec.combiner = CombinerName<A>();
    map_options.combine = [aggregator](const Value& a, const Value& b) {
      return aggregator.Combine(a, b);
    };
  }
  auto state = std::make_shared<MapStateDeclaration<Value>>(std::move(map_spec), map_options);
  return AggregateInto(std::move(state), group, in, std::move(aggregator), out);
}

template <class D, class In, class A, class T>
StateHandle<typename A::Value> Stream::AggregateInto(std::shared_ptr<D> state,
                                                     const std::vector<SchemaField>& group,
                                                     const In& in, A aggregator,
                                                     Field<T> out) const {
  auto in_list = step_internal::AsList(in);
  using InList = decltype(in_list);
  constexpr bool combiner = step_internal::CombinerFor<A, InList>::value;
  static_assert(combiner || step_internal::ReducerFor<A, InList>::value,
                "PersistentAggregate takes a Combiner (Value, Zero, Init, Combine) or a Reducer "
                "(Value, Init, Reduce) of the input fields");
  step_internal::StepSpec spec;
  spec.verb = "persistent aggregate";
  spec.group = group;
  spec.adds = FieldList<T>{{out}}.Describe();
  spec.detail = step_internal::Arrow(in_list.Describe(), spec.adds);
  spec.passes = LogicalNode::Passes::kNone;
  step_internal::At before;
  if constexpr (combiner) {
    Stream partial = WholeStep<In, A, Field<T>>(group, in, aggregator, out);
    before = partial.at_;
    if (before.ok()) before.plan->node(before.node).verb = "combine";
    spec.reads = spec.adds;
    spec.make = [aggregator = std::move(aggregator), state](const OperatorSite& site) {
      return std::make_unique<PersistentCombineOperator<A, D>>(site, aggregator, *state);
    };
  } else {
    before = step_internal::AddKeyBy(at_, group);
    spec.reads = in_list.Describe();
    spec.reads.insert(spec.reads.end(), group.begin(), group.end());
    AggregateFields<InList> fields{step_internal::Names(group), in_list};
    spec.make = [reducer = std::move(aggregator), state, fields](const OperatorSite& site) {
      return std::make_unique<PersistentReduceOperator<A, InList, D>>(site, reducer, *state,
                                                                      fields);
    };
  }
  step_internal::At at = step_internal::AddStep(
      step_internal::AddExchangeByKey(before, group, state->spec().partitions), std::move(spec));
  step_internal::AttachState(at, state);
  return StateHandle<typename A::Value>(at, std::move(state));
}

template <class In, class A, class T>
StateHandle<typename A::Value> Stream::PersistentAggregate(const StateOptions& state, const In& in,
                                                           A aggregator, Field<T> out) const {
  StateOptions one = state;
  one.partitions = 1;
  return PersistStep(one, {}, in, std::move(aggregator), out);
}

template <class In, class A, class T>
StateHandle<typename A::Value> GroupedStream::PersistentAggregate(const StateOptions& state,
                                                                  const In& in, A aggregator,
                                                                  Field<T> out) const {
  return stream_.PersistStep(state, group_, in, std::move(aggregator), out);
}
template <class A, class T>
StateHandle<typename A::Value> GroupedStream::PersistentAggregate(const StateOptions& state,
                                                                  A aggregator,
                                                                  Field<T> out) const {
  return PersistentAggregate(state, FieldList<>{}, std::move(aggregator), out);
}

template <class V, class In, class Query, class Out>
Stream Stream::StateQuery(const StateHandle<V>& handle, const In& in, Query query,
                          const Out& out) const {
  auto out_list = step_internal::AsList(out);
  using OutList = decltype(out_list);
  step_internal::StepSpec spec;
  spec.verb = "state query";
  spec.reads = step_internal::AsList(in).Describe();
  spec.adds = out_list.Describe();
  spec.detail = handle.name() + " " + step_internal::Arrow(spec.reads, spec.adds);
  if (!at_.ok()) return *this;
  const StateSpec& state = handle.state_->spec();
  Status queryable = step_internal::CheckOwner(at_, handle.at_, state);
  if (queryable.ok()) queryable = step_internal::CheckKey(state, spec.reads);
  if (!queryable.ok()) {
    step_internal::FailAt(at_, spec.verb + " " + spec.detail, queryable);
    return Stream(step_internal::At{at_.plan});
  }
  spec.make = [state = handle.state_, query = std::move(query),
               names = step_internal::Names(spec.reads)](const OperatorSite& site) {
    return std::make_unique<StateQueryOperator<V, Query, OutList>>(site, state, query, names);
  };
  step_internal::At next = step_internal::AddStep(at_, std::move(spec));
  if (next.ok()) next.plan->node(next.node).queries = handle.state_;
  return Stream(next);
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STREAM_STEPS_H_
