// SPDX-License-Identifier: Apache-2.0
//
// MapInStore<V>: a map state of the topology's own store, behind the interfaces that operators see.
// Only the sources beside this header include it: each compiles some value types.
#ifndef TRIDENT_TRIDENT_PLAN_MAP_IN_STORE_H_
#define TRIDENT_TRIDENT_PLAN_MAP_IN_STORE_H_

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/partition_assignment.h"
#include "state/map/map_share.h"
#include "state/state_store.h"
#include "trident/plan/expiry.h"
#include "trident/plan/state_declaration.h"
#include "trident/states/key_rule.h"

namespace trident::state_internal {

// Staged changes of one txid, over the partitions of a task.
template <class V>
class ShareAccess final : public MapAccess<V> {
 public:
  using Keys = std::span<const std::string_view>;
  ShareAccess(MapShare<V>& share, const BatchId& id, KeyRule rule)
      : share_(share), id_(id), rule_(rule) {}

  StatusOr<std::vector<std::optional<V>>> MultiGet(Keys keys) override {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<HashedKey> hashed, rule_.Hash(keys));
    std::vector<std::optional<V>> values(keys.size());
    TRIDENT_RETURN_IF_ERROR(share_.ReadNewest(hashed, [&](size_t i, const V* value) {
      if (value != nullptr) values[i] = *value;
    }));
    return values;
  }
  Status MultiPut(Keys keys, std::span<const V> values) override {
    TRIDENT_RETURN_IF_ERROR(rule_.CheckPairs(keys.size(), values.size()));
    return Stage(keys, [&](size_t i) { return std::optional<V>(values[i]); });
  }
  Status MultiRemove(Keys keys) override {
    return Stage(keys, [](size_t) { return std::optional<V>(); });
  }

 private:
  template <class Next>
  Status Stage(Keys keys, Next&& next) {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<HashedKey> hashed, rule_.Hash(keys));
    return share_.StageUnread(id_.txid, id_.attempt, hashed, next);
  }

  MapShare<V>& share_;
  const BatchId id_;
  const KeyRule rule_;
};

template <class V>
class ShareWriter final : public MapWriter<V> {
 public:
  using typename UpdatedState<MapAccess<V>>::Call;
  using typename MapWriter<V>::UpdateOne;
  using typename MapWriter<V>::Combine;
  using Keys = std::span<const HashedKey>;

  ShareWriter(MapState<V>& map, const StateSpec& spec, PartitionRange owned)
      : spec_(spec), owned_(owned), share_(map, PartitionId(owned.begin), PartitionId(owned.end)) {}

  Status Stage(const BatchId& id, Keys keys, UpdateOne update, NewValues<V>& now) override {
    return share_.Stage(id.txid, id.attempt, keys, [&](size_t i, const V* old) {
      std::optional<V> value = update(i, old);
      using Before = typename NewValues<V>::Before;
      now.Set(i, old == nullptr ? Before::kNothing : Before::kValue, value);
      return value;
    });
  }
  Status StageDelta(const BatchId& id, Keys keys, std::span<const V> deltas,
                    Combine combine) override {
    // What the names mean is known here, and need not be called once a key.
    if constexpr (std::is_same_v<V, int64_t>) {
      if (spec_.combiner == "sum") {
        return share_.StageDelta(id.txid, id.attempt, keys, deltas, [](int64_t a, int64_t b) {
          return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
        });
      }
    }
    return share_.StageDelta(id.txid, id.attempt, keys, deltas, combine);
  }
  // Removes keys, whatever they have, also if it cannot be read.
  Status Remove(const BatchId& id, const std::vector<std::string>& keys) {
    std::vector<HashedKey> hashed;
    hashed.reserve(keys.size());
    for (const std::string& key : keys) hashed.push_back({key, HashBytes(key)});
    return share_.StageUnread(id.txid, id.attempt, hashed,
                              [](size_t) { return std::optional<V>(); });
  }
  bool takes_deltas() const override { return true; }
  // Once, for all partitions of the task.
  Status Update(const BatchId& id, Keys keys, Call call) override {
    ShareAccess<V> access(share_, id, {&spec_, owned_});
    std::vector<uint32_t> all(keys.size());
    std::iota(all.begin(), all.end(), 0);
    return call(access, all);
  }
  void AppendRedo(TxId txid, std::string& fragment) override { share_.AppendRedo(txid, fragment); }
  void Apply(TxId txid, Attempt attempt) override { share_.Apply(txid, attempt); }
  void Abort(TxId from) override { share_.Abort(from); }

