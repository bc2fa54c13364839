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
#include <utility>
#include <vector>

#include "base/key_words.h"
#include "state/map/map_partition.h"

namespace trident {

// An entry that a fold is at is not evicted, and its key does not move.
template <class V>
class MapPartitionFold final : public PartitionFold {
 public:
  MapPartitionFold(MapPartition<V>& partition, TxId txid, Attempt attempt)
      : partition_(partition), base_was_empty_(partition.base_is_empty_) {
    const TxChanges* tx = partition.AppliedUpTo(txid);
    const int64_t keys = tx != nullptr ? tx->keys : partition.released_keys_;
    marker_ = {.txid = txid,
               .attempt = attempt,
               .checksum = tx != nullptr ? tx->checksum : partition.released_checksum_,
               .keys = static_cast<uint64_t>(std::max<int64_t>(0, keys))};
  }
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
  static constexpr size_t kStep = 256;
  // Of a thousand rows and more, so many are looked up, and at least one in so many.
  static constexpr size_t kSampleMin = 64;
  static constexpr size_t kSampleOneIn = 128;
  static constexpr uint8_t kLongKey = 255;
  // The rows are sorted and walked in key order, which is no order at all in memory: so a short key
  // stands in its row, and only a long one is looked up.
  struct Row {
    uint64_t head;  // the first 16 bytes of the key as numbers, filled up with zeros
    uint64_t tail;
    const HotEntry<V>* entry;
    uint32_t slot;
    uint8_t key_size;  // or kLongKey: more than 16
    Presence presence;
    V value;
  };
  using KeyBuffer = char[16];
  static Row MakeRow(const HotEntry<V>& entry, uint32_t slot, Presence presence, const V& value);
  static bool KeyIsLess(const Row& a, const Row& b);
  // May point into `buffer`.
  static std::string_view KeyOf(const Row& row, KeyBuffer& buffer);
  bool ShouldAppend(uint64_t deltas) const;
  // What to do about the rows `deltas`.
  Status LookUp(const std::vector<uint32_t>& deltas);
  Status LeaveUnread(const std::vector<uint32_t>& deltas);
  Status EstimateNewKeys(const std::vector<uint32_t>& deltas);
  void ResolveInMemory(const std::vector<uint32_t>& rows,
                       const std::vector<std::optional<V>>& base);
  // Calls visit(entry, slot) for all of folding_, a step at a time, as the owner.
  template <class Visit>
  void VisitFolding(Visit&& visit);
  // The folded entries that were left unread, once the base has them.
  Status SettleUnread();
  void ForgetUnread(std::vector<uint32_t>& changed);
  Status ReadChanged(std::span<const uint32_t> changed);
  bool IsAppending() const {
    MutexLock read(partition_.read_);
    return partition_.fold_appends_;
  }
  void Close();

  MapPartition<V>& partition_;
  const bool base_was_empty_;
  Marker marker_;
  std::vector<Row> rows_;
  int64_t heap_ = 0;
  int64_t charged_ = 0;   // to the budget
  size_t collected_ = 0;  // of folding_
  double new_keys_ = 0;   // the part of unread deltas whose key the base does not have
  enum class Phase : uint8_t { kOpen, kFinished, kClosed } phase_ = Phase::kOpen;
};

template <class V>
bool MapPartitionFold<V>::Collect(uint32_t entries) {
  MapPartition<V>& p = partition_;
  MutexLock turn(p.turn_);
  MutexLock read(p.read_);
  const size_t end = std::min<size_t>(p.folding_.size(), collected_ + entries);
  if (collected_ == 0) rows_.reserve(p.folding_.size());
  for (; collected_ < end; ++collected_) {
    const uint32_t slot = p.folding_[collected_];
    HotEntry<V>& e = p.table_.entry(slot);
    e.dirty = MapPartition<V>::kFolding;
    // Changed again after the txid: it stays dirty for the next fold.
    if (p.log_.IsApplied(e.version, slot) &&
        static_cast<int32_t>(p.log_.at(e.version).txid_low -
                             static_cast<uint32_t>(marker_.txid.value())) > 0) {
      p.MarkDirty(e, slot);
    }
    const auto known = p.At(slot, marker_.txid);
    if (known.presence == Presence::kUnread) continue;  // as it is in the base
    rows_.push_back(MakeRow(e, slot, known.presence, *known.value));
    if constexpr (kHoldsHeap<V>) heap_ += HeapBytes(*known.value);
  }
  return collected_ < p.folding_.size();
}

template <class V>
Status MapPartitionFold<V>::Merge() {
  charged_ = static_cast<int64_t>(bytes());
  partition_.context_.budget->Add({.folding = charged_});
  std::sort(rows_.begin(), rows_.end(), &KeyIsLess);
  std::vector<uint32_t> deltas;
  for (uint32_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].presence == Presence::kDelta) deltas.push_back(i);
  }
  if (deltas.empty()) return absl::OkStatus();
  return ShouldAppend(deltas.size()) ? LeaveUnread(deltas) : LookUp(deltas);
}

