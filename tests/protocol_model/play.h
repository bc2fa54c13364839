// SPDX-License-Identifier: Apache-2.0
//
// Which histories a test of a model plays: TRIDENT_TEST_SCHEDULES says how many, TRIDENT_SEED plays
// one.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_PLAY_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_PLAY_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>

namespace trident::model {

inline std::optional<uint64_t> Environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::strtoull(value, nullptr, 10);
}

inline uint64_t Histories(uint64_t if_unset) {
  return Environment("TRIDENT_TEST_SCHEDULES").value_or(if_unset);
}

// Plays seeds from `first` on, and stops at the first that breaks.
template <class Holds>
void PlayAll(uint64_t first, uint64_t count, const Holds& holds) {
  for (uint64_t i = 0; i < count; ++i) {
    if (!holds(first + i)) return;
  }
}

// Seeds that no run has played, most likely.
template <class Holds>
void PlayNew(uint64_t count, const Holds& holds) {
  std::random_device device;
  const uint64_t first = (uint64_t{device()} << 32 | device()) >> 1;
  std::printf("%llu new histories from seed %llu\n", static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(first));
  PlayAll(first, count, holds);
}

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_PLAY_H_
