// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/cluster/socket_relay.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/check.h"

namespace trident {
namespace {

sockaddr_in LoopbackAt(uint16_t port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out.sin_port = htons(port);
  return out;
}

// Closes it so that the other end sees a reset.
void Reset(int fd) {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(fd);
}

// False at the end of either.
bool Forward(int from, int to) {
  std::array<char, 64 * 1024> bytes;
  const ssize_t size = read(from, bytes.data(), bytes.size());
  if (size <= 0) return false;
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t n = send(to, bytes.data() + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

}  // namespace

Listener::Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in at = LoopbackAt(0);
  socklen_t size = sizeof at;
  TRIDENT_CHECK_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&at), size), 0);
  TRIDENT_CHECK_EQ(listen(fd_, 16), 0);
  TRIDENT_CHECK_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
  port_ = ntohs(at.sin_port);
}

Listener::~Listener() { close(fd_); }

SocketRelay::SocketRelay(const std::string& target)
    : target_port_(static_cast<uint16_t>(std::stoi(target.substr(target.rfind(':') + 1)))),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { Run(); }) {}

SocketRelay::~SocketRelay() {
  {
    MutexLock lock(mutex_);
    is_over_ = true;
  }
  Wake();
  thread_.join();
  MutexLock lock(mutex_);
  CloseAll();
  close(wake_);
}

void SocketRelay::StandStill() {
  MutexLock lock(mutex_);
  stands_still_ = true;
  Wake();
}

void SocketRelay::GoOn() {
  MutexLock lock(mutex_);
  stands_still_ = false;
  Wake();
}

void SocketRelay::Cut() {
  MutexLock lock(mutex_);
  CloseAll();
  Wake();
}

void SocketRelay::Wake() {
  const uint64_t one = 1;
  TRIDENT_CHECK_EQ(write(wake_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
}

void SocketRelay::CloseAll() {
  for (const Pair& pair : pairs_) {
    Reset(pair.near);
    Reset(pair.far);
  }
  pairs_.clear();
}

void SocketRelay::Accept() {
  const int near = accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  const int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at = LoopbackAt(target_port_);
  if (connect(far, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0) {
    pairs_.push_back({near, far});
  } else {
    Reset(near);
    close(far);
  }
}

void SocketRelay::Run() {
  std::vector<pollfd> polled;
  while (true) {
    polled = {{wake_, POLLIN, 0}};
    {
      MutexLock lock(mutex_);
      if (is_over_) return;
      if (!stands_still_) {
        polled.push_back({listener_.fd(), POLLIN, 0});
        for (const Pair& pair : pairs_) {
          polled.push_back({pair.near, POLLIN, 0});
          polled.push_back({pair.far, POLLIN, 0});
        }
      }
    }
    poll(polled.data(), polled.size(), -1);
    MutexLock lock(mutex_);
    uint64_t wakes = 0;
    if (read(wake_, &wakes, sizeof wakes) > 0) continue;  // all may be another way now
    if ((polled[1].revents & POLLIN) != 0) {
      Accept();
      continue;
    }
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const Pair pair = pairs_[i];
      const bool near_is_ready = polled[2 + 2 * i].revents != 0;
      const bool far_is_ready = polled[3 + 2 * i].revents != 0;
      if ((near_is_ready && !Forward(pair.near, pair.far)) ||
          (far_is_ready && !Forward(pair.far, pair.near))) {
        Reset(pair.near);
        Reset(pair.far);
        pairs_.erase(pairs_.begin() + static_cast<ptrdiff_t>(i));
        break;
      }
    }
  }
}

}  // namespace trident
