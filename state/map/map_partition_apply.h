// SPDX-License-Identifier: Apache-2.0
//
// MapPartition, second part: redo, apply and abort; giving memory back.
#ifndef TRIDENT_STATE_MAP_MAP_PARTITION_APPLY_H_
#define TRIDENT_STATE_MAP_MAP_PARTITION_APPLY_H_

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "state/map/change_rows.h"
#include "state/map/map_partition.h"

namespace trident {

template <class V>
uint32_t MapPartition<V>::AppendRedo(TxId t, std::string& out) {
  OwnerLock turn(locks_);
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
  OwnerLock turn(locks_);
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
  // Once, also if all that was asked of the txid was to remove keys that are not there.
  uint32_t p = tx.begin;
  do {
    const uint32_t step_end = p + std::min(kApplyStep, tx.end - p);
    ChangeLock change(locks_);
    ApplyChanges(p, step_end);
    p = step_end;
    if (p != tx.end) continue;
    keys_ += tx.keys;
    tx.keys = keys_;
    ++applied_txs_;
    ReleaseVersions();
  } while (p != tx.end);
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
      account_.AddHeap(ValuePlace::kStaged, -now);
      account_.AddHeap(ValuePlace::kPrevious, before);
      account_.AddHeap(ValuePlace::kEntry, now - before);
    }
    using std::swap;
    swap(e.value, change.value);
    swap(e.presence, change.presence);
    change.previous = e.version;
    e.version = p;
    if (e.staged == p) e.staged = kNone;
    if (IsKnown(e.presence)) {
      if (!IsKnown(change.presence)) replaced_unread_ = applied_;
      if (!unreadable_.empty()) unreadable_.Remove(HashBytes(e.key()));
    }
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
  OwnerLock turn(locks_);
  while (log_.txs() > applied_txs_) {
    const TxChanges& newest = log_.tx(log_.txs() - 1);
    if (newest.txid < from) break;
    for (uint32_t p = log_.end(); p != newest.begin;) {
      const Change<V>& change = log_.at(--p);
      if (change.slot == kNone) continue;
      SubtractHeap(ValuePlace::kStaged, change.value);
      const bool over_staged = log_.IsStaged(change.previous);
      table_.entry(change.slot).staged = over_staged ? change.previous : kNone;
    }
    log_.TruncateTo(newest.begin);
    ChangeLock change(locks_);
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
    if (!ReadChangeRow(in, options_.codec, row)) {
      if (!row.decoded.ok()) return Annotate(row.decoded, base_.Describe(row.key));
      return DataLoss("the redo of txid ", t.value(), " for state ", base_.StateName(),
                      ", partition ", context_.partition.value(), " is damaged after row ",
                      rows.size(), ": restore the state from a backup");
    }
    if (row.operation == RowOperation::kDelta && options_.combine == nullptr) {
      return FailedPrecondition("the redo of txid ", t.value(), " for state ", base_.StateName(),
                                " holds deltas, but the state is declared without a way to "
                                "combine them: declare it as the topology that wrote it did");
    }
    keys.push_back({row.key, HashBytes(row.key)});
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return absl::OkStatus();
  OwnerLock turn(locks_);
  TRIDENT_RETURN_IF_ERROR(Locate(keys, Need::kEntry));
  TxChanges& tx = OpenTx(t, attempt, rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    TRIDENT_RETURN_IF_ERROR(ReplayRow(tx, slots_[i], rows[i]));
  }
  tx.end = log_.end();
  tx.checksum = ChainChecksum(log_.txs() - 1, section);
  ApplyTx(t, attempt);
  return absl::OkStatus();
}

template <class V>
Status MapPartition<V>::ReplayRow(TxChanges& tx, uint32_t slot, ChangeRow<V>& row) {
  // The program that wrote the row could do with it what must be done with it later; this one may
  // be another.
  Status possible = row.decoded;
  if constexpr (std::is_same_v<V, UserValue>) {
    if (HasValue(row.operation) && possible.ok()) {
      possible = Guarded("the codec", [&] { EncodedBytes(row.value); });
    }
  }
  switch (row.operation) {
    case RowOperation::kReplace:
    case RowOperation::kAdd: {
      if (!possible.ok()) return KeepApart(tx, slot, row);
      const bool adds = row.operation == RowOperation::kAdd;
      Put(tx, slot, Presence::kPresent, adds ? Presence::kAbsent : Presence::kPresent,
          std::move(row.value));
      return absl::OkStatus();
    }
    case RowOperation::kRemove:
      Put(tx, slot, Presence::kAbsent, Presence::kPresent, V{});
      return absl::OkStatus();
    case RowOperation::kRemoveNothing:
      Put(tx, slot, Presence::kAbsent, Presence::kAbsent, V{});
      return absl::OkStatus();
    case RowOperation::kDelta:
      break;
  }
  if (possible.ok()) {
    possible = Guarded("the combiner", [&]() TRIDENT_NO_THREAD_SAFETY_ANALYSIS {
      PutDelta(tx, slot, row.value, options_.Summing());
    });
  }
  return possible.ok() ? possible : KeepApart(tx, slot, row);
}

template <class V>
Status MapPartition<V>::KeepApart(TxChanges& tx, uint32_t slot, const ChangeRow<V>& row) {
  std::string bytes;
  if (row.operation == RowOperation::kDelta) {
    TRIDENT_ASSIGN_OR_RETURN(bytes, BytesOfNewest(slot));
  }
  bytes.append(row.encoded);
  if (row.operation == RowOperation::kAdd) ++tx.keys;
  Put(tx, slot, Presence::kUnread, Presence::kAbsent, V{});
  ChangeLock change(locks_);
  stuck_bases_.Unstick(slot, tx.txid);
  stuck_bases_.Stick(slot, tx.txid, BaseOfOneKey(base_.StoredKey(row.key), std::move(bytes)));
  // Not by NoteUnreadable: the value before it, which is known, stands there until it is applied.
  unreadable_.Add(HashBytes(row.key));
  return absl::OkStatus();
}

template <class V>
StatusOr<std::string> MapPartition<V>::BytesOfNewest(uint32_t slot) const {
  const Entry& e = table_.entry(slot);
  const Known<V> newest = Newest(e);
  std::string bytes;
  if (!IsKnown(newest.presence)) {
    const std::string_view key = e.key();
    const BaseRef under = BaseUnderNewest(slot);
    TRIDENT_RETURN_IF_ERROR(
        base_.ReadEach({&key, 1}, {&under, 1}, base_keys_.load(std::memory_order_relaxed),
                       [&](size_t, std::string_view stored) { bytes.assign(stored); }));
  }
  if (newest.presence == Presence::kPresent || newest.presence == Presence::kDelta) {
    Codec<V>::Encode(*newest.value, bytes);
  }
  return bytes;
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
      SubtractHeap(ValuePlace::kPrevious, log_.at(p).value);
    }
  }
  log_.ReleaseTo(released_to);
  earlier_bases_.Release(oldest);
  stuck_bases_.Release(oldest);
  scan_orders_.DropUnreadable(oldest);
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
  ValueGrowth values;
  if constexpr (kHoldsHeap<V>) {
    values.grown = account_.TakeHeapGrowth();
    values.value_bytes = static_cast<uint64_t>(account_.HeapOf(ValuePlace::kEntry)) /
                         std::max<uint32_t>(table_.size(), 1);
  }
  const uint32_t due = eviction_.TakeDue(table_, *context_.budget, values);
  if (due == 0) return;
  ChangeLock change(locks_);
  Evict(due);
}

