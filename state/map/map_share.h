// SPDX-License-Identifier: Apache-2.0
//
// MapShare<V>: the partitions of a map state that one task owns. It sends each key to its
// partition, and remembers which partitions a txid touched, so that the others cost nothing.
#ifndef TRIDENT_STATE_MAP_MAP_SHARE_H_
#define TRIDENT_STATE_MAP_MAP_SHARE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/key_router.h"
#include "base/status.h"
#include "state/map/map_state.h"
#include "state/redo/redo_fragment.h"

namespace trident {

// Belongs to one thread. All shares of a state together have each partition once.
template <class V>
class MapShare {
 public:
  // The partitions [first, last). `state` must outlive the share.
  MapShare(MapState<V>& state, PartitionId first, PartitionId last)
      : state_(state), first_(first.value()), last_(last.value()), touched_(last_ - first_) {}
  explicit MapShare(MapState<V>& state)
      : MapShare(state, PartitionId(0), PartitionId(state.partitions())) {}
  MapShare(const MapShare&) = delete;
  MapShare& operator=(const MapShare&) = delete;

  // See MapPartition::Stage. `update` is called once for each key with the key's place in `keys`;
  // keys of one partition in their order, partition after partition.
  template <class Update>
  Status Stage(TxId t, Attempt attempt, std::span<const HashedKey> keys, Update&& update);
  // See MapPartition::StageUnread; next(i) is called as `update` is.
  template <class Next>
  Status StageUnread(TxId t, Attempt attempt, std::span<const HashedKey> keys, Next&& next);
  // See MapPartition::StageDelta.
  template <class Combine>
  Status StageDelta(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                    std::span<const V> deltas, Combine&& combine);

  // See MapPartition::ReadNewest; in the order of Stage.
  template <class Found>
  Status ReadNewest(std::span<const HashedKey> keys, Found&& found);
  // Does the key belong to a partition of this share?
  bool Owns(const HashedKey& key) const {
    const uint32_t partition = PartitionOfHash(key.hash, state_.partitions());
    return first_ <= partition && partition < last_;
  }

  // Appends t's sections to a fragment (state/redo/redo_fragment.h). Call it once, after all Stage
  // calls.
  void AppendRedo(TxId t, std::string& fragment);
  void Apply(TxId t, Attempt attempt);
  void Abort(TxId from);

 private:
  struct Tx {
    TxId txid;
    std::vector<uint32_t> partitions;  // that t touched, in the order of their first change
  };
  Tx& OpenTx(TxId t);
  void Touch(Tx& tx, uint32_t partition);
  MapPartition<V>& partition(uint32_t p) { return state_.partition(PartitionId(p)); }

