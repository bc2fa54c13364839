// SPDX-License-Identifier: Apache-2.0
// EXPECT: PartitionPersist: the updater's first parameter must say what the state is
#include "trident/partition_persist.h"
#include "trident/topology.h"

using namespace trident;

constexpr Field<int64_t> kCount{"count"};

struct Updater {
#ifdef TRIDENT_FIXED
  void operator()(MapAccess<int64_t>&, const PersistRows<int64_t>&) const {}
#else
  template <class State>
  void operator()(State&, const PersistRows<int64_t>&) const {}
#endif
};

void Persist(const Stream& stream) { stream.PartitionPersist({.name = "s"}, kCount, Updater()); }
