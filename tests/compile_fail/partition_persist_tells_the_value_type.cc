// SPDX-License-Identifier: Apache-2.0
// EXPECT: PartitionPersist: describe the state as MapStateOptions<V>
#include "trident/topology.h"

using namespace trident;

constexpr Field<int64_t> kCount{"count"};

struct Updater {
  void operator()(MapAccess<int64_t>&, const PersistRows<int64_t>&) const {}
};

void Persist(const Stream& stream) {
#ifdef TRIDENT_FIXED
  stream.PartitionPersist(MapStateOptions<int64_t>{.name = "s"}, kCount, Updater());
#else
  stream.PartitionPersist(StateOptions{.name = "s"}, kCount, Updater());
#endif
}
