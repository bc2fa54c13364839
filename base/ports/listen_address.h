// SPDX-License-Identifier: Apache-2.0
//
// Where a server listens, as people write it: "host:port", with brackets around an IPv6 address.
#ifndef TRIDENT_BASE_PORTS_LISTEN_ADDRESS_H_
#define TRIDENT_BASE_PORTS_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace trident {

// A "host:port" taken apart.
struct HostPort {
  std::string host;  // without brackets
  uint16_t port = 0;

  // True for 127.0.0.0/8, ::1 and "localhost": what only processes of this machine reach.
  bool IsLoopback() const;
  // True for 0.0.0.0 and ::, at which a process listens and which nobody can dial.
  bool IsEveryAddress() const;
  // As gRPC takes it; brackets around IPv6. "localhost" becomes 127.0.0.1, whatever the machine's
  // host table says.
  std::string ToListenOn() const;
  std::string ToString() const;
};

// InvalidArgument says what is wrong with `address`.
StatusOr<HostPort> ParseHostPort(std::string_view address);

}  // namespace trident

#endif  // TRIDENT_BASE_PORTS_LISTEN_ADDRESS_H_
