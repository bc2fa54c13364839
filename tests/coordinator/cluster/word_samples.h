// SPDX-License-Identifier: Apache-2.0
//
// Words for tests: any of them by a seed, and all fields of one as text.
#ifndef TRIDENT_TESTS_COORDINATOR_CLUSTER_WORD_SAMPLES_H_
#define TRIDENT_TESTS_COORDINATOR_CLUSTER_WORD_SAMPLES_H_

#include <string>
#include <vector>

#include "base/rng.h"
#include "coordinator/cluster/control_words.h"

namespace trident {

// Words of every kind, one of each at least, with content by `seed`: texts that are empty, text or
// binary, numbers from the least to the largest, lists that are empty or not.
std::vector<LeaderWord> AllLeaderWords(uint64_t seed);
std::vector<WorkerWord> AllWorkerWords(uint64_t seed);
WorkerHello AnyHello(uint64_t seed);

// Two words are the same when their texts are.
std::string TextOf(const LeaderWord& word);
std::string TextOf(const WorkerWord& word);
std::string TextOf(const WorkerHello& hello);

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_CLUSTER_WORD_SAMPLES_H_
