// SPDX-License-Identifier: Apache-2.0
// EXPECT: Each/Map/FlatMap: the function must be callable, as const, either with exactly the types
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"}, kTwice{"twice"};

struct Twice {
#ifdef TRIDENT_FIXED
  int64_t operator()(int64_t n) const { return n * 2; }
#else
  int64_t operator()(int64_t n) { return n * 2; }
#endif
};

trident::Stream Doubled(const trident::Stream& stream) {
  return stream.Each(kCount, Twice(), kTwice);
}
