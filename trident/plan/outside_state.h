// SPDX-License-Identifier: Apache-2.0
//
// States that a program keeps itself: their partitions, their declaration in a plan, and the writer
// of one task. A writer goes through a batch as trident/states/state.h says: every partition is
// told of every txid.
#ifndef TRIDENT_TRIDENT_PLAN_OUTSIDE_STATE_H_
#define TRIDENT_TRIDENT_PLAN_OUTSIDE_STATE_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/guard.h"
#include "base/key_router.h"
#include "base/mutex.h"
#include "base/partition_assignment.h"
#include "trident/plan/state_declaration.h"
#include "trident/states/key_rule.h"
#include "trident/states/kind_map.h"

namespace trident {

// The objects of a state, one per partition. Calls to one never overlap.
template <class S>
class OutsidePartitions {
 public:
  using OpenOne = std::function<StatusOr<std::unique_ptr<S>>(const StateSlice&)>;

  // Opens all partitions. An error names the state and the partition.
  Status Open(const StateSpec& spec, const OpenOne& open) {
    for (uint32_t p = 0; p < spec.partitions; ++p) {
      auto opened = OpenPart(open, {PartitionId(p), spec.partitions});
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
  // Calls call(S&), which returns a Status, while no other call to that object goes on. If the
  // program's object throws, that is an error, too.
  template <class Call>
  Status With(uint32_t partition, Call&& call) {
    Slot& slot = *slots_[partition];
    MutexLock lock(slot.mutex);
    return Guarded("the object of a state outside", [&] { return call(*slot.state); });
  }

 private:
  static StatusOr<std::unique_ptr<S>> OpenPart(const OpenOne& open, const StateSlice& slice) {
    return Guarded("`open`", [&] { return open(slice); });
  }
  struct Slot {
    Mutex mutex;
    std::unique_ptr<S> state TRIDENT_GUARDED_BY(mutex);
  };
  std::vector<std::unique_ptr<Slot>> slots_;
};

// The share of one task in a state: its partitions.
template <class S>
class OutsideShare {
 public:
  OutsideShare(OutsidePartitions<S>& partitions, PartitionRange owned)
      : partitions_(partitions), owned_(owned) {}

  // Calls BeginCommit of each partition, then visit(S&, partition, places) for each. `places` are
  // the places in `keys` of the keys that belong to the partition.
  template <class Visit>
  Status Begin(TxId t, std::span<const HashedKey> keys, Visit&& visit) {
    TRIDENT_RETURN_IF_ERROR(ForEach([&](S& state) { return state.BeginCommit(t); }));
    router_.Route(keys, partitions_.size(), owned_.begin, owned_.end);
    std::vector<std::vector<uint32_t>> places(owned_.size());
    router_.ForEachPartition(
        [&](uint32_t p, std::span<const HashedKey>, std::span<const uint32_t> from) {
          places[p - owned_.begin].assign(from.begin(), from.end());
        });
    for (uint32_t p = owned_.begin; p < owned_.end; ++p) {
      TRIDENT_RETURN_IF_ERROR(
          partitions_.With(p, [&](S& state) { return visit(state, p, places[p - owned_.begin]); }));
    }
    return absl::OkStatus();
  }
  Status Commit(TxId t) {
    return ForEach([&](S& state) { return state.Commit(t); });
  }

 private:
  template <class Call>
  Status ForEach(Call&& call) {
    for (uint32_t p = owned_.begin; p < owned_.end; ++p) {
      TRIDENT_RETURN_IF_ERROR(partitions_.With(p, call));
    }
    return absl::OkStatus();
  }

  OutsidePartitions<S>& partitions_;
  const PartitionRange owned_;
  KeyRouter router_;
};

// One partition of a user-defined map state as an updater sees it. Checks the keys.
template <class V>
class CheckedAccess final : public MapAccess<V> {
 public:
  using Keys = std::span<const std::string_view>;
  CheckedAccess(MapAccess<V>& map, KeyRule rule) : map_(map), rule_(rule) {}

  StatusOr<std::vector<std::optional<V>>> MultiGet(Keys keys) override {
    TRIDENT_RETURN_IF_ERROR(rule_.Hash(keys).status());
    return map_.MultiGet(keys);
  }
  Status MultiPut(Keys keys, std::span<const V> values) override {
    TRIDENT_RETURN_IF_ERROR(rule_.Hash(keys).status());
    TRIDENT_RETURN_IF_ERROR(rule_.CheckPairs(keys.size(), values.size()));
    return map_.MultiPut(keys, values);
  }
  Status MultiRemove(Keys keys) override {
    TRIDENT_RETURN_IF_ERROR(rule_.Hash(keys).status());
    return map_.MultiRemove(keys);
  }

 private:
  MapAccess<V>& map_;
  const KeyRule rule_;
};

// Writes a map state that a program keeps. Our redo holds nothing of it, and the next attempt makes
// right what a failed one wrote.
template <class V>
class OutsideMapWriter final : public MapWriter<V> {
 public:
  using typename UpdatedState<MapAccess<V>>::Call;
  using typename MapWriter<V>::UpdateOne;
  using typename MapWriter<V>::Combine;
  using Keys = std::span<const HashedKey>;
  using Places = std::vector<uint32_t>;

  OutsideMapWriter(OutsidePartitions<UserMap<V>>& partitions, const StateSpec& spec,
                   PartitionRange owned)
      : spec_(spec), share_(partitions, owned) {}

  // Nothing is written before Complete.
  Status Stage(const BatchId& id, Keys keys, UpdateOne update, NewValues<V>& now) override {
    return share_.Begin(id.txid, keys, [&](UserMap<V>& map, uint32_t, const Places& places) {
      std::vector<std::string_view> names;
      for (uint32_t place : places) names.push_back(keys[place].key);
      // A key that this txid has changed already is not asked about; it has one, else there would
      // have been nothing to change.
      using Before = typename NewValues<V>::Before;
      std::vector<Before> before(places.size(), Before::kValue);
      StatusOr<std::vector<std::optional<V>>> written =
          map.MultiUpdate(names, [&](size_t i, const V* old) {
            if (old == nullptr) before[i] = Before::kNothing;
            return update(size_t{places[i]}, old);
          });
      if (!written.ok()) return written.status();
      for (size_t i = 0; i < places.size(); ++i) {
        now.Set(places[i], before[i], std::move((*written)[i]));
      }
      return Status();
    });
  }
  Status StageDelta(const BatchId&, Keys, std::span<const V>, Combine) override {
    return Internal("state ", spec_.name, " takes no deltas");
  }
  bool takes_deltas() const override { return false; }
  // Makes one call per partition.
  Status Update(const BatchId& id, Keys keys, Call call) override {
    return share_.Begin(
        id.txid, keys, [&](UserMap<V>& map, uint32_t partition, const Places& places) {
          CheckedAccess<V> access(map, {&spec_, PartitionRange{partition, partition + 1}});
          return call(access, places);
        });
  }
  Status Complete(TxId txid) override { return share_.Commit(txid); }
  void AppendRedo(TxId, std::string&) override {}
  void Apply(TxId, Attempt) override {}
  void Abort(TxId) override {}

 private:
  const StateSpec spec_;
  OutsideShare<UserMap<V>> share_;
};

// A map state over a BackingMap.
template <class V>
class OutsideMapDeclaration final : public MapDeclaration<V> {
 public:
  using OpenOne =
      std::function<StatusOr<std::unique_ptr<UserMap<V>>>(const StateSlice&, const CommitHistory&)>;

  OutsideMapDeclaration(StateSpec spec, OpenOne open)
      : MapDeclaration<V>(std::move(spec)), open_(std::move(open)) {}

  bool user_defined() const override { return true; }
  Status Start(const CommitHistory& history) override {
    return partitions_.Open(this->spec(),
                            [&](const StateSlice& slice) { return open_(slice, history); });
  }
  Status Read(TxId /*at*/, std::span<const HashedKey> keys,
              typename MapDeclaration<V>::Values& values) const override {
    values.assign(keys.size(), std::optional<V>());
    KeyRouter router;
    router.Route(keys, partitions_.size(), 0, partitions_.size());
    Status status;
    router.ForEachPartition(
        [&](uint32_t p, std::span<const HashedKey> routed, std::span<const uint32_t> from) {
          std::vector<std::string_view> names;
          for (const HashedKey& key : routed) names.push_back(key.key);
          Status read = partitions_.With(p, [&](UserMap<V>& map) -> Status {
            TRIDENT_ASSIGN_OR_RETURN(auto found, map.ReadCommitted(this->Published(), names));
            for (size_t i = 0; i < from.size(); ++i) values[from[i]] = std::move(found[i]);
            return absl::OkStatus();
          });
          if (status.ok()) status = read;
        });
    return status;
  }
  std::unique_ptr<MapWriter<V>> NewWriter(uint32_t task, uint32_t tasks) const override {
    return std::make_unique<OutsideMapWriter<V>>(
        partitions_, this->spec(), PartitionsOfTask(task, this->spec().partitions, tasks));
  }

 private:
  Status Open(StateStore& /*store*/) override { return absl::OkStatus(); }

  const OpenOne open_;
  mutable OutsidePartitions<UserMap<V>> partitions_;
};

template <class S>
class OutsideStateWriter final : public UpdatedState<S> {
 public:
  using typename UpdatedState<S>::Call;
  OutsideStateWriter(OutsidePartitions<S>& partitions, PartitionRange owned)
      : share_(partitions, owned) {}

  Status Update(const BatchId& id, std::span<const HashedKey> keys, Call call) override {
    return share_.Begin(id.txid, keys,
                        [&](S& state, uint32_t, const std::vector<uint32_t>& places) {
                          return call(state, places);
                        });
  }
  Status Complete(TxId txid) override { return share_.Commit(txid); }
  void AppendRedo(TxId, std::string&) override {}
  void Apply(TxId, Attempt) override {}
  void Abort(TxId) override {}

 private:
  OutsideShare<S> share_;
};

// A state of the program's own class.
template <class S>
class OutsideStateDeclaration final : public ObjectDeclaration<S> {
 public:
  OutsideStateDeclaration(StateSpec spec, typename OutsidePartitions<S>::OpenOne open)
      : ObjectDeclaration<S>(std::move(spec)), open_(std::move(open)) {}

  bool user_defined() const override { return true; }
  Status Start(const CommitHistory& /*history*/) override {
    return partitions_.Open(this->spec(), open_);
  }
  std::unique_ptr<UpdatedState<S>> NewWriter(uint32_t task, uint32_t tasks) const override {
    return std::make_unique<OutsideStateWriter<S>>(
        partitions_, PartitionsOfTask(task, this->spec().partitions, tasks));
  }
  Status With(uint32_t partition, typename ObjectDeclaration<S>::Visit visit) const override {
    return partitions_.With(partition, visit);
  }

 private:
  Status Open(StateStore& /*store*/) override { return absl::OkStatus(); }

  const typename OutsidePartitions<S>::OpenOne open_;
  mutable OutsidePartitions<S> partitions_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLAN_OUTSIDE_STATE_H_
