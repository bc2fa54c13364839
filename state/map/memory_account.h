// SPDX-License-Identifier: Apache-2.0
//
// MemoryAccount: counts the memory that one partition holds, and tells the memory budget.
#ifndef TRIDENT_STATE_MAP_MEMORY_ACCOUNT_H_
#define TRIDENT_STATE_MAP_MEMORY_ACCOUNT_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "base/limits.h"
#include "state/disk/memory_budget.h"

namespace trident {

// Where a value stands that owns memory beside its own sizeof.
enum class ValuePlace : uint8_t {
  kEntry,     // committed
  kPrevious,  // replaced, but kept for readers
  kStaged,    // of an undecided txid
};

// Owned by a MapPartition. Its owner alone uses it, but for dirty_bytes().
class MemoryAccount {
 public:
  // `budget` must outlive the account.
  explicit MemoryAccount(MemoryBudget& budget) : budget_(budget) {}
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  // Values of `place` own so many bytes more (HeapBytes), or less.
  void AddHeap(ValuePlace place, int64_t bytes) { heap_[static_cast<size_t>(place)] += bytes; }

  // What AddHeap has added up to.
  int64_t HeapOf(ValuePlace place) const { return heap_[static_cast<size_t>(place)]; }
  // By how many bytes the values of all places own more than at the last call; 0: not more.
  uint64_t TakeHeapGrowth() {
    const int64_t now = heap_[0] + heap_[1] + heap_[2];
    const int64_t grown = now - std::exchange(heap_seen_, now);
    return grown > 0 ? static_cast<uint64_t>(grown) : 0;
  }

  // The memory that the partition holds, in bytes, without the memory that its values own.
  struct Holdings {
    uint64_t entries = 0;   // of all keys that are in memory, with the lists that name them
    uint64_t previous = 0;  // of changes that readers may ask for
    uint64_t staged = 0;    // of changes of undecided txids
    uint64_t idle = 0;      // allocated, and free for what comes
    uint64_t keys = 0;      // how many keys are in memory
    uint64_t dirty = 0;     // how many of them wait for a fold, or are in one
  };
  // Corrects the counts of the budget, if any of them is wrong by `slack` bytes or more for this
  // partition.
  void Report(const Holdings& held, int64_t slack = kAccountingSlackBytes);

  // Bytes of committed changes that wait for a fold, as of the last Report: the average entry, for
  // each dirty key. Any thread.
  uint64_t dirty_bytes() const { return dirty_bytes_.load(std::memory_order_relaxed); }

 private:
  MemoryBudget& budget_;
  std::array<int64_t, 3> heap_{};  // by ValuePlace
  int64_t heap_seen_ = 0;          // by TakeHeapGrowth
  MemoryBudget::Use reported_;
  std::atomic<uint64_t> dirty_bytes_{0};
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MEMORY_ACCOUNT_H_
