// SPDX-License-Identifier: Apache-2.0
//
// Trial: what everything in one simulated schedule shares: the seed's randomness, simulated time,
// whether faults are still allowed, the first violation, and the digest by which two runs of a seed
// are compared. Outlives the simulated processes.
#ifndef TRIDENT_TESTS_SIM_TRIAL_H_
#define TRIDENT_TESTS_SIM_TRIAL_H_

#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/status.h"
#include "tests/sim/options.h"

namespace trident::sim {

class SimClock final : public Clock {
 public:
  Nanos MonotonicNanos() const override { return now_; }
  Nanos WallNanos() const override { return kEpochStart + now_ + turned_; }
  void Advance(Nanos by) { now_ += by; }
  void AdvanceTo(Nanos at) {
    if (at > now_) now_ = at;
  }
  // Sets the clock on the wall forward, or back.
  void TurnWall(Nanos by) { turned_ += by; }

 private:
  static constexpr Nanos kEpochStart = 1'000'000 * kSecond;
  Nanos now_ = kSecond;
  Nanos turned_ = 0;
};

struct Trial {
  explicit Trial(const Options& given)
      : options(given), rng(Mix64(given.seed ^ 0x51)), wall_rng(Mix64(given.seed ^ 0x77)) {}

  // With this probability, while faults last: what must not do any harm,
  bool Disturbs(double rate) { return faults_on && rate > 0 && rng.Chance(rate); }
  // and what may make a batch fail or a group halt.
  bool Strikes(double rate) {
    const bool strikes = Disturbs(rate);
    if (strikes) ++strikes_so_far;
    return strikes;
  }
  void Note(uint64_t fact) { digest = Mix64(digest ^ fact); }
  void Note(std::string_view fact) { Note(HashBytes(fact)); }
  // The first counts.
  template <class... Parts>
  void Violated(const Parts&... parts) {
    if (violation.empty()) violation = Concat(parts...);
  }
  bool ok() const { return violation.empty(); }

  const Options options;
  Rng rng;
  Rng wall_rng;  // of its own, so that schedules that once broke stay what they were
  SimClock clock;
  bool faults_on = true;
  bool poison_on = true;
  uint64_t strikes_so_far = 0;
  uint64_t digest = 1;
  std::string violation;
};

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_TRIAL_H_
