// SPDX-License-Identifier: Apache-2.0
//
// The times that both ends of a control stream keep.
#ifndef TRIDENT_COORDINATOR_CLUSTER_CONTROL_TIMING_H_
#define TRIDENT_COORDINATOR_CLUSTER_CONTROL_TIMING_H_

#include "base/clock.h"
#include "base/limits.h"

namespace trident {

struct ControlTiming {
  // Each end says so often that it lives. Should be the same at both.
  Nanos heartbeat = kControlHeartbeatMs * kMillisecond;
  // A peer of which nothing was heard for so long counts as gone, also one whose process is stopped
  // and whose connection stands.
  Nanos silence_max = kControlSilenceMsMax * kMillisecond;
  // gRPC's pings, and the time for their answer: they find a machine that is gone, and end the
  // connection with everything on it.
  Nanos keepalive = kControlKeepaliveMs * kMillisecond;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_CONTROL_TIMING_H_
