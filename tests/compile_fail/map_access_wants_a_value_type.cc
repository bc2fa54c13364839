// SPDX-License-Identifier: Apache-2.0
// EXPECT: MapAccess<V>: V is no value of a state
#include "trident/partition_persist.h"
#include "trident/topology.h"

using namespace trident;

constexpr Field<int64_t> kCount{"count"};

#ifdef TRIDENT_FIXED
using Value = int64_t;
#else
using Value = int;
#endif

void Persist(const Stream& stream) {
  stream.PartitionPersist({.name = "s"}, kCount,
                          [](MapAccess<Value>&, const PersistRows<int64_t>&) {});
}
