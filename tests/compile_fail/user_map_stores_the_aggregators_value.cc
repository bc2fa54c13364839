// SPDX-License-Identifier: Apache-2.0
// EXPECT: PersistentAggregate: the state must store the aggregator's Value
#include "trident/functions/aggregators.h"
#include "trident/topology.h"

using namespace trident;

constexpr Field<int64_t> kCount{"count"};

#ifdef TRIDENT_FIXED
using Stored = OpaqueValue<int64_t>;
#else
using Stored = OpaqueValue<double>;
#endif

void Persist(const Stream& stream, const UserMapOptions<Stored>& counts) {
  stream.PersistentAggregate(counts, Count(), kCount);
}
