// SPDX-License-Identifier: Apache-2.0
//
// ChangeLog: the changes of the latest txids in one partition, a queue in txid order. At its back
// stand the staged ones, each with the value that its txid gives; at its front the applied ones,
// each with the value that its txid replaced, for readers of older txids. Applying a txid swaps its
// values with the entries' and moves the border between the two; nothing is copied, and nothing is
// allocated once the queue has its length.
#ifndef TRIDENT_STATE_MAP_CHANGE_LOG_H_
#define TRIDENT_STATE_MAP_CHANGE_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/ids.h"
#include "state/map/hot_table.h"
#include "state/map/short_txid.h"

namespace trident {

template <class V>
struct Change {
  uint32_t slot = kNone;      // kNone: a gap, to be skipped
  uint32_t previous = kNone;  // older change of the slot, on the same side of the border
  ShortTxId txid;             // that made the change
  Presence presence = Presence::kAbsent;
  // TxChanges::delta_rows has the rows of this change; else it needs one of its own in the redo.
  bool in_delta_rows = false;
  int8_t adds = 0;  // 1, 0 or -1: by how many keys the whole txid changes their number
  V value{};
};

// One txid of the queue.
struct TxChanges {
  TxId txid;
  Attempt attempt;
  uint32_t begin = 0;  // positions of its changes
  uint32_t end = 0;
  int64_t keys = 0;          // staged: how many it adds; applied: how many there are after it
  uint64_t checksum = 0;     // of the partition after this txid, once its redo was written
  std::string delta_rows;    // one redo row for each delta; the changes hold only their sum
  uint32_t delta_count = 0;  // rows in delta_rows
};

// Positions count up through the life of the partition and wrap around; only differences between
// them matter. Not thread-safe; MapPartition says which thread may look at what.
template <class V>
class ChangeLog {
 public:
  ChangeLog() : chunks_(kFirstChunks), txs_(kFirstTxs) {}

  Change<V>& at(uint32_t position) {
    return chunks_[position / kChunk & (chunks_.size() - 1)][position % kChunk];
  }
  const Change<V>& at(uint32_t position) const {
    return chunks_[position / kChunk & (chunks_.size() - 1)][position % kChunk];
  }
  uint32_t front() const { return front_; }
  uint32_t border() const { return border_; }
  uint32_t end() const { return end_; }
  uint32_t applied_changes() const { return border_ - front_; }
  uint32_t staged_changes() const { return end_ - border_; }

  // True if `position` is a staged change. REQUIRES: it is kNone or has been one of late.
  bool IsStaged(uint32_t position) const {
    return position != kNone && position - border_ < end_ - border_;
  }
  // True if `position` is an applied change of `slot` that is not released yet. It may be
  // arbitrarily old: if its place was given to another change, that one is of another slot or is
  // not applied.
  bool IsApplied(uint32_t position, uint32_t slot) const {
    return position != kNone && position - front_ < border_ - front_ && at(position).slot == slot;
  }
  // The applied change of the same slot that is older than `position`, or kNone.
  uint32_t OlderApplied(uint32_t position) const {
    const Change<V>& change = at(position);
    const uint32_t older = change.previous;
    const bool there = IsApplied(older, change.slot) && older - front_ < position - front_;
    return there ? older : kNone;
  }

  bool HasRoomFor(size_t changes) const { return end_ - front_ + changes + kChunk < Capacity(); }
  // Moves changes that readers may be looking at.
  void MakeRoomFor(size_t changes);
  // The position of a new staged change. REQUIRES: HasRoomFor(1).
  uint32_t Append(Change<V> change);
  // Forgets the changes from `position` on, which is not before the border.
  void TruncateTo(uint32_t position);
  void MoveBorder(uint32_t position) { border_ = position; }
  // Forgets the changes before `position`, which is not beyond the border.
  void ReleaseTo(uint32_t position);

  // ---- the txids of these changes, oldest first ----
  uint32_t txs() const { return tx_count_; }
  TxChanges& tx(uint32_t i) { return txs_[(tx_front_ + i) & (txs_.size() - 1)]; }
  const TxChanges& tx(uint32_t i) const { return txs_[(tx_front_ + i) & (txs_.size() - 1)]; }
  TxChanges& PushTx(TxId txid, Attempt attempt);
  // Gives the memory of the txid's delta rows to the next txid. REQUIRES: its redo is written.
  void RetireRows(TxChanges& tx) { spare_rows_ = std::exchange(tx.delta_rows, {}); }
  void PopFrontTx() {
    ++tx_front_;
    --tx_count_;
  }
  void PopBackTx() { --tx_count_; }

