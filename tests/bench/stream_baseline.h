// SPDX-License-Identifier: Apache-2.0
//
// Messages of bytes over one gRPC stream, and nothing else: what the exchange between processes is
// measured against.
#ifndef TRIDENT_TESTS_BENCH_STREAM_BASELINE_H_
#define TRIDENT_TESTS_BENCH_STREAM_BASELINE_H_

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace trident::bench {

// Takes streams and drops what comes, unread. Ends a stream when its sender has no more.
class DroppingServer {
 public:
  DroppingServer();
  ~DroppingServer();
  int port() const;

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

class RawStream {
 public:
  // Connects to a DroppingServer.
  explicit RawStream(const std::string& address);
  ~RawStream();
  // Sends all messages over a new stream, and returns the seconds until all have come.
  StatusOr<double> SendAll(const std::vector<std::string>& messages);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_STREAM_BASELINE_H_