// To look up few costs little, and to look up many costs a walk over all keys.
template <class V>
bool MapPartitionFold<V>::ShouldAppend(uint64_t deltas) const {
  const PartitionContext& context = partition_.context_;
  if (base_was_empty_) return false;
  if (context.fold_deltas == FoldDeltas::kUnread) return true;
  return !context.durable->LookupsAreCheap() && deltas > kFoldLookUpsMax &&
         deltas * kFoldLookUpsOneIn < partition_.marker_.keys;
}

template <class V>
Status MapPartitionFold<V>::LeaveUnread(const std::vector<uint32_t>& deltas) {
  MapPartition<V>& p = partition_;
  TRIDENT_RETURN_IF_ERROR(EstimateNewKeys(deltas));
  marker_.keys += static_cast<uint64_t>(new_keys_ * static_cast<double>(deltas.size()));
  typename MapPartition<V>::Under view = p.context_.durable->NewBaseView();
  MutexLock turn(p.turn_);
  MutexLock read(p.read_);
  ++p.generation_;
  p.earlier_bases_.push_back({marker_.txid, std::move(view)});
  p.fold_appends_ = true;
  return absl::OkStatus();
}

// So that the number of keys stays about right although nobody looks.
template <class V>
Status MapPartitionFold<V>::EstimateNewKeys(const std::vector<uint32_t>& deltas) {
  const size_t step = std::clamp<size_t>(deltas.size() / kSampleMin, 1, kSampleOneIn);
  const size_t looked_up = (deltas.size() + step - 1) / step;
  size_t there = 0;
  KeyBuffer buffer;
  TRIDENT_RETURN_IF_ERROR(partition_.base_.ReadSorted(
      looked_up, {partition_.marker_.keys},
      [&](size_t i) { return KeyOf(rows_[deltas[i * step]], buffer); },
      [&](size_t, std::string_view) { ++there; }));
  new_keys_ = 1 - static_cast<double>(there) / static_cast<double>(looked_up);
  return absl::OkStatus();
}

template <class V>
auto MapPartitionFold<V>::MakeRow(const HotEntry<V>& entry, uint32_t slot, Presence presence,
                                  const V& value) -> Row {
  const std::string_view key = entry.key();
  const KeyWords words = KeyWords::Of(key.substr(0, KeyWords::kBytes));
  const bool is_long = key.size() > KeyWords::kBytes;
  return {__builtin_bswap64(words.head),
          __builtin_bswap64(words.tail),
          &entry,
          slot,
          is_long ? kLongKey : static_cast<uint8_t>(key.size()),
          presence,
          value};
}

template <class V>
bool MapPartitionFold<V>::KeyIsLess(const Row& a, const Row& b) {
  if (a.head != b.head) return a.head < b.head;
  if (a.tail != b.tail) return a.tail < b.tail;
  if (a.key_size == kLongKey || b.key_size == kLongKey) return a.entry->key() < b.entry->key();
  return a.key_size < b.key_size;
}

template <class V>
std::string_view MapPartitionFold<V>::KeyOf(const Row& row, KeyBuffer& buffer) {
  if (row.key_size == kLongKey) return row.entry->key();
  const uint64_t words[2] = {__builtin_bswap64(row.head), __builtin_bswap64(row.tail)};
  std::memcpy(buffer, words, sizeof words);
  return {buffer, row.key_size};
}

