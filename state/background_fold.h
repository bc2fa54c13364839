// SPDX-License-Identifier: Apache-2.0
//
// BackgroundFold: the thread that folds a store as commits go on.
#ifndef TRIDENT_STATE_BACKGROUND_FOLD_H_
#define TRIDENT_STATE_BACKGROUND_FOLD_H_

#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "state/state_store.h"

namespace trident {

// Folds slices while a round is due, and everything once commits have stopped. Starts with its
// construction; the destructor ends it after the slice that is going on. The store must outlive it.
class BackgroundFold {
 public:
  // `on_error` is called once, on the fold's thread; nothing is folded after it.
  BackgroundFold(StateStore& store, std::function<void(const Status&)> on_error);
  ~BackgroundFold();
  BackgroundFold(const BackgroundFold&) = delete;
  BackgroundFold& operator=(const BackgroundFold&) = delete;

  // Looks at once whether there is something to do; cheap, any thread. To be called after a commit
  // when store.pressure() is not kNone.
  void Wake();

 private:
  void Run();
  // False: the destructor has been called.
  bool WaitForWork();
  Status Work();

  StateStore& store_;
  const std::function<void(const Status&)> on_error_;

  Mutex mutex_;
  CondVar changed_;
  bool woken_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool stopping_ TRIDENT_GUARDED_BY(mutex_) = false;

  // The thread's.
  uint64_t commits_seen_ = 0;
  Nanos quiet_since_ = 0;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_BACKGROUND_FOLD_H_
