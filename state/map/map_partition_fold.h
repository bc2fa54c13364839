// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, fifth part: its fold. See state/map/partition_fold.h for the order of the calls.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_FOLD_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_FOLD_H_

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/codec.h"
#include "base/guard.h"
#include "base/limits.h"
#include "base/logging.h"
#include "state/map/fold_row.h"
#include "state/map/map_partition.h"

namespace trident {

// Owned by the fold, and used by its thread alone. The partition outlives it. An entry that it is
// at (MapPartition::kFolding) is not evicted, and its key does not move.
template <class V>
class MapPartitionFold final : public PartitionFold {
 public:
  // The partition at the moment when the fold begins.
  struct Begin {
    Marker marker;  // at the txid that is folded
    bool base_was_empty;
    uint64_t base_keys;   // in the base, about
    size_t changed_keys;  // size of folding_, which stays as it is until the fold is closed
    // A value that may still be read was replaced unread, and lies over the base as it is now.
    bool hides_unread;
    bool had_unreadable;  // the partition knew of unreadable keys
  };
  MapPartitionFold(MapPartition<V>& partition, const Begin& begin)
      : partition_(partition),
        base_was_empty_(begin.base_was_empty),
        base_keys_(begin.base_keys),
        changed_keys_(begin.changed_keys),
        hides_unread_(begin.hides_unread),
        had_unreadable_(begin.had_unreadable),
        marker_(begin.marker) {}
  ~MapPartitionFold() override { Close(); }

  bool Collect(uint32_t entries) override;
  Status Merge() override;
  uint64_t bytes() const override { return rows_.capacity() * sizeof(Row) + heap_; }
  const Marker& marker() const override { return marker_; }
  Status WriteTo(BulkLoad& load) override;
  void ReleaseRows() override {
    rows_ = {};
    partition_.context_.budget->Add({.folding = -std::exchange(charged_, 0)});
  }
  Status Finish() override;

 private:
  // How many entries are changed while owner and readers wait.
  static constexpr size_t kStep = 256;
  // How many of the deltas are looked up to learn how many of their keys are new: at least
  // kSampleMin if there are so many, and at least one in kSampleOneIn.
  static constexpr size_t kSampleMin = 64;
  static constexpr size_t kSampleOneIn = 128;
  using Row = FoldRow<V>;

  // ---- Merge ----

  // To look up few deltas costs little, and to look up many costs a walk over all keys.
  bool ShouldAppend(uint64_t deltas) const;
  // `deltas` are the indices of the rows that are deltas. LookUp combines them with the base;
  // LeaveUnread estimates how many of their keys are new, before they are appended.
  Status LookUp(const std::vector<uint32_t>& deltas);
  Status LeaveUnread(const std::vector<uint32_t>& deltas);
  // The base changes before the entries in memory do: keeps a view of it for them.
  void BeginAppending();
  // An error: the program's combiner or codec threw, and the row is as it was.
  Status CombineRow(const V& base, Row& row);
  void NoteFailure(std::string_view key, const Status& cause);
  void LogFailure(std::string_view key, const Status& cause);
  // Tells the partition whether the base's value of the key could be combined.
  void NoteRead(std::string_view key, const Status& read) const;
  // Sets new_keys_, so that the number of keys stays about right although nobody looks.
  Status EstimateNewKeys(const std::vector<uint32_t>& deltas);
  // base[i] is the value of the key of row rows[i] in the base.
  void ResolveInMemory(const std::vector<uint32_t>& rows,
                       const std::vector<std::optional<V>>& base);

  // ---- Finish ----

  // After the base got the rows: no entry lies over an earlier base any more.
  Status Settle();
  // An entry that has not changed since it was collected is whatever the base has now. Lists the
  // others in `changed`.
  void ForgetUnread(std::vector<uint32_t>& changed);
  // True if a delta that the base has by now, or will have, is also that of a previous value which
  // was replaced, unread, by a later txid.
  bool HidesDelta(uint32_t slot) const TRIDENT_NO_THREAD_SAFETY_ANALYSIS;
  // Reads these slots' keys in the base as it was, and makes their values known.
  Status ReadChanged(std::span<const uint32_t> changed);
  // `stored` is what the slot's key has in the base that it lies over. If the program's code
  // throws, the slot is stuck from now on.
  Status MakeKnown(uint32_t slot,
                   const std::optional<std::string>& stored) TRIDENT_NO_THREAD_SAFETY_ANALYSIS;
  bool IsAppending() const {
    ReaderLock read(partition_.locks_);
    return partition_.earlier_bases_.IsAppending();
  }
  void Close();

