// SPDX-License-Identifier: Apache-2.0
// EXPECT: StateQuery: the query must be callable, as const, with S&
#include "trident/partition_persist.h"
#include "trident/topology.h"

using namespace trident;

constexpr Field<int64_t> kCount{"count"}, kLines{"lines"};

struct Log : State {
  Status BeginCommit(TxId) override { return {}; }
  Status Commit(TxId) override { return {}; }
};

struct Lines {
#ifdef TRIDENT_FIXED
  void operator()(Log&, int64_t, Emit<int64_t>&) const {}
#else
  void operator()(Log&, Text, Emit<int64_t>&) const {}
#endif
};

void Query(const Stream& stream, const UserStateHandle<Log>& log) {
  stream.StateQuery(log, kCount, Lines(), kLines);
}
