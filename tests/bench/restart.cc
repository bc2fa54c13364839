// SPDX-License-Identifier: Apache-2.0
//
// restart: from the start of a process to its first new commit, over a state of 10 M keys that a
// process left which was killed amid its work.
#include "tests/bench/restart.h"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/key_count_run.h"
#include "trident/run/run.h"

namespace trident::bench {
namespace {

constexpr uint64_t kKeys = 10'000'000;
constexpr uint64_t kRowsBehindLoad = 1'000'000;
constexpr std::chrono::microseconds kPoll{200};

Status AwaitRows(const Run& run, uint64_t rows) {
  for (;;) {
    uint64_t committed = 0;
    for (const RunProgress& group : run.progress()) {
      if (group.failures > 0) return Internal("a batch failed");
      committed += group.rows;
    }
    if (committed >= rows) return absl::OkStatus();
    std::this_thread::sleep_for(kPoll);
  }
}

Status CountUntilKilled(const RestartChild& child) {
  TRIDENT_ASSIGN_OR_RETURN(const Topology topology,
                           KeyCount({.keys = child.keys}, GeneratorOptions::kEndless));
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<Run> run,
                           Run::Start(topology, {.state_dir = child.dir}));
  TRIDENT_RETURN_IF_ERROR(AwaitRows(*run, 1));
  std::printf("%lld\n", static_cast<long long>(RealClock().MonotonicNanos()));
  std::fflush(stdout);
  TRIDENT_RETURN_IF_ERROR(AwaitRows(*run, child.rows_until_kill));
  std::raise(SIGKILL);
  return absl::OkStatus();
}

// Seconds from the start of the process to its first commit; returns when it is dead.
StatusOr<double> TimeChild(const RestartChild& child) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string command =
      Concat("exec '", program, "' --restart-dir '", child.dir, "' --restart-keys ", child.keys,
             " --restart-rows ", child.rows_until_kill);
  const Nanos start = RealClock().MonotonicNanos();
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return Unavailable("restart: cannot start ", program);
  long long committed = 0;
  const int read = std::fscanf(pipe, "%lld", &committed);
  while (std::fgetc(pipe) != EOF) {
  }
  pclose(pipe);
  if (read != 1) return Internal("restart: the process ended before its first commit");
  return static_cast<double>(committed - start) / kSecond;
}

}  // namespace

int RunRestartChild(const RestartChild& child) {
  std::fprintf(stderr, "bench: %s\n", CountUntilKilled(child).ToString().c_str());
  return 1;
}

Status Restart(const Bench& bench) {
  const ScratchDir dir(bench.settings());
  const RestartChild load{
      .dir = dir.File("killed"),
      .keys = bench.settings().Scaled(kKeys),
      .rows_until_kill = bench.settings().Scaled(kKeys) + bench.settings().Scaled(kRowsBehindLoad)};
  TRIDENT_ASSIGN_OR_RETURN(const double empty, TimeChild(load));
  // Each run finds the directory as it was left by the kill.
  const RestartChild restart{.dir = dir.File("state"), .keys = load.keys, .rows_until_kill = 1};
  const auto restart_a_copy = [&]() -> StatusOr<std::vector<double>> {
    std::filesystem::remove_all(restart.dir);
    std::filesystem::copy(load.dir, restart.dir, std::filesystem::copy_options::recursive);
    TRIDENT_ASSIGN_OR_RETURN(const double seconds, TimeChild(restart));
    return std::vector<double>{seconds};
  };
  TRIDENT_ASSIGN_OR_RETURN(const auto samples, bench.InTurn({restart_a_copy}));
  bench.Add({.metric = "process start to first commit, of an empty state",
             .value = samples[0][0],
             .unit = "s",
             .baseline = empty,
             .goal = Goal::ValueAtMost(1)});
  return absl::OkStatus();
}

}  // namespace trident::bench
