// SPDX-License-Identifier: Apache-2.0
//
// Server: the port of a running topology. Serves the Query, Drpc and Admin services over gRPC, with
// health checks.
#ifndef TRIDENT_COORDINATOR_SERVE_SERVER_H_
#define TRIDENT_COORDINATOR_SERVE_SERVER_H_

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "base/ports/tls_files.h"
#include "base/status.h"
#include "coordinator/serve/drpc_server.h"
#include "coordinator/serve/topology_control.h"
#include "state/view/state_catalog.h"

namespace trident {

struct ServerOptions {
  // "host:port"; "[::1]:7411" for IPv6; port 0 takes a free one. A host that is not loopback needs
  // `tls`: without client certificates nothing of a topology is shown to a network.
  std::string address = "127.0.0.1:0";
  std::optional<TlsFiles> tls;
  // See kStreamStallMsMax.
  Nanos stream_stall_max = kStreamStallMsMax * kMillisecond;
};

// What is served; each must outlive the server. A part that is null is not: its calls answer
// UNIMPLEMENTED.
struct ServedParts {
  const StateCatalog* states = nullptr;
  DrpcServer* drpc = nullptr;
  TopologyControl* control = nullptr;
};

// Thread-safe. Messages larger than kRpcMessageBytesMax, and compressed ones, are refused: a few
// bytes of gzip could otherwise become any amount of memory.
class Server {
 public:
  // Listens when this returns. InvalidArgument: an address that cannot be, or not loopback without
  // TLS, or TLS files that cannot be used; Unavailable: the address cannot be listened on.
  static StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                 const ServedParts& parts);
  ~Server();  // Shutdown()

  // "host:port" with the port that was taken.
  const std::string& address() const { return address_; }

  // Refuses new calls, lets go of what waits or streams (UNAVAILABLE), gives short calls a moment
  // to finish, and cancels the rest. Returns when no call is left: a DRPC handler that runs is
  // waited for. Idempotent; one thread.
  void Shutdown();

 private:
  class Listener;  // everything of gRPC

  Server(std::unique_ptr<Listener> listener, std::string address);

  std::unique_ptr<Listener> listener_;
  const std::string address_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_SERVER_H_
