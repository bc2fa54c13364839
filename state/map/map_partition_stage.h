// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, first part: a txid's changes are computed over those of the txids before it.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_STAGE_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_STAGE_H_

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/guard.h"
#include "base/limits.h"
#include "state/map/change_rows.h"
#include "state/map/map_partition.h"

namespace trident {

namespace map_partition_internal {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

}  // namespace map_partition_internal

template <class V>
template <class Update>
Status MapPartition<V>::Stage(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                              Update&& update) {
  using Result = std::decay_t<std::invoke_result_t<Update&, size_t, const V*>>;
  constexpr bool kMayRemove = map_partition_internal::kIsOptional<Result>;
  static_assert(kMayRemove || std::is_convertible_v<Result, V>,
                "update(i, const V* old) must return V, or std::optional<V> to remove keys");
  if (keys.empty()) return absl::OkStatus();
  OwnerLock turn(locks_);
  TRIDENT_RETURN_IF_ERROR(Locate(keys, Need::kValue));
  TxChanges& tx = OpenTx(t, attempt, keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kPrefetch < keys.size()) __builtin_prefetch(&table_.entry(slots_[i + kPrefetch]));
    const uint32_t slot = slots_[i];
    const Known<V> old = Newest(table_.entry(slot));
    const V* old_value = old.presence == Presence::kPresent ? old.value : nullptr;
    if constexpr (kMayRemove) {
      Result next = update(i, old_value);
      // Nothing is removed that is not there: neither redo nor a watch is to tell of it.
      if (!next.has_value() && old_value == nullptr) continue;
      const Presence presence = next.has_value() ? Presence::kPresent : Presence::kAbsent;
      Put(tx, slot, presence, old.presence, next.has_value() ? std::move(*next) : V{});
    } else {
      Put(tx, slot, Presence::kPresent, old.presence, update(i, old_value));
    }
  }
  tx.end = log_.end();
  MakeWay();
  return CheckValues();
}

template <class V>
template <class Next>
Status MapPartition<V>::StageUnread(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                                    Next&& next) {
  if (keys.empty()) return absl::OkStatus();
  OwnerLock turn(locks_);
  TRIDENT_RETURN_IF_ERROR(Locate(keys, Need::kPresence));
  TxChanges& tx = OpenTx(t, attempt, keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    const Presence old = Newest(table_.entry(slots_[i])).presence;
    const Presence before = IsKnown(old) ? old : Presence::kPresent;
    std::optional<V> value = next(i);
    const Presence presence = value.has_value() ? Presence::kPresent : Presence::kAbsent;
    Put(tx, slots_[i], presence, before, value.has_value() ? *std::move(value) : V{});
  }
  tx.end = log_.end();
  MakeWay();
  return CheckValues();
}

template <class V>
template <class Combine>
Status MapPartition<V>::StageDelta(TxId t, Attempt attempt, std::span<const HashedKey> keys,
                                   std::span<const V> deltas, Combine&& combine) {
  TRIDENT_CHECK_EQ(keys.size(), deltas.size());
  TRIDENT_CHECK(options_.combine != nullptr) << "a delta needs a combiner";
  if (keys.empty()) return absl::OkStatus();
  OwnerLock turn(locks_);
  TRIDENT_RETURN_IF_ERROR(Locate(keys, Need::kEntry));
  TxChanges& tx = OpenTx(t, attempt, keys.size());
  ChangeRowWriter<V> rows(tx.delta_rows);
  const auto combine_writable = [&](const V& value, const V& delta) {
    V sum = combine(value, delta);
    // The redo has the delta alone; the sum is written by a fold, when nobody can refuse it.
    if constexpr (std::is_same_v<V, UserValue>) EncodedBytes(sum);
    return sum;
  };
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kPrefetch < keys.size()) __builtin_prefetch(&table_.entry(slots_[i + kPrefetch]));
    if (PutDelta(tx, slots_[i], deltas[i], combine_writable)) {
      rows.Write(RowOperation::kDelta, keys[i].key, deltas[i]);
      ++tx.delta_count;
    }
  }
  tx.end = log_.end();
  MakeWay();
  return CheckValues();
}

template <class V>
template <class Found>
Status MapPartition<V>::ReadNewest(std::span<const HashedKey> keys, Found&& found) {
  if (keys.empty()) return absl::OkStatus();
  OwnerLock turn(locks_);
  TRIDENT_RETURN_IF_ERROR(Locate(keys, Need::kValue));
  for (size_t i = 0; i < keys.size(); ++i) {
    const Known<V> known = Newest(table_.entry(slots_[i]));
    found(i, known.presence == Presence::kPresent ? known.value : nullptr);
  }
  MakeWay();
  return absl::OkStatus();
}

