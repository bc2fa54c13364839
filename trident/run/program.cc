// SPDX-License-Identifier: Apache-2.0
#include "trident/run/program.h"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/mutex.h"

namespace trident {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr Nanos kProgressEvery = kSecond;
// A signal handler can wake nobody safely, so the loop looks.
constexpr Nanos kSignalLookEvery = 100 * kMillisecond;

std::atomic<int> g_signal{0};
extern "C" void OnSignal(int signal) { g_signal.store(signal, std::memory_order_relaxed); }

void Nap(Nanos duration) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.WaitFor(mutex, duration);
}

// What `run` was asked for beside the topology's own options.
struct RunFlags {
  RunOptions run;
  std::string sync = "fsync";
  std::string on_failure = "stop";
  uint64_t memory_mib = kMemoryBytesDefault / kMiB;
  double batch_age_ms = 0;
  bool keep_serving = false;
  bool quiet = false;
};

int Report(const Program& program, const Status& status) {
  std::fprintf(stderr, "%s: %s\n", program.name.c_str(), std::string(Message(status)).c_str());
  return status.code() == StatusCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

// One line about what happened since the last one.
class ProgressLine {
 public:
  void Print(const Run& run) {
    Nanos now = RealClock().MonotonicNanos();
    double seconds = static_cast<double>(now - last_at_) / kSecond;
    for (const RunProgress& group : run.progress()) {
      uint64_t& last_rows = last_rows_[group.group];
      std::fprintf(
          stderr,
          "txid %llu  %.0f rows/s  %llu rows  commit p50 %.2f ms p99 %.2f ms  pending %llu\n",
          static_cast<unsigned long long>(group.last_decided.value()),
          static_cast<double>(group.rows - last_rows) / seconds,
          static_cast<unsigned long long>(group.rows),
          static_cast<double>(group.commit_p50) / kMillisecond,
          static_cast<double>(group.commit_p99) / kMillisecond,
          static_cast<unsigned long long>(group.pending));
      last_rows = group.rows;
    }
    last_at_ = now;
  }

 private:
  Nanos last_at_ = RealClock().MonotonicNanos();
  std::map<GroupId, uint64_t> last_rows_;
};

int RunTopology(const Program& program, const Topology& topology, const RunFlags& flags) {
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  auto run = Run::Start(topology, flags.run);
  if (!run.ok()) return Report(program, run.status());
  if (!(*run)->address().empty()) {
    std::fprintf(stderr, "%s: serving on %s\n", program.name.c_str(), (*run)->address().c_str());
  }
  ProgressLine progress;
  Nanos print_at = RealClock().MonotonicNanos() + kProgressEvery;
  bool ended = false;
  while (g_signal.load(std::memory_order_relaxed) == 0) {
    StatusOr<bool> done = (*run)->AwaitEndFor(kSignalLookEvery);
    if (!done.ok()) return Report(program, done.status());
    if (*done && !ended) {
      ended = true;
      if (!flags.quiet) progress.Print(**run);
      std::fprintf(stderr, "%s: the input has ended and is committed%s\n", program.name.c_str(),
                   flags.keep_serving ? "; serving until interrupted" : "");
    }
    if (ended && !flags.keep_serving) return 0;
    if (ended) Nap(kSignalLookEvery);
    if (!ended && !flags.quiet && RealClock().MonotonicNanos() >= print_at) {
      progress.Print(**run);
      print_at += kProgressEvery;
    }
  }
  return 0;
}

void AddOptions(CLI::App& command, const Program& program,
                std::map<std::string, std::vector<std::string>>& values,
                std::map<std::string, bool>& flags) {
  for (const ProgramOption& option : program.options) {
    if (option.kind == ProgramOption::Kind::kFlag) {
      command.add_flag("--" + option.name, flags[option.name], option.help);
      continue;
    }
    CLI::Option* added = command.add_option("--" + option.name, values[option.name], option.help);
    if (option.kind == ProgramOption::Kind::kText) added->expected(1);
    if (option.need == ProgramOption::Need::kRequired) added->required();
  }
}

void AddRunOptions(CLI::App& command, RunFlags& flags) {
  command.add_option("--state", flags.run.state_dir,
                     "directory of the state; without it, state is in memory and gone at the end");
  command.add_option("--address", flags.run.address,
                     "serve queries, DRPC and administration at HOST:PORT");
  command.add_option("--executors", flags.run.executors, "threads that run tasks")
      ->capture_default_str()
      ->check(CLI::Range(1, static_cast<int>(kExecutorsMax)));
  command
      .add_option("--memory-mib", flags.memory_mib, "memory for state, caches and buffers, in MiB")
      ->capture_default_str()
      ->check(CLI::Range(kMemoryBytesMin / kMiB, int64_t{1} << 24));
  command.add_option("--max-pending", flags.run.max_pending, "batches that are processed at once")
      ->capture_default_str()
      ->check(CLI::Range(1, static_cast<int>(kMaxPendingMax)));
  command.add_option("--batch-rows", flags.run.batch_rows, "most rows of a batch")
      ->capture_default_str();
  command.add_option("--batch-bytes", flags.run.batch_bytes, "most bytes of a batch")
      ->capture_default_str();
  command.add_option("--batch-age-ms", flags.batch_age_ms, "how long a batch may wait to fill")
      ->capture_default_str();
  command.add_option("--retry-limit", flags.run.retry_limit, "retries of a batch that fails")
      ->capture_default_str();
  command.add_option("--on-failure", flags.on_failure, "after the retries: stop or dead-letter")
      ->capture_default_str()
      ->check(CLI::IsMember({"stop", "dead-letter"}));
  command
      .add_option("--sync", flags.sync,
                  "what a commit survives: fsync (the machine) or none (the process)")
      ->capture_default_str()
      ->check(CLI::IsMember({"fsync", "none"}));
  command.add_flag("--keep-serving", flags.keep_serving,
                   "go on answering after the input has ended");
  command.add_flag("--quiet", flags.quiet, "no progress lines");
}

RunOptions OptionsOf(const RunFlags& flags) {
  RunOptions options = flags.run;
  options.memory_bytes = flags.memory_mib * kMiB;
  options.batch_age = static_cast<Nanos>(flags.batch_age_ms * kMillisecond);
  options.sync = flags.sync == "none" ? CommitSync::kNone : CommitSync::kFsync;
  options.on_failure = flags.on_failure == "stop" ? OnFailure::kStop : OnFailure::kDeadLetter;
  return options;
}

int Explain(const Program& program, const Topology& topology, bool dot) {
  StatusOr<std::string> text = dot ? topology.ExplainDot() : topology.Explain();
  if (!text.ok()) return Report(program, text.status());
  std::fputs(text->c_str(), stdout);
  return 0;
}

}  // namespace

