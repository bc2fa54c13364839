// SPDX-License-Identifier: Apache-2.0
//
// cluster_words, cluster_get, cluster_commit: the word count over several workers. Each has what a
// process of its own would have, store, threads, port and links over gRPC; that all of them are in
// this one makes their processor time easy to take.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/key_encoding.h"
#include "coordinator/serve/state_access.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/echo_baseline.h"
#include "tests/bench/fsync_baseline.h"
#include "tests/bench/split_words.h"
#include "tests/bench/word_count_run.h"
#include "trident/run/cluster/cluster_run.h"
#include "trident/spouts/feeder_spout.h"

namespace trident::bench {
namespace {

constexpr GroupId kGroup{1};
constexpr Nanos kEndMax = 600 * kSecond;

// Workers of one topology.
class Workers {
 public:
  struct Options {
    uint32_t workers = 2;
    uint64_t batch_rows = kBatchRowsMaxDefault;
    bool keep_serving = false;
    // The spout of each worker's topology.
    std::function<StatusOr<std::shared_ptr<Spout>>(uint32_t worker)> spout;
  };
  static StatusOr<std::unique_ptr<Workers>> Start(const Settings& settings,
                                                  const Options& options) {
    auto all = std::unique_ptr<Workers>(new Workers(settings));
    std::string leader;
    for (uint32_t worker = 0; worker < options.workers; ++worker) {
      TRIDENT_ASSIGN_OR_RETURN(std::shared_ptr<Spout> spout, options.spout(worker));
      TRIDENT_ASSIGN_OR_RETURN(auto logical, WordCount(std::move(spout)).Build());
      RunOptions run{.state_dir = all->dir_.File(Concat("state", worker)),
                     .address = "127.0.0.1:0",
                     .batch_rows = options.batch_rows};
      ClusterOptions cluster;
      cluster.workers = options.workers;
      cluster.worker = worker;
      cluster.leader = leader;
      cluster.keep_serving = options.keep_serving;
      TRIDENT_ASSIGN_OR_RETURN(auto process, ClusterRun::Start(std::move(logical), run, cluster));
      if (worker == 0) leader = process->control_address();
      all->processes_.push_back(std::move(process));
    }
    return all;
  }
  // The leader last: the others end with it.
  ~Workers() {
    while (!processes_.empty()) processes_.pop_back();
  }
  ClusterRun& operator[](uint32_t worker) { return *processes_[worker]; }
  size_t size() const { return processes_.size(); }

 private:
  explicit Workers(const Settings& settings) : dir_(settings) {}

