// SPDX-License-Identifier: Apache-2.0
//
// Plays simulated schedules against the parts that ship. TRIDENT_TEST_SCHEDULES says how many
// (10,000 if unset), over all workloads: half are the same in every run, half are new. TRIDENT_SEED
// plays one.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include "base/logging.h"
#include "tests/sim/seeds.h"
#include "tests/sim/world.h"

namespace trident::sim {
namespace {

constexpr uint64_t kWorkloads = 3;
// Every so many schedules one is played twice.
constexpr uint64_t kTwiceEvery = 100;

std::optional<uint64_t> Environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::strtoull(value, nullptr, 10);
}

// Of one workload: fixed ones, and as many new ones.
uint64_t Schedules() {
  const uint64_t all = Environment("TRIDENT_TEST_SCHEDULES").value_or(10'000);
  return (all + 2 * kWorkloads - 1) / (2 * kWorkloads);
}

std::string Repro(WorkloadKind workload, uint64_t seed) {
  return Concat("TRIDENT_SEED=", seed, " build/tests/sim_test --gtest_filter=*OneSchedule/",
                ToString(workload));
}

// A CHECK that fails ends the process; this says which schedule it was.
char now_playing[256];
extern "C" void SayWhatWasPlayed(int) {
  std::fputs(now_playing, stderr);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

Outcome PlaySeed(WorkloadKind workload, uint64_t seed) {
  std::snprintf(now_playing, sizeof(now_playing), "seed %llu: ended within %s\n",
                static_cast<unsigned long long>(seed), Repro(workload, seed).c_str());
  std::signal(SIGABRT, SayWhatWasPlayed);
  return Play(OptionsFor(workload, seed));
}

// Plays a seed; false, with all that is needed to play it again, if an invariant broke.
bool Holds(WorkloadKind workload, uint64_t seed) {
  const Outcome outcome = PlaySeed(workload, seed);
  std::string violation = outcome.violation;
  if (violation.empty() && seed % kTwiceEvery == 0 &&
      PlaySeed(workload, seed).digest != outcome.digest) {
    violation = "played again, it went another way";
  }
  if (violation.empty()) return true;
  ADD_FAILURE() << "seed " << seed << ": " << violation << "\n  "
                << Describe(OptionsFor(workload, seed)) << "\n  " << Repro(workload, seed);
  return false;
}

class SimTest : public testing::TestWithParam<WorkloadKind> {
 protected:
  void SetUp() override { SetMinLogLevel(LogLevel::OFF); }
  void TearDown() override { std::signal(SIGABRT, SIG_DFL); }

  // Stops at the first that breaks.
  void PlayAll(uint64_t first, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      if (!Holds(GetParam(), first + i)) return;
    }
  }
};

TEST_P(SimTest, OneSchedule) {
  const auto seed = Environment("TRIDENT_SEED");
  if (!seed) GTEST_SKIP() << "set TRIDENT_SEED to the seed of a schedule";
  EXPECT_TRUE(Holds(GetParam(), *seed));
}

TEST_P(SimTest, InvariantsHoldWhereTheyOnceBroke) {
  for (const KnownSeed& known : KnownSeeds()) {
    if (known.workload != GetParam()) continue;
    EXPECT_TRUE(Holds(known.workload, known.seed));
  }
}

TEST_P(SimTest, InvariantsHoldInTheFixedSchedules) { PlayAll(1, Schedules()); }

TEST_P(SimTest, InvariantsHoldInNewSchedules) {
  std::random_device device;
  const uint64_t first = (uint64_t{device()} << 32 | device()) >> 1;
  std::printf("%llu new schedules from seed %llu\n", static_cast<unsigned long long>(Schedules()),
              static_cast<unsigned long long>(first));
  PlayAll(first, Schedules());
}

TEST_P(SimTest, TheFaultsReallyHappen) {
  Outcome sum;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const Outcome outcome = PlaySeed(GetParam(), seed);
    sum.txids += outcome.txids;
    sum.crashes += outcome.crashes;
    sum.halts += outcome.halts;
    sum.strikes += outcome.strikes;
    sum.folds += outcome.folds;
    sum.steps += outcome.steps;
  }
  std::printf(
      "%s: txids %llu, crashes %llu, halts %llu, strikes %llu, folds %llu, steps %llu\n",
      ToString(GetParam()), static_cast<unsigned long long>(sum.txids),
      static_cast<unsigned long long>(sum.crashes), static_cast<unsigned long long>(sum.halts),
      static_cast<unsigned long long>(sum.strikes), static_cast<unsigned long long>(sum.folds),
      static_cast<unsigned long long>(sum.steps));
  EXPECT_GT(sum.txids, 500u);
  EXPECT_GT(sum.crashes, 100u);
  EXPECT_GT(sum.halts, 20u);
  EXPECT_GT(sum.strikes, 200u);
  EXPECT_GT(sum.folds, 100u);
}

INSTANTIATE_TEST_SUITE_P(All, SimTest,
                         testing::Values(WorkloadKind::kWordCount, WorkloadKind::kBank,
                                         WorkloadKind::kRing),
                         [](const auto& info) { return ToString(info.param); });

}  // namespace
}  // namespace trident::sim
