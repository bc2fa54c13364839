// SPDX-License-Identifier: Apache-2.0
// EXPECT: Peek: the consumer must be callable, as const, with exactly the types of the
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"};

trident::Stream Seen(const trident::Stream& stream) {
#ifdef TRIDENT_FIXED
  return stream.Peek(kCount, [](int64_t) {});
#else
  return stream.Peek(kCount, [](int64_t n) { return n > 0; });
#endif
}
