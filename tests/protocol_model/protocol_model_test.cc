// SPDX-License-Identifier: Apache-2.0
//
// Plays simulated histories against the real BatchProtocol. TRIDENT_TEST_SCHEDULES says how many
// (3,000 if unset): half are the same in every run, half are new. TRIDENT_SEED plays one.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/protocol_model/options.h"
#include "tests/protocol_model/play.h"
#include "tests/protocol_model/world.h"

namespace trident::model {
namespace {

constexpr uint64_t kHistories = 3000;  // if unset

// Plays a seed; false, with all that is needed to play it again, if an invariant broke.
bool Holds(uint64_t seed) {
  const Outcome outcome = Play(seed);
  if (outcome.violation.empty()) return true;
  ADD_FAILURE() << "seed " << seed << ": " << outcome.violation << "\n  "
                << Describe(OptionsFor(seed)) << "\n  TRIDENT_SEED=" << seed
                << " ./protocol_model_test --gtest_filter=ProtocolModel.OneHistory";
  return false;
}

TEST(ProtocolModel, OneHistory) {
  const auto seed = Environment("TRIDENT_SEED");
  if (!seed) GTEST_SKIP() << "set TRIDENT_SEED to the seed of a history";
  EXPECT_TRUE(Holds(*seed));
}

TEST(ProtocolModel, InvariantsHoldInTheFixedHistories) {
  PlayAll(1, (Histories(kHistories) + 1) / 2, Holds);
}

TEST(ProtocolModel, InvariantsHoldInNewHistories) { PlayNew(Histories(kHistories) / 2, Holds); }

TEST(ProtocolModel, ASeedIsAHistory) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Outcome once = Play(seed);
    const Outcome again = Play(seed);
    EXPECT_EQ(once.digest, again.digest) << seed;
    EXPECT_EQ(once.steps, again.steps) << seed;
  }
}

TEST(ProtocolModel, TheFaultsReallyHappen) {
  Outcome sum;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Outcome outcome = Play(seed);
    sum.txids += outcome.txids;
    sum.attempts += outcome.attempts;
    sum.failures += outcome.failures;
    sum.halts += outcome.halts;
    sum.stale += outcome.stale;
    sum.diverted += outcome.diverted;
    sum.deaths += outcome.deaths;
  }
  EXPECT_GT(sum.txids, 1000u);
  EXPECT_GT(sum.attempts, sum.txids + sum.failures / 2);
  EXPECT_GT(sum.failures, 200u);
  EXPECT_GT(sum.halts, 20u);
  EXPECT_GT(sum.stale, 1000u);
  EXPECT_GT(sum.diverted, 5u);
  EXPECT_GT(sum.deaths, 100u);
}

}  // namespace
}  // namespace trident::model
