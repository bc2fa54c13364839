// SPDX-License-Identifier: Apache-2.0
//
// Time for a state machine that learns it only from Ticks. Between two Ticks time stands still, so
// whatever starts then starts to count at the next one.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_TIMERS_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_TIMERS_H_

#include "base/clock.h"

namespace trident {

// Runs for a length of time from the first Tick after Start. Never over before its length has
// passed.
class Countdown {
 public:
  void Start(Nanos length) {
    length_ = length;
    state_ = length > 0 ? State::kWaitsForTick : State::kIdle;
  }
  void Clear() { state_ = State::kIdle; }
  void OnTick(Nanos now) {
    if (state_ == State::kWaitsForTick) {
      state_ = State::kRuns;
      due_ = now + length_;
    }
    if (state_ == State::kRuns && now >= due_) state_ = State::kIdle;
  }
  bool running() const { return state_ != State::kIdle; }
  // When a Tick is wanted, given the last one. REQUIRES: running().
  Nanos due(Nanos last_tick) const { return state_ == State::kRuns ? due_ : last_tick; }

 private:
  enum class State { kIdle, kWaitsForTick, kRuns };
  State state_ = State::kIdle;
  Nanos length_ = 0;
  Nanos due_ = 0;
};

// Notices that nothing has moved for a length of time. Looks once a length, so it may take up to
// two.
class ProgressWatch {
 public:
  explicit ProgressWatch(Nanos length) : length_(length) {}

  void Moved() { moved_ = true; }
  // Whether nothing has moved since a Tick that is `length` ago.
  bool ExpiredAt(Nanos now) {
    if (moved_) {
      moved_ = false;
      since_ = now;
    }
    return now - since_ >= length_;
  }
  Nanos due() const { return since_ + length_; }

 private:
  const Nanos length_;
  Nanos since_ = 0;  // of the Tick that noticed the last move
  bool moved_ = true;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_TIMERS_H_
