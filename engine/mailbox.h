// SPDX-License-Identifier: Apache-2.0
//
// Mailbox: how other threads hand work to an executor. What waits is bounded by what the protocol
// lets be in flight (max_pending batches, and what their steps make of them), so senders never
// block and no two executors can wait for each other.
#ifndef TRIDENT_ENGINE_MAILBOX_H_
#define TRIDENT_ENGINE_MAILBOX_H_

#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "engine/transport/message.h"
#include "engine/transport/words.h"

namespace trident {

// Input may have come for this spout task.
struct PollEmitter {
  EmitterId emitter;
};

// What an executor is told.
using Control = std::variant<WordToWorker, PollEmitter>;

// Many writers, one reader. Thread-safe.
class Mailbox {
 public:
  void Put(Control control) {
    bool wakes = false;
    {
      MutexLock lock(mutex_);
      controls_.push_back(std::move(control));
      wakes = std::exchange(waiting_, false);
    }
    // Not under the mutex: else the reader would wake only to sleep again on it.
    if (wakes) cond_.NotifyOne();
  }
  void Put(DataMessage message) {
    bool wakes = false;
    {
      MutexLock lock(mutex_);
      messages_.push_back(std::move(message));
      wakes = std::exchange(waiting_, false);
    }
    if (wakes) cond_.NotifyOne();
  }
  // Moves everything into the (empty) vectors given.
  void TakeAll(std::vector<Control>& controls, std::vector<DataMessage>& messages) {
    MutexLock lock(mutex_);
    controls.swap(controls_);
    messages.swap(messages_);
  }
  // Returns when there is something to take, on Interrupt, or after `timeout`.
  void Wait(Nanos timeout) {
    MutexLock lock(mutex_);
    if (!controls_.empty() || !messages_.empty() || interrupted_) return;
    waiting_ = true;
    cond_.WaitFor(mutex_, timeout);
    waiting_ = false;
  }
  void Interrupt() {
    MutexLock lock(mutex_);
    interrupted_ = true;
    cond_.NotifyAll();
  }
  bool interrupted() {
    MutexLock lock(mutex_);
    return interrupted_;
  }

 private:
  Mutex mutex_;
  CondVar cond_;
  std::vector<Control> controls_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<DataMessage> messages_ TRIDENT_GUARDED_BY(mutex_);
  bool waiting_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool interrupted_ TRIDENT_GUARDED_BY(mutex_) = false;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_MAILBOX_H_
