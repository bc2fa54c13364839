// SPDX-License-Identifier: Apache-2.0
//
// States that a program keeps outside of the topology's own store: a map over a store of its own,
// or objects of a class of its own. Both are values for StateOptions::where. A map by typed keys is
// easier to write with trident/outside_table.h.
//
//   stream.GroupBy(kWord).PersistentAggregate(
//       {.name = "counts", .where = OutsideMap<OpaqueValue<int64_t>>(OpenTable)}, Count(), kCount);
//
// README.md of the source tree has a table of what is promised with which spout. There,
// trident/states/README.md says how to write such a state.
#ifndef TRIDENT_TRIDENT_OUTSIDE_STATE_H_
#define TRIDENT_TRIDENT_OUTSIDE_STATE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "trident/plan/outside_state.h"
#include "trident/states/backing_map.h"
#include "trident/states/state.h"

namespace trident {

// Opens one partition of a state when the run starts; an error ends the start. Called on the thread
// that starts the run, partition after partition.
template <class T>
using OpenPartition = std::function<StatusOr<std::unique_ptr<T>>(const StateSlice&)>;

namespace outside_internal {

template <class Stored>
class MapHome : public StateHome {
 public:
  using Traits = StoredTraits<Stored>;
  using Value = typename Traits::Value;
  explicit MapHome(OpenPartition<BackingMap<Stored>> open) : open_(std::move(open)) {}

  std::string Describe() const override { return "a map of " + TypeOf<Stored>().name; }
  std::optional<StateKind> kind() const override { return Traits::kKind; }
  std::shared_ptr<StateDeclaration> Declare(StateSpec spec) const override {
    return std::make_shared<OutsideMapDeclaration<Value>>(
        std::move(spec),
        [open = open_](const StateSlice& slice,
                       const CommitHistory& history) -> StatusOr<std::unique_ptr<UserMap<Value>>> {
          if (open == nullptr) return InvalidArgument("OutsideMap got no function that opens it");
          TRIDENT_ASSIGN_OR_RETURN(auto backing, open(slice));
          if (backing == nullptr) return Internal("the function gave no BackingMap");
          return std::make_unique<KindMap<Stored>>(std::move(backing), history);
        });
  }

 private:
  const OpenPartition<BackingMap<Stored>> open_;
};

template <class S>
class ObjectHome final : public StateHome {
 public:
  explicit ObjectHome(OpenPartition<S> open) : open_(std::move(open)) {}

  std::string Describe() const override { return "objects of a class of the program's"; }
  std::optional<StateKind> kind() const override { return std::nullopt; }
  std::shared_ptr<StateDeclaration> Declare(StateSpec spec) const override {
    return std::make_shared<OutsideStateDeclaration<S>>(
        std::move(spec), [open = open_](const StateSlice& slice) -> StatusOr<std::unique_ptr<S>> {
          if (open == nullptr) return InvalidArgument("OutsideState got no function that opens it");
          return open(slice);
        });
  }

 private:
  const OpenPartition<S> open_;
};

}  // namespace outside_internal

// A map in a store of the program. `Stored` says the state's kind: V itself (non-transactional),
// TransactionalValue<V> or OpaqueValue<V>; see trident/states/stored_value.h.
template <class Stored>
std::shared_ptr<const StateHome> OutsideMap(OpenPartition<BackingMap<Stored>> open) {
  return std::make_shared<outside_internal::MapHome<Stored>>(std::move(open));
}

// Objects of a class S derived from State, one per partition. The state is non-transactional unless
// StateOptions::kind says what S promises.
template <class S>
std::shared_ptr<const StateHome> OutsideState(OpenPartition<S> open) {
  static_assert(std::is_base_of_v<State, S>,
                "OutsideState<S>: S must be derived from trident::State (BeginCommit, Commit)");
  return std::make_shared<outside_internal::ObjectHome<S>>(std::move(open));
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_OUTSIDE_STATE_H_
