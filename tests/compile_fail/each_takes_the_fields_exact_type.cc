// SPDX-License-Identifier: Apache-2.0
// EXPECT: Each/Map/FlatMap: the function must be callable, as const, either with exactly the types
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"}, kTwice{"twice"};

#ifdef TRIDENT_FIXED
using Number = int64_t;
#else
using Number = int;
#endif

trident::Stream Twice(const trident::Stream& stream) {
  return stream.Each(
      kCount, [](Number n) { return int64_t{n} * 2; }, kTwice);
}
