// SPDX-License-Identifier: Apache-2.0
#include "base/ports/grpc_end.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>

#include <cstdlib>

#include "base/check.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace trident {
namespace {

// gRPC needs some milliseconds, or until it would try again to connect; only who never lets go of
// it comes to this.
constexpr int64_t kWaitMaxMs = 1'500;
constexpr Nanos kLookEvery = kMillisecond;

// gRPC tells nobody when it has ended, so this looks; the threads that did its work are joined by
// then. Takes the time from gRPC: our clock is an object, which may be gone at exit.
void AwaitGrpcEnd() {
  const gpr_timespec until =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(kWaitMaxMs, GPR_TIMESPAN));
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  while (grpc_is_initialized() != 0 && gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), until) < 0) {
    never.WaitFor(mutex, kLookEvery);
  }
}

}  // namespace

void AwaitGrpcAtExit() {
  static const int registered = std::atexit(AwaitGrpcEnd);
  TRIDENT_CHECK_EQ(registered, 0);
}

}  // namespace trident
