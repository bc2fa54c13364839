// SPDX-License-Identifier: Apache-2.0
#include "state/map/memory_account.h"

#include "base/check.h"

namespace trident {

void MemoryAccount::Report(const Holdings& held, int64_t slack) {
  for (const int64_t heap : heap_) {
    TRIDENT_CHECK_GE(heap, 0) << "values gave back more memory than they had";
  }
  MemoryBudget::Use now;
  now.entries = static_cast<int64_t>(held.entries) + HeapOf(ValuePlace::kEntry);
  if (held.keys > 0) {
    now.dirty = static_cast<int64_t>(static_cast<uint64_t>(now.entries) * held.dirty / held.keys);
  }
  now.idle = static_cast<int64_t>(held.idle);
  now.versions = static_cast<int64_t>(held.previous) + HeapOf(ValuePlace::kPrevious);
  now.staged = static_cast<int64_t>(held.staged) + HeapOf(ValuePlace::kStaged);
  dirty_bytes_.store(static_cast<uint64_t>(now.dirty), std::memory_order_relaxed);
  if (!now.DiffersBy(slack, reported_)) return;
  budget_.Add(now.Minus(reported_));
  reported_ = now;
}

}  // namespace trident
