// SPDX-License-Identifier: Apache-2.0
//
// The bodies of the templates of trident/stream.h that concern updaters and states of a program's
// own: what an options type declares, and the steps that use it.
#ifndef TRIDENT_TRIDENT_USER_STATE_STEPS_H_
#define TRIDENT_TRIDENT_USER_STATE_STEPS_H_

#include <memory>
#include <utility>
#include <vector>

#include "trident/stream.h"

namespace trident {

namespace step_internal {

// Ungrouped, a state has one partition.
inline uint32_t PartitionsFor(const std::vector<SchemaField>& group, uint32_t wanted) {
  return group.empty() ? 1 : wanted;
}

// What a state described by `Options` is declared as, and the handle to it.
template <class Options>
struct DeclaredBy {
  static constexpr bool kKnown = false;
};
template <class V>
struct DeclaredBy<MapStateOptions<V>> {
  static constexpr bool kKnown = true;
  using Declaration = MapStateDeclaration<V>;
  using Handle = StateHandle<V>;
  static std::shared_ptr<Declaration> Make(const MapStateOptions<V>& options,
                                           const std::vector<SchemaField>& group) {
    return std::make_shared<Declaration>(
        MapSpec(options.name, options.kind, PartitionsFor(group, options.partitions), group),
        MapOptions<V>{});
  }
};
template <class Stored>
struct DeclaredBy<UserMapOptions<Stored>> {
  static constexpr bool kKnown = true;
  using Traits = StoredTraits<Stored>;
  using Value = typename Traits::Value;
  using Declaration = UserMapDeclaration<Value>;
  using Handle = StateHandle<Value>;
  static std::shared_ptr<Declaration> Make(const UserMapOptions<Stored>& options,
                                           const std::vector<SchemaField>& group) {
    return std::make_shared<Declaration>(
        MapSpec(options.name, Traits::kKind, PartitionsFor(group, options.partitions), group),
        [open = options.open](const StateSlice& slice, const CommitHistory& history)
            -> StatusOr<std::unique_ptr<UserMap<Value>>> {
          if (open == nullptr) return InvalidArgument("`open` is not set; it opens a partition");
          TRIDENT_ASSIGN_OR_RETURN(auto backing, open(slice));
          if (backing == nullptr) return Internal("`open` gave no BackingMap");
          return std::make_unique<KindMap<Stored>>(std::move(backing), history);
        });
  }
};
template <class S>
struct DeclaredBy<UserStateOptions<S>> {
  static_assert(std::is_base_of_v<State, S>,
                "UserStateOptions<S>: S must be derived from trident::State (BeginCommit, Commit)");
  static constexpr bool kKnown = true;
  using Declaration = UserStateDeclaration<S>;
  using Handle = UserStateHandle<S>;
  static std::shared_ptr<Declaration> Make(const UserStateOptions<S>& options,
                                           const std::vector<SchemaField>& group) {
    return std::make_shared<Declaration>(
        MapSpec(options.name, options.kind, PartitionsFor(group, options.partitions), group),
        [open = options.open](const StateSlice& slice) -> StatusOr<std::unique_ptr<S>> {
          if (open == nullptr) return InvalidArgument("`open` is not set; it opens a partition");
          return open(slice);
        });
  }
};

}  // namespace step_internal

template <class Stored, class In, class A, class T>
StateHandle<typename A::Value> Stream::PersistUserStep(const UserMapOptions<Stored>& options,
                                                       const std::vector<SchemaField>& group,
                                                       const In& in, A aggregator,
                                                       Field<T> out) const {
  using Declared = step_internal::DeclaredBy<UserMapOptions<Stored>>;
  static_assert(std::is_same_v<typename Declared::Value, typename A::Value>,
                "PersistentAggregate: the state must store the aggregator's Value: V, "
                "TransactionalValue<V> or OpaqueValue<V>");
  return AggregateInto(Declared::Make(options, group), group, in, std::move(aggregator), out);
}

template <class Options, class In, class Fn, class Out>
auto Stream::UpdateStep(const Options& options, const std::vector<SchemaField>& group, const In& in,
                        Fn updater, const Out& out) const {
  using Declared = step_internal::DeclaredBy<Options>;
  static_assert(
      Declared::kKnown,
      "PartitionPersist: describe the state as MapStateOptions<V>, UserMapOptions<Stored> "
      "or UserStateOptions<S>");
  if constexpr (Declared::kKnown) {
    using D = typename Declared::Declaration;
    auto in_list = step_internal::AsList(in);
    auto out_list = step_internal::AsList(out);
    using InList = decltype(in_list);
    using OutList = decltype(out_list);
    constexpr bool fits = UpdaterFits<Fn, typename D::Access, InList, OutList>::value;
    static_assert(fits,
                  "PartitionPersist: the updater must be callable, as const, with the state (a "
                  "MapAccess<V>&, or S& of UserStateOptions<S>), a const PersistRows of the input "
                  "types, and an Emit of the output types if there are any");
    std::shared_ptr<D> state = Declared::Make(options, group);
    step_internal::At before = step_internal::AddKeyBy(at_, group);
    step_internal::StepSpec spec;
    spec.verb = "partition persist";
    spec.reads = in_list.Describe();
    spec.adds = out_list.Describe();
    spec.detail = step_internal::Arrow(spec.reads, spec.adds);
    spec.passes = LogicalNode::Passes::kNone;
    if constexpr (fits) {
      spec.make = [state, updater = std::move(updater), in_list](const OperatorSite& site) {
        return std::make_unique<PartitionPersistOperator<D, Fn, InList, OutList>>(site, state,
                                                                                  updater, in_list);
      };
    }
    step_internal::At at = step_internal::AddStep(
        step_internal::AddExchangeByKey(before, group, state->spec().partitions), std::move(spec));
    step_internal::AttachState(at, state);
    return typename Declared::Handle(at, std::move(state));
  }
}

template <class S, class In, class Query, class Out>
Stream Stream::StateQuery(const UserStateHandle<S>& handle, const In& in, Query query,
                          const Out& out) const {
  auto in_list = step_internal::AsList(in);
  auto out_list = step_internal::AsList(out);
  using InList = decltype(in_list);
  using OutList = decltype(out_list);
  constexpr bool fits = UserQueryFits<S, Query, InList, OutList>::value;
  static_assert(fits,
                "StateQuery: the query must be callable, as const, with S&, exactly the types of "
                "the input fields and an Emit of the output types");
  step_internal::StepSpec spec;
  spec.verb = "state query";
  spec.reads = in_list.Describe();
  spec.adds = out_list.Describe();
  spec.detail = handle.name() + " " + step_internal::Arrow(spec.reads, spec.adds);
  if (!at_.ok()) return *this;
  const StateSpec& state = handle.state_->spec();
  Status queryable = step_internal::CheckOwner(at_, handle.at_, state);
  if (queryable.ok() && !state.key_fields.empty()) {
    queryable = step_internal::CheckKey(state, spec.reads);
  }
  if (!queryable.ok()) {
    step_internal::FailAt(at_, spec.verb + " " + spec.detail, queryable);
    return Stream(step_internal::At{at_.plan});
  }
  if constexpr (fits) {
    spec.make = [state = handle.state_, query = std::move(query),
                 in_list](const OperatorSite& site) {
      return std::make_unique<UserStateQueryOperator<S, Query, InList, OutList>>(site, state, query,
                                                                                 in_list);
    };
  }
  step_internal::At next = step_internal::AddStep(at_, std::move(spec));
  if (next.ok()) next.plan->node(next.node).queries = handle.state_;
  return Stream(next);
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_USER_STATE_STEPS_H_
