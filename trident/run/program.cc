// SPDX-License-Identifier: Apache-2.0
#include "trident/run/program.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/spelling.h"
#include "base/typed_number.h"
#include "trident/run/cluster_command.h"
#include "trident/run/memory_default.h"
#include "trident/run/process_end.h"
#include "trident/run/process_health.h"
#include "trident/run/run.h"
#include "trident/run/start_check.h"

namespace trident {
namespace {

constexpr Nanos kProgressEvery = kSecond;

void Nap(Nanos duration) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.WaitFor(mutex, duration);
}

// What `run` was asked for beside the topology's own options.
struct RunFlags {
  RunOptions run;
  ServingTls tls;
  std::string sync = "fsync";
  std::string on_failure = "stop";
  MemoryDefault memory_default = DefaultMemory({});
  uint64_t memory_mib = memory_default.bytes / kMiB;
  double batch_age_ms = 0;
  uint64_t progress_deadline_s = kProgressDeadlineMsDefault / 1000;
  std::string probe_address;
  bool keep_serving = false;
  bool quiet = false;
};

// A descriptor that was closed by who started us would be given to the next file that is opened,
// and be read as standard input or written as a log. These answer with an error instead.
void KeepStandardDescriptors() {
  for (const int fd : {0, 1, 2}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)::open("/dev/null", fd == 0 ? O_WRONLY : O_RDWR);  // takes the lowest number that is free
  }
}

StatusOr<Topology> Build(const Program& program, const ProgramArgs& args) {
  try {
    return program.build(args);
  } catch (const std::exception& e) {
    return FailedPrecondition("the function that builds the topology threw: ", e.what());
  } catch (...) {
    return FailedPrecondition("the function that builds the topology threw no std::exception");
  }
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
          stderr, "txid %llu  %.0f rows/s  %llu rows  commit p50 %.2f ms p99 %.2f ms  lag %s\n",
          static_cast<unsigned long long>(group.last_decided.value()),
          static_cast<double>(group.rows - last_rows) / seconds,
          static_cast<unsigned long long>(group.rows),
          static_cast<double>(group.commit_p50) / kMillisecond,
          static_cast<double>(group.commit_p99) / kMillisecond, ToString(group.lag).c_str());
      last_rows = group.rows;
    }
    last_at_ = now;
  }

 private:
  Nanos last_at_ = RealClock().MonotonicNanos();
  std::map<GroupId, uint64_t> last_rows_;
};

// How a run ended, and the line that says so.
struct End {
  int code = kExitDone;
  std::string line;
};

// Rows that were not counted, of all groups.
struct RowsMissing {
  uint64_t aside = 0;
  uint64_t lost = 0;
};
RowsMissing MissingOf(const Run& run) {
  RowsMissing rows;
  for (const RunProgress& group : run.progress()) {
    rows.aside += group.rows_aside;
    rows.lost += group.rows_lost;
  }
  return rows;
}

// "; 3 rows were put aside ...", or nothing.
std::string About(const RowsMissing& rows) {
  std::string text;
  if (rows.aside > 0) {
    text += Concat("; ", rows.aside, rows.aside == 1 ? " row was" : " rows were",
                   " put aside, see the state dead-letters");
  }
  if (rows.lost > 0) {
    text += Concat("; ", rows.lost, rows.lost == 1 ? " row is" : " rows are",
                   " lost with attempts that failed, because the spout cannot go back");
  }
  return text;
}

// "the next run goes on with txid 8", of each group if there are several.
std::string WhereToGoOn(const Run& run, const RunOptions& options) {
  if (options.state_dir.empty()) return "its state was in memory and is gone";
  const std::vector<RunProgress> groups = run.progress();
  std::string text = "the next run goes on with";
  for (const RunProgress& group : groups) {
    text +=
        Concat(&group == &groups.front() ? " txid " : ", txid ", group.last_decided.value() + 1);
    if (groups.size() > 1) text += Concat(" of group ", group.group.value());
  }
  return text;
}

// A run under the eyes of a terminal or a supervisor.
class WatchedRun {
 public:
  WatchedRun(const Program& program, const RunFlags& flags, ProcessHealth& health)
      : program_(program), flags_(flags), health_(health) {}

  // Returns when the run has ended, and why.
  End Await(Run& run) {
    while (!WasSignalled()) {
      const StatusOr<bool> done = run.AwaitEndFor(kSignalLookEvery);
      if (!done.ok()) {
        health_.Failed();
        return {kExitFailed, Concat("failed: ", Message(done.status()), "; ",
                                    WhereToGoOn(run, flags_.run), About(MissingOf(run)))};
      }
      health_.Looked({});
      if (*done && !flags_.keep_serving) return Done(run, "the input has ended and is committed");
      if (*done) {
        KeepServing(run);
      } else {
        TellProgress(run);
      }
    }
    if (ended_) return Done(run, "interrupted while serving; the input has ended and is committed");
    return {kExitInterrupted,
            Concat("interrupted: ", WhereToGoOn(run, flags_.run), About(MissingOf(run)))};
  }

