// SPDX-License-Identifier: Apache-2.0
//
// word_count_10k, word_count_1m, word_count_small: the engine beside loops written by hand, over
// the same sentences, which are made beforehand for all.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/benchmarks.h"
#include "tests/bench/hand_baseline.h"
#include "tests/bench/word_count_run.h"

namespace trident::bench {
namespace {

constexpr uint32_t kWordsPerSentence = 10;

struct Shape {
  uint32_t vocabulary = 10'000;
  uint64_t distinct_sentences = 200'000;
  uint64_t rows = 2'000'000;
  uint64_t batch_rows = 10'000;
};

// What a side says: words per CPU second, words per second.
std::vector<double> Rates(const Usage& usage, uint64_t rows) {
  const auto words = static_cast<double>(rows * kWordsPerSentence);
  return {words / usage.cpu_s, words / usage.wall_s};
}

class WordCountBench {
 public:
  WordCountBench(const Bench& bench, const Shape& shape)
      : bench_(bench), shape_(shape), rows_(Even(bench.settings().Scaled(shape.rows))) {
    ZipfOptions zipf{.vocabulary = shape.vocabulary, .words_per_sentence = kWordsPerSentence};
    zipf.distinct_sentences = Even(bench.settings().Scaled(shape.distinct_sentences));
    pool_ = std::make_shared<const SentencePool>(zipf, 1);
  }

  Bench::Side Hand() {
    return [this]() -> StatusOr<std::vector<double>> {
      return Judge(CountByHand({.sentences = &pool_->sentences, .rows = rows_}));
    };
  }
  // Two loops at once, each over the half, on a thread of its own: what a second executor could
  // give at best on this machine.
  Bench::Side TwoHands() {
    return [this]() -> StatusOr<std::vector<double>> {
      const HandWork half{.sentences = &pool_->sentences, .rows = rows_ / 2};
      const Stopwatch watch;
      std::thread other([&] { CountByHand(half); });
      CountByHand(half);
      other.join();
      return Rates(watch.Elapsed(), rows_);
    };
  }
  using DurableCount = StatusOr<HandResult> (*)(const HandWork&);
  Bench::Side Durable(DurableCount count) {
    return [this, count]() -> StatusOr<std::vector<double>> {
      const ScratchDir dir(bench_.settings());
      TRIDENT_ASSIGN_OR_RETURN(const HandResult result, count({.sentences = &pool_->sentences,
                                                               .rows = rows_,
                                                               .batch_rows = shape_.batch_rows,
                                                               .dir = dir.File("redo")}));
      return Judge(result);
    };
  }
  Bench::Side Engine(uint32_t executors) {
    return [this, executors]() -> StatusOr<std::vector<double>> {
      TRIDENT_ASSIGN_OR_RETURN(const EngineResult result,
                               CountOnEngine({.pool = pool_,
                                              .rows = rows_,
                                              .batch_rows = shape_.batch_rows,
                                              .executors = executors},
                                             bench_.settings()));
      return Judge(result);
    };
  }

 private:
  static uint64_t Even(uint64_t n) { return (n + 1) / 2 * 2; }

  // All sides must have counted the same.
  template <class Result>
  StatusOr<std::vector<double>> Judge(const Result& result) {
    if (expected_ < 0) expected_ = result.count_of_first;
    if (result.count_of_first != expected_) {
      return Internal("one side counted \"", FirstWord(pool_->sentences), "\" ", expected_,
                      " times, another one ", result.count_of_first, " times");
    }
    return Rates(result.usage, rows_);
  }

  const Bench& bench_;
  const Shape shape_;
  const uint64_t rows_;
  std::shared_ptr<const SentencePool> pool_;
  int64_t expected_ = -1;
};

constexpr char kUnit[] = "words/s";

void AddDurableRows(const Bench& bench, const std::vector<Samples>& engine,
                    const std::vector<Samples>& durable, double goal) {
  bench.Add({.metric = "words per CPU second, of hand_durable",
             .value = engine[0],
             .unit = kUnit,
             .baseline = durable[0],
             .goal = Goal::RatioAtLeast(goal)});
  bench.Add({.metric = "words per second, of hand_durable",
             .value = engine[1],
             .unit = kUnit,
             .baseline = durable[1]});
}

void AddCombinedRow(const Bench& bench, const Samples& engine, const Samples& combined) {
  bench.Add({.metric = "words per CPU second, of hand_combined",
             .value = engine,
             .unit = kUnit,
             .baseline = combined});
}

void AddHandRow(const Bench& bench, const Samples& engine, const Samples& hand, double goal) {
  bench.Add({.metric = "words per CPU second, of hand",
             .value = engine,
             .unit = kUnit,
             .baseline = hand,
             .goal = Goal::RatioAtLeast(goal)});
}

}  // namespace

Status WordCount10k(const Bench& bench) {
  WordCountBench sides(bench, {});
  TRIDENT_ASSIGN_OR_RETURN(const auto samples,
                           bench.InTurn({sides.Hand(), sides.Durable(CountByHandDurable),
                                         sides.Durable(CountByHandCombined), sides.Engine(1),
                                         sides.Engine(2), sides.TwoHands()}));
  const std::vector<Samples>& one = samples[3];
  const std::vector<Samples>& two = samples[4];
  AddHandRow(bench, one[0], samples[0][0], 0.6);
  AddDurableRows(bench, one, samples[1], 0.9);
  AddCombinedRow(bench, one[0], samples[2][0]);
  // Two loops at once give as much as this machine has: less than twice, where two of its
  // processors are threads of one core.
  bench.Add({.metric = "gain of a second executor, of that of a second hand",
             .value = two[1].Over(one[1]),
             .unit = "times",
             .baseline = samples[5][1].Over(samples[0][1]),
             .goal = Goal::RatioAtLeast(0.95)});
  bench.Add({.metric = "words per CPU second, two executors of one",
             .value = two[0],
             .unit = kUnit,
             .baseline = one[0]});
  return absl::OkStatus();
}

Status WordCount1m(const Bench& bench) {
  WordCountBench sides(
      bench, {.vocabulary = 1'000'000, .distinct_sentences = 1'000'000, .rows = 1'000'000});
  TRIDENT_ASSIGN_OR_RETURN(const auto samples,
                           bench.InTurn({sides.Hand(), sides.Durable(CountByHandDurable),
                                         sides.Durable(CountByHandCombined), sides.Engine(1)}));
  AddHandRow(bench, samples[3][0], samples[0][0], 0.35);
  AddDurableRows(bench, samples[3], samples[1], 0.9);
  AddCombinedRow(bench, samples[3][0], samples[2][0]);
  return absl::OkStatus();
}

Status WordCountSmall(const Bench& bench) {
  WordCountBench sides(bench, {.rows = 100'000, .batch_rows = 100});
  TRIDENT_ASSIGN_OR_RETURN(const auto samples,
                           bench.InTurn({sides.Durable(CountByHandDurable),
                                         sides.Durable(CountByHandCombined), sides.Engine(1)}));
  AddDurableRows(bench, samples[2], samples[0], 0.85);
  AddCombinedRow(bench, samples[2][0], samples[1][0]);
  return absl::OkStatus();
}

}  // namespace trident::bench