  // The slots of one step.
  static std::span<const uint32_t> Step(std::span<const uint32_t> slots, size_t begin) {
    return slots.subspan(begin, std::min(kStep, slots.size() - begin));
  }
  static const V* PointerTo(const std::optional<V>& value) {
    return value.has_value() ? &*value : nullptr;
  }

  MapPartition<V>& partition_;
  const bool base_was_empty_;
  const uint64_t base_keys_;
  const size_t changed_keys_;
  const bool hides_unread_;
  const bool had_unreadable_;
  Marker marker_;
  std::vector<Row> rows_;
  int64_t heap_ = 0;                             // that the values of rows_ own
  int64_t charged_ = 0;                          // to the budget
  size_t collected_ = 0;                         // of changed_keys_
  std::unordered_map<uint32_t, BaseRef> stuck_;  // the base under the delta of a slot's row
  uint64_t failures_ = 0;                        // of the program's code
  double new_keys_ = 0;  // the part of unread deltas whose key the base does not have
  enum class Phase : uint8_t { kOpen, kFinished, kClosed } phase_ = Phase::kOpen;
};

template <class V>
bool MapPartitionFold<V>::Collect(uint32_t entries) {
  MapPartition<V>& p = partition_;
  OwnerLock turn(p.locks_);
  ChangeLock change(p.locks_);
  const size_t end = std::min<size_t>(changed_keys_, collected_ + entries);
  if (collected_ == 0) rows_.reserve(changed_keys_);
  for (; collected_ < end; ++collected_) {
    const uint32_t slot = p.folding_[collected_];
    HotEntry<V>& e = p.table_.entry(slot);
    e.dirty = MapPartition<V>::kFolding;
    // An entry that was changed after the txid, too, stays dirty for the next fold.
    if (p.log_.IsApplied(e.version, slot) && p.log_.at(e.version).txid.IsAfter(marker_.txid)) {
      p.MarkDirty(e, slot);
    }
    const Known<V> known = p.At(slot, marker_.txid);
    BaseRef under;
    if (!IsKnown(known.presence) && p.stuck_bases_.Has(slot)) {
      under = p.BaseUnder(slot, marker_.txid);
    }
    if (known.presence == Presence::kUnread && under == nullptr) continue;  // as it is in the base
    if (under != nullptr) stuck_.emplace(slot, std::move(under));
    rows_.push_back(Row::Of(e, slot, known));
    if constexpr (kHoldsHeap<V>) heap_ += HeapBytes(rows_.back().value);
  }
  return collected_ < changed_keys_;
}

template <class V>
Status MapPartitionFold<V>::Merge() {
  charged_ = static_cast<int64_t>(bytes());
  partition_.context_.budget->Add({.folding = charged_});
  std::sort(rows_.begin(), rows_.end(), &Row::KeyIsLess);
  std::vector<uint32_t> deltas;
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].presence == Presence::kDelta && !stuck_.contains(rows_[i].slot)) {
      deltas.push_back(i);
    }
  }
  const bool append = !deltas.empty() && ShouldAppend(deltas.size());
  if (append) {
    TRIDENT_RETURN_IF_ERROR(LeaveUnread(deltas));
  } else if (!deltas.empty()) {
    TRIDENT_RETURN_IF_ERROR(LookUp(deltas));
  }
  if (append || hides_unread_ || !stuck_.empty() || failures_ > 0) BeginAppending();
  return absl::OkStatus();
}

template <class V>
bool MapPartitionFold<V>::ShouldAppend(uint64_t deltas) const {
  const PartitionContext& context = partition_.context_;
  if (base_was_empty_) return false;
  if (context.fold_deltas == FoldDeltas::kUnread) return true;
  return !context.durable->LookupsAreCheap() && deltas > kFoldLookUpsMax &&
         deltas * kFoldLookUpsOneIn < base_keys_;
}