template <class V>
Status MapPartition<V>::Locate(std::span<const HashedKey> keys, Need need) {
  const size_t n = keys.size();
  slots_.resize(n);
  missing_.clear();
  for (size_t i = 0; i < std::min(2 * kPrefetch, n); ++i) table_.PrefetchCell(keys[i].hash);
  for (size_t i = 0; i < std::min(kPrefetch, n); ++i) table_.PrefetchEntry(keys[i].hash);
  for (size_t i = 0; i < n; ++i) {
    if (i + 2 * kPrefetch < n) table_.PrefetchCell(keys[i + 2 * kPrefetch].hash);
    if (i + kPrefetch < n) table_.PrefetchEntry(keys[i + kPrefetch].hash);
    const uint32_t slot = table_.Find(keys[i].hash, keys[i].key);
    slots_[i] = slot;
    if (slot != kNone) {
      Entry& e = table_.entry(slot);
      e.used = 1;
      // If the committed value is known, so is every staged one over it.
      if (need == Need::kEntry || IsKnown(e.presence) || IsKnown(Newest(e).presence)) continue;
    }
    missing_.push_back(static_cast<uint32_t>(i));
  }
  return missing_.empty() ? absl::OkStatus() : ReadMissing(keys, need);
}

template <class V>
Status MapPartition<V>::ReadMissing(std::span<const HashedKey> keys, Need need) {
  std::vector<std::string_view> wanted;
  std::vector<BaseRef> unders;
  wanted.reserve(missing_.size());
  for (uint32_t i : missing_) {
    if (keys[i].key.size() > static_cast<size_t>(kKeyBytesMax)) {
      return InvalidArgument("a key of ", keys[i].key.size(), " bytes is over the limit of ",
                             kKeyBytesMax, ": ", base_.Describe(keys[i].key));
    }
    wanted.push_back(keys[i].key);
    if (!earlier_bases_.IsAppending() && stuck_bases_.empty()) continue;
    unders.push_back(slots_[i] == kNone ? nullptr : BaseUnderNewest(slots_[i]));
  }
  if (need == Need::kPresence) return ReadPresence(keys, wanted, unders);
  BaseValues base;
  const bool is_read = need == Need::kValue && (!base_is_empty_ || !stuck_bases_.empty());
  if (is_read) {
    TRIDENT_ASSIGN_OR_RETURN(base, ReadBase(wanted, unders));
  }
  ChangeLock change(locks_);
  for (size_t m = 0; m < missing_.size(); ++m) {
    const HashedKey& key = keys[missing_[m]];
    uint32_t& slot = slots_[missing_[m]];
    if (slot == kNone) slot = SlotOf(key);
    if (!is_read) continue;
    Status known = base.WhyNot(m);
    if (known.ok()) {
      known = Guarded("the combiner",
                      [&]() TRIDENT_NO_THREAD_SAFETY_ANALYSIS { Resolve(slot, base.At(m)); });
    }
    if (known.ok()) continue;
    NoteUnreadable(key);
    return Annotate(known, base_.Describe(key.key));
  }
  return absl::OkStatus();
}

template <class V>
uint32_t MapPartition<V>::SlotOf(const HashedKey& key) {
  uint32_t slot = table_.Find(key.hash, key.key);  // a key may repeat
  if (slot != kNone) return slot;
  slot = table_.Insert(key.hash, key.key);
  table_.entry(slot).presence = base_is_empty_ ? Presence::kAbsent : Presence::kUnread;
  eviction_.CountInsertion();
  return slot;
}

template <class V>
Status MapPartition<V>::ReadPresence(std::span<const HashedKey> keys,
                                     std::span<const std::string_view> wanted,
                                     std::span<const BaseRef> unders) {
  std::vector<bool> is_there(wanted.size());
  if (!base_is_empty_ || !stuck_bases_.empty()) {
    TRIDENT_RETURN_IF_ERROR(
        base_.ReadEach(wanted, unders, base_keys_.load(std::memory_order_relaxed),
                       [&](size_t m, std::string_view) { is_there[m] = true; }));
  }
  ChangeLock change(locks_);
  for (size_t m = 0; m < missing_.size(); ++m) {
    uint32_t& slot = slots_[missing_[m]];
    if (slot == kNone) slot = SlotOf(keys[missing_[m]]);
    if (!is_there[m]) Resolve(slot, nullptr);
  }
  return absl::OkStatus();
}

template <class V>
TxChanges& MapPartition<V>::OpenTx(TxId t, Attempt attempt, size_t changes) {
  TRIDENT_CHECK_GT(t, applied_) << "txid " << t.value() << " is staged after it was applied";
  too_large_ = kNone;
  if (!log_.HasRoomFor(changes)) {
    ChangeLock change(locks_);
    log_.MakeRoomFor(changes);
  }
  if (log_.txs() > applied_txs_) {
    TxChanges& newest = log_.tx(log_.txs() - 1);
    TRIDENT_CHECK_LE(newest.txid, t)
        << "txid " << t.value() << " is staged after txid " << newest.txid.value();
    if (newest.txid == t) {
      TRIDENT_CHECK(newest.attempt == attempt)
          << "txid " << t.value() << " has attempt " << ToString(newest.attempt)
          << " staged, which must be aborted before " << ToString(attempt) << " is";
      return newest;
    }
  }
  ChangeLock change(locks_);
  return log_.PushTx(t, attempt);
}

template <class V>
Known<V> MapPartition<V>::Newest(const Entry& e) const {
  if (!log_.IsStaged(e.staged)) return {e.presence, &e.value};
  const Change<V>& change = log_.at(e.staged);
  return {change.presence, &change.value};
}

