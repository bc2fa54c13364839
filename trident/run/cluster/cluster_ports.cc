// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_ports.h"

#include <string>

namespace trident {
namespace {

StatusOr<HostPort> AddressOf(const char* what, const std::string& address, bool has_peer_host) {
  StatusOr<HostPort> parsed = ParseHostPort(address);
  if (!parsed.ok()) return Annotate(parsed.status(), what);
  if (!parsed->IsEveryAddress() || has_peer_host) return parsed;
  return InvalidArgument(what, ": expected a host that the other processes can dial, found '",
                         address, "'; name this machine as they know it, here or by --peer-host");
}

Status CheckProtection(const char* what, const HostPort& address, const ClusterOptions& options) {
  if (address.IsLoopback()) return absl::OkStatus();
  if (!options.tls) {
    return InvalidArgument(what, ": others than this machine reach ", address.ToString(),
                           ", so it needs TLS: give --peer-tls-cert, --peer-tls-key and "
                           "--peer-tls-ca, or an address such as 127.0.0.1:",
                           address.port);
  }
  if (options.token.empty()) {
    return InvalidArgument(what, ": others than this machine reach ", address.ToString(),
                           ", so it needs a secret: give --token-file, the same secret to all ",
                           "processes");
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<ClusterPorts> PortsOf(const ClusterOptions& options) {
  const bool leads = options.leader.empty();
  const char* const leader = leads ? "--peer-address" : "--leader";
  const bool has_host = !options.peer_host.empty();
  ClusterPorts ports;
  TRIDENT_ASSIGN_OR_RETURN(
      ports.leader,
      AddressOf(leader, leads ? options.control_address : options.leader, leads && has_host));
  TRIDENT_ASSIGN_OR_RETURN(ports.exchange,
                           AddressOf("--exchange-address", options.exchange_address, has_host));
  ports.host = has_host ? options.peer_host : ports.exchange.host;
  if (ports.host.size() > 2 && ports.host.front() == '[' && ports.host.back() == ']') {
    ports.host = ports.host.substr(1, ports.host.size() - 2);
  }
  if (!leads && ports.leader.port == 0) {
    return InvalidArgument("--leader: expected the port at which the leader listens, found 0 in '",
                           options.leader, "'");
  }
  TRIDENT_RETURN_IF_ERROR(
      Annotate(ParseHostPort(HostPort{ports.host, 1}.ToString()).status(), "--peer-host"));
  TRIDENT_RETURN_IF_ERROR(CheckProtection(leader, ports.leader, options));
  TRIDENT_RETURN_IF_ERROR(CheckProtection("--exchange-address", ports.exchange, options));
  if (!ports.leader.IsLoopback() && ports.exchange.IsLoopback()) {
    return InvalidArgument(
        "--exchange-address: expected one that workers of other machines can "
        "dial, as ",
        leader, " is ", ports.leader.ToString(), "; found ", ports.exchange.ToString());
  }
  if (options.tls) {
    TRIDENT_ASSIGN_OR_RETURN(ports.tls, ReadTlsFiles(*options.tls));
  }
  return ports;
}

}  // namespace trident