template <class V>
Status MapPartitionFold<V>::LeaveUnread(const std::vector<uint32_t>& deltas) {
  TRIDENT_RETURN_IF_ERROR(EstimateNewKeys(deltas));
  marker_.keys += static_cast<uint64_t>(new_keys_ * static_cast<double>(deltas.size()));
  return absl::OkStatus();
}

template <class V>
void MapPartitionFold<V>::BeginAppending() {
  MapPartition<V>& p = partition_;
  BaseRef before = p.context_.durable->NewBaseView();
  OwnerLock turn(p.locks_);
  ChangeLock change(p.locks_);
  p.scan_orders_.NextGeneration();
  p.earlier_bases_.BeginAppending(marker_.txid, std::move(before));
}

template <class V>
Status MapPartitionFold<V>::EstimateNewKeys(const std::vector<uint32_t>& deltas) {
  const size_t step = std::clamp<size_t>(deltas.size() / kSampleMin, 1, kSampleOneIn);
  const size_t looked_up = (deltas.size() + step - 1) / step;
  size_t there = 0;
  typename Row::KeyBuffer buffer;
  TRIDENT_RETURN_IF_ERROR(partition_.base_.ReadSorted(
      looked_up, {base_keys_}, [&](size_t i) { return rows_[deltas[i * step]].Key(buffer); },
      [&](size_t, std::string_view) { ++there; }));
  new_keys_ = 1 - static_cast<double>(there) / static_cast<double>(looked_up);
  return absl::OkStatus();
}

template <class V>
Status MapPartitionFold<V>::LookUp(const std::vector<uint32_t>& deltas) {
  std::vector<std::optional<V>> base(deltas.size());
  std::vector<bool> left(deltas.size());
  if (!base_was_empty_) {
    Status failed;
    typename Row::KeyBuffer buffer;
    TRIDENT_RETURN_IF_ERROR(partition_.base_.ReadSorted(
        deltas.size(), {base_keys_}, [&](size_t i) { return rows_[deltas[i]].Key(buffer); },
        [&](size_t i, std::string_view encoded) {
          typename Row::KeyBuffer named;
          const std::string_view key = rows_[deltas[i]].Key(named);
          Status of_key;
          base[i] = partition_.Decode(key, encoded, of_key);
          if (of_key.ok()) return;
          left[i] = IsOfProgram(of_key);
          left[i] ? NoteFailure(key, of_key) : failed.Update(of_key);
        }));
    TRIDENT_RETURN_IF_ERROR(failed);
  }
  for (size_t i = 0; i < deltas.size(); ++i) {
    if (left[i]) continue;
    Row& row = rows_[deltas[i]];
    if (base[i].has_value()) {
      const Status combined = CombineRow(*base[i], row);
      left[i] = !combined.ok();
      typename Row::KeyBuffer named;
      const std::string_view key = row.Key(named);
      left[i] ? NoteFailure(key, combined) : NoteRead(key, combined);
      if (left[i]) continue;
    } else {
      ++marker_.keys;
    }
    row.presence = Presence::kPresent;
  }
  // What is left stays as it is in memory, and is appended.
  std::vector<uint32_t> known;
  size_t kept = 0;
  for (size_t i = 0; i < deltas.size(); ++i) {
    if (left[i]) continue;
    known.push_back(deltas[i]);
    if (kept != i) base[kept] = std::move(base[i]);
    ++kept;
  }
  base.resize(kept);
  ResolveInMemory(known, base);
  return absl::OkStatus();
}

template <class V>
Status MapPartitionFold<V>::CombineRow(const V& base, Row& row) {
  const int64_t before = MapPartition<V>::HeapOf(row.value);
  const Status combined =
      Guarded("the combiner", [&] { row.value = partition_.options_.Sum(base, row.value); });
  const int64_t grown = MapPartition<V>::HeapOf(row.value) - before;
  if (grown == 0) return combined;
  heap_ += grown;
  charged_ += grown;
  partition_.context_.budget->Add({.folding = grown});
  return combined;
}

template <class V>
void MapPartitionFold<V>::NoteRead(std::string_view key, const Status& read) const {
  if (read.ok() && !had_unreadable_) return;
  const HashedKey hashed{key, HashBytes(key)};
  ReaderLock lock(partition_.locks_);
  partition_.NoteRead(hashed, marker_.txid, read);
}

