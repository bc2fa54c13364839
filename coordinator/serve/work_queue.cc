// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/work_queue.h"

#include <utility>

namespace trident {

WorkQueue::WorkQueue(int32_t threads) {
  for (int32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

WorkQueue::~WorkQueue() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    posted_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void WorkQueue::Post(Task task) {
  {
    MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  posted_.NotifyOne();
}

bool WorkQueue::TryPost(Task task, int64_t waiting_max) {
  {
    MutexLock lock(mutex_);
    if (static_cast<int64_t>(tasks_.size()) >= waiting_max) return false;
    tasks_.push_back(std::move(task));
  }
  posted_.NotifyOne();
  return true;
}

void WorkQueue::Work() {
  while (true) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (!stopped_ && tasks_.empty()) posted_.Wait(mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace trident
