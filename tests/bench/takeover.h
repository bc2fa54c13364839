// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_TESTS_BENCH_TAKEOVER_H_
#define TRIDENT_TESTS_BENCH_TAKEOVER_H_

#include <cstdint>
#include <string>

namespace trident::bench {

struct TakeoverChild {
  std::string dir;  // empty: this process is not such a child
  uint32_t worker = 0;
  std::string leader;  // where worker 0 listens, and the others find it
};

// Is one of three workers that count words, without end. Returns only on an error.
int RunTakeoverChild(const TakeoverChild& child);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_TAKEOVER_H_
