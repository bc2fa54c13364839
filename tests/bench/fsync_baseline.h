// SPDX-License-Identifier: Apache-2.0
//
// `fsync`, the baseline of every commit: append 4 KB to a file, fdatasync.
#ifndef TRIDENT_TESTS_BENCH_FSYNC_BASELINE_H_
#define TRIDENT_TESTS_BENCH_FSYNC_BASELINE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace trident::bench {

// How long each of `times` appends took, in microseconds. The file is made.
StatusOr<std::vector<double>> MeasureFsync(const std::string& file, uint64_t times);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_FSYNC_BASELINE_H_
