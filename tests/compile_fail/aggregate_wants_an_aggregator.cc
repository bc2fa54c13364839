// SPDX-License-Identifier: Apache-2.0
// EXPECT: Aggregate: this is no aggregator of these input and output fields. A Combiner has
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"}, kSum{"sum"};

struct Sum {
  using Value = int64_t;
#ifdef TRIDENT_FIXED
  Value Zero() const { return 0; }
#endif
  Value Init(int64_t x) const { return x; }
  Value Combine(Value a, Value b) const { return a + b; }
};

trident::Stream Summed(const trident::Stream& stream) {
  return stream.Aggregate(kCount, Sum(), kSum);
}