  const ScratchDir dir_;
  std::vector<std::unique_ptr<ClusterRun>> processes_;
};

// ---- words ----

constexpr uint32_t kWordsPerSentence = 10;
constexpr uint64_t kSentences = 3'000'000;
constexpr uint64_t kWordBatchRows = 100'000;

std::vector<double> Rates(const Usage& usage, uint64_t rows) {
  const auto words = static_cast<double>(rows * kWordsPerSentence);
  return {words / usage.wall_s, words / usage.cpu_s};
}

StatusOr<std::vector<double>> CountByWorkers(const Settings& settings,
                                             const std::shared_ptr<const SentencePool>& pool,
                                             uint32_t workers, uint64_t rows) {
  const Stopwatch watch;
  TRIDENT_ASSIGN_OR_RETURN(
      const auto all,
      Workers::Start(settings, {.workers = workers,
                                .batch_rows = kWordBatchRows,
                                .spout = [&](uint32_t) -> StatusOr<std::shared_ptr<Spout>> {
                                  return SentencePoolSpout::Make(
                                      pool, {.partitions = workers,
                                             .rows_per_partition = rows / workers});
                                }}));
  TRIDENT_ASSIGN_OR_RETURN(const bool ended, (*all)[0].AwaitEndFor(kEndMax));
  if (!ended) return DeadlineExceeded("the workers do not end");
  return Rates(watch.Elapsed(), rows);
}

// ---- reads and commits ----

using Feeder = FeederSpout<Text>;

StatusOr<std::unique_ptr<Workers>> StartFed(const Settings& settings, uint32_t workers,
                                            const std::shared_ptr<Feeder>& feeder) {
  return Workers::Start(settings,
                        {.workers = workers,
                         .keep_serving = true,
                         .spout = [&](uint32_t worker) -> StatusOr<std::shared_ptr<Spout>> {
                           if (worker == 0) return std::shared_ptr<Spout>(feeder);
                           return Feeder::Make(Fields(kSentence));
                         }});
}

// Those of the words that worker 0 has.
StatusOr<std::vector<std::string>> WordsOfTheLeader(Workers& all, TxId at,
                                                    const std::vector<std::string>& words) {
  const auto parts = all[0].parts();
  if (parts == nullptr) return Unavailable("no epoch");
  TRIDENT_ASSIGN_OR_RETURN(const ReadableState* own, parts->states().Find("counts"));
  TRIDENT_ASSIGN_OR_RETURN(const Snapshot cut,
                           parts->states().Pin(kGroup, ReadAt::AtLeast(at, kSecond)));
  std::vector<std::string> there;
  for (const std::string& word : words) {
    Datum datum;
    datum.value = word;
    TRIDENT_ASSIGN_OR_RETURN(const std::string key, EncodeStateKey(own->info(), {{datum}}));
    TRIDENT_ASSIGN_OR_RETURN(const auto value, own->Get(cut.txid(), key));
    if (value) there.push_back(word);
  }
  return there;
}

StatusOr<std::vector<double>> Figures(const LoadResult& load) {
  if (load.failures > 0) {
    return Unavailable(load.failures, " calls failed, the first with: ", load.first_failure);
  }
  return std::vector<double>{load.p50_us, load.calls_per_second};
}

constexpr uint64_t kEvents = 500;
constexpr uint64_t kWarmupEvents = 50;

// One event after the other, from Append until every worker shows it.
StatusOr<std::vector<double>> AwaitEvents(Workers& all, Feeder& feeder) {
  std::vector<double> micros;
  for (uint64_t i = 0; i < kWarmupEvents + kEvents; ++i) {
    const Nanos begin = RealClock().MonotonicNanos();
    TRIDENT_ASSIGN_OR_RETURN(const TxId txid,
                             feeder.Append({{"the cow jumped over the moon"}}, WaitFor::kCommit));
    for (uint32_t worker = 0; worker < all.size(); ++worker) {
      TRIDENT_RETURN_IF_ERROR(
          all[worker].states().Pin(kGroup, ReadAt::AtLeast(txid, kSecond)).status());
    }
    const Nanos took = RealClock().MonotonicNanos() - begin;
    if (i >= kWarmupEvents) micros.push_back(static_cast<double>(took) / kMicrosecond);
  }
  return std::vector<double>{Quantile(micros, 0.5), Quantile(micros, 0.99)};
}

}  // namespace

Status ClusterWords(const Bench& bench) {
  const uint64_t rows = bench.settings().Scaled(kSentences) / 6 * 6;
  const auto pool =
      std::make_shared<const SentencePool>(ZipfOptions{.vocabulary = 10'000,
                                                       .words_per_sentence = kWordsPerSentence,
                                                       .distinct_sentences = 60'000},
                                           1);
  for (const uint32_t workers : {2u, 3u}) {
    const auto one = [&]() -> StatusOr<std::vector<double>> {
      TRIDENT_ASSIGN_OR_RETURN(
          const EngineResult result,
          CountOnEngine(
              {.pool = pool, .rows = rows, .batch_rows = kWordBatchRows, .executors = workers},
              bench.settings()));
      return Rates(result.usage, rows);
    };
    TRIDENT_ASSIGN_OR_RETURN(
        const auto samples,
        bench.InTurn({one, [&] { return CountByWorkers(bench.settings(), pool, workers, rows); }}));
    const std::string who = Concat(workers, " workers, of one with ", workers, " executors: ");
    bench.Add({.metric = who + "words/s",
               .value = samples[1][0],
               .unit = "words/s",
               .baseline = samples[0][0],
               .goal = Goal::RatioAtLeast(0.6)});
    bench.Add({.metric = who + "per CPU s",
               .value = samples[1][1],
               .unit = "words/s",
               .baseline = samples[0][1],
               .goal = Goal::RatioAtLeast(0.5)});
  }
  return absl::OkStatus();
}

Status ClusterGet(const Bench& bench) {
  const SentencePool pool({.distinct_sentences = 2'000}, 1);
  std::vector<std::string> words;
  std::vector<Feeder::Row> sentences;
  for (const Text sentence : pool.sentences) {
    sentences.push_back({std::string(sentence)});
    ForEachWord(sentence, [&](std::string_view word) { words.emplace_back(word); });
  }
  TRIDENT_ASSIGN_OR_RETURN(const auto feeder, Feeder::Make(Fields(kSentence)));
  TRIDENT_ASSIGN_OR_RETURN(const auto all, StartFed(bench.settings(), 2, feeder));
  TRIDENT_ASSIGN_OR_RETURN(const TxId txid, feeder->Append(std::move(sentences), WaitFor::kCommit));
  TRIDENT_ASSIGN_OR_RETURN(const auto there, WordsOfTheLeader(*all, txid, words));
  const EchoServer echo;
  for (const int clients : {1, 64}) {
    const LoadOptions load{.clients = clients, .warmup = kSecond / 10, .duration = kSecond / 2};
    TRIDENT_ASSIGN_OR_RETURN(
        const auto samples,
        bench.InTurn(
            {[&] { return Figures(MeasureEcho(echo.address(), load)); },
             [&] { return Figures(MeasureGet((*all)[1].address(), "counts", there, load)); }}));
    if (clients == 1) {
      bench.Add({.metric = "p50 of 1 client, key elsewhere, of echo",
                 .value = samples[1][0],
                 .unit = "us",
                 .baseline = samples[0][0],
                 .goal = Goal::RatioAtMost(2.5)});
    } else {
      bench.Add({.metric = "calls of 64 clients, key elsewhere, of echo",
                 .value = samples[1][1],
                 .unit = "calls/s",
                 .baseline = samples[0][1]});
    }
  }
  return absl::OkStatus();
}

Status ClusterCommit(const Bench& bench) {
  const EchoServer echo;
  const auto parts = [&]() -> StatusOr<std::vector<double>> {
    const ScratchDir dir(bench.settings());
    TRIDENT_ASSIGN_OR_RETURN(const auto micros, MeasureFsync(dir.File("file"), kEvents));
    const LoadResult calls = MeasureEcho(
        echo.address(), {.clients = 1, .warmup = kSecond / 10, .duration = kSecond / 4});
    TRIDENT_RETURN_IF_ERROR(Figures(calls).status());
    return std::vector<double>{Quantile(micros, 0.5) + calls.p50_us};
  };
  const auto commits = [&]() -> StatusOr<std::vector<double>> {
    TRIDENT_ASSIGN_OR_RETURN(const auto feeder, Feeder::Make(Fields(kSentence)));
    TRIDENT_ASSIGN_OR_RETURN(const auto all, StartFed(bench.settings(), 3, feeder));
    return AwaitEvents(*all, *feeder);
  };
  TRIDENT_ASSIGN_OR_RETURN(const auto samples, bench.InTurn({parts, commits}));
  bench.Add({.metric = "p50 until 3 workers show it, of fsync + call",
             .value = samples[1][0],
             .unit = "us",
             .baseline = samples[0][0],
             .goal = Goal::RatioAtMost(3)});
  bench.Add({.metric = "p99 until 3 workers show it", .value = samples[1][1], .unit = "us"});
  return absl::OkStatus();
}

}  // namespace trident::bench
