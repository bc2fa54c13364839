// SPDX-License-Identifier: Apache-2.0
//
// A mutex that clang's -Wthread-safety understands, over std::mutex (the packaged absl::Mutex is
// not instrumented, so ThreadSanitizer reports races that are not there).
#ifndef TRIDENT_BASE_MUTEX_H_
#define TRIDENT_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#if defined(__clang__)
#define TRIDENT_ANNOTATE(x) __attribute__((x))
#else
#define TRIDENT_ANNOTATE(x)
#endif
#define TRIDENT_CAPABILITY(x) TRIDENT_ANNOTATE(capability(x))
#define TRIDENT_SCOPED_CAPABILITY TRIDENT_ANNOTATE(scoped_lockable)
#define TRIDENT_GUARDED_BY(x) TRIDENT_ANNOTATE(guarded_by(x))
#define TRIDENT_PT_GUARDED_BY(x) TRIDENT_ANNOTATE(pt_guarded_by(x))
#define TRIDENT_REQUIRES(...) TRIDENT_ANNOTATE(requires_capability(__VA_ARGS__))
#define TRIDENT_REQUIRES_SHARED(...) TRIDENT_ANNOTATE(requires_shared_capability(__VA_ARGS__))
#define TRIDENT_EXCLUDES(...) TRIDENT_ANNOTATE(locks_excluded(__VA_ARGS__))
#define TRIDENT_ACQUIRE(...) TRIDENT_ANNOTATE(acquire_capability(__VA_ARGS__))
#define TRIDENT_ACQUIRE_SHARED(...) TRIDENT_ANNOTATE(acquire_shared_capability(__VA_ARGS__))
#define TRIDENT_RELEASE(...) TRIDENT_ANNOTATE(release_capability(__VA_ARGS__))
#define TRIDENT_RELEASE_SHARED(...) TRIDENT_ANNOTATE(release_shared_capability(__VA_ARGS__))
#define TRIDENT_TRY_ACQUIRE(...) TRIDENT_ANNOTATE(try_acquire_capability(__VA_ARGS__))
#define TRIDENT_NO_THREAD_SAFETY_ANALYSIS TRIDENT_ANNOTATE(no_thread_safety_analysis)

namespace trident {

class TRIDENT_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void Lock() TRIDENT_ACQUIRE() { mutex_.lock(); }
  void Unlock() TRIDENT_RELEASE() { mutex_.unlock(); }
  bool TryLock() TRIDENT_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class TRIDENT_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TRIDENT_ACQUIRE(mutex) : mutex_(mutex) { mutex_.Lock(); }
  ~MutexLock() TRIDENT_RELEASE() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits may wake without cause: always wait in a loop that checks the condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) TRIDENT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    cond_.wait(lock);
    lock.release();
  }
  // False when `timeout_nanos` passed first.
  bool WaitFor(Mutex& mutex, int64_t timeout_nanos) TRIDENT_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    bool woken =
        cond_.wait_for(lock, std::chrono::nanoseconds(timeout_nanos)) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void NotifyOne() { cond_.notify_one(); }
  void NotifyAll() { cond_.notify_all(); }

 private:
  std::condition_variable cond_;
};

}  // namespace trident

#endif  // TRIDENT_BASE_MUTEX_H_
