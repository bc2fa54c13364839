// SPDX-License-Identifier: Apache-2.0
//
// MemoryBudget: the one number `memory_bytes`, how it is shared, and how full the state's share is.
#ifndef TRIDENT_STATE_DISK_MEMORY_BUDGET_H_
#define TRIDENT_STATE_DISK_MEMORY_BUDGET_H_

#include <atomic>
#include <cstdint>

#include "base/limits.h"

namespace trident {

// How `memory_bytes` is divided, in bytes. The parts add up to the whole.
struct MemoryShares {
  uint64_t state;          // hot tables: entries, keys, staged and previous values, a fold's rows
  uint64_t block_cache;    // of the durable store
  uint64_t write_buffers;  // of the durable store
  uint64_t exchange;       // batches on their way
};
// `memory_bytes` below kMemoryBytesMin counts as kMemoryBytesMin.
MemoryShares ShareMemory(uint64_t memory_bytes);

// What the one who cuts batches should do.
enum class Pressure : uint8_t {
  kNone,
  kFold,  // go on; a fold is due
  kStop,  // cut no new batch until a fold has made room
};

// Counts what the hot tables hold, by what can be done about it. Thread-safe; the counters are
// exact to kAccountingSlackBytes a partition, because each partition reports in steps.
class MemoryBudget {
 public:
  // What a byte is held for.
  struct Use {
    int64_t entries = 0;   // keys, values and index of all entries, dirty ones included
    int64_t dirty = 0;     // of these: committed but not folded yet
    int64_t idle = 0;      // of what is gone, kept for what comes to the same partition
    int64_t versions = 0;  // previous values, for readers
    int64_t staged = 0;    // changes of undecided txids
    int64_t folding = 0;   // rows that a fold is sorting

    int64_t total() const { return entries + idle + versions + staged + folding; }
    Use Minus(const Use& o) const {
      return {entries - o.entries,   dirty - o.dirty,   idle - o.idle,
              versions - o.versions, staged - o.staged, folding - o.folding};
    }
    // True if any part is `slack` or more away from the other's.
    bool DiffersBy(int64_t slack, const Use& o) const {
      auto far = [slack](int64_t a, int64_t b) { return a - b >= slack || b - a >= slack; };
      return far(entries, o.entries) || far(idle, o.idle) || far(dirty, o.dirty) ||
             far(versions, o.versions) || far(staged, o.staged) || far(folding, o.folding);
    }
  };

  explicit MemoryBudget(uint64_t state_bytes) : limit_(static_cast<int64_t>(state_bytes)) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  void Add(const Use& change) {
    entries_.fetch_add(change.entries, std::memory_order_relaxed);
    idle_.fetch_add(change.idle, std::memory_order_relaxed);
    dirty_.fetch_add(change.dirty, std::memory_order_relaxed);
    versions_.fetch_add(change.versions, std::memory_order_relaxed);
    staged_.fetch_add(change.staged, std::memory_order_relaxed);
    folding_.fetch_add(change.folding, std::memory_order_relaxed);
  }
  Use use() const;
  int64_t limit() const { return limit_; }

  // Clean entries should give way, so that other partitions get their memory.
  bool MustEvict() const { return InUse() > limit_; }
  // Else a partition should not grow by so much, but use again what its evicted entries had.
  bool HasRoomFor(uint64_t bytes) const {
    const int64_t idle = idle_.load(std::memory_order_relaxed);
    return InUse() + idle + static_cast<int64_t>(bytes) <= limit_;
  }
  // Three quarters are taken: memory that is free should not be kept from the system.
  bool IsTight() const { return !HasRoomFor(static_cast<uint64_t>(limit_) / 4); }
  // Previous values take more than their quarter.
  bool VersionsOverShare() const { return versions_.load(std::memory_order_relaxed) > limit_ / 4; }
  // Two fifths of the share wait to be folded.
  bool FoldIsDue() const { return dirty_.load(std::memory_order_relaxed) > limit_ * 2 / 5; }
  Pressure pressure() const;

 private:
  int64_t InUse() const {
    return entries_.load(std::memory_order_relaxed) + versions_.load(std::memory_order_relaxed) +
           staged_.load(std::memory_order_relaxed) + folding_.load(std::memory_order_relaxed);
  }

  const int64_t limit_;
  std::atomic<int64_t> entries_{0};
  std::atomic<int64_t> idle_{0};
  std::atomic<int64_t> dirty_{0};
  std::atomic<int64_t> versions_{0};
  std::atomic<int64_t> staged_{0};
  std::atomic<int64_t> folding_{0};
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_MEMORY_BUDGET_H_
