// SPDX-License-Identifier: Apache-2.0
//
// Plays simulated histories of several workers against the real Takeover, ParticipantProtocol and
// BatchProtocol. TRIDENT_TEST_SCHEDULES says how many (10,000 if unset): half are the same in every
// run, half are new. TRIDENT_SEED plays one.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/protocol_model/cluster_options.h"
#include "tests/protocol_model/cluster_world.h"
#include "tests/protocol_model/play.h"

namespace trident::model {
namespace {

constexpr uint64_t kHistories = 10'000;  // if unset

bool Holds(uint64_t seed) {
  const Outcome outcome = PlayCluster(seed);
  if (outcome.violation.empty()) return true;
  ADD_FAILURE() << "seed " << seed << ": " << outcome.violation << "\n  "
                << Describe(ClusterOptionsFor(seed)) << "\n  TRIDENT_SEED=" << seed
                << " ./protocol_model_test --gtest_filter=ClusterModel.OneHistory";
  return false;
}

TEST(ClusterModel, OneHistory) {
  const auto seed = Environment("TRIDENT_SEED");
  if (!seed) GTEST_SKIP() << "set TRIDENT_SEED to the seed of a history";
  EXPECT_TRUE(Holds(*seed));
}

TEST(ClusterModel, InvariantsHoldInTheFixedHistories) {
  PlayAll(1, (Histories(kHistories) + 1) / 2, Holds);
}

TEST(ClusterModel, InvariantsHoldInNewHistories) { PlayNew(Histories(kHistories) / 2, Holds); }

TEST(ClusterModel, ASeedIsAHistory) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Outcome once = PlayCluster(seed);
    const Outcome again = PlayCluster(seed);
    EXPECT_EQ(once.digest, again.digest) << seed;
    EXPECT_EQ(once.steps, again.steps) << seed;
  }
}

TEST(ClusterModel, TheFaultsReallyHappen) {
  Outcome sum;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const Outcome outcome = PlayCluster(seed);
    sum.txids += outcome.txids;
    sum.attempts += outcome.attempts;
    sum.failures += outcome.failures;
    sum.halts += outcome.halts;
    sum.stale += outcome.stale;
    sum.diverted += outcome.diverted;
  }
  EXPECT_GT(sum.txids, 1000u);
  EXPECT_GT(sum.attempts, sum.txids + sum.failures / 2);
  EXPECT_GT(sum.failures, 200u);
  EXPECT_GT(sum.halts, 600u) << "epochs that started";
  EXPECT_GT(sum.stale, 1000u);
  EXPECT_GT(sum.diverted, 5u);
}

}  // namespace
}  // namespace trident::model
