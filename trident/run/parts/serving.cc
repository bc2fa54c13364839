// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/serving.h"

#include "base/ports/listen_address.h"

namespace trident {

Status CheckServing(const RunOptions& options) {
  if (options.tls && options.address.empty()) {
    return InvalidArgument(
        "there are TLS files, but no address to serve at: give both, or neither of them");
  }
  return options.address.empty() ? absl::OkStatus() : ParseHostPort(options.address).status();
}

ServerOptions ServerOptionsOf(const RunOptions& options) {
  ServerOptions server;
  server.address = options.address;
  if (options.tls) {
    server.tls = TlsFiles{.certificate = options.tls->certificate,
                          .key = options.tls->key,
                          .peer_ca = options.tls->client_ca};
  }
  return server;
}

}  // namespace trident
