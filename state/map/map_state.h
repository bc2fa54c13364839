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
  // See MapPartition::GetAll.
  template <class Found, class Failed>
  Status GetAll(TxId at, std::span<const HashedKey> keys, Found&& found, Failed&& failed) const;
  // The same; an unreadable key is an error.
  template <class Found>
  Status GetAll(TxId at, std::span<const HashedKey> keys, Found&& found) const {
    Status unreadable;
    const Status read =
        GetAll(at, keys, found, [&](size_t, const Status& why) { unreadable.Update(why); });
    return read.ok() ? unreadable : read;
  }

  // ---- ReadableState ----

  StatusOr<std::optional<std::string>> Get(TxId at, std::string_view key) const override;
  StatusOr<Answers> MultiGet(TxId at, std::span<const std::string_view> keys) const override;
  StatusOr<StatePage> Scan(TxId at, const KeyRange& range, PageLimits limits) const override;
  StatusOr<std::vector<StateChange>> ChangesOf(TxId at, const KeyRange& range) const override;
  uint64_t ApproximateKeys() const override;
  uint64_t KeysExpired() const override { return expired_.load(std::memory_order_relaxed); }

  // Keys of a committed batch were removed because they expired. Any thread.
  void CountExpired(uint64_t keys) { expired_.fetch_add(keys, std::memory_order_relaxed); }
  uint64_t UnreadableKeys() const override;

 private:
  // Calls what may run the program's codec.
  template <class Read>
  auto Guard(Read&& read) const {
    return Guarded("reading the state \"" + info_.spec.name + "\"", read);
  }

  Status OfState(const Status& error) const {
    return Annotate(error, "reading the state \"" + info_.spec.name + "\"");
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
template <class Found, class Failed>
Status MapState<V>::GetAll(TxId at, std::span<const HashedKey> keys, Found&& found,
                           Failed&& failed) const {
  if (partitions() == 1 || keys.size() == 1) {
    if (keys.empty()) return absl::OkStatus();
    return PartitionOf(keys[0].hash).GetAll(at, keys, found, failed);
  }
  KeyRouter router;
  router.Route(keys, partitions(), 0, partitions());
  Status status;
  router.ForEachPartition(
      [&](uint32_t partition, std::span<const HashedKey> routed, std::span<const uint32_t> from) {
        if (!status.ok()) return;
        status = partitions_[partition]->GetAll(
            at, routed, [&](size_t i, const V* value) { found(size_t{from[i]}, value); },
            [&](size_t i, const Status& why) { failed(size_t{from[i]}, why); });
      });
  return status;
}

template <class V>
StatusOr<std::optional<std::string>> MapState<V>::Get(TxId at, std::string_view key) const {
  TRIDENT_ASSIGN_OR_RETURN(Answers answers, MultiGet(at, {&key, 1}));
  return std::move(answers[0]);
}

template <class V>
auto MapState<V>::MultiGet(TxId at, std::span<const std::string_view> keys) const
    -> StatusOr<Answers> {
  std::vector<HashedKey> hashed;
  hashed.reserve(keys.size());
  for (std::string_view key : keys) hashed.push_back({key, HashBytes(key)});
  Answers out(keys.size(), std::optional<std::string>());
  TRIDENT_RETURN_IF_ERROR(Guard([&] {
    return GetAll(
        at, hashed,
        [&](size_t i, const V* value) {
          if (value != nullptr) out[i] = EncodeToRead(*value);
        },
        [&](size_t i, const Status& why) { out[i] = why; });
  }));
  for (StatusOr<std::optional<std::string>>& answer : out) {
    if (!answer.ok()) answer = OfState(answer.status());
  }
  return out;
}

template <class V>
StatusOr<StatePage> MapState<V>::Scan(TxId at, const KeyRange& range, PageLimits limits) const {
  return Guard([&]() -> StatusOr<StatePage> {
    ScanMerge merge(limits, partitions());
    for (const auto& partition : partitions_) {
      TRIDENT_ASSIGN_OR_RETURN(PartitionPage<V> page,
                               partition->Scan(at, merge.Open(range), merge.per_partition()));
      std::vector<StateRow> rows;
      rows.reserve(page.rows.size() + page.unreadable.size());
      for (auto& [key, value] : page.rows) {
        StatusOr<std::string> encoded = EncodeToRead(value);
        if (encoded.ok()) {
          rows.push_back({std::move(key), *std::move(encoded)});
        } else {
          rows.push_back({std::move(key), {}, OfState(encoded.status())});
        }
      }
      for (auto& [key, why] : page.unreadable) rows.push_back({std::move(key), {}, OfState(why)});
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
uint64_t MapState<V>::UnreadableKeys() const {
  uint64_t keys = 0;
  for (const auto& partition : partitions_) keys += partition->UnreadableKeys();
  return keys;
}

template <class V>
uint64_t MapState<V>::ApproximateKeys() const {
  uint64_t keys = 0;
  for (const auto& partition : partitions_) keys += partition->ApproximateKeys();
  return keys;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_STATE_H_
