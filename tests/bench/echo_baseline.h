// SPDX-License-Identifier: Apache-2.0
//
// `echo`, the baseline of every call over gRPC: an empty unary call, with nothing behind it. And
// the same measurement for point reads and DRPC calls, so that the two can be compared.
#ifndef TRIDENT_TESTS_BENCH_ECHO_BASELINE_H_
#define TRIDENT_TESTS_BENCH_ECHO_BASELINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"

namespace trident::bench {

struct LoadOptions {
  int clients = 1;             // threads, each with a connection of its own, one call after another
  Nanos warmup = kSecond / 4;  // not counted
  Nanos duration = kSecond;
};

struct LoadResult {
  double p50_us = 0;
  double p99_us = 0;
  double calls_per_second = 0;
  uint64_t calls = 0;
  uint64_t failures = 0;      // not counted among the calls
  std::string first_failure;  // what the first of them said
};

// A server on loopback that answers the empty call, written as plainly as gRPC's own examples.
class EchoServer {
 public:
  EchoServer();
  ~EchoServer();
  const std::string& address() const { return address_; }

 private:
  struct Service;
  struct Running;
  std::unique_ptr<Running> running_;
  std::string address_;
};

// Each client calls as fast as it is answered; client c begins with element c of `keys` or `args`
// and goes round. All clients begin together.
LoadResult MeasureEcho(const std::string& address, const LoadOptions& options);
// Query.Get at the latest txid, of a state with one text field as its key.
LoadResult MeasureGet(const std::string& address, const std::string& state,
                      const std::vector<std::string>& keys, const LoadOptions& options);
LoadResult MeasureExecute(const std::string& address, const std::string& function,
                          const std::vector<std::string>& args, const LoadOptions& options);

}  // namespace trident::bench

#endif  // TRIDENT_TESTS_BENCH_ECHO_BASELINE_H_
