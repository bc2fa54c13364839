// SPDX-License-Identifier: Apache-2.0
//
// States that a program keeps itself: their partitions, the declaration in a plan, and the share of
// the partitions that one task writes. A share goes through a batch as trident/states/state.h says:
// every partition is told of every txid.
#ifndef TRIDENT_TRIDENT_PLAN_USER_STATE_DECLARATION_H_
#define TRIDENT_TRIDENT_PLAN_USER_STATE_DECLARATION_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "state/map/key_router.h"
#include "trident/plan/state_declaration.h"
#include "trident/states/kind_map.h"

namespace trident {

// The objects of a state, one per partition. Calls to one never overlap.
template <class S>
class UserPartitions {
 public:
  using OpenOne = std::function<StatusOr<std::unique_ptr<S>>(const StateSlice&)>;

  // An error names the state and the partition.
  Status Open(const StateSpec& spec, const OpenOne& open) {
    for (uint32_t p = 0; p < spec.partitions; ++p) {
      auto opened = open({PartitionId(p), spec.partitions});
      if (opened.ok() && *opened == nullptr) opened = Internal("`open` gave no object");
      if (!opened.ok()) {
        return Annotate(opened.status(), Concat("state ", spec.name, ", partition ", p));
      }
      slots_.push_back(std::make_unique<Slot>());
      MutexLock lock(slots_.back()->mutex);
      slots_.back()->state = *std::move(opened);
    }
    return absl::OkStatus();
  }
  uint32_t size() const { return static_cast<uint32_t>(slots_.size()); }
  // call(S&) -> Status
  template <class Call>
  Status With(uint32_t partition, Call&& call) {
    Slot& slot = *slots_[partition];
    MutexLock lock(slot.mutex);
    return call(*slot.state);
  }

 private:
  struct Slot {
    Mutex mutex;
    std::unique_ptr<S> state TRIDENT_GUARDED_BY(mutex);
  };
  std::vector<std::unique_ptr<Slot>> slots_;
};

// What one task does to its partitions [range) in a batch. Belongs to one thread.
template <class S>
class UserShare {
 public:
  UserShare(UserPartitions<S>& partitions, PartitionRange range)
      : partitions_(partitions), range_(range) {}

  // visit(S&, partition, the places in `keys` of those that belong to it) for each partition, after
  // BeginCommit of all.
  template <class Visit>
  Status Begin(TxId t, std::span<const HashedKey> keys, Visit&& visit) {
    TRIDENT_RETURN_IF_ERROR(ForEach([&](S& state) { return state.BeginCommit(t); }));
    router_.Route(keys, partitions_.size(), range_.begin, range_.end);
    std::vector<std::vector<uint32_t>> places(range_.size());
    router_.ForEachPartition(
        [&](uint32_t p, std::span<const HashedKey>, std::span<const uint32_t> from) {
          places[p - range_.begin].assign(from.begin(), from.end());
        });
    for (uint32_t p = range_.begin; p < range_.end; ++p) {
      TRIDENT_RETURN_IF_ERROR(
          partitions_.With(p, [&](S& state) { return visit(state, p, places[p - range_.begin]); }));
    }
    return absl::OkStatus();
  }
  Status Commit(TxId t) {
    return ForEach([&](S& state) { return state.Commit(t); });
  }

  // Nothing of it is in our redo, and what was staged is made right by the next attempt.
  void AppendRedo(TxId, std::string&) {}
  void Apply(TxId, Attempt) {}
  void Abort(TxId) {}

 protected:
  template <class Call>
  Status ForEach(Call&& call) {
    for (uint32_t p = range_.begin; p < range_.end; ++p) {
      TRIDENT_RETURN_IF_ERROR(partitions_.With(p, call));
    }
    return absl::OkStatus();
  }

 private:
  UserPartitions<S>& partitions_;
  const PartitionRange range_;
  KeyRouter router_;
};

template <class V>
class UserMapShare final : public UserShare<UserMap<V>> {
 public:
  using UserShare<UserMap<V>>::UserShare;

