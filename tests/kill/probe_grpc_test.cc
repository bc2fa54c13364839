// SPDX-License-Identifier: Apache-2.0
//
// What real processes say to probes: while they work, when they have failed, and when a worker of
// theirs is gone.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "tests/support/http_ask.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

constexpr Nanos kPatience = 60 * kSecond;
constexpr Nanos kAskEvery = 10 * kMillisecond;

std::string AddressIn(const std::string& line) { return line.substr(line.rfind(' ') + 1); }

// Asks until the answer is `wanted`, or for long; the last answer.
std::string AskUntil(const std::string& address, const std::string& path,
                     const std::string& wanted) {
  Mutex mutex;
  CondVar never;
  const Nanos deadline = RealClock().MonotonicNanos() + kPatience;
  for (;;) {
    const std::string answer = AskPath(address, path);
    if (answer == wanted || RealClock().MonotonicNanos() > deadline) return answer;
    MutexLock lock(mutex);
    never.WaitFor(mutex, kAskEvery);
  }
}

TEST(ProbeTest, ATopologyThatFailedIsNotLive) {
  TempDir dir;
  const std::string input = dir.path() + "/input";
  std::ofstream(input) << "word\n";
  Background program({"tests/crash_topology", "run", "--quiet", "--state", dir.path() + "/state",
                      "--input", input, "--keep-serving", "--address", "127.0.0.1:0",
                      "--probe-address", "127.0.0.1:0", "--progress-deadline-s", "1"});
  const std::string probes = AddressIn(program.AwaitLine("answers probes on "));
  const std::string served = AddressIn(program.AwaitLine("serving on "));
  EXPECT_EQ(AskUntil(probes, "/readyz", "200 ok"), "200 ok");
  EXPECT_EQ(AskPath(probes, "/livez"), "200 ok");
  // A call that nobody waits for and that never returns: the run is given up.
  EXPECT_EQ(RunTrident({"drpc", "echo", "hang", "--timeout", "0.2", "--address", served}).code, 4);
  const std::string failed = "503 failed; its log says why";
  EXPECT_EQ(AskUntil(probes, "/livez", failed), failed);
}

TEST(ProbeTest, ProcessesOfAClusterAreReadyWhileTheyWorkInAnEpoch) {
  TempDir dir;
  const std::string input = dir.path() + "/input";
  std::ofstream(input) << "word\n";
  const auto words = [&](const std::string& command, const std::string& state) {
    return std::vector<std::string>{"wordcount", command, "--follow",        "--quiet",
                                    "--input",   input,   "--state",         dir.path() + state,
                                    "--workers", "2",     "--probe-address", "127.0.0.1:0"};
  };
  Background leader(words("lead", "/s0"));
  const std::string probes = AddressIn(leader.AwaitLine("answers probes on "));
  const std::string peers = AddressIn(leader.AwaitLine("workers find the leader at "));
  const std::string waits = "503 takes part in no epoch: waits for worker 1";
  EXPECT_EQ(AskUntil(probes, "/readyz", waits), waits);
  EXPECT_EQ(AskPath(probes, "/livez"), "200 ok");
  auto of_worker = words("worker", "/s1");
  of_worker.insert(of_worker.end(), {"--worker", "1", "--leader", peers});
  Background worker(of_worker);
  const std::string its_probes = AddressIn(worker.AwaitLine("answers probes on "));
  EXPECT_EQ(AskUntil(probes, "/readyz", "200 ok"), "200 ok");
  EXPECT_EQ(AskUntil(its_probes, "/readyz", "200 ok"), "200 ok");
  EXPECT_EQ(worker.End(SIGKILL), 128 + SIGKILL);
  EXPECT_EQ(AskUntil(probes, "/readyz", waits), waits);
  EXPECT_EQ(leader.End(SIGTERM), 4);
}

}  // namespace
}  // namespace trident