template <class V>
void MapPartitionFold<V>::NoteFailure(std::string_view key, const Status& cause) {
  NoteRead(key, cause);
  LogFailure(key, cause);
}

template <class V>
void MapPartitionFold<V>::LogFailure(std::string_view key, const Status& cause) {
  if (failures_++ > 0) return;
  TRIDENT_LOG(WARN) << "a fold leaves the changes of " << partition_.base_.Describe(key)
                    << " as they are, and reads of it fail, until a program that can combine them "
                       "is started: "
                    << Message(cause);
}

template <class V>
void MapPartitionFold<V>::ResolveInMemory(const std::vector<uint32_t>& rows,
                                          const std::vector<std::optional<V>>& base) {
  MapPartition<V>& p = partition_;
  for (size_t begin = 0; begin < rows.size(); begin += kStep) {
    OwnerLock turn(p.locks_);
    ChangeLock change(p.locks_);
    p.scan_orders_.NextGeneration();
    const size_t end = std::min(begin + kStep, rows.size());
    for (size_t i = begin; i < end; ++i) __builtin_prefetch(rows_[rows[i]].entry, 1);
    for (size_t i = begin; i < end; ++i) {
      const Row& row = rows_[rows[i]];
      const Status known = Guarded("the combiner", [&]() TRIDENT_NO_THREAD_SAFETY_ANALYSIS {
        p.Resolve(row.slot, PointerTo(base[i]));
      });
      typename Row::KeyBuffer named;
      if (!known.ok()) LogFailure(row.Key(named), known);
    }
  }
}

template <class V>
Status MapPartitionFold<V>::WriteTo(BulkLoad& load) {
  TRIDENT_RETURN_IF_ERROR(
      load.Put(MarkerKey(partition_.state(), partition_.partition()), EncodeMarker(marker_)));
  std::string key = partition_.base_.prefix();
  std::string value;
  typename Row::KeyBuffer buffer;
  for (const Row& row : rows_) {
    key.resize(kBasePrefixBytes);
    key.append(row.Key(buffer));
    if (row.presence != Presence::kAbsent) {
      value.clear();
      const auto stuck = IsKnown(row.presence) ? stuck_.end() : stuck_.find(row.slot);
      if (stuck != stuck_.end()) {
        // Behind what it lies over; the present base has some of it already.
        const std::string_view stored(key);
        TRIDENT_RETURN_IF_ERROR(stuck->second->MultiGet(
            {&stored, 1}, [&](size_t, std::string_view under) { value.assign(under); }));
      }
      if (row.presence != Presence::kUnread) {
        const Status encoded = Guarded("the codec", [&] { Codec<V>::Encode(row.value, value); });
        if (!encoded.ok()) return Annotate(encoded, partition_.base_.Describe(row.Key(buffer)));
      }
      const bool append = row.presence == Presence::kDelta && stuck == stuck_.end();
      TRIDENT_RETURN_IF_ERROR(append ? load.Append(key, value) : load.Put(key, value));
    } else if (!base_was_empty_) {
      TRIDENT_RETURN_IF_ERROR(load.Delete(key));
    }
  }
  return absl::OkStatus();
}

template <class V>
Status MapPartitionFold<V>::Finish() {
  MapPartition<V>& p = partition_;
  {
    OwnerLock turn(p.locks_);
    ChangeLock change(p.locks_);
    // Before any of the entries can leave memory.
    p.scan_orders_.NextGeneration();
    p.marker_ = marker_;
    p.base_is_empty_ = false;
    p.base_keys_.store(marker_.keys, std::memory_order_relaxed);
  }
  TRIDENT_RETURN_IF_ERROR(Settle());
  phase_ = Phase::kFinished;
  Close();
  return absl::OkStatus();
}

template <class V>
Status MapPartitionFold<V>::Settle() {
  std::vector<uint32_t> changed;
  ForgetUnread(changed);
  constexpr size_t kReadStep = 4096;
  for (size_t i = 0; i < changed.size(); i += kReadStep) {
    const size_t n = std::min(kReadStep, changed.size() - i);
    TRIDENT_RETURN_IF_ERROR(ReadChanged(std::span(changed).subspan(i, n)));
  }
  return absl::OkStatus();
}

