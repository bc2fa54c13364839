// SPDX-License-Identifier: Apache-2.0
//
// Seeds of schedules that once broke an invariant, each with what was wrong. They are played first.
#ifndef TRIDENT_TESTS_SIM_SEEDS_H_
#define TRIDENT_TESTS_SIM_SEEDS_H_

#include <cstdint>
#include <vector>

#include "tests/sim/options.h"

namespace trident::sim {

struct KnownSeed {
  WorkloadKind workload;
  uint64_t seed;
};

inline const std::vector<KnownSeed>& KnownSeeds() {
  static const std::vector<KnownSeed> seeds = {
      // A row that failed in its spout's own stage was never isolated: where it stood was not told.
      {WorkloadKind::kWordCount, 6},
      {WorkloadKind::kRing, 1},
      // What failed and was not there any more kept the group busy for ever.
      {WorkloadKind::kWordCount, 118},
      {WorkloadKind::kBank, 66},
      // The cancelling of one txid's attempts reached new attempts of later ones.
      {WorkloadKind::kRing, 54},
      {WorkloadKind::kRing, 59},
      // Decisions were deleted because of one that never became durable.
      {WorkloadKind::kBank, 221},
      {WorkloadKind::kRing, 545},
      // A group was held for ever, though a fold that was not due would have made room.
      {WorkloadKind::kWordCount, 1178302290422746795},
  };
  return seeds;
}

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_SEEDS_H_
