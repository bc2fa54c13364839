// SPDX-License-Identifier: Apache-2.0
#include "state/state_group.h"

namespace trident {

TxId StateGroup::FoldedUpTo() const {
  TxId least = timeline_.published();
  for (const StatePartition* partition : partitions_) {
    least = std::min(least, partition->marker().txid);
  }
  return least;
}

void StateGroup::Retain(std::string_view holder, TxId keep_after) {
  MutexLock lock(mutex_);
  retained_.insert_or_assign(std::string(holder), keep_after);
}

void StateGroup::Release(std::string_view holder) {
  MutexLock lock(mutex_);
  if (auto found = retained_.find(holder); found != retained_.end()) retained_.erase(found);
}

TxId StateGroup::RedoNotNeededUpTo() const {
  TxId up_to = FoldedUpTo();
  MutexLock lock(mutex_);
  for (const auto& [holder, keep_after] : retained_) up_to = std::min(up_to, keep_after);
  return up_to;
}

}  // namespace trident
