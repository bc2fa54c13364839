// SPDX-License-Identifier: Apache-2.0
//
// How a spout wakes the driver of its task: what wake-ups from any thread leave behind. A part of
// SpoutDriver, for its source alone.
#ifndef TRIDENT_ENGINE_SPOUT_DRIVER_WAKE_UPS_H_
#define TRIDENT_ENGINE_SPOUT_DRIVER_WAKE_UPS_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "engine/spout_driver.h"

namespace trident {

// Rings as long as there is a driver: spouts keep what they are given, and may ring while the
// driver ends. Thread-safe.
class SpoutDriver::Bell {
 public:
  explicit Bell(WakeUp wake_up) : wake_up_(std::move(wake_up)) {}
  void Ring() {
    MutexLock lock(mutex_);
    if (wake_up_) wake_up_();
  }
  // Waits for a Ring that has begun; later ones do nothing.
  void Silence() {
    MutexLock lock(mutex_);
    wake_up_ = nullptr;
  }

 private:
  Mutex mutex_;
  WakeUp wake_up_ TRIDENT_GUARDED_BY(mutex_);
};

// Which partitions were woken since it was asked last. Wake-ups come from any thread.
class SpoutDriver::WokenPartitions {
 public:
  void Add(size_t partition) {
    MutexLock lock(mutex_);
    if (partition >= is_woken_.size()) is_woken_.resize(partition + 1);
    if (is_woken_[partition]) return;
    is_woken_[partition] = true;
    woken_.push_back(partition);
  }
  std::vector<size_t> Take() {
    MutexLock lock(mutex_);
    for (size_t partition : woken_) is_woken_[partition] = false;
    return std::exchange(woken_, {});
  }

 private:
  Mutex mutex_;
  std::vector<size_t> woken_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<bool> is_woken_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_SPOUT_DRIVER_WAKE_UPS_H_
