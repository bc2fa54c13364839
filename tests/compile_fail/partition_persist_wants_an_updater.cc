// SPDX-License-Identifier: Apache-2.0
// EXPECT: PartitionPersist: the updater must be callable, as const, with the state
#include "trident/topology.h"

using namespace trident;

constexpr Field<int64_t> kCount{"count"};

struct Updater {
#ifdef TRIDENT_FIXED
  void operator()(MapAccess<int64_t>&, const PersistRows<int64_t>&) const {}
#else
  void operator()(MapAccess<double>&, const PersistRows<int64_t>&) const {}
#endif
};

void Persist(const Stream& stream) {
  stream.PartitionPersist(MapStateOptions<int64_t>{.name = "s"}, kCount, Updater());
}
