// SPDX-License-Identifier: Apache-2.0
//
// Seeds of randomized tests: some fixed ones, so that a failure once found stays found, and some
// new at each run. TRIDENT_SEED=<n> in the environment runs that one alone.
#ifndef TRIDENT_TESTS_STATE_SEEDS_H_
#define TRIDENT_TESTS_STATE_SEEDS_H_

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace trident {

inline std::vector<uint64_t> TestSeeds(uint64_t fixed, uint64_t fresh) {
  if (const char* only = std::getenv("TRIDENT_SEED")) return {std::strtoull(only, nullptr, 10)};
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 1; seed <= fixed; ++seed) seeds.push_back(seed);
  std::random_device device;
  for (uint64_t i = 0; i < fresh; ++i) seeds.push_back((uint64_t{device()} << 20) + device());
  return seeds;
}

inline std::string Repro(const char* test, uint64_t seed) {
  return "TRIDENT_SEED=" + std::to_string(seed) + " " + program_invocation_short_name +
         " --gtest_filter=" + test;
}

}  // namespace trident

#endif  // TRIDENT_TESTS_STATE_SEEDS_H_
