// SPDX-License-Identifier: Apache-2.0
//
// LatencyWindow: percentiles over the last measurements.
#ifndef TRIDENT_COORDINATOR_LATENCY_WINDOW_H_
#define TRIDENT_COORDINATOR_LATENCY_WINDOW_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace trident {

// Not thread-safe.
class LatencyWindow {
 public:
  void Add(Nanos latency) {
    values_[next_] = latency;
    next_ = (next_ + 1) % kSize;
    count_ = std::min(count_ + 1, kSize);
  }
  // The value that `percent` of the last measurements do not exceed; 0 before the first.
  Nanos Percentile(double percent) const {
    if (count_ == 0) return 0;
    std::vector<Nanos> sorted(values_.begin(),
                              values_.begin() + static_cast<std::ptrdiff_t>(count_));
    size_t rank =
        std::min(count_ - 1, static_cast<size_t>(percent / 100 * static_cast<double>(count_)));
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank),
                     sorted.end());
    return sorted[rank];
  }

 private:
  static constexpr size_t kSize = 2048;
  std::array<Nanos, kSize> values_{};
  size_t next_ = 0;
  size_t count_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_LATENCY_WINDOW_H_
