// SPDX-License-Identifier: Apache-2.0
//
// The benchmarks, each in the file of its family.
#ifndef TRIDENT_TESTS_BENCH_BENCHMARKS_H_
#define TRIDENT_TESTS_BENCH_BENCHMARKS_H_

#include <string>

#include "base/status.h"
#include "tests/bench/harness.h"

namespace trident::bench {

// user_compile.cc
Status UserCompile(const Bench& bench);
// word_count.cc
Status WordCount10k(const Bench& bench);
Status WordCount1m(const Bench& bench);
Status WordCountSmall(const Bench& bench);
// commit_latency.cc
Status CommitLatency(const Bench& bench);
Status BatchAge(const Bench& bench);
// calls.cc
Status Drpc(const Bench& bench);
Status StateGet(const Bench& bench);
// exchange.cc
Status Exchange(const Bench& bench);
// cluster.cc
Status ClusterWords(const Bench& bench);
Status ClusterGet(const Bench& bench);
Status ClusterCommit(const Bench& bench);
// takeover.cc
Status ClusterTakeover(const Bench& bench);
Status ClusterControlCost(const Bench& bench);
// restart.cc
Status Restart(const Bench& bench);
// cold_state.cc
Status ColdState(const Bench& bench);
// dead_letters.cc
Status DeadLetters(const Bench& bench);
// growth.cc
Status Growth(const Bench& bench);
// hard_cases.cc
Status HardCases(const Bench& bench);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_BENCHMARKS_H_