std::string ProgramArgs::Text(const std::string& name) const {
  auto it = values_.find(name);
  return it == values_.end() || it->second.empty() ? "" : it->second.back();
}

std::vector<std::string> ProgramArgs::List(const std::string& name) const {
  auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

int RunProgram(int argc, char** argv, const Program& program) {
  CLI::App app(program.description, program.name);
  app.require_subcommand(1);
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, bool> given_flags;
  RunFlags flags;
  bool dot = false;
  CLI::App* run = app.add_subcommand("run", "run the topology in this process");
  CLI::App* explain = app.add_subcommand("explain", "print the plan: stages, tasks, exchanges");
  AddOptions(*run, program, values, given_flags);
  AddOptions(*explain, program, values, given_flags);
  AddRunOptions(*run, flags);
  explain->add_flag("--dot", dot, "in Graphviz's language");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? 0 : kExitUsage;
  }
  ProgramArgs args;
  for (const auto& [name, list] : values) {
    for (const std::string& value : list) args.Add(name, value);
  }
  for (const auto& [name, given] : given_flags) {
    if (given) args.Add(name, "true");
  }
  StatusOr<Topology> topology = program.build(args);
  if (!topology.ok()) return Report(program, topology.status());
  if (explain->parsed()) return Explain(program, *topology, dot);
  flags.run = OptionsOf(flags);
  return RunTopology(program, *topology, flags);
}

}  // namespace trident
