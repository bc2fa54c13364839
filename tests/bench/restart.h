// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_TESTS_BENCH_RESTART_H_
#define TRIDENT_TESTS_BENCH_RESTART_H_

#include <cstdint>
#include <string>

namespace trident::bench {

struct RestartChild {
  std::string dir;  // empty: this process is not such a child
  uint64_t keys = 1;
  uint64_t rows_until_kill = 1;  // committed since the start
};

// Counts keys in `dir`, says on standard output when the first commit was visible, in nanoseconds
// of the machine's monotonic clock, and kills its process with SIGKILL once it has committed the
// rows. Returns only on an error.
int RunRestartChild(const RestartChild& child);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_RESTART_H_