template <class V>
void MapPartitionFold<V>::ForgetUnread(std::vector<uint32_t>& changed) {
  MapPartition<V>& p = partition_;
  const bool appended = IsAppending();
  size_t forgotten = 0;
  for (size_t begin = 0; begin < changed_keys_; begin += kStep) {
    OwnerLock turn(p.locks_);
    ChangeLock change(p.locks_);
    for (const uint32_t slot : Step(p.folding_, begin)) {
      HotEntry<V>& e = p.table_.entry(slot);
      const bool is_delta = appended && e.presence == Presence::kDelta;
      const bool has_changed = (e.dirty & p.kDirty) != 0 || p.log_.IsStaged(e.staged);
      if (appended && has_changed && (is_delta || HidesDelta(slot))) {
        changed.push_back(slot);
        continue;
      }
      e.dirty &= ~p.kFolding;
      if (!p.stuck_bases_.empty()) p.stuck_bases_.Unstick(slot, marker_.txid);
      if (!is_delta) continue;
      ++forgotten;
      p.SubtractHeap(ValuePlace::kEntry, e.value);
      FreeValue(e.value);
      e.presence = Presence::kUnread;
      e.used = 0;  // It is the first to give way, because the base has its content.
    }
  }
  OwnerLock turn(p.locks_);
  ChangeLock change(p.locks_);
  p.keys_ += static_cast<int64_t>(new_keys_ * static_cast<double>(forgotten));
}

template <class V>
bool MapPartitionFold<V>::HidesDelta(uint32_t slot) const {
  const MapPartition<V>& p = partition_;
  if (p.replaced_unread_ <= marker_.txid) return false;
  uint32_t change = p.table_.entry(slot).version;
  if (!p.log_.IsApplied(change, slot)) return false;
  for (; change != kNone && p.log_.at(change).txid.IsAfter(marker_.txid);) {
    if (p.log_.at(change).presence == Presence::kDelta) return true;
    change = p.log_.OlderApplied(change);
  }
  return false;
}

template <class V>
Status MapPartitionFold<V>::ReadChanged(std::span<const uint32_t> changed) {
  MapPartition<V>& p = partition_;
  std::vector<std::string> keys;
  std::vector<BaseRef> unders;
  {
    ReaderLock read(p.locks_);
    for (uint32_t slot : changed) {
      keys.emplace_back(p.table_.entry(slot).key());
      unders.push_back(p.BaseUnderNewest(slot));
    }
  }
  const std::vector<std::string_view> names(keys.begin(), keys.end());
  std::vector<std::optional<std::string>> stored(keys.size());
  TRIDENT_RETURN_IF_ERROR(
      p.base_.ReadEach(names, unders, p.base_keys_.load(std::memory_order_relaxed),
                       [&](size_t i, std::string_view bytes) { stored[i] = std::string(bytes); }));
  for (size_t begin = 0; begin < changed.size(); begin += kStep) {
    OwnerLock turn(p.locks_);
    ChangeLock change(p.locks_);
    for (size_t i = begin; i < std::min(begin + kStep, changed.size()); ++i) {
      TRIDENT_RETURN_IF_ERROR(MakeKnown(changed[i], stored[i]));
      p.table_.entry(changed[i]).dirty &= ~p.kFolding;
    }
  }
  return absl::OkStatus();
}

template <class V>
Status MapPartitionFold<V>::MakeKnown(uint32_t slot, const std::optional<std::string>& stored) {
  MapPartition<V>& p = partition_;
  const std::string key(p.table_.entry(slot).key());
  std::optional<V> base;
  Status failed;
  if (stored.has_value()) base = p.Decode(key, *stored, failed);
  if (failed.ok()) {
    failed = Guarded("the combiner",
                     [&]() TRIDENT_NO_THREAD_SAFETY_ANALYSIS { p.Resolve(slot, PointerTo(base)); });
  }
  if (failed.ok()) {
    p.stuck_bases_.Unstick(slot, marker_.txid);
    return failed;
  }
  if (!IsOfProgram(failed)) return failed;
  p.NoteUnreadable({key, HashBytes(key)});
  LogFailure(key, failed);
  p.stuck_bases_.Stick(slot, marker_.txid,
                       BaseOfOneKey(p.base_.StoredKey(key), stored.value_or(std::string())));
  return absl::OkStatus();
}