 private:
  const StateSpec spec_;
  const PartitionRange owned_;
  MapShare<V> share_;
};

// A ShareWriter of a state whose keys expire.
template <class V>
class ExpiringWriter final : public MapWriter<V> {
 public:
  using typename UpdatedState<MapAccess<V>>::Call;
  using typename MapWriter<V>::UpdateOne;
  using typename MapWriter<V>::Combine;
  using Keys = std::span<const HashedKey>;

  ExpiringWriter(MapState<V>& map, const Expiry::Site& site)
      : map_(map),
        writer_(map, map.info().spec, site.owned),
        expiry_(site,
                [&map](PartitionId partition, TxId at, const KeyRange& range, PageLimits limits) {
                  return KeysOf(map, partition, at, range, limits);
                }) {}

  Status Begin(const BatchId& id, int64_t batch_time_micros) override {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> gone,
                             expiry_.Begin(id, batch_time_micros));
    return gone.empty() ? absl::OkStatus() : writer_.Remove(id, gone);
  }
  Status Stage(const BatchId& id, Keys keys, UpdateOne update, NewValues<V>& now) override {
    TRIDENT_RETURN_IF_ERROR(writer_.Stage(id, keys, update, now));
    if (now.removed.empty() && now.untouched.empty()) return expiry_.Wrote(id, keys);
    std::vector<bool> is_written(keys.size(), true);
    std::vector<HashedKey> written, removed;
    for (const uint32_t i : now.untouched) is_written[i] = false;
    for (const uint32_t i : now.removed) {
      is_written[i] = false;
      removed.push_back(keys[i]);
    }
    for (size_t i = 0; i < keys.size(); ++i) {
      if (is_written[i]) written.push_back(keys[i]);
    }
    TRIDENT_RETURN_IF_ERROR(expiry_.Wrote(id, written));
    return expiry_.Removed(id, removed);
  }
  Status StageDelta(const BatchId& id, Keys keys, std::span<const V> deltas,
                    Combine combine) override {
    TRIDENT_RETURN_IF_ERROR(writer_.StageDelta(id, keys, deltas, combine));
    return expiry_.Wrote(id, keys);
  }
  bool takes_deltas() const override { return true; }
  Status Update(const BatchId&, Keys, Call) override {
    return Internal("an updater does not write a state whose keys expire");
  }
  void AppendRedo(TxId txid, std::string& fragment) override {
    writer_.AppendRedo(txid, fragment);
    expiry_.AppendRedo(txid, fragment);
  }
  void Apply(TxId txid, Attempt attempt) override {
    writer_.Apply(txid, attempt);
    map_.CountExpired(expiry_.Apply(txid, attempt));
  }
  void Abort(TxId from) override {
    writer_.Abort(from);
    expiry_.Abort(from);
  }

 private:
  static StatusOr<Expiry::Page> KeysOf(const MapState<V>& map, PartitionId partition, TxId at,
                                       const KeyRange& range, PageLimits limits) {
    TRIDENT_ASSIGN_OR_RETURN(auto page, map.partition(partition).Scan(at, range, limits));
    Expiry::Page keys{.keys = {}, .resume = std::move(page.resume)};
    keys.keys.reserve(page.rows.size() + page.unreadable.size());
    for (auto& [key, value] : page.rows) keys.keys.push_back(std::move(key));
    for (auto& [key, why] : page.unreadable) keys.keys.push_back(std::move(key));
    return keys;
  }

  MapState<V>& map_;
  ShareWriter<V> writer_;
  Expiry expiry_;
};

