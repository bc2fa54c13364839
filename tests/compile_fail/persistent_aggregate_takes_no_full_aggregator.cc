// SPDX-License-Identifier: Apache-2.0
// EXPECT: PersistentAggregate takes a Combiner (Value, Zero, Init, Combine) or a Reducer
#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"}, kSum{"sum"};

struct Sum {
  using Value = int64_t;
  Value Init() const { return 0; }
#ifdef TRIDENT_FIXED
  void Reduce(Value& value, int64_t x) const { value += x; }
#endif
};

void Sums(const trident::Stream& stream) {
  stream.PersistentAggregate({.name = "sum"}, kCount, Sum(), kSum);
}