template <class V>
Status MapPartitionFold<V>::LookUp(const std::vector<uint32_t>& deltas) {
  std::vector<std::optional<V>> base(deltas.size());
  if (!base_was_empty_) {
    Status failed;
    KeyBuffer buffer;
    TRIDENT_RETURN_IF_ERROR(partition_.base_.ReadSorted(
        deltas.size(), {partition_.marker_.keys},
        [&](size_t i) { return KeyOf(rows_[deltas[i]], buffer); },
        [&](size_t i, std::string_view encoded) {
          KeyBuffer named;
          base[i] = DecodeStored<V>(partition_.base_, KeyOf(rows_[deltas[i]], named), encoded,
                                    partition_.options_.combine, failed);
        }));
    TRIDENT_RETURN_IF_ERROR(failed);
  }
  for (size_t i = 0; i < deltas.size(); ++i) {
    Row& row = rows_[deltas[i]];
    row.presence = Presence::kPresent;
    if (base[i].has_value()) {
      row.value = partition_.options_.combine(*base[i], row.value);
    } else {
      ++marker_.keys;
    }
  }
  ResolveInMemory(deltas, base);
  return absl::OkStatus();
}

template <class V>
void MapPartitionFold<V>::ResolveInMemory(const std::vector<uint32_t>& rows,
                                          const std::vector<std::optional<V>>& base) {
  MapPartition<V>& p = partition_;
  for (size_t begin = 0; begin < rows.size(); begin += kStep) {
    MutexLock turn(p.turn_);
    MutexLock read(p.read_);
    ++p.generation_;
    const size_t end = std::min(begin + kStep, rows.size());
    for (size_t i = begin; i < end; ++i) __builtin_prefetch(rows_[rows[i]].entry, 1);
    for (size_t i = begin; i < end; ++i) {
      p.Resolve(rows_[rows[i]].slot, base[i].has_value() ? &*base[i] : nullptr);
    }
  }
}

template <class V>
Status MapPartitionFold<V>::WriteTo(BulkLoad& load) {
  TRIDENT_RETURN_IF_ERROR(
      load.Put(MarkerKey(partition_.state(), partition_.partition()), EncodeMarker(marker_)));
  std::string key = partition_.base_.prefix();
  std::string value;
  KeyBuffer buffer;
  for (const Row& row : rows_) {
    key.resize(kBasePrefixBytes);
    key.append(KeyOf(row, buffer));
    if (row.presence != Presence::kAbsent) {
      value.clear();
      Codec<V>::Encode(row.value, value);
      TRIDENT_RETURN_IF_ERROR(row.presence == Presence::kDelta ? load.Append(key, value)
                                                               : load.Put(key, value));
    } else if (!base_was_empty_) {
      TRIDENT_RETURN_IF_ERROR(load.Delete(key));
    }
  }
  return absl::OkStatus();
}

template <class V>
template <class Visit>
void MapPartitionFold<V>::VisitFolding(Visit&& visit) {
  MapPartition<V>& p = partition_;
  for (size_t begin = 0; begin < p.folding_.size(); begin += kStep) {
    MutexLock turn(p.turn_);
    MutexLock read(p.read_);
    for (size_t i = begin; i < std::min(begin + kStep, p.folding_.size()); ++i) {
      visit(p.table_.entry(p.folding_[i]), p.folding_[i]);
    }
  }
}

template <class V>
Status MapPartitionFold<V>::Finish() {
  MapPartition<V>& p = partition_;
  bool appended = false;
  {
    MutexLock turn(p.turn_);
    MutexLock read(p.read_);
    // Before any of the entries can leave memory.
    ++p.generation_;
    p.marker_ = marker_;
    p.base_is_empty_ = false;
    p.base_keys_.store(marker_.keys, std::memory_order_relaxed);
    p.KeepScanOrder(nullptr);
    appended = p.fold_appends_;
  }
  if (appended) {
    TRIDENT_RETURN_IF_ERROR(SettleUnread());
  } else {
    VisitFolding([](HotEntry<V>& e, uint32_t) { e.dirty &= ~MapPartition<V>::kFolding; });
  }
  phase_ = Phase::kFinished;
  Close();
  return absl::OkStatus();
}

template <class V>
Status MapPartitionFold<V>::SettleUnread() {
  std::vector<uint32_t> changed;
  ForgetUnread(changed);
  constexpr size_t kReadStep = 4096;
  for (size_t i = 0; i < changed.size(); i += kReadStep) {
    const size_t n = std::min(kReadStep, changed.size() - i);
    TRIDENT_RETURN_IF_ERROR(ReadChanged(std::span(changed).subspan(i, n)));
  }
  return absl::OkStatus();
}