template <class V>
void MapPartition<V>::Put(TxChanges& tx, uint32_t slot, Presence presence, Presence before,
                          V value) {
  Entry& e = table_.entry(slot);
  const int adds = (presence == Presence::kPresent) - (before == Presence::kPresent);
  const ShortTxId txid(tx.txid);
  tx.keys += adds;
  const bool over_staged = log_.IsStaged(e.staged);
  if (over_staged && log_.at(e.staged).txid == txid) {
    Change<V>& change = log_.at(e.staged);
    SubtractHeap(ValuePlace::kStaged, change.value);
    change.presence = presence;
    change.in_delta_rows = false;
    change.adds = static_cast<int8_t>(change.adds + adds);
    if constexpr (kHoldsHeap<V>) FreeValue(change.value);
    change.value = std::move(value);
    CountStaged(change);
    return;
  }
  e.staged = log_.Append({.slot = slot,
                          .previous = over_staged ? e.staged : kNone,
                          .txid = txid,
                          .presence = presence,
                          .in_delta_rows = false,
                          .adds = static_cast<int8_t>(adds),
                          .value = std::move(value)});
  CountStaged(log_.at(e.staged));
}

// Where the value stands: to move it there may have changed the memory that it owns.
template <class V>
void MapPartition<V>::CountStaged(const Change<V>& change) {
  if constexpr (kHoldsHeap<V>) {
    account_.AddHeap(ValuePlace::kStaged, HeapOf(change.value));
    const bool has_value = change.presence == Presence::kPresent ||  //
                           change.presence == Presence::kDelta;
    if (!has_value || !MayBeTooLarge(change.value)) return;
    if (EncodedBytes(change.value) > kValueBytesMax) too_large_ = change.slot;
  }
}

template <class V>
template <class Combine>
bool MapPartition<V>::PutDelta(TxChanges& tx, uint32_t slot, const V& delta,
                               const Combine& combine) {
  const Entry& e = table_.entry(slot);
  const bool has_row = log_.IsStaged(e.staged) && !log_.at(e.staged).in_delta_rows &&
                       log_.at(e.staged).txid == ShortTxId(tx.txid);
  const Known<V> old = Newest(e);
  const Presence presence = IsKnown(old.presence) ? Presence::kPresent : Presence::kDelta;
  const bool combined = old.presence == Presence::kPresent || old.presence == Presence::kDelta;
  Put(tx, slot, presence, old.presence, combined ? combine(*old.value, delta) : delta);
  if (has_row) return false;
  log_.at(e.staged).in_delta_rows = true;
  return true;
}

template <class V>
Status MapPartition<V>::CheckValues() {
  const uint32_t slot = std::exchange(too_large_, kNone);
  if (slot == kNone) return absl::OkStatus();
  const std::string_view key = table_.entry(slot).key();
  return InvalidArgument("a value of ", EncodedBytes(*Newest(table_.entry(slot)).value),
                         " bytes is over the limit of ", kValueBytesMax, ": ", base_.Describe(key));
}

template <class V>
void MapPartition<V>::Resolve(uint32_t slot, const V* base) {
  Entry& e = table_.entry(slot);
  // Other values that lie over the same base: staged ones, and previous ones, but for those that a
  // folded txid replaced.
  std::vector<uint32_t> others;
  for (uint32_t p = e.version; log_.IsApplied(p, slot) && log_.at(p).txid.IsAfter(marker_.txid);) {
    if (!IsKnown(log_.at(p).presence)) others.push_back(p);
    p = log_.OlderApplied(p);
  }
  const size_t first_staged = others.size();
  for (uint32_t p = e.staged; log_.IsStaged(p); p = log_.at(p).previous) {
    if (!IsKnown(log_.at(p).presence)) others.push_back(p);
  }
  // All that may throw comes first.
  std::vector<std::pair<Presence, V>> known;
  known.reserve(others.size());
  for (const uint32_t p : others) {
    known.emplace_back(log_.at(p).presence, log_.at(p).value);
    ResolveOverBase(known.back().first, known.back().second, base, options_.Summing());
  }
  const bool makes_key = e.presence == Presence::kDelta && base == nullptr;
  ResolveValue(e.presence, e.value, base, ValuePlace::kEntry);
  // The delta turns out to have made a key. Nobody has counted it so far.
  if (makes_key) ++keys_;
  for (size_t i = 0; i < others.size(); ++i) {
    Change<V>& change = log_.at(others[i]);
    const ValuePlace place = i < first_staged ? ValuePlace::kPrevious : ValuePlace::kStaged;
    SubtractHeap(place, change.value);
    change.presence = known[i].first;
    std::swap(change.value, known[i].second);
    AddHeap(place, change.value);
  }
}

template <class V>
void MapPartition<V>::ResolveValue(Presence& presence, V& value, const V* base, ValuePlace place) {
  const int64_t heap_before = HeapOf(value);
  ResolveOverBase(presence, value, base, options_.Summing());
  account_.AddHeap(place, HeapOf(value) - heap_before);
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_STAGE_H_
