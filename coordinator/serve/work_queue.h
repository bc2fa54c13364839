// SPDX-License-Identifier: Apache-2.0
//
// WorkQueue: a few threads for work that would hold up the network's threads.
#ifndef TRIDENT_COORDINATOR_SERVE_WORK_QUEUE_H_
#define TRIDENT_COORDINATOR_SERVE_WORK_QUEUE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace trident {

// Thread-safe. Tasks begin in the order in which they were posted.
class WorkQueue {
 public:
  using Task = std::function<void()>;

  explicit WorkQueue(int32_t threads);
  ~WorkQueue();  // runs what was posted, then returns
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // For tasks that something else keeps few, such as the next step of an admitted stream.
  void Post(Task task);
  // False, and nothing is posted, when `waiting_max` tasks wait.
  bool TryPost(Task task, int64_t waiting_max);

 private:
  void Work();

  Mutex mutex_;
  CondVar posted_;
  std::deque<Task> tasks_ TRIDENT_GUARDED_BY(mutex_);
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;  // constant after construction
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_WORK_QUEUE_H_
