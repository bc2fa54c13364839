// SPDX-License-Identifier: Apache-2.0
//
// growth: what the work costs as it grows, by partitions of the state and by keys. There is no
// goal but that no figure falls off; beside the keys stands a hash map that grows alike.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/hash.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/key_count_run.h"
#include "tests/bench/word_count_run.h"
#include "trident/run/run.h"

namespace trident::bench {
namespace {

constexpr uint64_t kSentences = 500'000;
constexpr uint64_t kKeyRows = 4'000'000;

struct KeyHash {
  size_t operator()(const std::string& key) const { return HashBytes(key); }
};

Status GrowPartitions(const Bench& bench) {
  ZipfOptions zipf;
  zipf.distinct_sentences = 200'000;
  const auto pool = std::make_shared<const SentencePool>(zipf, 1);
  const std::vector<uint32_t> partitions = {1, 4, 16, 64};
  const uint64_t rows = bench.settings().Scaled(kSentences);
  std::vector<Bench::Side> sides;
  for (uint32_t count : partitions) {
    sides.push_back([&, count]() -> StatusOr<std::vector<double>> {
      TRIDENT_ASSIGN_OR_RETURN(
          const EngineResult result,
          CountOnEngine({.pool = pool, .rows = rows, .batch_rows = 10'000, .partitions = count},
                        bench.settings()));
      const auto words = static_cast<double>(rows * zipf.words_per_sentence);
      return std::vector<double>{words / result.usage.cpu_s};
    });
  }
  TRIDENT_ASSIGN_OR_RETURN(const auto samples, bench.InTurn(sides));
  for (size_t i = 0; i < partitions.size(); ++i) {
    bench.Add({.metric = Concat("per CPU second, ", partitions[i], " partitions, of 1"),
               .value = samples[i][0],
               .unit = "words/s",
               .baseline = samples[0][0]});
  }
  return absl::OkStatus();
}

StatusOr<std::vector<double>> KeysOnEngine(const Bench& bench, uint64_t keys, uint64_t rows) {
  const ScratchDir dir(bench.settings());
  TRIDENT_ASSIGN_OR_RETURN(const Topology topology, KeyCount({.keys = keys}, rows));
  const Stopwatch watch;
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<Run> run,
                           Run::Start(topology, {.state_dir = dir.File("state")}));
  TRIDENT_RETURN_IF_ERROR(run->AwaitEnd());
  return std::vector<double>{static_cast<double>(rows) / watch.Elapsed().cpu_s};
}

StatusOr<std::vector<double>> KeysByHand(uint64_t keys, uint64_t rows) {
  const KeySequence sequence{.keys = keys};
  absl::flat_hash_map<std::string, int64_t, KeyHash> counts;
  std::string key(kKeyBytes, '\0');
  const Stopwatch watch;
  for (uint64_t row = 0; row < rows; ++row) {
    WriteKey(sequence.At(row), key.data());
    ++counts[key];
  }
  return std::vector<double>{static_cast<double>(rows) / watch.Elapsed().cpu_s};
}

Status GrowKeys(const Bench& bench) {
  for (uint64_t full : {10'000, 100'000, 1'000'000, 10'000'000}) {
    const uint64_t keys = bench.settings().Scaled(full);
    const uint64_t rows = std::max(keys, bench.settings().Scaled(kKeyRows));
    TRIDENT_ASSIGN_OR_RETURN(const auto samples,
                             bench.InTurn({[&] { return KeysByHand(keys, rows); },
                                           [&] { return KeysOnEngine(bench, keys, rows); }}));
    bench.Add({.metric = Concat("per CPU second, ", keys, " keys, of hand"),
               .value = samples[1][0],
               .unit = "keys/s",
               .baseline = samples[0][0]});
  }
  return absl::OkStatus();
}

}  // namespace

Status Growth(const Bench& bench) {
  TRIDENT_RETURN_IF_ERROR(GrowPartitions(bench));
  return GrowKeys(bench);
}

}  // namespace trident::bench
