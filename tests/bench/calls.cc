// SPDX-License-Identifier: Apache-2.0
//
// drpc and state_get: calls over gRPC to a running word count, beside an empty call to a server in
// the same process. The topology counts a steady stream of sentences meanwhile, under all sides
// alike.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/echo_baseline.h"
#include "tests/bench/split_words.h"
#include "tests/bench/word_count_run.h"
#include "trident/run/run.h"
#include "trident/spouts/feeder_spout.h"

namespace trident::bench {
namespace {

// 200,000 words a second: enough commits to be in the way, and CPU left for the calls.
constexpr uint64_t kSentencesPerAppend = 200;
constexpr std::chrono::milliseconds kAppendEvery{10};

// A word count that is served and fed until it is destroyed.
class ServedWordCount {
 public:
  using Feeder = FeederSpout<Text>;

  static StatusOr<std::unique_ptr<ServedWordCount>> Start(const Settings& settings) {
    auto served = std::unique_ptr<ServedWordCount>(new ServedWordCount(settings));
    TRIDENT_RETURN_IF_ERROR(served->Open());
    return served;
  }
  ~ServedWordCount() {
    stop_ = true;
    if (feed_.joinable()) feed_.join();
  }
  std::string address() const { return run_->address(); }
  // Of the sentences, with repetitions.
  const std::vector<std::string>& words() const { return words_; }

 private:
  explicit ServedWordCount(const Settings& settings)
      : dir_(settings), pool_({.distinct_sentences = 2000}, 1) {}

  Status Open() {
    for (Text sentence : pool_.sentences) {
      ForEachWord(sentence, [&](std::string_view word) { words_.emplace_back(word); });
    }
    TRIDENT_ASSIGN_OR_RETURN(feeder_, Feeder::Make(Fields(kSentence)));
    TRIDENT_ASSIGN_OR_RETURN(run_, Run::Start(WordCount(feeder_), {.state_dir = dir_.File("state"),
                                                                   .address = "127.0.0.1:0"}));
    for (int i = 0; i < 10; ++i) TRIDENT_RETURN_IF_ERROR(Append(i).status());
    TRIDENT_RETURN_IF_ERROR(feeder_->Append({{"all"}}, WaitFor::kCommit).status());
    feed_ = std::thread([this] {
      for (uint64_t i = 0; !stop_ && Append(i).ok(); ++i) std::this_thread::sleep_for(kAppendEvery);
    });
    return absl::OkStatus();
  }
  StatusOr<AppendTicket> Append(uint64_t turn) {
    std::vector<Feeder::Row> rows;
    for (uint64_t i = 0; i < kSentencesPerAppend; ++i) {
      const uint64_t at = (turn * kSentencesPerAppend + i) % pool_.sentences.size();
      rows.push_back({std::string(pool_.sentences[at])});
    }
    return feeder_->Append(std::move(rows));
  }

  const ScratchDir dir_;
  const SentencePool pool_;
  std::vector<std::string> words_;
  std::shared_ptr<Feeder> feeder_;
  std::unique_ptr<Run> run_;
  std::atomic<bool> stop_{false};
  std::thread feed_;
};

StatusOr<std::vector<double>> Figures(const LoadResult& load) {
  if (load.failures > 0) {
    return Unavailable(load.failures, " calls failed, the first with: ", load.first_failure);
  }
  return std::vector<double>{load.p50_us, load.p99_us, load.calls_per_second};
}

LoadOptions Load(int clients) {
  return {.clients = clients, .warmup = kSecond / 10, .duration = kSecond / 2};
}

// Goals against the echo.
struct CallGoals {
  double p50_at_most = 0;
  double calls_at_least = 0;
};

using MeasureCalls =
    std::function<LoadResult(const ServedWordCount& served, const LoadOptions& options)>;

StatusOr<std::vector<std::vector<Samples>>> BesideEcho(const Bench& bench,
                                                       const ServedWordCount& served, int clients,
                                                       const MeasureCalls& measure) {
  const EchoServer echo;
  return bench.InTurn({[&] { return Figures(MeasureEcho(echo.address(), Load(clients))); },
                       [&] { return Figures(measure(served, Load(clients))); }});
}

Status RunCalls(const Bench& bench, const CallGoals& goals, const MeasureCalls& measure) {
  TRIDENT_ASSIGN_OR_RETURN(const auto served, ServedWordCount::Start(bench.settings()));
  TRIDENT_ASSIGN_OR_RETURN(const auto one, BesideEcho(bench, *served, 1, measure));
  bench.Add({.metric = "p50 of 1 client, of echo",
             .value = one[1][0],
             .unit = "us",
             .baseline = one[0][0],
             .goal = Goal::RatioAtMost(goals.p50_at_most)});
  bench.Add({.metric = "p99 of 1 client, of echo",
             .value = one[1][1],
             .unit = "us",
             .baseline = one[0][1]});
  TRIDENT_ASSIGN_OR_RETURN(const auto many, BesideEcho(bench, *served, 64, measure));
  bench.Add({.metric = "calls of 64 clients, of echo",
             .value = many[1][2],
             .unit = "calls/s",
             .baseline = many[0][2],
             .goal = Goal::RatioAtLeast(goals.calls_at_least)});
  return absl::OkStatus();
}

}  // namespace

Status Drpc(const Bench& bench) {
  return RunCalls(bench, {.p50_at_most = 5, .calls_at_least = 0.4},
                  [](const ServedWordCount& served, const LoadOptions& options) {
                    return MeasureExecute(served.address(), "words", served.words(), options);
                  });
}

Status StateGet(const Bench& bench) {
  return RunCalls(bench, {.p50_at_most = 2, .calls_at_least = 0.6},
                  [](const ServedWordCount& served, const LoadOptions& options) {
                    return MeasureGet(served.address(), "counts", served.words(), options);
                  });
}

}  // namespace trident::bench
