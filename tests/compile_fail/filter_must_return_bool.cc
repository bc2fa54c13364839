// SPDX-License-Identifier: Apache-2.0
// EXPECT: Filter: the predicate must be callable, as const, with exactly the types of the
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"};

trident::Stream Even(const trident::Stream& stream) {
#ifdef TRIDENT_FIXED
  return stream.Filter(kCount, [](int64_t n) { return n % 2 == 0; });
#else
  return stream.Filter(kCount, [](int64_t n) { return n % 2; });
#endif
}