  // Ends the run's threads, or, if they do not end in time, the process.
  void Finish(std::unique_ptr<Run> run, const End& end) {
    health_.Ends();
    EndOrForce({.program = program_.name,
                .deadline = flags_.run.progress_deadline,
                .ends_in_order = end.code == kExitDone || end.code == kExitRowsAside,
                .line = end.line,
                .calls = [&](Nanos longer_than) { return run->CallsUnderWay(longer_than); },
                .end = [&] { run.reset(); }});
  }

 private:
  End Done(const Run& run, const std::string& line) {
    if (!ended_ && !flags_.quiet) progress_.Print(run);
    const RowsMissing rows = MissingOf(run);
    if (rows.lost > 0) return {kExitFailed, Concat("failed: ", line, About(rows))};
    return {rows.aside == 0 ? kExitDone : kExitRowsAside, line + About(rows)};
  }
  void KeepServing(const Run& run) {
    if (!std::exchange(ended_, true)) {
      if (!flags_.quiet) progress_.Print(run);
      Say(program_.name, "the input has ended and is committed; serving until interrupted");
    }
    Nap(kSignalLookEvery);
  }
  void TellProgress(const Run& run) {
    if (flags_.quiet || RealClock().MonotonicNanos() < print_at_) return;
    progress_.Print(run);
    print_at_ += kProgressEvery;
  }

  const Program& program_;
  const RunFlags& flags_;
  ProcessHealth& health_;
  ProgressLine progress_;
  Nanos print_at_ = RealClock().MonotonicNanos() + kProgressEvery;
  bool ended_ = false;  // the input, while it goes on serving
};

std::string Listed(const std::vector<std::string>& parts) {
  std::string line;
  for (const std::string& part : parts) line += (line.empty() ? "" : "; ") + part;
  return line;
}

