// SPDX-License-Identifier: Apache-2.0
// EXPECT: UserStateOptions<S>: S must be derived from trident::State
#include "trident/topology.h"

using namespace trident;

constexpr Field<int64_t> kCount{"count"};

#ifdef TRIDENT_FIXED
struct Log : State {
  Status BeginCommit(TxId) override { return {}; }
  Status Commit(TxId) override { return {}; }
};
#else
struct Log {};
#endif

void Persist(const Stream& stream, const UserStateOptions<Log>& log) {
  stream.PartitionPersist(log, kCount, [](Log&, const PersistRows<int64_t>&) {});
}
