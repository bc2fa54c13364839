// SPDX-License-Identifier: Apache-2.0
//
// Time as the project sees it. Nothing but RealClock reads the machine's clocks; a simulation
// injects its own. No rule of correctness depends on time, only pace and progress do.
#ifndef TRIDENT_BASE_CLOCK_H_
#define TRIDENT_BASE_CLOCK_H_

#include <cstdint>

namespace trident {

// Nanoseconds. Monotonic readings have an arbitrary zero; wall readings count from the Unix epoch.
using Nanos = int64_t;
inline constexpr Nanos kMicrosecond = 1'000;
inline constexpr Nanos kMillisecond = 1'000'000;
inline constexpr Nanos kSecond = 1'000'000'000;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back.
  virtual Nanos MonotonicNanos() const = 0;
  // The time of the calendar, which may jump. For display and event timestamps only.
  virtual Nanos WallNanos() const = 0;
};

// The machine's clocks. Lives for the whole process.
const Clock& RealClock();

}  // namespace trident

#endif  // TRIDENT_BASE_CLOCK_H_
