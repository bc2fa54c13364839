// SPDX-License-Identifier: Apache-2.0
//
// The word count as one would write it by hand, in one thread.
//
//   hand           split, and count in one hash map; nothing is durable
//   hand_durable   the same, and remember in a set which words the batch changed; at its end one
//                  redo record with them and their counts goes to RocksDB, synced
//   hand_combined  as hand_durable, but the batch is counted in a map of its own, which is then
//                  added to the totals: the better way while words repeat within a batch
#ifndef TRIDENT_TESTS_BENCH_HAND_BASELINE_H_
#define TRIDENT_TESTS_BENCH_HAND_BASELINE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/types.h"
#include "tests/bench/harness.h"

namespace trident::bench {

struct HandWork {
  const std::vector<Text>* sentences = nullptr;
  uint64_t rows = 0;        // sentences to count, going round
  uint64_t batch_rows = 0;  // of the durable ones
  std::string dir = {};     // of the durable ones; is made
};

struct HandResult {
  Usage usage;
  uint64_t words = 0;
  int64_t count_of_first =
      0;  // of the first word of the first sentence, to compare with the engine
};

HandResult CountByHand(const HandWork& work);
StatusOr<HandResult> CountByHandDurable(const HandWork& work);
StatusOr<HandResult> CountByHandCombined(const HandWork& work);

std::string_view FirstWord(const std::vector<Text>& sentences);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_HAND_BASELINE_H_
