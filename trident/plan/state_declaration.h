// SPDX-License-Identifier: Apache-2.0
//
// States of a topology with their value types, shared by the operators that write and read them.
#ifndef TRIDENT_TRIDENT_PLAN_STATE_DECLARATION_H_
#define TRIDENT_TRIDENT_PLAN_STATE_DECLARATION_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/partition_assignment.h"
#include "engine/operator.h"
#include "state/map/map_state.h"
#include "state/state_store.h"
#include "trident/plan/logical_plan.h"
#include "trident/states/map_access.h"

namespace trident {

// A map state, wherever it is kept: what a StateQuery reads. The store is there once the run has
// opened it.
template <class V>
class MapDeclaration : public StateDeclaration {
 public:
  using StateDeclaration::StateDeclaration;

  // values[i] becomes the value of keys[i] at the committed txid `at`, nullopt if it has none. A
  // state that is kept outside cannot look back: it gives its newest committed value. Any thread.
  virtual Status Read(TxId at, std::span<const HashedKey> keys,
                      std::vector<std::optional<V>>& values) const = 0;
  StateStore& store() const { return *store_; }

 protected:
  StateStore* store_ = nullptr;
};

// A map state of this topology's own store.
template <class V>
class MapStateDeclaration final : public MapDeclaration<V> {
 public:
  using Value = V;
  using Share = MapShare<V>;
  using Access = MapAccess<V>;
  static constexpr bool kOutside = false;

  MapStateDeclaration(StateSpec spec, MapOptions<V> options)
      : MapDeclaration<V>(std::move(spec)), options_(std::move(options)) {}

  Status Open(StateStore& store, GroupId group) override {
    this->spec_.group = group;
    TRIDENT_ASSIGN_OR_RETURN(map_, store.AddMap<V>(this->spec_, options_));
    this->store_ = &store;
    return absl::OkStatus();
  }
  Status Read(TxId at, std::span<const HashedKey> keys,
              std::vector<std::optional<V>>& values) const override {
    values.assign(keys.size(), std::nullopt);
    return map().GetAll(at, keys, [&](size_t i, const V* value) {
      if (value != nullptr) values[i] = *value;
    });
  }
  std::shared_ptr<Share> NewShare(PartitionRange range) const {
    return std::make_shared<Share>(map(), PartitionId(range.begin), PartitionId(range.end));
  }
  MapState<V>& map() const {
    TRIDENT_CHECK(map_ != nullptr) << "state " << this->spec_.name << " is not open";
    return *map_;
  }

 private:
  const MapOptions<V> options_;
  MapState<V>* map_ = nullptr;
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

#endif  // TRIDENT_TRIDENT_PLAN_STATE_DECLARATION_H_
