// SPDX-License-Identifier: Apache-2.0
// EXPECT: PersistentAggregate: the output field must have the aggregator's Value type in its view
#include <vector>

#include "trident/topology.h"

constexpr trident::Field<int64_t> kCount{"count"};
#ifdef TRIDENT_FIXED
constexpr trident::Field<trident::List<int64_t>> kAll{"all"};
#else
constexpr trident::Field<trident::Text> kAll{"all"};
#endif

struct Collect {
  using Value = std::vector<int64_t>;
  Value Init() const { return {}; }
  void Reduce(Value& all, int64_t count) const { all.push_back(count); }
};

void Collected(const trident::Stream& stream) {
  stream.PersistentAggregate({.name = "all"}, kCount, Collect(), kAll);
}
