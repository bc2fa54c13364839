// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/epoch_reads.h"

namespace trident {

void EpochReads::Welcomed(const Welcome& welcome) {
  std::map<WorkerId, std::shared_ptr<PartReads>> old;  // ends connections, so without the lock
  MutexLock lock(mutex_);
  welcome_ = welcome;
  old.swap(far_);
}

std::shared_ptr<PartReads> EpochReads::PartOf(Epoch epoch, WorkerId worker) {
  if (worker == self_) return own_;
  MutexLock lock(mutex_);
  if (welcome_.epoch != epoch) return nullptr;
  if (const auto known = far_.find(worker); known != far_.end()) return known->second;
  for (const Welcome::Worker& each : welcome_.workers) {
    if (each.worker == worker) return far_[worker] = reach_(each.exchange_address);
  }
  return nullptr;
}

std::string EpochReads::AddressOf(WorkerId worker) const {
  MutexLock lock(mutex_);
  for (const Welcome::Worker& each : welcome_.workers) {
    if (each.worker == worker) return each.exchange_address;
  }
  return "";
}

}  // namespace trident