  // Memory of the redo rows of deltas, which are kept until they are written.
  size_t delta_row_bytes() const {
    size_t bytes = 0;
    for (uint32_t i = 0; i < tx_count_; ++i) bytes += tx(i).delta_rows.capacity();
    return bytes;
  }
  // Memory that is kept for the changes to come.
  size_t spare_bytes() const {
    const size_t changes = size_t{allocated_chunks_} * kChunk - (end_ - front_);
    return changes * sizeof(Change<V>) + spare_rows_.capacity();
  }

 private:
  static constexpr uint32_t kChunk = 128;
  static constexpr uint32_t kFirstChunks = 4;
  static constexpr uint32_t kFirstTxs = 8;
  static constexpr size_t kSpareChunks = 2;
  // Shortly before the wrap, so that no run goes without one.
  static constexpr uint32_t kFirstPosition = 0u - 1000;
  using Chunk = std::unique_ptr<Change<V>[]>;

  uint32_t Capacity() const { return static_cast<uint32_t>(chunks_.size()) * kChunk; }
  Chunk& ChunkOf(uint32_t position) { return chunks_[position / kChunk & (chunks_.size() - 1)]; }
  uint32_t Place(Change<V> change);
  void Retire(Chunk& chunk);

  std::vector<Chunk> chunks_;  // a ring; a power of two
  std::vector<Chunk> spare_;
  std::vector<TxChanges> txs_;  // a ring; a power of two
  std::string spare_rows_;
  size_t allocated_chunks_ = 0;
  uint32_t front_ = kFirstPosition;
  uint32_t border_ = kFirstPosition;
  uint32_t end_ = kFirstPosition;
  uint32_t tx_front_ = 0;
  uint32_t tx_count_ = 0;
};

template <class V>
void ChangeLog<V>::MakeRoomFor(size_t changes) {
  while (!HasRoomFor(changes)) {
    std::vector<Chunk> wider(chunks_.size() * 2);
    const uint32_t first = front_ / kChunk;
    for (uint32_t i = 0; i < chunks_.size(); ++i) {
      const uint32_t number = first + i;
      wider[number & (wider.size() - 1)] = std::move(chunks_[number & (chunks_.size() - 1)]);
    }
    chunks_ = std::move(wider);
  }
}

template <class V>
uint32_t ChangeLog<V>::Append(Change<V> change) {
  if (end_ == kNone) Place(Change<V>{});  // no change may stand where kNone points
  return Place(std::move(change));
}

template <class V>
uint32_t ChangeLog<V>::Place(Change<V> change) {
  Chunk& chunk = ChunkOf(end_);
  if (chunk == nullptr) {
    if (spare_.empty()) {
      chunk = std::make_unique<Change<V>[]>(kChunk);
      ++allocated_chunks_;
    } else {
      chunk = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  chunk[end_ % kChunk] = std::move(change);
  return end_++;
}

template <class V>
void ChangeLog<V>::TruncateTo(uint32_t position) {
  if constexpr (kHoldsHeap<V>) {
    for (uint32_t p = position; p != end_; ++p) FreeValue(at(p).value);
  }
  end_ = position;
}

template <class V>
void ChangeLog<V>::ReleaseTo(uint32_t position) {
  if constexpr (kHoldsHeap<V>) {
    for (uint32_t p = front_; p != position; ++p) FreeValue(at(p).value);
  }
  // Neither the border nor the end stands in a chunk that lies wholly before `position`.
  for (uint32_t p = front_ / kChunk * kChunk; p != position / kChunk * kChunk; p += kChunk) {
    Retire(ChunkOf(p));
  }
  front_ = position;
}

template <class V>
void ChangeLog<V>::Retire(Chunk& chunk) {
  if (spare_.size() < kSpareChunks + allocated_chunks_ / 8) {
    spare_.push_back(std::move(chunk));
  } else {
    --allocated_chunks_;
  }
  chunk = nullptr;
}

template <class V>
TxChanges& ChangeLog<V>::PushTx(TxId txid, Attempt attempt) {
  if (tx_count_ == txs_.size()) {
    std::vector<TxChanges> wider(txs_.size() * 2);
    for (uint32_t i = 0; i < tx_count_; ++i) wider[i] = std::move(tx(i));
    txs_ = std::move(wider);
    tx_front_ = 0;
  }
  TxChanges& pushed = tx(tx_count_++);
  pushed.txid = txid;
  pushed.attempt = attempt;
  pushed.begin = pushed.end = end_;
  pushed.keys = 0;
  pushed.checksum = 0;
  pushed.delta_rows = std::exchange(spare_rows_, {});
  pushed.delta_rows.clear();
  pushed.delta_count = 0;
  return pushed;
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_CHANGE_LOG_H_
