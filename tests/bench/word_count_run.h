// SPDX-License-Identifier: Apache-2.0
//
// The word count on the engine, for every benchmark that needs one.
#ifndef TRIDENT_TESTS_BENCH_WORD_COUNT_RUN_H_
#define TRIDENT_TESTS_BENCH_WORD_COUNT_RUN_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/limits.h"
#include "base/status.h"
#include "engine/spout.h"
#include "tests/bench/harness.h"
#include "trident/spouts/zipf_sentences.h"
#include "trident/topology.h"

namespace trident::bench {

inline constexpr Field<Text> kSentence{"sentence"};
inline constexpr Field<Text> kWord{"word"};
inline constexpr Field<int64_t> kCount{"count"};
inline constexpr Field<int64_t> kSum{"sum"};

// Splits and counts what the spout gives in the state "counts"; the function "words" answers with
// the sum of the counts of its words.
Topology WordCount(std::shared_ptr<Spout> spout, uint32_t partitions = kStatePartitionsDefault);

struct EngineWork {
  std::shared_ptr<const SentencePool> pool;
  uint64_t rows = 0;  // sentences, going round; even, for the two halves of two executors
  uint64_t batch_rows = 0;
  uint32_t executors = 1;
  uint32_t partitions = kStatePartitionsDefault;  // of the state
};

struct EngineResult {
  Usage usage;
  int64_t count_of_first = 0;  // of the first word of the first sentence
};

// Counts everything, with durable commits, in a directory of its own. The usage is that from before
// the start until all is committed, with the start and what was folded meanwhile.
StatusOr<EngineResult> CountOnEngine(const EngineWork& work, const Settings& settings);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_WORD_COUNT_RUN_H_