  // As MapShare::Stage; nothing is written before Commit. values[i] becomes what keys[i] has then.
  template <class Update>
  Status Stage(TxId t, std::span<const HashedKey> keys, std::span<V> values, Update&& update) {
    using Places = std::vector<uint32_t>;
    return this->Begin(t, keys, [&](UserMap<V>& map, uint32_t, const Places& places) -> Status {
      std::vector<std::string_view> names;
      for (uint32_t place : places) names.push_back(keys[place].key);
      TRIDENT_ASSIGN_OR_RETURN(auto now, map.MultiUpdate(names, [&](size_t i, const V* old) {
        return std::optional<V>(update(size_t{places[i]}, old));
      }));
      for (size_t i = 0; i < places.size(); ++i) {
        values[places[i]] = now[i].has_value() ? *std::move(now[i]) : V{};
      }
      return absl::OkStatus();
    });
  }
};

// A map state over a BackingMap.
template <class V>
class UserMapDeclaration final : public MapDeclaration<V> {
 public:
  using Value = V;
  using Share = UserMapShare<V>;
  using Access = MapAccess<V>;
  using OpenOne =
      std::function<StatusOr<std::unique_ptr<UserMap<V>>>(const StateSlice&, const CommitHistory&)>;
  static constexpr bool kOutside = true;

  UserMapDeclaration(StateSpec spec, OpenOne open)
      : MapDeclaration<V>(std::move(spec)), open_(std::move(open)) {}

  bool user_defined() const override { return true; }
  Status Open(StateStore& store, GroupId group) override {
    this->spec_.group = group;
    this->store_ = &store;
    return absl::OkStatus();
  }
  Status Start(const CommitHistory& history) override {
    return partitions_.Open(this->spec_,
                            [&](const StateSlice& slice) { return open_(slice, history); });
  }
  Status Read(TxId /*at*/, std::span<const HashedKey> keys,
              std::vector<std::optional<V>>& values) const override {
    values.assign(keys.size(), std::nullopt);
    KeyRouter router;
    router.Route(keys, partitions_.size(), 0, partitions_.size());
    Status status;
    router.ForEachPartition(
        [&](uint32_t p, std::span<const HashedKey> routed, std::span<const uint32_t> from) {
          std::vector<std::string_view> names;
          for (const HashedKey& key : routed) names.push_back(key.key);
          Status read = partitions_.With(p, [&](UserMap<V>& map) -> Status {
            const TxId published = this->store().Published(this->spec_.group);
            TRIDENT_ASSIGN_OR_RETURN(auto found, map.ReadCommitted(published, names));
            for (size_t i = 0; i < from.size(); ++i) values[from[i]] = std::move(found[i]);
            return absl::OkStatus();
          });
          if (status.ok()) status = read;
        });
    return status;
  }
  std::shared_ptr<Share> NewShare(PartitionRange range) const {
    return std::make_shared<Share>(partitions_, range);
  }

 private:
  const OpenOne open_;
  mutable UserPartitions<UserMap<V>> partitions_;
};

// A state of the program's own class.
template <class S>
class UserStateDeclaration final : public StateDeclaration {
 public:
  using Share = UserShare<S>;
  using Access = S;
  static constexpr bool kOutside = true;

  UserStateDeclaration(StateSpec spec, typename UserPartitions<S>::OpenOne open)
      : StateDeclaration(std::move(spec)), open_(std::move(open)) {}

  bool user_defined() const override { return true; }
  Status Open(StateStore& /*store*/, GroupId group) override {
    spec_.group = group;
    return absl::OkStatus();
  }
  Status Start(const CommitHistory& /*history*/) override { return partitions_.Open(spec_, open_); }
  std::shared_ptr<Share> NewShare(PartitionRange range) const {
    return std::make_shared<Share>(partitions_, range);
  }
  UserPartitions<S>& partitions() const { return partitions_; }

 private:
  const typename UserPartitions<S>::OpenOne open_;
  mutable UserPartitions<S> partitions_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLAN_USER_STATE_DECLARATION_H_
