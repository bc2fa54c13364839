// SPDX-License-Identifier: Apache-2.0
//
// A relay between two processes, as a network that a test can break: it stands still with all
// connections open, or cuts them.
#ifndef TRIDENT_TESTS_COORDINATOR_CLUSTER_SOCKET_RELAY_H_
#define TRIDENT_TESTS_COORDINATOR_CLUSTER_SOCKET_RELAY_H_

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace trident {

// A listening socket of 127.0.0.1. The kernel takes connections in the name of who never answers.
class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int fd() const { return fd_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

class SocketRelay {
 public:
  // To 127.0.0.1, at the port of `target` ("host:port").
  explicit SocketRelay(const std::string& target);
  ~SocketRelay();

  std::string address() const { return listener_.address(); }

  // No byte passes any more, on connections that are there or come; they all stay open.
  void StandStill();
  void GoOn();
  // Resets all connections that are there.
  void Cut();

 private:
  struct Pair {
    int near = -1;
    int far = -1;
  };
  void Run();
  void Accept() TRIDENT_REQUIRES(mutex_);
  void CloseAll() TRIDENT_REQUIRES(mutex_);
  void Wake();

  const Listener listener_;
  const uint16_t target_port_;
  int wake_ = -1;
  Mutex mutex_;
  bool stands_still_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool is_over_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::vector<Pair> pairs_ TRIDENT_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_CLUSTER_SOCKET_RELAY_H_
