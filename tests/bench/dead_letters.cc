// SPDX-License-Identifier: Apache-2.0
//
// dead_letters: rows of which one in twenty throws and is put aside, beside the same rows when none
// does. The function that throws stands in the middle of a word count, before rows change tasks.
#include <charconv>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/benchmarks.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/generator_spout.h"
#include "trident/topology.h"

namespace trident::bench {
namespace {

constexpr Field<Text> kLine{"line"};
constexpr Field<int64_t> kGroup{"group"};
constexpr Field<int64_t> kCount{"count"};
constexpr uint64_t kRows = 400'000;
constexpr uint64_t kGroups = 1'000;

enum class Rows { kClean, kOneInTwentyBad };

GeneratedSlice MakeLines(const SchemaRef& schema, Rows rows, const GeneratedRange& range) {
  auto letters = std::make_shared<std::vector<std::string>>();
  auto column = std::make_shared<ColumnOf<Text>>();
  uint64_t bytes = 0;
  for (uint64_t i = range.first; i < range.first + range.rows; ++i) {
    const bool bad = rows == Rows::kOneInTwentyBad && i % 20 == 7;
    letters->push_back(Concat(bad ? "x" : "", i % kGroups, " some more text of the line"));
    bytes += letters->back().size();
  }
  for (const std::string& line : *letters) column->Append(line);
  column->Retain(std::move(letters));
  return {Slice(schema, {std::move(column)}, range.rows), bytes};
}

StatusOr<Topology> Numbers(Rows rows, uint64_t count) {
  TRIDENT_ASSIGN_OR_RETURN(Schema made, Schema::Make({kLine.Describe()}));
  auto schema = std::make_shared<const Schema>(std::move(made));
  TRIDENT_ASSIGN_OR_RETURN(
      std::shared_ptr<Spout> spout,
      GeneratorSpout::Make(
          schema, {.rows_per_partition = count, .name = "lines"},
          [schema, rows](const GeneratedRange& range) { return MakeLines(schema, rows, range); }));
  Topology topology("bench-letters");
  const auto parse = [](Text line) -> int64_t {
    int64_t number = 0;
    const auto end = std::from_chars(line.data(), line.data() + line.size(), number);
    if (end.ec != std::errc()) throw std::runtime_error("expected a number");
    return number;
  };
  topology.NewStream("lines", std::move(spout))
      .Each(kLine, parse, kGroup)
      .GroupBy(kGroup)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return topology;
}

Bench::Side RowsPerSecond(const Bench& bench, Rows rows) {
  return [&bench, rows]() -> StatusOr<std::vector<double>> {
    const uint64_t count = bench.settings().Scaled(kRows);
    const ScratchDir dir(bench.settings());
    TRIDENT_ASSIGN_OR_RETURN(const Topology topology, Numbers(rows, count));
    const Stopwatch watch;
    TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<Run> run,
                             Run::Start(topology, {.state_dir = dir.File("state"),
                                                   .batch_rows = 10'000,
                                                   .on_failure = OnFailure::kDeadLetter}));
    TRIDENT_RETURN_IF_ERROR(run->AwaitEnd());
    const uint64_t aside = run->progress().front().rows_aside;
    const uint64_t expected = rows == Rows::kClean ? 0 : (count + 12) / 20;
    if (aside != expected) return Internal(aside, " rows were put aside, not ", expected);
    return std::vector<double>{static_cast<double>(count) / watch.Elapsed().wall_s};
  };
}

}  // namespace

Status DeadLetters(const Bench& bench) {
  TRIDENT_ASSIGN_OR_RETURN(const auto samples,
                           bench.InTurn({RowsPerSecond(bench, Rows::kOneInTwentyBad),
                                         RowsPerSecond(bench, Rows::kClean)}));
  bench.Add({.metric = "rows per second, one in twenty put aside, of none",
             .value = samples[0][0],
             .unit = "rows/s",
             .baseline = samples[1][0],
             .goal = Goal::RatioAtLeast(0.3)});
  return absl::OkStatus();
}

}  // namespace trident::bench
