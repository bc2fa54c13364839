// SPDX-License-Identifier: Apache-2.0
// EXPECT: PartitionPersist: include trident/partition_persist.h
#include "trident/topology.h"
#ifdef TRIDENT_FIXED
#include "trident/partition_persist.h"
using Rows = trident::PersistRows<int64_t>;
#else
using Rows = int;
#endif

constexpr trident::Field<int64_t> kCount{"count"};

void Keep(const trident::Stream& stream) {
  stream.PartitionPersist({.name = "kept"}, kCount,
                          [](trident::MapAccess<int64_t>&, const Rows&) {});
}
