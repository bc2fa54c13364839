// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, second part: redo, apply and abort, and giving memory back.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_APPLY_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_APPLY_H_

#include <algorithm>
#include <utility>

#include "state/map/change_rows.h"
#include "state/map/map_partition.h"

namespace trident {

template <class V>
uint32_t MapPartition<V>::AppendRedo(TxId t, std::string& out) {
  MutexLock turn(turn_);
  const uint32_t i = StagedIndex(t);
  TRIDENT_CHECK_LT(i, log_.txs()) << "txid " << t.value() << " has staged nothing";
  TxChanges& tx = log_.tx(i);
  const size_t begin = out.size();
  out.append(tx.delta_rows);
  uint32_t rows = tx.delta_count;
  {
    ChangeRowWriter<V> writer(out);
    for (uint32_t p = tx.begin; p != tx.end; ++p) {
      const Change<V>& change = log_.at(p);
      if (change.slot == kNone || change.in_delta_rows) continue;
      const bool present = change.presence == Presence::kPresent;
      const RowOperation operation =
          present ? (change.adds > 0 ? RowOperation::kAdd : RowOperation::kReplace)
                  : (change.adds < 0 ? RowOperation::kRemove : RowOperation::kRemoveNothing);
      writer.Write(operation, table_.entry(change.slot).key(), change.value);
      ++rows;
    }
  }
  tx.checksum = ChainChecksum(i, std::string_view(out).substr(begin));
  return rows;
}

template <class V>
uint64_t MapPartition<V>::ChainChecksum(uint32_t tx, std::string_view section) const {
  const uint64_t links[2] = {tx == 0 ? released_checksum_ : log_.tx(tx - 1).checksum,
                             HashBytes(section)};
  return HashBytes({reinterpret_cast<const char*>(links), sizeof links});
}

template <class V>
uint32_t MapPartition<V>::StagedIndex(TxId t) const {
  for (uint32_t i = applied_txs_; i < log_.txs(); ++i) {
    if (log_.tx(i).txid == t) return i;
  }
  return log_.txs();
}

template <class V>
void MapPartition<V>::Apply(TxId t, Attempt attempt) {
  MutexLock turn(turn_);
  ApplyTx(t, attempt);
}

template <class V>
void MapPartition<V>::ApplyTx(TxId t, Attempt attempt) {
  TRIDENT_CHECK_GT(t, applied_) << "txid " << t.value() << " is applied again";
  if (applied_txs_ == log_.txs()) return;
  TxChanges& tx = log_.tx(applied_txs_);
  TRIDENT_CHECK_GE(tx.txid, t) << "txid " << t.value() << " is applied before txid "
                               << tx.txid.value() << ", which is staged";
  if (tx.txid != t) return;
  TRIDENT_CHECK(tx.attempt == attempt)
      << "txid " << t.value() << " was decided for attempt " << ToString(attempt) << ", staged is "
      << ToString(tx.attempt);
  applied_ = t;
  log_.RetireRows(tx);
  for (uint32_t p = tx.begin; p != tx.end;) {
    const uint32_t step_end = p + std::min(kApplyStep, tx.end - p);
    MutexLock read(read_);
    ApplyChanges(p, step_end);
    p = step_end;
    if (p != tx.end) continue;
    keys_ += tx.keys;
    tx.keys = keys_;
    ++applied_txs_;
    ReleaseVersions();
  }
  Report();
}

template <class V>
void MapPartition<V>::ApplyChanges(uint32_t begin, uint32_t end) {
  constexpr uint32_t kAhead = 8;
  for (uint32_t p = begin; p != end; ++p) {
    if (end - p > kAhead) {
      const uint32_t ahead = log_.at(p + kAhead).slot;
      if (ahead != kNone) __builtin_prefetch(&table_.entry(ahead), 1);
    }
    Change<V>& change = log_.at(p);
    if (change.slot == kNone) continue;
    Entry& e = table_.entry(change.slot);
    if constexpr (kHoldsHeap<V>) {
      const int64_t now = HeapOf(change.value), before = HeapOf(e.value);
      staged_heap_ -= now;
      versions_heap_ += before;
      entries_heap_ += now - before;
    }
    using std::swap;
    swap(e.value, change.value);
    swap(e.presence, change.presence);
    change.previous = e.version;
    e.version = p;
    if (e.staged == p) e.staged = kNone;
    MarkDirty(e, change.slot);
  }
  log_.MoveBorder(end);
}

template <class V>
void MapPartition<V>::MarkDirty(Entry& e, uint32_t slot) {
  if ((e.dirty & kDirty) != 0) return;
  e.dirty |= kDirty;
  dirty_.push_back(slot);
}

template <class V>
void MapPartition<V>::Abort(TxId from) {
  MutexLock turn(turn_);
  while (log_.txs() > applied_txs_) {
    const TxChanges& newest = log_.tx(log_.txs() - 1);
    if (newest.txid < from) break;
    for (uint32_t p = log_.end(); p != newest.begin;) {
      const Change<V>& change = log_.at(--p);
      if (change.slot == kNone) continue;
      if constexpr (kHoldsHeap<V>) staged_heap_ -= HeapOf(change.value);
      const bool over_staged = log_.IsStaged(change.previous);
      table_.entry(change.slot).staged = over_staged ? change.previous : kNone;
    }
    log_.TruncateTo(newest.begin);
    MutexLock read(read_);
    log_.PopBackTx();
  }
  Report();
}

template <class V>
Status MapPartition<V>::ReplayRedo(TxId t, Attempt attempt, std::string_view section) {
  std::vector<ChangeRow<V>> rows;
  std::vector<HashedKey> keys;
  for (ByteReader in(section); !in.done();) {
    ChangeRow<V> row;
    if (!ReadChangeRow(in, row)) {
      return DataLoss("the redo of txid ", t.value(), " for state ", context_.state.value(),
                      ", partition ", context_.partition.value(), " is damaged after row ",
                      rows.size(), ": restore the state from a backup");
    }
    if (row.operation == RowOperation::kDelta && options_.combine == nullptr) {
      return FailedPrecondition("the redo of txid ", t.value(), " for state ",
                                context_.state.value(),
                                " holds deltas, but the state is declared without a way to "
                                "combine them: declare it as the topology that wrote it did");
    }
    keys.push_back({row.key, HashBytes(row.key)});
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return absl::OkStatus();
  MutexLock turn(turn_);
  TRIDENT_RETURN_IF_ERROR(Locate(keys, Need::kEntry));
  TxChanges& tx = OpenTx(t, attempt, rows.size());
  for (size_t i = 0; i < rows.size(); ++i) ReplayRow(tx, slots_[i], rows[i]);
  tx.end = log_.end();
  tx.checksum = ChainChecksum(log_.txs() - 1, section);
  ApplyTx(t, attempt);
  return absl::OkStatus();
}

template <class V>
void MapPartition<V>::ReplayRow(TxChanges& tx, uint32_t slot, ChangeRow<V>& row) {
  switch (row.operation) {
    case RowOperation::kReplace:
      return Put(tx, slot, Presence::kPresent, Presence::kPresent, std::move(row.value));
    case RowOperation::kAdd:
      return Put(tx, slot, Presence::kPresent, Presence::kAbsent, std::move(row.value));
    case RowOperation::kRemove:
      return Put(tx, slot, Presence::kAbsent, Presence::kPresent, V{});
    case RowOperation::kRemoveNothing:
      return Put(tx, slot, Presence::kAbsent, Presence::kAbsent, V{});
    case RowOperation::kDelta:
      PutDelta(tx, slot, row.value, options_.combine);
  }
}

template <class V>
void MapPartition<V>::ReleaseVersions() {
  const TxId oldest = context_.timeline->oldest();
  uint32_t released_to = log_.front();
  while (applied_txs_ > 0 && log_.tx(0).txid <= oldest) {
    released_to = log_.tx(0).end;
    released_checksum_ = log_.tx(0).checksum;
    released_keys_ = log_.tx(0).keys;
    log_.PopFrontTx();
    --applied_txs_;
  }
  if constexpr (kHoldsHeap<V>) {
    for (uint32_t p = log_.front(); p != released_to; ++p) {
      versions_heap_ -= HeapOf(log_.at(p).value);
    }
  }
  log_.ReleaseTo(released_to);
  ReleaseEarlierBases();
  if (scan_order_ != nullptr && !IsCurrent(*scan_order_)) KeepScanOrder(nullptr);
}

template <class V>
const TxChanges* MapPartition<V>::AppliedUpTo(TxId t) const {
  for (uint32_t i = applied_txs_; i > 0; --i) {
    if (log_.tx(i - 1).txid <= t) return &log_.tx(i - 1);
  }
  return nullptr;
}

template <class V>
void MapPartition<V>::MakeWay() {
  Report();
  const uint32_t keys = 2 * std::exchange(inserted_, 0);
  uint32_t evictions = keys;  // of which others have the half
  if (!context_.budget->MustEvict()) {
    // As many keys again should find room, in memory that is allocated if there is no other.
    const bool may_grow = context_.budget->HasRoomFor(table_.GrowthFor(keys));
    evictions = may_grow ? 0 : table_.ErasuresFor(keys);
  }
  if (evictions == 0) return;
  MutexLock read(read_);
  EvictSome(evictions);
}

template <class V>
void MapPartition<V>::EvictSome(uint32_t wanted) {
  // Several at a time, so that their cells come into the cache together.
  constexpr uint32_t kTogether = 16;
  uint32_t looks = 4 * wanted;
  while (wanted > 0 && looks > 0) {
    uint32_t slots[kTogether];
    uint64_t hashes[kTogether];
    uint32_t found = 0;
    // At most once around, or a slot would be found twice.
    const uint32_t last_look = looks - std::min(looks, table_.allocated_slots());
    if (last_look == looks) return;
    for (; found < std::min(wanted, kTogether) && looks > last_look; --looks) {
      hand_ = table_.NextSlot(hand_);
      if (!MayEvict(hand_)) continue;
      slots[found] = hand_;
      hashes[found] = HashBytes(table_.entry(hand_).key());
      table_.PrefetchCell(hashes[found++]);
    }
    for (uint32_t i = 0; i < found; ++i) {
      entries_heap_ -= HeapOf(table_.entry(slots[i]).value);
      table_.Erase(slots[i], hashes[i]);
    }
    wanted -= found;
  }
}

template <class V>
bool MapPartition<V>::MayEvict(uint32_t slot) {
  if (!table_.IsAllocated(slot)) return false;
  Entry& e = table_.entry(slot);
  if (e.presence == Presence::kFree) return false;
  const bool used = std::exchange(e.used, 0) != 0;
  return !used && e.dirty == 0 && e.staged == kNone && !log_.IsApplied(e.version, slot);
}

template <class V>
void MapPartition<V>::Trim() {
  // So many at a time that the owner and readers hardly notice.
  constexpr uint32_t kStep = 256;
  uint32_t slots = 0;
  {
    MutexLock turn(turn_);
    MutexLock read(read_);
    ReleaseVersions();
    slots = table_.slots_end();
    Report(/*slack=*/1);
  }
  // Twice around: the first time may only find that all were used.
  for (uint64_t looked = 0; looked < 2 * uint64_t{slots} && context_.budget->MustEvict();
       looked += 4 * kStep) {
    MutexLock turn(turn_);
    MutexLock read(read_);
    EvictSome(kStep);
    Report();
  }
  MutexLock turn(turn_);
  const bool slots_are_named = log_.txs() > 0 || !dirty_.empty() || fold_active_;
  if (slots_are_named || !table_.WorthCompacting()) return;
  MutexLock read(read_);
  table_.Compact();
  hand_ = 0;
  Report();
}

template <class V>
MemoryBudget::Use MapPartition<V>::Measure() const {
  const size_t lists = (dirty_.capacity() + folding_.capacity()) * sizeof(uint32_t) +
                       scan_order_bytes_.load(std::memory_order_relaxed);
  const int64_t entries = static_cast<int64_t>(table_.live_bytes() + lists) + entries_heap_;
  const uint64_t waiting = dirty_.size() + folding_.size();
  MemoryBudget::Use now;
  now.entries = entries;
  now.dirty = table_.size() == 0 ? 0 : static_cast<int64_t>(entries * waiting / table_.size());
  now.idle =
      static_cast<int64_t>(table_.allocated_bytes() - table_.live_bytes() + log_.spare_bytes());
  now.versions = static_cast<int64_t>(log_.applied_changes() * sizeof(Change<V>)) + versions_heap_;
  now.staged =
      static_cast<int64_t>(log_.staged_changes() * sizeof(Change<V>) + log_.delta_row_bytes()) +
      staged_heap_;
  return now;
}

template <class V>
void MapPartition<V>::Report(int64_t slack) {
  const MemoryBudget::Use now = Measure();
  dirty_bytes_.store(static_cast<uint64_t>(now.dirty), std::memory_order_relaxed);
  if (!now.DiffersBy(slack, reported_)) return;
  context_.budget->Add(now.Minus(reported_));
  reported_ = now;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_APPLY_H_
