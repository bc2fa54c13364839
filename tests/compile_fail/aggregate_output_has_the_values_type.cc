// SPDX-License-Identifier: Apache-2.0
// EXPECT: Aggregate: the output field must have the aggregator's Value type in its view
#include "trident/functions/aggregators.h"
#include "trident/topology.h"

#ifdef TRIDENT_FIXED
constexpr trident::Field<int64_t> kCount{"count"};
#else
constexpr trident::Field<double> kCount{"count"};
#endif

trident::Stream Counted(const trident::Stream& stream) {
  return stream.Aggregate(trident::Count(), kCount);
}