  MapState<V>& state_;
  const uint32_t first_;
  const uint32_t last_;
  KeyRouter router_;
  std::deque<Tx> txs_;  // staged, oldest first
  std::vector<Tx> spare_;
  std::vector<TxId> touched_;  // newest txid that touched a partition
  std::vector<V> deltas_;      // scratch
};

template <class V>
template <class Update>
Status MapShare<V>::Stage(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                          Update&& update) {
  if (keys.empty()) return absl::OkStatus();
  router_.Route(keys, state_.partitions(), first_, last_);
  Tx& tx = OpenTx(t);
  Status status;
  router_.ForEachPartition([&](uint32_t p, std::span<const HashedKey> routed,
                               std::span<const uint32_t> from) {
    if (!status.ok()) return;
    Touch(tx, p);
    status = partition(p).Stage(
        t, attempt, routed, [&](size_t i, const V* old) { return update(size_t{from[i]}, old); });
  });
  return status;
}

template <class V>
template <class Next>
Status MapShare<V>::StageUnread(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                                Next&& next) {
  if (keys.empty()) return absl::OkStatus();
  router_.Route(keys, state_.partitions(), first_, last_);
  Tx& tx = OpenTx(t);
  Status status;
  router_.ForEachPartition(
      [&](uint32_t p, std::span<const HashedKey> routed, std::span<const uint32_t> from) {
        if (!status.ok()) return;
        Touch(tx, p);
        status = partition(p).StageUnread(t, attempt, routed,
                                          [&](size_t i) { return next(size_t{from[i]}); });
      });
  return status;
}

template <class V>
template <class Combine>
Status MapShare<V>::StageDelta(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                               std::span<const V> deltas, Combine&& combine) {
  TRIDENT_CHECK_EQ(keys.size(), deltas.size());
  if (keys.empty()) return absl::OkStatus();
  router_.Route(keys, state_.partitions(), first_, last_);
  Tx& tx = OpenTx(t);
  Status status;
  router_.ForEachPartition(
      [&](uint32_t p, std::span<const HashedKey> routed, std::span<const uint32_t> from) {
        if (!status.ok()) return;
        Touch(tx, p);
        deltas_.clear();
        for (uint32_t i : from) deltas_.push_back(deltas[i]);
        status = partition(p).StageDelta(t, attempt, routed, std::span<const V>(deltas_), combine);
      });
  return status;
}

template <class V>
template <class Found>
Status MapShare<V>::ReadNewest(std::span<const HashedKey> keys, Found&& found) {
  if (keys.empty()) return absl::OkStatus();
  router_.Route(keys, state_.partitions(), first_, last_);
  Status status;
  router_.ForEachPartition(
      [&](uint32_t p, std::span<const HashedKey> routed, std::span<const uint32_t> from) {
        if (!status.ok()) return;
        status = partition(p).ReadNewest(
            routed, [&](size_t i, const V* value) { found(size_t{from[i]}, value); });
      });
  return status;
}

template <class V>
auto MapShare<V>::OpenTx(TxId t) -> Tx& {
  if (txs_.empty() || txs_.back().txid < t) {
    if (spare_.empty()) spare_.emplace_back();
    txs_.push_back(std::move(spare_.back()));
    spare_.pop_back();
    txs_.back().txid = t;
    txs_.back().partitions.clear();
  }
  TRIDENT_CHECK_EQ(txs_.back().txid, t) << "txids are staged in ascending order";
  return txs_.back();
}

template <class V>
void MapShare<V>::Touch(Tx& tx, uint32_t p) {
  TxId& newest = touched_[p - first_];
  if (newest == tx.txid) return;
  // After an abort nobody knows which older txid it was.
  const bool listed = newest == TxId(0) && std::find(tx.partitions.begin(), tx.partitions.end(),
                                                     p) != tx.partitions.end();
  newest = tx.txid;
  if (!listed) tx.partitions.push_back(p);
}

template <class V>
void MapShare<V>::AppendRedo(TxId t, std::string& fragment) {
  for (const Tx& tx : txs_) {
    if (tx.txid != t) continue;
    for (uint32_t p : tx.partitions) {
      RedoFragmentSection section(fragment, StateSection(state_.info().id, PartitionId(p)));
      section.End(partition(p).AppendRedo(t, fragment));
    }
  }
}

template <class V>
void MapShare<V>::Apply(TxId t, Attempt attempt) {
  if (txs_.empty() || txs_.front().txid > t) return;
  TRIDENT_CHECK_EQ(txs_.front().txid, t) << "txids are applied in ascending order";
  for (uint32_t p : txs_.front().partitions) partition(p).Apply(t, attempt);
  spare_.push_back(std::move(txs_.front()));
  txs_.pop_front();
}

template <class V>
void MapShare<V>::Abort(TxId from) {
  while (!txs_.empty() && txs_.back().txid >= from) {
    for (uint32_t p : txs_.back().partitions) {
      partition(p).Abort(from);
      touched_[p - first_] = TxId(0);
    }
    spare_.push_back(std::move(txs_.back()));
    txs_.pop_back();
  }
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_SHARE_H_
