// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_TESTS_KILL_FREE_ADDRESS_H_
#define TRIDENT_TESTS_KILL_FREE_ADDRESS_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/rng.h"
#include "base/status.h"

namespace trident {

// Below those from which the system takes ports by itself: who listens there comes back on it.
inline std::string FreeAddress(Rng& rng) {
  for (;;) {
    const auto port = static_cast<uint16_t>(20'000 + rng.Below(10'000));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::close(fd);
    if (bound == 0) return Concat("127.0.0.1:", port);
  }
}

}  // namespace trident

#endif  // TRIDENT_TESTS_KILL_FREE_ADDRESS_H_
