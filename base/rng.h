// SPDX-License-Identifier: Apache-2.0
//
// Randomness that repeats: a small generator seeded by the caller, the same on every machine and
// run.
#ifndef TRIDENT_BASE_RNG_H_
#define TRIDENT_BASE_RNG_H_

#include <cstdint>

namespace trident {

// One step of SplitMix64 (Steele, Lea, Flood 2014): a good 64-bit mix of `x`. Pure.
constexpr uint64_t Mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// SplitMix64 sequence. Not thread-safe, not for secrets. Satisfies UniformRandomBitGenerator.
class Rng {
 public:
  using result_type = uint64_t;
  explicit constexpr Rng(uint64_t seed) : state_(seed) {}
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return ~uint64_t{0}; }
  constexpr uint64_t operator()() {
    uint64_t out = Mix64(state_);
    state_ += 0x9e3779b97f4a7c15ULL;
    return out;
  }
  // Uniform in [0, n). REQUIRES: n > 0.
  constexpr uint64_t Below(uint64_t n) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>((*this)()) * n) >> 64);
  }
  // Uniform in [0, 1).
  constexpr double Unit() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }
  // True with the given probability.
  constexpr bool Chance(double probability) { return Unit() < probability; }

 private:
  uint64_t state_;
};

}  // namespace trident

#endif  // TRIDENT_BASE_RNG_H_
