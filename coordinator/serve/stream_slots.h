// SPDX-License-Identifier: Apache-2.0
//
// StreamSlots: how many long answers (scans, watches) may be open at once, and the end of those
// that nobody reads.
#ifndef TRIDENT_COORDINATOR_SERVE_STREAM_SLOTS_H_
#define TRIDENT_COORDINATOR_SERVE_STREAM_SLOTS_H_

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"

namespace trident {

// Thread-safe.
class StreamSlots {
 public:
  struct Options {
    std::string noun;  // "scans", for messages
    int64_t streams_max = 0;
    Nanos stall_max = 0;  // a write that its client does not take for so long ends the stream
  };

  // One open stream. Leaves its place when destroyed. Not thread-safe.
  class Slot {
   public:
    Slot() = default;
    ~Slot() { Leave(); }
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&& other) noexcept;
    void WriteBegins();
    void WriteEnds();
    void Leave();

   private:
    friend class StreamSlots;
    struct Entry {
      std::function<void()> cut_off;
      Nanos write_began = 0;  // 0: none is under way
    };
    StreamSlots* slots_ = nullptr;
    std::list<Entry>::iterator entry_;
  };

  // `clock` must outlive this.
  StreamSlots(const Clock& clock, Options options);
  ~StreamSlots();  // REQUIRES: every slot was left
  StreamSlots(const StreamSlots&) = delete;
  StreamSlots& operator=(const StreamSlots&) = delete;

  // ResourceExhausted when all places are taken. `cut_off` is called, at most once and never after
  // the slot was left, when the client stalls; it must not block nor leave the slot itself.
  StatusOr<Slot> Enter(std::function<void()> cut_off);
  int64_t open() const;

 private:
  void Sweep();
  void CutOffStalled() TRIDENT_REQUIRES(mutex_);

  const Clock& clock_;
  const Options options_;
  mutable Mutex mutex_;
  CondVar changed_;  // a first stream is there, or it is over
  std::list<Slot::Entry> entries_ TRIDENT_GUARDED_BY(mutex_);
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::thread sweeper_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_STREAM_SLOTS_H_
