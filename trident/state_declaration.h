// SPDX-License-Identifier: Apache-2.0
//
// States of a topology with their value types, shared by the operators that write and read them.
#ifndef TRIDENT_TRIDENT_STATE_DECLARATION_H_
#define TRIDENT_TRIDENT_STATE_DECLARATION_H_

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "engine/operator.h"
#include "state/map_state.h"
#include "state/state_store.h"
#include "trident/logical_plan.h"

namespace trident {

// A map state of this topology. `map()` is there once the run has opened it.
template <class V>
class MapStateDeclaration final : public StateDeclaration {
 public:
  MapStateDeclaration(StateSpec spec, MapOptions<V> options)
      : StateDeclaration(std::move(spec)), options_(std::move(options)) {}

  Status Open(StateStore& store, GroupId group) override {
    spec_.group = group;
    TRIDENT_ASSIGN_OR_RETURN(map_, store.AddMap<V>(spec_, options_));
    store_ = &store;
    return absl::OkStatus();
  }
  MapState<V>& map() const {
    TRIDENT_CHECK(map_ != nullptr) << "state " << spec_.name << " is not open";
    return *map_;
  }
  StateStore& store() const { return *store_; }

 private:
  const MapOptions<V> options_;
  MapState<V>* map_ = nullptr;
  StateStore* store_ = nullptr;
};

// The cut that a batch of requests reads: one snapshot per batch group.
class SnapshotCut final : public ReadCut {
 public:
  void Add(Snapshot snapshot) {
    GroupId group = snapshot.group();
    snapshots_.emplace(group, std::move(snapshot));
  }
  TxId At(GroupId group) const {
    auto it = snapshots_.find(group);
    TRIDENT_CHECK(it != snapshots_.end()) << "no snapshot of group " << group.value();
    return it->second.txid();
  }

 private:
  std::map<GroupId, Snapshot> snapshots_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATE_DECLARATION_H_