// Those that have not changed since are whatever the base has now. `changed`: the others.
template <class V>
void MapPartitionFold<V>::ForgetUnread(std::vector<uint32_t>& changed) {
  MapPartition<V>& p = partition_;
  size_t forgotten = 0;
  VisitFolding([&](HotEntry<V>& e, uint32_t slot) {
    const bool is_delta = e.presence == Presence::kDelta;
    if (is_delta && ((e.dirty & MapPartition<V>::kDirty) != 0 || p.log_.IsStaged(e.staged))) {
      changed.push_back(slot);
      return;
    }
    e.dirty &= ~MapPartition<V>::kFolding;
    if (!is_delta) return;
    ++forgotten;
    p.entries_heap_ -= p.HeapOf(e.value);
    e.value = V{};
    e.presence = Presence::kUnread;
    e.used = 0;  // the first to give way: what it had to say, the base has
  });
  MutexLock turn(p.turn_);
  MutexLock read(p.read_);
  p.keys_ += static_cast<int64_t>(new_keys_ * static_cast<double>(forgotten));
}

template <class V>
Status MapPartitionFold<V>::ReadChanged(std::span<const uint32_t> changed) {
  MapPartition<V>& p = partition_;
  typename MapPartition<V>::Under view;
  std::vector<std::string> keys;
  {
    MutexLock read(p.read_);
    view = p.earlier_bases_.back().view;
    for (uint32_t slot : changed) keys.emplace_back(p.table_.entry(slot).key());
  }
  const std::vector<std::string_view> names(keys.begin(), keys.end());
  const std::vector<typename MapPartition<V>::Under> unders(keys.size(), view);
  TRIDENT_ASSIGN_OR_RETURN(const auto base, p.ReadBase(names, unders));
  for (size_t begin = 0; begin < changed.size(); begin += kStep) {
    MutexLock turn(p.turn_);
    MutexLock read(p.read_);
    for (size_t i = begin; i < std::min(begin + kStep, changed.size()); ++i) {
      p.Resolve(changed[i], base[i].has_value() ? &*base[i] : nullptr);
      p.table_.entry(changed[i]).dirty &= ~MapPartition<V>::kFolding;
    }
  }
  return absl::OkStatus();
}

template <class V>
void MapPartitionFold<V>::Close() {
  if (phase_ == Phase::kClosed) return;
  MapPartition<V>& p = partition_;
  if (phase_ == Phase::kOpen && IsAppending()) {
    // The base may have it or not. Whatever happens, what stands over its view is right.
    phase_ = Phase::kClosed;
    return ReleaseRows();
  }
  if (phase_ == Phase::kOpen) {
    VisitFolding([&p](HotEntry<V>& e, uint32_t slot) {
      e.dirty &= ~MapPartition<V>::kFolding;
      p.MarkDirty(e, slot);
    });
  }
  phase_ = Phase::kClosed;
  ReleaseRows();
  MutexLock turn(p.turn_);
  MutexLock read(p.read_);
  std::vector<uint32_t>().swap(p.folding_);  // a clear would keep the memory
  p.fold_active_ = false;
  p.fold_appends_ = false;
  p.ReleaseEarlierBases();
  p.Report(/*slack=*/1);  // what was folded is not dirty, or the next fold would be due at once
}

template <class V>
std::unique_ptr<PartitionFold> MapPartition<V>::BeginFold(TxId txid, Attempt attempt) {
  MutexLock turn(turn_);
  MutexLock read(read_);
  TRIDENT_CHECK(!fold_active_) << "a partition is folded by one at a time";
  TRIDENT_CHECK_GE(txid, marker_.txid);
  fold_active_ = true;
  folding_.swap(dirty_);
  // The base will have changes that an order of before does not know of.
  ++generation_;
  KeepScanOrder(nullptr);
  return std::make_unique<MapPartitionFold<V>>(*this, txid, attempt);
}

template <class V>
Marker MapPartition<V>::marker() const {
  MutexLock read(read_);
  return marker_;
}

template <class V>
void MapPartition<V>::StartFrom(const Marker& marker) {
  MutexLock turn(turn_);
  MutexLock read(read_);
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
  MutexLock turn(turn_);
  MutexLock read(read_);
  TRIDENT_CHECK_EQ(log_.txs() + table_.size(), 0u) << "a partition starts once";
  marker_.txid = applied_ = since;
}

template <class V>
uint64_t MapPartition<V>::DirtyBytes() const {
  return dirty_bytes_.load(std::memory_order_relaxed);
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_FOLD_H_
