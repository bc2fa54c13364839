// SPDX-License-Identifier: Apache-2.0
//
// ScanOrders: the order of the changed keys, for the later pages of a scan. Memory holds the
// changed keys of a partition in no order. The first page of a scan looks through them all; for the
// second one they are sorted, and the order is kept for the pages that follow.
//
// An order is right for one generation of the partition. The generation moves when a fold begins,
// because the base will get changes that an earlier order does not list; when the fold has ended;
// and before any value in memory comes to lie over another base or is combined with its base.
#ifndef TRIDENT_STATE_MAP_SCAN_ORDERS_H_
#define TRIDENT_STATE_MAP_SCAN_ORDERS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"

namespace trident {

// The slots of all keys in which the base of this generation may differ from txid `at`, in key
// order. While the order is current, no such key leaves memory: it is dirty, or it was changed
// after `at`.
struct ScanOrder {
  TxId at;
  uint64_t generation = 0;
  std::vector<uint32_t> slots;
};

// Owned by a MapPartition, whose read lock guards all but bytes(). An order that was handed out is
// constant, and may be looked at by any thread.
class ScanOrders {
 public:
  // Scans at so many txids may go on side by side and keep their orders.
  static constexpr size_t kOrdersMax = 4;

  uint64_t generation() const { return generation_; }
  // Drops the kept orders, too.
  void NextGeneration();

  // Notes that a page at `at` is being read. True if one of the last pages was at `at` too.
  bool NotePage(TxId at);
  // True if the order is of this generation, and its txid is not below `oldest`, the oldest
  // readable one.
  bool IsCurrent(const ScanOrder& order, TxId oldest) const {
    return order.generation == generation_ && order.at >= oldest;
  }
  // The order that is kept for `at`, if it is current; else null.
  std::shared_ptr<const ScanOrder> Find(TxId at, TxId oldest) const;
  // Keeps `order`; if there are kOrdersMax, in place of the one that was not found for the longest
  // time. REQUIRES: it is of this generation.
  void Keep(std::shared_ptr<const ScanOrder> order);
  // Drops the orders whose txid is below `oldest`.
  void DropUnreadable(TxId oldest);

  // Memory of the kept orders. Any thread, without a lock.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  void CountBytes();

  uint64_t generation_ = 0;
  std::array<TxId, 2 * kOrdersMax> pages_at_;  // those of the last pages, each once, newest first
  // Newest first. Find moves what it finds to the front.
  mutable std::vector<std::shared_ptr<const ScanOrder>> kept_;
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_SCAN_ORDERS_H_
