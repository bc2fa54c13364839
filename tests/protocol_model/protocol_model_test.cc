// SPDX-License-Identifier: Apache-2.0
//
// Plays simulated histories against the real BatchProtocol. TRIDENT_TEST_SCHEDULES says how many
// (3,000 if unset): half are the same in every run, half are new. TRIDENT_SEED plays one.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include "tests/protocol_model/options.h"
#include "tests/protocol_model/world.h"

namespace trident::model {
namespace {

std::optional<uint64_t> Environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::strtoull(value, nullptr, 10);
}

uint64_t Histories() { return Environment("TRIDENT_TEST_SCHEDULES").value_or(3000); }

// Plays a seed; false, with all that is needed to play it again, if an invariant broke.
bool Holds(uint64_t seed) {
  const Outcome outcome = Play(seed);
  if (outcome.violation.empty()) return true;
  ADD_FAILURE() << "seed " << seed << ": " << outcome.violation << "\n  "
                << Describe(OptionsFor(seed)) << "\n  TRIDENT_SEED=" << seed
                << " ./protocol_model_test --gtest_filter=ProtocolModel.OneHistory";
  return false;
}

// Stops at the first that breaks.
void PlayAll(uint64_t first, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    if (!Holds(first + i)) return;
  }
}

TEST(ProtocolModel, OneHistory) {
  const auto seed = Environment("TRIDENT_SEED");
  if (!seed) GTEST_SKIP() << "set TRIDENT_SEED to the seed of a history";
  EXPECT_TRUE(Holds(*seed));
}

TEST(ProtocolModel, InvariantsHoldInTheFixedHistories) { PlayAll(1, (Histories() + 1) / 2); }

TEST(ProtocolModel, InvariantsHoldInNewHistories) {
  std::random_device device;
  const uint64_t first = (uint64_t{device()} << 32 | device()) >> 1;
  std::printf("%llu new histories from seed %llu\n",
              static_cast<unsigned long long>(Histories() / 2),
              static_cast<unsigned long long>(first));
  PlayAll(first, Histories() / 2);
}

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