int RunTopology(const Program& program, const Topology& topology, const RunFlags& flags,
                ProcessHealth& health) {
  // The system would end the process, without a word.
  if (!flags.memory_default.refusal.empty()) {
    return Refuse(program.name, FailedPrecondition(flags.memory_default.refusal));
  }
  if (flags.run.memory_bytes == flags.memory_default.bytes / kMiB * kMiB &&
      !flags.memory_default.reason.empty()) {
    Say(program.name, Concat("takes ", flags.run.memory_bytes / kMiB, " MiB of memory, ",
                             flags.memory_default.reason, "; --memory-mib says otherwise"));
  }
  auto run = Run::Start(topology, flags.run);
  if (!run.ok()) return Refuse(program.name, run.status());
  if (!(*run)->address().empty()) Say(program.name, "serving on " + (*run)->address());
  WatchedRun watched(program, flags, health);
  const End end = watched.Await(**run);
  const std::string left_out = Listed((*run)->LeftOut());
  watched.Finish(*std::move(run), end);
  if (!left_out.empty()) Say(program.name, "not counted: " + left_out);
  Say(program.name, end.line);
  return end.code;
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

constexpr uint64_t kNumberMax = std::numeric_limits<uint64_t>::max();
constexpr double kBatchAgeMsMax = 3'600'000;

// The bounds of a number, and where it goes. CLI11's own numbers take "-1" for the greatest one and
// "010" for eight.
template <class Number>
struct NumberOption {
  const char* name;
  const char* help;
  uint64_t least;
  uint64_t most;
  Number& to;
};

template <class Number>
void Add(CLI::App& command, const NumberOption<Number>& option) {
  command
      .add_option_function<std::string>(
          option.name,
          [option](const std::string& text) {
            const StatusOr<uint64_t> number = ParseWholeNumber(text, option.least, option.most);
            if (!number.ok()) {
              throw CLI::ValidationError(option.name, std::string(Message(number.status())));
            }
            option.to = static_cast<Number>(*number);
          },
          option.help)
      ->type_name("NUMBER")
      ->default_str(std::to_string(option.to));
}

void AddServingOptions(CLI::App& command, RunFlags& flags) {
  command.add_option("--address", flags.run.address,
                     "serve queries, DRPC and administration at HOST:PORT");
  auto* cert = command.add_option("--tls-cert", flags.tls.certificate,
                                  "certificate to serve with, a PEM file; needed to serve others "
                                  "than this machine");
  auto* key = command.add_option("--tls-key", flags.tls.key, "its private key, mode 0600");
  auto* ca = command.add_option("--tls-ca", flags.tls.client_ca,
                                "who signs the certificates of the clients");
  // Round, one each: of several, CLI11 names the one that stands first in memory.
  cert->needs(key);
  key->needs(ca);
  ca->needs(cert);
}

void AddKeepServing(CLI::App& command, RunFlags& flags) {
  command.add_flag("--keep-serving", flags.keep_serving,
                   "go on answering after the input has ended");
}

void AddBatchOptions(CLI::App& command, RunFlags& flags) {
  Add<uint32_t>(command, {"--max-pending", "batches that are processed at once", 1, kMaxPendingMax,
                          flags.run.max_pending});
  Add<uint64_t>(command,
                {"--batch-rows", "most rows of a batch", 1, kNumberMax, flags.run.batch_rows});
  Add<uint64_t>(command,
                {"--batch-bytes", "most bytes of a batch", 1, kNumberMax, flags.run.batch_bytes});
  command
      .add_option_function<std::string>(
          "--batch-age-ms",
          [&flags](const std::string& text) {
            const StatusOr<double> age = ParseNumber(text, 0, kBatchAgeMsMax);
            if (!age.ok()) {
              throw CLI::ValidationError("--batch-age-ms", std::string(Message(age.status())));
            }
            flags.batch_age_ms = *age;
          },
          "how long a batch may wait to fill")
      ->type_name("NUMBER")
      ->default_str("0");
  Add<uint32_t>(command, {"--retry-limit", "retries of a batch that fails", 0,
                          std::numeric_limits<uint32_t>::max(), flags.run.retry_limit});
  Add<uint64_t>(command, {"--progress-deadline-s",
                          "seconds without news after which a batch has failed; after twice as "
                          "many a call that does not return ends the run",
                          1, 86'400 * 366, flags.progress_deadline_s});
  command
      .add_option("--on-failure", flags.on_failure,
                  "what to do with what cannot be processed: stop, or dead-letter (put the rows "
                  "aside)")
      ->capture_default_str()
      ->check(CLI::IsMember({"stop", "dead-letter"}));
}

CLI::Option* AddDropState(CLI::App& command, RunFlags& flags) {
  return command
      .add_option_function<std::vector<std::string>>(
          "--drop-state",
          [&flags](const std::vector<std::string>& names) {
            flags.run.drop_states.insert(names.begin(), names.end());
          },
          "give up a state of the directory that the topology does not declare any more; repeat "
          "for each")
      ->type_name("NAME")
      ->allow_extra_args(false);
}

// What `explain` was asked for: the plan, or what a start on a directory would find there.
void AddExplainOptions(CLI::App& command, bool& dot, RunFlags& flags) {
  CLI::Option* graph = command.add_flag("--dot", dot, "in Graphviz's language");
  CLI::Option* against = command.add_option(
      "--against", flags.run.state_dir,
      "not the plan, but what a start on this state directory would carry over, begin anew or be "
      "refused for; changes nothing of it. Exit code 0: it would be accepted, else 2");
  against->excludes(graph);
  AddDropState(command, flags)->needs(against);
}

// Of every process that works on a topology.
void AddWorkOptions(CLI::App& command, RunFlags& flags) {
  command
      .add_option("--state", flags.run.state_dir,
                  "directory of the state; without it, state is in memory and gone at the end")
      ->check([](const std::string& dir) {
        return dir.empty() ? std::string("expected a directory, found ''; without --state the ") +
                                 "state is in memory"
                           : std::string();
      });
  Add<uint32_t>(command,
                {"--executors", "threads that run tasks", 1, kExecutorsMax, flags.run.executors});
  Add<uint64_t>(command, {"--memory-mib", "memory for state, caches and buffers, in MiB",
                          kMemoryBytesMin / kMiB, uint64_t{1} << 24, flags.memory_mib});
  command
      .add_option("--sync", flags.sync,
                  "what a commit survives: fsync (the machine) or none (the process)")
      ->capture_default_str()
      ->check(CLI::IsMember({"fsync", "none"}));
  AddBatchOptions(command, flags);
  AddDropState(command, flags);
  command.add_option("--probe-address", flags.probe_address,
                     "answer GET /livez and /readyz over HTTP at HOST:PORT, for probes; it shows "
                     "nothing but that, so any host is allowed");
  command.add_flag("--quiet", flags.quiet, "no progress lines");
}

void AddRunOptions(CLI::App& command, RunFlags& flags) {
  AddWorkOptions(command, flags);
  AddServingOptions(command, flags);
  AddKeepServing(command, flags);
}

RunOptions OptionsOf(const RunFlags& flags) {
  RunOptions options = flags.run;
  options.memory_bytes = flags.memory_mib * kMiB;
  if (!flags.tls.key.empty()) options.tls = flags.tls;
  options.batch_age = static_cast<Nanos>(flags.batch_age_ms * kMillisecond);
  options.progress_deadline = static_cast<Nanos>(flags.progress_deadline_s) * kSecond;
  options.sync = flags.sync == "none" ? CommitSync::kNone : CommitSync::kFsync;
  options.on_failure = flags.on_failure == "stop" ? OnFailure::kStop : OnFailure::kDeadLetter;
  return options;
}

int Explain(const Program& program, const Topology& topology, bool dot) {
  StatusOr<std::string> text = dot ? topology.ExplainDot() : topology.Explain();
  if (!text.ok()) return Refuse(program.name, text.status());
  std::fputs(text->c_str(), stdout);
  return 0;
}

int ExplainAgainst(const Program& program, const Topology& topology, const RunOptions& options) {
  const StartCheck check = CheckStart(topology, options);
  std::fputs(check.report.c_str(), stdout);
  if (check.verdict.ok()) {
    std::fputs("a start would be accepted\n", stdout);
    return kExitDone;
  }
  Say(program.name, Concat("a start would be refused: ", Message(check.verdict)));
  return kExitRefused;
}

// A word that was typed in the place of the command, if that is what is wrong.
std::string CommandHint(int argc, char** argv) {
  const std::vector<std::string> commands = {"run", "lead", "worker", "explain"};
  const std::string word = argc > 1 ? argv[1] : "";
  const bool is_known = std::find(commands.begin(), commands.end(), word) != commands.end();
  if (word.empty() || word.front() == '-' || is_known) return "";
  return Concat("there is no command '", word, "'", SpellingHint(word, "commands", commands));
}

int Misused(const Program& program, const CLI::App& app, const CLI::ParseError& error,
            const std::string& hint) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    return app.exit(error);  // --help
  }
  std::fprintf(stderr, "%s: %s\nRun with --help for the commands and options.\n",
               program.name.c_str(), hint.empty() ? error.what() : hint.c_str());
  return kExitRefused;
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

StatusOr<uint64_t> ProgramArgs::Number(const std::string& name, uint64_t least,
                                       uint64_t most) const {
  StatusOr<uint64_t> number = ParseWholeNumber(Text(name), least, most);
  if (!number.ok()) return InvalidArgument("--", name, ": ", Message(number.status()));
  return number;
}

int RunProgram(int argc, char** argv, const Program& program) {
  KeepStandardDescriptors();
  CLI::App app(program.description, program.name);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 refused (usage, options, input, state directory, address), "
      "3 done with rows put aside, 4 interrupted, 5 ended by force.");
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, bool> given_flags;
  RunFlags flags;
  bool dot = false;
  CLI::App* run = app.add_subcommand("run", "run the topology in this process");
  CLI::App* lead = app.add_subcommand(
      "lead", "run the topology over several processes: this one leads, and is worker 0");
  CLI::App* work =
      app.add_subcommand("worker", "be another worker of a topology that has a leader");
  CLI::App* explain = app.add_subcommand("explain", "print the plan: stages, tasks, exchanges");
  AddOptions(*run, program, values, given_flags);
  AddOptions(*explain, program, values, given_flags);
  AddRunOptions(*run, flags);
  for (CLI::App* command : {lead, work}) {
    AddOptions(*command, program, values, given_flags);
    AddWorkOptions(*command, flags);
    AddServingOptions(*command, flags);
    AddKeepServing(*command, flags);
  }
  ClusterFlags cluster;
  AddLeadOptions(*lead, cluster);
  AddWorkerOptions(*work, cluster);
  AddExplainOptions(*explain, dot, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Misused(program, app, error, CommandHint(argc, argv));
  }
  ProgramArgs args;
  for (const auto& [name, list] : values) {
    for (const std::string& value : list) args.Add(name, value);
  }
  for (const auto& [name, given] : given_flags) {
    if (given) args.Add(name, "true");
  }
  StatusOr<Topology> topology = Build(program, args);
  if (!topology.ok()) return Refuse(program.name, topology.status());
  flags.run = OptionsOf(flags);
  if (explain->parsed()) {
    return flags.run.state_dir.empty() ? Explain(program, *topology, dot)
                                       : ExplainAgainst(program, *topology, flags.run);
  }
  CatchSignals();
  ProcessHealth health(RealClock());
  if (const Status served = health.Serve(program.name, flags.probe_address); !served.ok()) {
    return Refuse(program.name, served);
  }
  if (run->parsed()) return RunTopology(program, *topology, flags, health);
  StatusOr<ClusterOptions> options = OptionsOf(cluster);
  if (!options.ok()) return Refuse(program.name, options.status());
  options->keep_serving = flags.keep_serving;
  return RunClusterProcess(program.name, *topology, {flags.run, *options, flags.quiet}, health);
}

}  // namespace trident
