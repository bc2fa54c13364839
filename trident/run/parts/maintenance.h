// SPDX-License-Identifier: Apache-2.0
//
// Maintenance: folds committed changes into the base while batches run, and tells who cuts batches
// when there is no room for more. Has a thread of its own once it is started; without, RunOnce does
// its work.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_MAINTENANCE_H_
#define TRIDENT_TRIDENT_RUN_PARTS_MAINTENANCE_H_

#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "state/state_store.h"
#include "trident/run/parts/side_marks.h"

namespace trident {

class Maintenance {
 public:
  struct Callbacks {
    SideMarks* marks = nullptr;     // for its thread; may be null
    std::function<void()> hold;     // no room: cut no new batch
    std::function<void()> release;  // there is room again
    // A fold failed, or the state is not where it was; the store takes no writes any more.
    std::function<void(const Status&)> failed;
    std::function<void()> folded;  // a slice was folded; old decisions may go
  };
  // Everything given must outlive it.
  Maintenance(StateStore& states, const Clock& clock, Callbacks callbacks);
  ~Maintenance();  // Stop()

  void Start();
  void Stop();

  // Looks for what is due and folds one slice of it. False when nothing was due, or `failed` was
  // called. By one thread at a time.
  bool RunOnce();

  // Looks whether there is room. Whoever takes memory calls it as well, because a fold can take
  // long and in this time many batches would be cut. Any thread.
  void WatchPressure();

 private:
  void Run();
  bool Sleep(Nanos duration);
  bool IsDue();
  Status CheckPlace();
  // Ok; or it is told that the store takes no writes any more.
  bool Held(const Status& status);

  StateStore& states_;
  const Clock& clock_;
  const Callbacks callbacks_;

  // Of whoever calls RunOnce.
  bool failed_ = false;
  bool idle_fold_ = false;  // folds because nothing else was to be done
  Nanos quiet_since_;       // when something was folded last
  Nanos place_due_ = 0;     // when it is looked again whether the state is where it was

  Mutex pressure_mutex_;
  bool holding_ TRIDENT_GUARDED_BY(pressure_mutex_) = false;

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_MAINTENANCE_H_