template <class V>
void MapPartition<V>::Evict(uint32_t wanted) {
  const auto is_needed = [log = &log_, stuck = &stuck_bases_](const Entry& e, uint32_t slot) {
    return e.dirty != 0 || e.staged != kNone || log->IsApplied(e.version, slot) || stuck->Has(slot);
  };
  eviction_.Evict(table_, wanted, is_needed, [account = &account_](const Entry& e) {
    account->AddHeap(ValuePlace::kEntry, -HeapOf(e.value));
  });
}

template <class V>
void MapPartition<V>::Trim() {
  // So many at a time that the owner and readers hardly notice.
  constexpr uint32_t kStep = 256;
  uint32_t slots = 0;
  {
    OwnerLock turn(locks_);
    ChangeLock change(locks_);
    ReleaseVersions();
    slots = table_.slots_end();
    Report(/*slack=*/1);
  }
  // Twice around: the first time may only find that all were used.
  for (uint64_t looked = 0; looked < 2 * uint64_t{slots} && context_.budget->MustEvict();
       looked += 4 * kStep) {
    OwnerLock turn(locks_);
    ChangeLock change(locks_);
    Evict(kStep);
    Report();
  }
  OwnerLock turn(locks_);
  const bool slots_are_named =
      log_.txs() > 0 || !dirty_.empty() || fold_active_ || !stuck_bases_.empty();
  if (slots_are_named || !table_.WorthCompacting()) return;
  ChangeLock change(locks_);
  table_.Compact();
  eviction_.StartOver();
  Report();
}

template <class V>
auto MapPartition<V>::WalkValues() const -> ValueMemory {
  ReaderLock read(locks_);
  ValueMemory memory;
  if constexpr (!kHoldsHeap<V>) return memory;
  for (uint32_t slot = 0; slot < table_.slots_end(); ++slot) {
    if (!table_.IsAllocated(slot)) continue;
    memory.entries += HeapOf(table_.entry(slot).value);
  }
  for (uint32_t p = log_.front(); p != log_.end(); ++p) {
    (log_.IsStaged(p) ? memory.staged : memory.previous) += HeapOf(log_.at(p).value);
  }
  return memory;
}

template <class V>
auto MapPartition<V>::AccountedValues() const -> ValueMemory {
  OwnerLock turn(locks_);
  return {account_.HeapOf(ValuePlace::kEntry), account_.HeapOf(ValuePlace::kPrevious),
          account_.HeapOf(ValuePlace::kStaged)};
}

template <class V>
void MapPartition<V>::Report(int64_t slack) {
  const size_t lists = (dirty_.capacity() + folding_.capacity()) * sizeof(uint32_t);
  account_.Report({.entries = table_.live_bytes() + lists + ScanOrderBytes(),
                   .previous = log_.applied_changes() * sizeof(Change<V>),
                   .staged = log_.staged_changes() * sizeof(Change<V>) + log_.delta_row_bytes(),
                   .idle = table_.allocated_bytes() - table_.live_bytes() + log_.spare_bytes(),
                   .keys = table_.size(),
                   .dirty = dirty_.size() + folding_.size()},
                  slack);
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_PARTITION_APPLY_H_
