// SPDX-License-Identifier: Apache-2.0
//
// Counts of keys of 16 bytes, drawn evenly from a set whose size is the point of the benchmark.
#ifndef TRIDENT_TESTS_BENCH_KEY_COUNT_RUN_H_
#define TRIDENT_TESTS_BENCH_KEY_COUNT_RUN_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/rng.h"
#include "base/status.h"
#include "trident/spouts/generator_spout.h"
#include "trident/topology.h"

namespace trident::bench {

inline constexpr size_t kKeyBytes = 16;

// Which keys the rows have. The first `keys` rows name each key once, in an order without meaning;
// those behind them draw evenly.
struct KeySequence {
  uint64_t keys = 1;

  // The key's number; its bytes are WriteKey's.
  uint64_t At(uint64_t row) const { return Mix64(row < keys ? row : Mix64(~row) % keys); }
};

// 16 hexadecimal digits, in the order of the numbers.
void WriteKey(uint64_t number, char* out);

// One stream of [key], counted in the state "counts".
StatusOr<Topology> KeyCount(const KeySequence& sequence, uint64_t rows);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_KEY_COUNT_RUN_H_
