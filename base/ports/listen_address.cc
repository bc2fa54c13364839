// SPDX-License-Identifier: Apache-2.0
#include "base/ports/listen_address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace trident {
namespace {

bool IsLoopbackV4(const in_addr& address) { return (ntohl(address.s_addr) >> 24) == 127; }

Status Malformed(std::string_view address, std::string_view what) {
  return InvalidArgument("expected an address like 127.0.0.1:7411 or [::1]:7411, found '", address,
                         "': ", what);
}

std::string Join(std::string_view host, uint16_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return v6 ? Concat("[", host, "]:", port) : Concat(host, ":", port);
}

}  // namespace

bool HostPort::IsLoopback() const {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return IsLoopbackV4(v4);
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

bool HostPort::IsEveryAddress() const {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return v4.s_addr == 0;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_UNSPECIFIED(&v6);
}

std::string HostPort::ToListenOn() const {
  return Join(host == "localhost" ? "127.0.0.1" : std::string_view(host), port);
}

std::string HostPort::ToString() const { return Join(host, port); }

StatusOr<HostPort> ParseHostPort(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return Malformed(address, "it has no port");
  std::string_view host = address.substr(0, colon);
  const std::string_view port = address.substr(colon + 1);
  HostPort out;
  const auto [stopped, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || stopped != port.data() + port.size() || port.empty()) {
    return Malformed(address, "its port is no number from 0 to 65535");
  }
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Malformed(address, "an IPv6 host stands in brackets");
  }
  if (host.empty()) return Malformed(address, "it has no host");
  if (host.find_first_of("/% \t") != std::string_view::npos) {
    return Malformed(address, "that is no host");
  }
  out.host = host;
  return out;
}

}  // namespace trident