template <class V>
class MapInStore final : public MapDeclaration<V> {
 public:
  MapInStore(StateSpec spec, MapOptions<V> options)
      : MapDeclaration<V>(std::move(spec)), options_(std::move(options)) {}

  Status Read(TxId at, std::span<const HashedKey> keys,
              typename MapDeclaration<V>::Values& values) const override {
    values.assign(keys.size(), std::optional<V>());
    if (reader_ != nullptr) return ReadEncoded(at, keys, values);
    return map().GetAll(
        at, keys,
        [&](size_t i, const V* value) {
          if (value != nullptr) values[i] = std::optional<V>(*value);
        },
        [&](size_t i, const Status& why) { values[i] = why; });
  }
  std::unique_ptr<MapWriter<V>> NewWriter(uint32_t task, uint32_t tasks) const override {
    const PartitionRange owned = PartitionsOfTask(task, this->spec().partitions, tasks);
    if (times_ == nullptr) return std::make_unique<ShareWriter<V>>(map(), this->spec(), owned);
    return std::make_unique<ExpiringWriter<V>>(
        map(), Expiry::Site{.store = store_, .state = &map(), .times = times_, .owned = owned});
  }

 private:
  Status Open(StateStore& store) override {
    TRIDENT_ASSIGN_OR_RETURN(map_, store.AddMap<V>(this->spec(), options_));
    store_ = &store;
    if (this->spec().expire_after_micros == 0) return absl::OkStatus();
    TRIDENT_ASSIGN_OR_RETURN(times_, AddLastWrites(store, this->spec()));
    return absl::OkStatus();
  }
  void SetReader(const ReadableState& state) override { reader_ = &state; }

  Status ReadEncoded(TxId at, std::span<const HashedKey> keys,
                     typename MapDeclaration<V>::Values& values) const {
    std::vector<std::string_view> asked;
    asked.reserve(keys.size());
    for (const HashedKey& key : keys) asked.push_back(key.key);
    TRIDENT_ASSIGN_OR_RETURN(const ReadableState::Answers answers, reader_->MultiGet(at, asked));
    for (size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i].ok()) {
        values[i] = answers[i].status();
      } else if (answers[i]->has_value()) {
        values[i] = Decode(**answers[i]);
      }
    }
    return absl::OkStatus();
  }
  StatusOr<std::optional<V>> Decode(std::string_view encoded) const {
    const std::string what = "the codec of state \"" + this->spec().name + "\"";
    ByteReader in(encoded);
    std::optional<V> value;
    TRIDENT_RETURN_IF_ERROR(Guarded(what, [&] { value = options_.codec.Decode(in); }));
    if (in.done()) return value;
    return DataLoss("state ", this->spec().name, ": the bytes of a value are not of its type");
  }

  MapState<V>& map() const {
    TRIDENT_CHECK(map_ != nullptr) << "state " << this->spec().name << " is not open";
    return *map_;
  }

  const MapOptions<V> options_;
  const ReadableState* reader_ = nullptr;  // null: the map itself is read
  MapState<V>* map_ = nullptr;
  const StateStore* store_ = nullptr;
  MapState<Timestamp>* times_ = nullptr;  // null: no key expires
};

template <class V>
std::shared_ptr<MapDeclaration<V>> NewLibraryMap(StateSpec spec, CombineValues<V> combine) {
  MapOptions<V> options;
  options.combine = std::move(combine);
  return std::make_shared<MapInStore<V>>(std::move(spec), std::move(options));
}

}  // namespace trident::state_internal

#endif  // TRIDENT_TRIDENT_PLAN_MAP_IN_STORE_H_
