// SPDX-License-Identifier: Apache-2.0
// EXPECT: OutsideState<S>: S must be derived from trident::State
#include "trident/outside_state.h"

using namespace trident;

#ifdef TRIDENT_FIXED
struct Log : State {
  Status BeginCommit(TxId) override { return {}; }
  Status Commit(TxId) override { return {}; }
};
#else
struct Log {};
#endif

auto Home() { return OutsideState<Log>(nullptr); }
