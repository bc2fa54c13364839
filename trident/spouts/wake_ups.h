// SPDX-License-Identifier: Apache-2.0
//
// WakeUps: who is to be woken when something comes.
#ifndef TRIDENT_TRIDENT_SPOUTS_WAKE_UPS_H_
#define TRIDENT_TRIDENT_SPOUTS_WAKE_UPS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "base/mutex.h"
#include "engine/spout.h"

namespace trident {

// Thread-safe. Handles may outlive the object.
class WakeUps {
 public:
  // Until the result is destroyed, which waits for a call that is under way.
  std::shared_ptr<const void> Add(WakeUp wake_up) {
    MutexLock lock(list_->mutex);
    const uint64_t number = list_->next++;
    list_->all[number] = std::move(wake_up);
    return std::shared_ptr<const void>(list_.get(), [list = list_, number](const void*) {
      MutexLock removing(list->mutex);
      list->all.erase(number);
    });
  }
  void WakeAll() const {
    MutexLock lock(list_->mutex);
    for (const auto& [number, wake_up] : list_->all) wake_up();
  }

 private:
  struct List {
    Mutex mutex;
    uint64_t next TRIDENT_GUARDED_BY(mutex) = 0;
    std::map<uint64_t, WakeUp> all TRIDENT_GUARDED_BY(mutex);
  };
  const std::shared_ptr<List> list_ = std::make_shared<List>();
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_WAKE_UPS_H_
