// SPDX-License-Identifier: Apache-2.0
//
// ProbeServer: tells over plain HTTP whether a process lives and is ready, and nothing else, so
// that who looks after processes can ask without certificates.
#ifndef TRIDENT_COORDINATOR_SERVE_PROBE_SERVER_H_
#define TRIDENT_COORDINATOR_SERVE_PROBE_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace trident {

struct Health {
  bool ok = true;
  std::string why = {};  // of not ok: one short line that anybody may read
};

// Called by the server's thread, until the server is destroyed; they must not wait.
struct HealthChecks {
  std::function<Health()> live;
  std::function<Health()> ready;
};

// Answers GET and HEAD of /livez and /readyz: 200, or 503 with the reason. One thread; when there
// are too many connections, the oldest one is cut off, so that slow clients do not keep others out.
class ProbeServer {
 public:
  // Listens at "host:port", any host, when this returns; port 0 takes a free one. InvalidArgument:
  // an address that cannot be; Unavailable: it cannot be listened on. A connection is cut off after
  // `request_max`.
  static StatusOr<std::unique_ptr<ProbeServer>> Start(const std::string& address, Nanos request_max,
                                                      HealthChecks checks);
  virtual ~ProbeServer() = default;

  // "host:port" with the port that was taken.
  virtual const std::string& address() const = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_PROBE_SERVER_H_
