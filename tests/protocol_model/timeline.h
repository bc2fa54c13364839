// SPDX-License-Identifier: Apache-2.0
//
// Simulated time, and a network that loses, repeats and delays. One thread; what happens at the
// same time happens in the order in which it was planned.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_TIMELINE_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_TIMELINE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/rng.h"
#include "tests/protocol_model/options.h"

namespace trident::model {

class Timeline {
 public:
  explicit Timeline(const Options& options)
      : options_(options), rng_(Mix64(options.seed ^ 0x74696d65)) {}

  Nanos now() const { return now_; }
  Rng& rng() { return rng_; }
  bool faulty() const { return now_ < options_.faults_last; }

  void After(Nanos delay, std::function<void()> what) {
    plans_.push_back({now_ + delay, next_++, std::move(what)});
    std::push_heap(plans_.begin(), plans_.end(), Later);
  }

  // A message on its way to whatever `deliver` does with it.
  void Send(std::function<void()> deliver) {
    if (faulty() && rng_.Chance(options_.lost)) return;
    if (faulty() && rng_.Chance(options_.repeated)) After(Delay(), deliver);
    After(Delay(), std::move(deliver));
  }

  // Of a message or a write: half a millisecond on average, and now and then longer than a
  // deadline.
  Nanos Delay() {
    if (faulty() && rng_.Chance(options_.late)) {
      return static_cast<Nanos>(rng_.Below(80 * kMillisecond));
    }
    return static_cast<Nanos>(rng_.Below(kMillisecond));
  }

  // Does what is planned next. False when nothing is.
  bool Advance() {
    if (plans_.empty()) return false;
    std::pop_heap(plans_.begin(), plans_.end(), Later);
    Plan plan = std::move(plans_.back());
    plans_.pop_back();
    now_ = plan.at;
    plan.what();
    return true;
  }

 private:
  struct Plan {
    Nanos at;
    uint64_t order;
    std::function<void()> what;
  };
  static bool Later(const Plan& a, const Plan& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  const Options& options_;
  Rng rng_;
  Nanos now_ = 0;
  uint64_t next_ = 0;
  std::vector<Plan> plans_;  // a heap
};

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_TIMELINE_H_
