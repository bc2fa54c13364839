// SPDX-License-Identifier: Apache-2.0
//
// cluster_takeover: how long three workers under load commit nothing when a process of one of them
// is killed with SIGKILL and started again at once with its directory; seen at a worker that goes
// on. cluster_control: the processor time that a batch costs by itself, by workers and tasks.
#include "tests/bench/takeover.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/split_words.h"
#include "tests/bench/word_count_run.h"
#include "trident/run/cluster/cluster_run.h"
#include "trident/spouts/generator_spout.h"

namespace trident::bench {
namespace {

constexpr GroupId kGroup{1};
constexpr uint32_t kWorkers = 3;
constexpr uint32_t kWatcher = 1;
constexpr int kKills = 9;
constexpr Nanos kLook = kMillisecond / 2;
constexpr Nanos kPauseMax = 30 * kSecond;
constexpr Nanos kWorkBetween = kSecond;

void Nap(Nanos duration) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.WaitFor(mutex, duration);
}

StatusOr<std::unique_ptr<ClusterRun>> StartWorker(const TakeoverChild& of, uint64_t rows,
                                                  uint32_t workers, uint32_t executors,
                                                  uint64_t batch_rows) {
  TRIDENT_ASSIGN_OR_RETURN(
      auto spout,
      GeneratorSpout::Make(Fields(kSentence),
                           {.partitions = workers * executors, .rows_per_partition = rows},
                           [](const GeneratedRow& row, Emit<Text>& emit) {
                             emit(Concat("the cow ", row.rng().Below(10'000), " jumped"));
                           }));
  TRIDENT_ASSIGN_OR_RETURN(auto logical, WordCount(std::move(spout)).Build());
  RunOptions run{.state_dir = of.dir, .executors = executors, .batch_rows = batch_rows};
  ClusterOptions cluster;
  cluster.workers = workers;
  cluster.worker = of.worker;
  (of.worker == 0 ? cluster.control_address : cluster.leader) = of.leader;
  return ClusterRun::Start(std::move(logical), run, cluster);
}

StatusOr<std::unique_ptr<ClusterRun>> StartEndless(const TakeoverChild& of) {
  return StartWorker(of, uint64_t{1} << 40, kWorkers, 1, 3'000);
}

// A process of its own; killed with this.
class Child {
 public:
  explicit Child(const TakeoverChild& what) {
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    const std::string worker = std::to_string(what.worker);
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::execl(program.c_str(), "bench", "--takeover-dir", what.dir.c_str(), "--takeover-worker",
            worker.c_str(), "--takeover-leader", what.leader.c_str(), nullptr);
    ::_exit(127);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

 private:
  pid_t pid_ = -1;
};

// Milliseconds from the kill on, as the watcher sees it: until its epoch is over, until it takes
// part in the next one, and until it shows a commit of that.
struct Pause {
  double epoch_ends = 0;
  double takes_part = 0;
  double commits = 0;
};

StatusOr<Pause> WatchPause(const ClusterRun& watcher, Nanos killed) {
  const auto now = [&] {
    return static_cast<double>(RealClock().MonotonicNanos() - killed) / kMillisecond;
  };
  const auto await = [&](const std::function<bool()>& is_so) {
    while (!is_so() && RealClock().MonotonicNanos() - killed < kPauseMax) Nap(kLook);
    return now();
  };
  Pause pause;
  pause.epoch_ends = await([&] { return !watcher.TakesPart(); });
  pause.takes_part = await([&] { return watcher.TakesPart(); });
  const TxId then = watcher.states().Published(kGroup);
  pause.commits = await([&] { return watcher.states().Published(kGroup) > then; });
  if (pause.commits * kMillisecond < kPauseMax) return pause;
  return DeadlineExceeded("nothing is committed any more: ", watcher.Describe());
}

Status AddPauses(const Bench& bench, const std::string& who, const std::vector<Pause>& pauses,
                 double goal_ms) {
  std::vector<double> ends, part, commits;
  for (const Pause& pause : pauses) {
    ends.push_back(pause.epoch_ends);
    part.push_back(pause.takes_part - pause.epoch_ends);
    commits.push_back(pause.commits);
  }
  bench.Add({.metric = who + " is killed: p50 until the next commit",
             .value = Quantile(commits, 0.5),
             .unit = "ms",
             .goal = Goal::ValueAtMost(goal_ms)});
  bench.Add({.metric = who + " is killed: longest until the next commit",
             .value = Quantile(commits, 1),
             .unit = "ms"});
  bench.Add({.metric = who + " is killed: p50 until the epoch is over",
             .value = Quantile(ends, 0.5),
             .unit = "ms"});
  bench.Add({.metric = who + " is killed: p50 from there to the next epoch",
             .value = Quantile(part, 0.5),
             .unit = "ms"});
  return absl::OkStatus();
}

}  // namespace

int RunTakeoverChild(const TakeoverChild& child) {
  const auto run = StartEndless(child);
  Status status = run.status();
  while (status.ok()) status = (*run)->AwaitEndFor(kSecond).status();
  std::fprintf(stderr, "bench: worker %u: %s\n", child.worker, status.ToString().c_str());
  return 1;
}

Status ClusterTakeover(const Bench& bench) {
  const ScratchDir dir(bench.settings());
  const std::string leader = Concat("127.0.0.1:", 20'000 + ::getpid() % 10'000);
  const auto child_of = [&](uint32_t worker) {
    return TakeoverChild{
        .dir = dir.File(Concat("state", worker)), .worker = worker, .leader = leader};
  };
  std::vector<std::unique_ptr<Child>> children(kWorkers);
  for (const uint32_t worker : {0u, 2u})
    children[worker] = std::make_unique<Child>(child_of(worker));
  TRIDENT_ASSIGN_OR_RETURN(const auto watcher, StartEndless(child_of(kWatcher)));
  for (const uint32_t victim : {2u, 0u}) {
    std::vector<Pause> pauses;
    for (int kill = 0; kill < kKills; ++kill) {
      while (!watcher->TakesPart()) Nap(kLook);
      Nap(kWorkBetween);
      const Nanos killed = RealClock().MonotonicNanos();
      children[victim].reset();
      children[victim] = std::make_unique<Child>(child_of(victim));
      TRIDENT_ASSIGN_OR_RETURN(const Pause pause, WatchPause(*watcher, killed));
      pauses.push_back(pause);
    }
    TRIDENT_RETURN_IF_ERROR(AddPauses(bench, victim == 0 ? "the leader" : "a worker", pauses,
                                      victim == 0 ? 1'500 : 1'000));
  }
  return absl::OkStatus();
}

Status ClusterControlCost(const Bench& bench) {
  constexpr uint64_t kBatches = 2'000;
  std::optional<Samples> least;
  for (const uint32_t workers : {1u, 2u, 3u, 5u}) {
    for (const uint32_t executors : {1u, 8u}) {
      const auto cost = [&]() -> StatusOr<std::vector<double>> {
        const ScratchDir dir(bench.settings());
        std::vector<std::unique_ptr<ClusterRun>> all;
        // A row a batch, in all.
        const uint64_t rows = bench.settings().Scaled(kBatches) / (workers * executors) + 1;
        for (uint32_t worker = 0; worker < workers; ++worker) {
          const TakeoverChild of{.dir = dir.File(Concat("state", worker)),
                                 .worker = worker,
                                 .leader = worker == 0 ? "127.0.0.1:0" : all[0]->control_address()};
          TRIDENT_ASSIGN_OR_RETURN(auto run, StartWorker(of, rows, workers, executors, 1));
          all.push_back(std::move(run));
        }
        while (!all[0]->TakesPart()) Nap(kLook);
        const Stopwatch watch;
        TRIDENT_ASSIGN_OR_RETURN(const bool ended, all[0]->AwaitEndFor(600 * kSecond));
        if (!ended) return DeadlineExceeded("the workers do not end");
        const Usage usage = watch.Elapsed();
        const auto batches = static_cast<double>(all[0]->StatusOf(kGroup)->last_decided.value());
        while (!all.empty()) all.pop_back();
        return std::vector<double>{usage.cpu_s * 1e6 / batches, usage.wall_s * 1e6 / batches};
      };
      TRIDENT_ASSIGN_OR_RETURN(const auto samples, bench.InTurn({cost}));
      if (!least) least = samples[0][0];
      bench.Add({.metric = Concat(workers, " workers with ", executors,
                                  " executors: processor time of a batch of one row"),
                 .value = samples[0][0],
                 .unit = "us",
                 .baseline = least});
    }
  }
  return absl::OkStatus();
}

}  // namespace trident::bench
