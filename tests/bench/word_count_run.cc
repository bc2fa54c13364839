// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/word_count_run.h"

#include <utility>
#include <variant>

#include "tests/bench/hand_baseline.h"
#include "tests/bench/split_words.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"

namespace trident::bench {
namespace {

struct Split {
  void operator()(Text sentence, Emit<Text>& emit) const {
    ForEachWord(sentence, [&](std::string_view word) { emit(word); });
  }
};

StatusOr<int64_t> CountOf(Run& run, std::string_view word) {
  TRIDENT_ASSIGN_OR_RETURN(const DrpcRows answer, run.Drpc("words", word));
  if (answer.rows.size() != 1) return Internal("expected one row of words, got another number");
  return std::get<int64_t>(answer.rows[0].at(0).value);
}

}  // namespace

Topology WordCount(std::shared_ptr<Spout> spout, uint32_t partitions) {
  Topology topology("bench");
  auto counts =
      topology.NewStream("sentences", std::move(spout))
          .Each(kSentence, Split(), kWord)
          .GroupBy(kWord)
          .PersistentAggregate({.name = "counts", .partitions = partitions}, Count(), kCount);
  topology.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .StateQuery(counts, kWord, MapGet(), kCount)
      .Aggregate(kCount, Sum(), kSum)
      .Project(kSum);
  return topology;
}

StatusOr<EngineResult> CountOnEngine(const EngineWork& work, const Settings& settings) {
  const ScratchDir dir(settings);
  TRIDENT_ASSIGN_OR_RETURN(
      std::shared_ptr<Spout> spout,
      SentencePoolSpout::Make(work.pool, {.partitions = work.executors,
                                          .rows_per_partition = work.rows / work.executors}));
  const Topology topology = WordCount(std::move(spout), work.partitions);
  const Stopwatch watch;
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<Run> run,
                           Run::Start(topology, {.state_dir = dir.File("state"),
                                                 .executors = work.executors,
                                                 .batch_rows = work.batch_rows}));
  TRIDENT_RETURN_IF_ERROR(run->AwaitEnd());
  EngineResult result{watch.Elapsed(), 0};
  TRIDENT_ASSIGN_OR_RETURN(result.count_of_first, CountOf(*run, FirstWord(work.pool->sentences)));
  return result;
}

}  // namespace trident::bench
