// SPDX-License-Identifier: Apache-2.0
//
// PartitionPersist, and queries of a program's own state objects: the bodies of these verbs of
// trident/stream.h, and the types that their functions take (MapAccess, PersistRows, State).
//
//   stream.GroupBy(kUser).PartitionPersist(
//       {.name = "totals"}, Fields(kAmount),
//       [](MapAccess<int64_t>& totals, const PersistRows<int64_t>& rows) { ... });
#ifndef TRIDENT_TRIDENT_PARTITION_PERSIST_H_
#define TRIDENT_TRIDENT_PARTITION_PERSIST_H_

#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "trident/operators/partition_persist.h"
#include "trident/operators/user_state_query.h"
#include "trident/states/state.h"
#include "trident/stream.h"

namespace trident {

namespace step_internal {

// The type of an updater's first parameter; void if the updater is a template.
template <class Parameters>
struct First {
  using type = void;
};
template <class P, class... Ps>
struct First<std::tuple<P, Ps...>> {
  using type = P;
};
template <class Fn>
using AccessOf = typename First<typename row_internal::ParametersOf<Fn>::type>::type;

// The declaration of a state whose updater sees it as an `Access`, and the handle to it.
template <class Access>
struct DeclaredFor {
  static constexpr bool kKnown = std::is_base_of_v<State, Access>;
  using Declaration = ObjectDeclaration<Access>;
  using Handle = UserStateHandle<Access>;
  static std::shared_ptr<Declaration> Make(const At& at, const StateOptions& options,
                                           const std::vector<SchemaField>& group) {
    return Declare<Declaration>(at, options, group, "objects of a class of the program's",
                                [&](const StateSpec&) -> std::shared_ptr<Declaration> {
                                  FailAt(at, "state " + options.name,
                                         InvalidArgument("the updater takes an object of the "
                                                         "program's; say how it is opened: "
                                                         ".where = OutsideState<S>(open)"));
                                  return nullptr;
                                });
  }
};
template <>
struct DeclaredFor<void> {
  static constexpr bool kKnown = false;
};
template <class V>
struct DeclaredFor<MapAccess<V>> {
  static constexpr bool kKnown = true;
  static_assert(kIsValue<V> && !kIsView<V>,
                "MapAccess<V>: V is no value of a state. Use int64_t, double, bool, std::string, "
                "OwnedBytes, Timestamp or a std::vector of these, or include base/codec.h and "
                "specialise trident::UserCodec<V>");
  using Declaration = MapDeclaration<V>;
  using Handle = StateHandle<V>;
  static std::shared_ptr<Declaration> Make(const At& at, const StateOptions& options,
                                           const std::vector<SchemaField>& group) {
    if (options.expire_after != 0) {
      FailExpiry(at, options,
                 "nobody but an updater knows what it has written; let it remove keys itself "
                 "by MultiRemove");
      return nullptr;
    }
    return Declare<Declaration>(
        at, options, group, "values of " + TypeOf<V>().name,
        [](StateSpec spec) { return NewMapInStore<V>(std::move(spec), nullptr); });
  }
};

template <class Fn>
struct UpdaterStep {
  template <class In, class Out>
  static auto Add(const At& at, const StateOptions& options, const std::vector<SchemaField>& group,
                  const In& in, Fn updater, const Out& out) {
    using Access = AccessOf<Fn>;
    using Declared = DeclaredFor<Access>;
    static_assert(Declared::kKnown,
                  "PartitionPersist: the updater's first parameter must say what the state is: a "
                  "MapAccess<V>&, or an S& of a class derived from trident::State");
    if constexpr (Declared::kKnown) {
      auto in_list = AsList(in);
      auto out_list = AsList(out);
      using InList = decltype(in_list);
      using OutList = decltype(out_list);
      constexpr bool fits = UpdaterFits<Fn, Access, InList, OutList>::value;
      static_assert(fits,
                    "PartitionPersist: the updater must be callable, as const, with the state (a "
                    "MapAccess<V>& or S&), a const PersistRows of the input types, and an Emit of "
                    "the output types if there are any");
      auto state = Declared::Make(at, options, group);
      StepSpec spec("partition persist", in_list.Describe(), out_list.Describe());
      spec.passes = Passes::kNone;
      if constexpr (fits) {
        spec.make = [state, updater = std::move(updater), in_list](const OperatorSite& site) {
          return std::make_unique<PartitionPersistOperator<Access, Fn, InList, OutList>>(
              site, *state, updater, in_list);
        };
      }
      return typename Declared::Handle(
          AddUpdate(AddKeyBy(at, group), group, std::move(spec), state), options.name, state);
    }
  }
};

}  // namespace step_internal

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
  step_internal::StepSpec spec("state query", in_list.Describe(), out_list.Describe(),
                               handle.name());
  if constexpr (fits) {
    spec.make = [state = handle.state_, query = std::move(query),
                 in_list](const OperatorSite& site) {
      return std::make_unique<UserStateQueryOperator<S, Query, InList, OutList>>(site, state, query,
                                                                                 in_list);
    };
  }
  return Stream(step_internal::AddQuery(
      at_, handle.at_, handle.state_, step_internal::QueryKey::kIfTheStateHasOne, std::move(spec)));
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PARTITION_PERSIST_H_
