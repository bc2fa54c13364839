// SPDX-License-Identifier: Apache-2.0
// EXPECT: Each/Map/FlatMap: the function must be callable, as const, either with exactly the types
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"}, kHalf{"half"};

#ifdef TRIDENT_FIXED
using Emitted = int64_t;
#else
using Emitted = double;
#endif

trident::Stream Half(const trident::Stream& stream) {
  return stream.Each(
      kCount, [](int64_t n, trident::Emit<Emitted>& emit) { emit(n / 2); }, kHalf);
}
