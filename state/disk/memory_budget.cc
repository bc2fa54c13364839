// SPDX-License-Identifier: Apache-2.0
#include "state/disk/memory_budget.h"

#include <algorithm>

namespace trident {

MemoryShares ShareMemory(uint64_t memory_bytes) {
  const uint64_t whole = std::max<uint64_t>(memory_bytes, kMemoryBytesMin);
  MemoryShares shares;
  shares.block_cache = whole / 8;
  shares.write_buffers = whole / 8;
  shares.exchange = whole / 8;
  shares.state = whole - shares.block_cache - shares.write_buffers - shares.exchange;
  return shares;
}

MemoryBudget::Use MemoryBudget::use() const {
  Use now;
  now.entries = entries_.load(std::memory_order_relaxed);
  now.dirty = dirty_.load(std::memory_order_relaxed);
  now.idle = idle_.load(std::memory_order_relaxed);
  now.versions = versions_.load(std::memory_order_relaxed);
  now.staged = staged_.load(std::memory_order_relaxed);
  now.folding = folding_.load(std::memory_order_relaxed);
  return now;
}

Pressure MemoryBudget::pressure() const {
  const Use now = use();
  const int64_t cannot_give_way = now.dirty + now.versions + now.staged + now.folding;
  if (cannot_give_way > limit_ * 3 / 4) return Pressure::kStop;
  return FoldIsDue() ? Pressure::kFold : Pressure::kNone;
}

}  // namespace trident