template <class V>
void MapPartitionFold<V>::Close() {
  if (phase_ == Phase::kClosed) return;
  MapPartition<V>& p = partition_;
  const bool was_open = std::exchange(phase_, Phase::kClosed) == Phase::kOpen;
  ReleaseRows();
  // The base may have the appended rows or not. Values over its view are right either way, if the
  // fold stays as it is.
  if (was_open && IsAppending()) return;
  for (size_t begin = 0; was_open && begin < changed_keys_; begin += kStep) {
    OwnerLock turn(p.locks_);
    ChangeLock change(p.locks_);
    for (const uint32_t slot : Step(p.folding_, begin)) {
      p.table_.entry(slot).dirty &= ~p.kFolding;
      p.MarkDirty(p.table_.entry(slot), slot);
    }
  }
  OwnerLock turn(p.locks_);
  ChangeLock change(p.locks_);
  std::vector<uint32_t>().swap(p.folding_);  // a clear would keep the memory
  p.fold_active_ = false;
  p.earlier_bases_.EndAppending();
  p.earlier_bases_.Release(p.context_.timeline->oldest());
  p.Report(/*slack=*/1);  // else the folded keys count as dirty, and the next fold is due
}

template <class V>
std::unique_ptr<PartitionFold> MapPartition<V>::BeginFold(TxId txid, Attempt attempt) {
  OwnerLock turn(locks_);
  ChangeLock change(locks_);
  TRIDENT_CHECK(!fold_active_) << "a partition is folded by one at a time";
  TRIDENT_CHECK_GE(txid, marker_.txid);
  fold_active_ = true;
  folding_.swap(dirty_);
  scan_orders_.NextGeneration();
  return std::make_unique<MapPartitionFold<V>>(
      *this, typename MapPartitionFold<V>::Begin{
                 .marker = MarkerAt(txid, attempt),
                 .base_was_empty = base_is_empty_,
                 .base_keys = marker_.keys,
                 .changed_keys = folding_.size(),
                 .hides_unread = replaced_unread_ > context_.timeline->oldest(),
                 .had_unreadable = !unreadable_.empty()});
}

template <class V>
Marker MapPartition<V>::MarkerAt(TxId txid, Attempt attempt) const {
  const TxChanges* tx = AppliedUpTo(txid);
  const int64_t keys = tx != nullptr ? tx->keys : released_keys_;
  return {.txid = txid,
          .attempt = attempt,
          .checksum = tx != nullptr ? tx->checksum : released_checksum_,
          .keys = static_cast<uint64_t>(std::max<int64_t>(0, keys))};
}

template <class V>
std::optional<Marker> MapPartition<V>::MarkerIfUnchanged(TxId txid, Attempt attempt) {
  OwnerLock turn(locks_);
  TRIDENT_CHECK(!fold_active_) << "a partition is folded by one at a time";
  if (!dirty_.empty()) return std::nullopt;
  return MarkerAt(txid, attempt);
}

template <class V>
void MapPartition<V>::AdvanceTo(const Marker& marker) {
  OwnerLock turn(locks_);
  ChangeLock change(locks_);
  marker_ = marker;
  base_keys_.store(marker.keys, std::memory_order_relaxed);
}

template <class V>
Marker MapPartition<V>::marker() const {
  ReaderLock read(locks_);
  return marker_;
}

template <class V>
void MapPartition<V>::StartFrom(const Marker& marker) {
  OwnerLock turn(locks_);
  ChangeLock change(locks_);
  TRIDENT_CHECK_EQ(log_.txs() + table_.size(), 0u) << "a partition starts once";
  marker_ = marker;
  base_is_empty_ = false;
  base_keys_.store(marker.keys, std::memory_order_relaxed);
  applied_ = marker.txid;
  released_checksum_ = marker.checksum;
  released_keys_ = keys_ = static_cast<int64_t>(marker.keys);
}

template <class V>
void MapPartition<V>::StartEmpty(TxId since) {
  OwnerLock turn(locks_);
  ChangeLock change(locks_);
  TRIDENT_CHECK_EQ(log_.txs() + table_.size(), 0u) << "a partition starts once";
  marker_.txid = applied_ = since;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_FOLD_H_
