// SPDX-License-Identifier: Apache-2.0
//
// cold_state: 20 M keys under a budget that holds a part of them, updated evenly.
#include <algorithm>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/cold_baseline.h"
#include "tests/bench/key_count_run.h"
#include "trident/run/run.h"

namespace trident::bench {
namespace {

constexpr uint64_t kKeys = 20'000'000;
constexpr uint64_t kMemoryBytes = 256 * kMiB;
constexpr uint64_t kBatchRows = 100'000;
// In one run of a side. The engine's are enough for several folds, so that none of its work is
// left to others.
constexpr uint64_t kEngineUpdates = 4'000'000;
constexpr uint64_t kBaselineUpdates = 400'000;

std::vector<double> Rates(const Usage& usage, uint64_t updates) {
  const auto n = static_cast<double>(updates);
  return {n / usage.wall_s, n / usage.cpu_s};
}

// Goes on in `dir` up to so many rows in all. What the start takes is not counted.
StatusOr<Usage> CountUpTo(const std::string& dir, const KeySequence& sequence, uint64_t rows) {
  TRIDENT_ASSIGN_OR_RETURN(const Topology topology, KeyCount(sequence, rows));
  TRIDENT_ASSIGN_OR_RETURN(
      const std::unique_ptr<Run> run,
      Run::Start(topology,
                 {.state_dir = dir, .memory_bytes = kMemoryBytes, .batch_rows = kBatchRows}));
  const Stopwatch watch;
  TRIDENT_RETURN_IF_ERROR(run->AwaitEnd());
  return watch.Elapsed();
}

}  // namespace

Status ColdState(const Bench& bench) {
  const ScratchDir dir(bench.settings());
  const KeySequence sequence{.keys = bench.settings().Scaled(kKeys)};
  const uint64_t engine_updates = bench.settings().Scaled(kEngineUpdates);
  const uint64_t baseline_updates = bench.settings().Scaled(kBaselineUpdates);
  TRIDENT_ASSIGN_OR_RETURN(const auto table,
                           ColdTable::Load(dir.File("table"), sequence, kMemoryBytes));
  TRIDENT_RETURN_IF_ERROR(CountUpTo(dir.File("state"), sequence, sequence.keys).status());

  uint64_t counted = sequence.keys;
  uint64_t table_counted = sequence.keys;
  const auto baseline = [&]() -> StatusOr<std::vector<double>> {
    const Stopwatch watch;
    const uint64_t end = table_counted + baseline_updates;
    while (table_counted < end) {
      const uint64_t rows = std::min(kBatchRows, end - table_counted);
      TRIDENT_RETURN_IF_ERROR(table->Count(sequence, table_counted, rows));
      table_counted += rows;
    }
    return Rates(watch.Elapsed(), baseline_updates);
  };
  const auto engine = [&]() -> StatusOr<std::vector<double>> {
    counted += engine_updates;
    TRIDENT_ASSIGN_OR_RETURN(const Usage usage, CountUpTo(dir.File("state"), sequence, counted));
    return Rates(usage, engine_updates);
  };
  TRIDENT_ASSIGN_OR_RETURN(const auto samples, bench.InTurn({baseline, engine}));
  bench.Add({.metric = "updates per second, of MultiGet + Put",
             .value = samples[1][0],
             .unit = "keys/s",
             .baseline = samples[0][0],
             .goal = Goal::RatioAtLeast(10)});
  bench.Add({.metric = "updates per CPU second, of MultiGet + Put",
             .value = samples[1][1],
             .unit = "keys/s",
             .baseline = samples[0][1]});
  return absl::OkStatus();
}

}  // namespace trident::bench
