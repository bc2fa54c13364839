// SPDX-License-Identifier: Apache-2.0
//
// Maintenance: the thread that folds committed changes into the base while batches run, and tells
// who cuts batches when there is no room for more.
#ifndef TRIDENT_TRIDENT_RUN_MAINTENANCE_H_
#define TRIDENT_TRIDENT_RUN_MAINTENANCE_H_

#include <functional>
#include <thread>

#include "base/mutex.h"
#include "state/state_store.h"

namespace trident {

class Maintenance {
 public:
  struct Callbacks {
    std::function<void()> hold;                 // no room: cut no new batch
    std::function<void()> release;              // there is room again
    std::function<void(const Status&)> failed;  // a fold failed; the store takes no writes any more
    std::function<void()> folded;               // a slice was folded; old decisions may go
  };
  Maintenance(StateStore& states, Callbacks callbacks);
  ~Maintenance();

 private:
  void Run();
  bool Sleep(Nanos duration);
  void WatchPressure();

  StateStore& states_;
  const Callbacks callbacks_;
  bool holding_ = false;  // of the thread
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_MAINTENANCE_H_
