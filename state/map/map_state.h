// SPDX-License-Identifier: Apache-2.0
//
// MapState<V>: all partitions of a map state, typed, for those who know the value type. A key
// belongs to the partition that its hash says (PartitionOfHash); how many there are is fixed for
// the state's life.
#ifndef TRIDENT_STATE_MAP_MAP_STATE_H_
#define TRIDENT_STATE_MAP_MAP_STATE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/key_router.h"
#include "base/status.h"
#include "state/disk/state_spec.h"
#include "state/map/map_partition.h"
#include "state/map/scan_merge.h"
#include "state/view/readable_state.h"

namespace trident {

// Owned by the StateStore. The reading side is thread-safe; changes go through MapShare.
template <class V>
class MapState final : public ReadableState {
 public:
  // `context.partition` is filled in for each partition.
  MapState(StateInfo info, MapOptions<V> options, PartitionContext context);

  const StateInfo& info() const override { return info_; }
  uint32_t partitions() const { return info_.spec.partitions; }
  MapPartition<V>& partition(PartitionId id) { return *partitions_[id.value()]; }
  const MapPartition<V>& partition(PartitionId id) const { return *partitions_[id.value()]; }
  const MapPartition<V>& PartitionOf(uint64_t hash) const {
    return *partitions_[PartitionOfHash(hash, partitions())];
  }
  std::vector<StatePartition*> AllPartitions();

  // ---- typed readers; errors and threads as in ReadableState ----

  StatusOr<std::optional<V>> Find(TxId at, const HashedKey& key) const {
    return PartitionOf(key.hash).Get(at, key);
  }
  // found(i, const V*) once for each key, in any order; null: no such key. The value may be looked
  // at only during the call, which must be short: a commit may be waiting for it.
  template <class Found>
  Status GetAll(TxId at, std::span<const HashedKey> keys, Found&& found) const;

  // ---- ReadableState ----

  StatusOr<std::optional<std::string>> Get(TxId at, std::string_view key) const override;
  StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      TxId at, std::span<const std::string_view> keys) const override;
  StatusOr<StatePage> Scan(TxId at, const KeyRange& range, PageLimits limits) const override;
  StatusOr<std::vector<StateChange>> ChangesOf(TxId at, const KeyRange& range) const override;
  uint64_t ApproximateKeys() const override;
  uint64_t KeysExpired() const override { return expired_.load(std::memory_order_relaxed); }

  // Keys of a committed batch were removed because they expired. Any thread.
  void CountExpired(uint64_t keys) { expired_.fetch_add(keys, std::memory_order_relaxed); }

 private:
  static std::string Encode(const V& value) {
    std::string out;
    Codec<V>::Encode(value, out);
    return out;
  }
  // Calls what may run the program's codec.
  template <class Read>
  auto Guard(Read&& read) const {
    return Guarded("reading the state \"" + info_.spec.name + "\"", read);
  }

  const StateInfo info_;
  const MapOptions<V> options_;
  std::vector<std::unique_ptr<MapPartition<V>>> partitions_;
  std::atomic<uint64_t> expired_{0};
};

template <class V>
MapState<V>::MapState(StateInfo info, MapOptions<V> options, PartitionContext context)
    : info_(std::move(info)), options_(std::move(options)) {
  context.spec = &info_.spec;
  for (uint32_t i = 0; i < info_.spec.partitions; ++i) {
    context.partition = PartitionId(i);
    partitions_.push_back(std::make_unique<MapPartition<V>>(context, options_));
  }
}

template <class V>
std::vector<StatePartition*> MapState<V>::AllPartitions() {
  std::vector<StatePartition*> out;
  for (auto& partition : partitions_) out.push_back(partition.get());
  return out;
}

template <class V>
template <class Found>
Status MapState<V>::GetAll(TxId at, std::span<const HashedKey> keys, Found&& found) const {
  if (partitions() == 1 || keys.size() == 1) {
    if (keys.empty()) return absl::OkStatus();
    return PartitionOf(keys[0].hash).GetAll(at, keys, found);
  }
  KeyRouter router;
  router.Route(keys, partitions(), 0, partitions());
  Status status;
  router.ForEachPartition(
      [&](uint32_t partition, std::span<const HashedKey> routed, std::span<const uint32_t> from) {
        if (!status.ok()) return;
        status = partitions_[partition]->GetAll(
            at, routed, [&](size_t i, const V* value) { found(size_t{from[i]}, value); });
      });
  return status;
}

template <class V>
StatusOr<std::optional<std::string>> MapState<V>::Get(TxId at, std::string_view key) const {
  return Guard([&]() -> StatusOr<std::optional<std::string>> {
    TRIDENT_ASSIGN_OR_RETURN(std::optional<V> value, Find(at, {key, HashBytes(key)}));
    if (!value.has_value()) return std::optional<std::string>();
    return std::optional<std::string>(Encode(*value));
  });
}

template <class V>
StatusOr<std::vector<std::optional<std::string>>> MapState<V>::MultiGet(
    TxId at, std::span<const std::string_view> keys) const {
  std::vector<HashedKey> hashed;
  hashed.reserve(keys.size());
  for (std::string_view key : keys) hashed.push_back({key, HashBytes(key)});
  std::vector<std::optional<std::string>> out(keys.size());
  TRIDENT_RETURN_IF_ERROR(Guard([&] {
    return GetAll(at, hashed, [&](size_t i, const V* value) {
      if (value != nullptr) out[i] = Encode(*value);
    });
  }));
  return out;
}

template <class V>
StatusOr<StatePage> MapState<V>::Scan(TxId at, const KeyRange& range, PageLimits limits) const {
  return Guard([&]() -> StatusOr<StatePage> {
    ScanMerge merge(limits, partitions());
    for (const auto& partition : partitions_) {
      TRIDENT_ASSIGN_OR_RETURN(PartitionPage<V> page,
                               partition->Scan(at, range, merge.per_partition()));
      std::vector<StateRow> rows;
      rows.reserve(page.rows.size());
      for (auto& [key, value] : page.rows) rows.push_back({std::move(key), Encode(value)});
      merge.Add(std::move(rows), std::move(page.resume));
    }
    return std::move(merge).Page();
  });
}

template <class V>
StatusOr<std::vector<StateChange>> MapState<V>::ChangesOf(TxId at, const KeyRange& range) const {
  std::vector<StateChange> out;
  for (const auto& partition : partitions_) {
    TRIDENT_RETURN_IF_ERROR(Guard([&] { return partition->ChangesOf(at, range, out); }));
  }
  std::sort(out.begin(), out.end(),
            [](const StateChange& a, const StateChange& b) { return a.key < b.key; });
  return out;
}

template <class V>
uint64_t MapState<V>::ApproximateKeys() const {
  uint64_t keys = 0;
  for (const auto& partition : partitions_) keys += partition->ApproximateKeys();
  return keys;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_STATE_H_
