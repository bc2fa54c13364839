// SPDX-License-Identifier: Apache-2.0
//
// hard_cases: work that is easily made to cost the square of its size, each beside plain work of
// the same size, or beside a quarter of it. A ratio that grows with --scale is a fault.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/rng.h"
#include "tests/bench/benchmarks.h"
#include "trident/functions/aggregators.h"
#include "trident/partition_persist.h"
#include "trident/run/run.h"
#include "trident/spouts/generator_spout.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/topology.h"

namespace trident::bench {
namespace {

constexpr Field<Text> kKey{"key"};
constexpr Field<int64_t> kCount{"count"};
constexpr size_t kKeySize = 8;

// Seconds until all rows are committed.
StatusOr<std::vector<double>> SecondsOf(const Bench& bench, const Topology& topology,
                                        RunOptions options) {
  const ScratchDir dir(bench.settings());
  options.state_dir = dir.File("state");
  const Stopwatch watch;
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<Run> run, Run::Start(topology, options));
  TRIDENT_RETURN_IF_ERROR(run->AwaitEnd());
  return std::vector<double>{watch.Elapsed().wall_s};
}

// One row for each number, whose key is key_of(number).
using KeyOf = uint64_t (*)(uint64_t number);
StatusOr<std::shared_ptr<Spout>> Keys(uint64_t rows, KeyOf key_of) {
  TRIDENT_ASSIGN_OR_RETURN(Schema made, Schema::Make({kKey.Describe()}));
  auto schema = std::make_shared<const Schema>(std::move(made));
  return GeneratorSpout::Make(schema, {.rows_per_partition = rows, .name = "keys"},
                              [schema, key_of](const GeneratedRange& range) -> GeneratedSlice {
                                auto letters =
                                    std::make_shared<std::string>(range.rows * kKeySize, '\0');
                                auto column = std::make_shared<ColumnOf<Text>>();
                                Text* to = column->mutable_values().Extend(range.rows);
                                for (uint64_t i = 0; i < range.rows; ++i) {
                                  char* at = letters->data() + i * kKeySize;
                                  const uint64_t key = key_of(range.first + i);
                                  std::memcpy(at, &key, kKeySize);
                                  *to++ = Text(at, kKeySize);
                                }
                                const uint64_t bytes = letters->size();
                                column->Retain(std::move(letters));
                                return {Slice(schema, {std::move(column)}, range.rows), bytes};
                              });
}

Status Compare(const Bench& bench, const std::string& metric, double baseline_is_worth,
               const std::vector<Bench::Side>& sides, double at_most) {
  TRIDENT_ASSIGN_OR_RETURN(const auto samples, bench.InTurn(sides));
  bench.Add({.metric = metric,
             .value = samples[1][0],
             .unit = "s",
             .baseline = Samples(samples[0][0].median() * baseline_is_worth),
             .goal = Goal::RatioAtMost(at_most)});
  return absl::OkStatus();
}

// An updater that puts text row by row, in one batch.
StatusOr<std::vector<double>> PutOneByOne(const Bench& bench, uint64_t rows) {
  TRIDENT_ASSIGN_OR_RETURN(std::shared_ptr<Spout> spout, Keys(rows, &Mix64));
  Topology topology("bench-puts");
  topology.NewStream("keys", std::move(spout))
      .GroupBy(kKey)
      .PartitionPersist({.name = "texts"}, Fields(kKey),
                        [](MapAccess<std::string>& texts, const PersistRows<Text>& rows) -> Status {
                          const std::string text(1'000, 't');
                          for (size_t i = 0; i < rows.size(); ++i) {
                            const std::string_view key = rows.key(i);
                            TRIDENT_RETURN_IF_ERROR(texts.MultiPut({&key, 1}, {&text, 1}));
                          }
                          return absl::OkStatus();
                        });
  return SecondsOf(bench, topology, {.memory_bytes = 256 * kMiB, .batch_rows = rows});
}

// 100 commits of 20 rows, each of which goes to every state.
struct States {
  uint64_t states;
  uint32_t partitions = 0;  // of each; 0: the default
};
StatusOr<std::vector<double>> ManyStates(const Bench& bench, const States& made) {
  TRIDENT_ASSIGN_OR_RETURN(std::shared_ptr<Spout> spout, Keys(2'000, &Mix64));
  Topology topology("bench-states");
  const auto keys = topology.NewStream("keys", std::move(spout));
  for (uint64_t i = 0; i < made.states; ++i) {
    StateOptions options{.name = Concat("counts", i)};
    if (made.partitions > 0) options.partitions = made.partitions;
    keys.GroupBy(kKey).PersistentAggregate(options, Count(), kCount);
  }
  return SecondsOf(bench, topology, {.batch_rows = 20});
}

// The number whose eight bytes have this HashBytes: XXH3 of eight bytes, backwards.
uint64_t KeyOfHash(uint64_t hash) {
  const auto inverse = [](uint64_t odd) {
    uint64_t x = odd;
    for (int i = 0; i < 5; ++i) x *= 2 - odd * x;
    return x;
  };
  constexpr uint64_t kFactor = 0x9FB21C651E98DF25;
  uint64_t h = hash ^ (hash >> 28) ^ (hash >> 56);
  h *= inverse(kFactor);
  h ^= (h >> 35) + kKeySize;
  h *= inverse(kFactor);
  const auto turned = [](uint64_t x, int by) { return x << by | x >> (64 - by); };
  // The step is linear, and is the identity when it is done 64 times.
  for (int i = 0; i < 63; ++i) h ^= turned(h, 49) ^ turned(h, 24);
  // What is left is one XOR with a constant and a swap of the halves.
  static const uint64_t flip = [] {
    uint64_t secret[3];
    std::memcpy(secret, XXH3_kSecret, sizeof secret);
    return secret[1] ^ secret[2];
  }();
  h ^= flip;
  return h >> 32 | h << 32;
}
uint64_t CollidingKey(uint64_t number) { return KeyOfHash(number << 44 | 7); }

StatusOr<std::vector<double>> CountKeys(const Bench& bench, uint64_t rows, KeyOf key_of) {
  TRIDENT_ASSIGN_OR_RETURN(std::shared_ptr<Spout> spout, Keys(rows, key_of));
  Topology topology("bench-collisions");
  topology.NewStream("keys", std::move(spout))
      .GroupBy(kKey)
      .PersistentAggregate({.name = "counts", .partitions = 1}, Count(), kCount);
  return SecondsOf(bench, topology, {});
}

void WriteLines(const std::filesystem::path& path, uint64_t lines) {
  std::ofstream out(path);
  for (uint64_t i = 0; i < lines; ++i) out << "line " << i % 1'000 << " of the file\n";
}

struct Files {
  uint64_t files;  // with as many lines each as it takes
  uint64_t lines;  // of all
  uint64_t empty_before = 0;
  uint64_t empty_behind = 0;
};
StatusOr<std::vector<double>> ReadFiles(const Bench& bench, const Files& files) {
  const ScratchDir dir(bench.settings());
  const std::filesystem::path folder = dir.File("lines");
  std::filesystem::create_directories(folder);
  for (uint64_t i = 0; i < files.empty_before; ++i) WriteLines(folder / Concat("a", i), 0);
  for (uint64_t i = 0; i < files.files; ++i) {
    WriteLines(folder / Concat("b", i), files.lines / files.files);
  }
  for (uint64_t i = 0; i < files.empty_behind; ++i) WriteLines(folder / Concat("c", i), 0);
  Topology topology("bench-files");
  topology.NewStream("lines", TextFileSpout::Make({.paths = {folder.string()}}))
      .GroupBy(kLine)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return SecondsOf(bench, topology, {});
}

Status Sources(const Bench& bench) {
  const uint64_t files = bench.settings().Scaled(20'000);
  TRIDENT_RETURN_IF_ERROR(
      Compare(bench, Concat(files, " files of one line, of a quarter, each"), 4,
              {[&] { return ReadFiles(bench, {.files = files / 4, .lines = files / 4}); },
               [&] { return ReadFiles(bench, {.files = files, .lines = files}); }},
              1.5));
  const uint64_t lines = bench.settings().Scaled(4'000'000);
  for (const uint64_t empty : {100, 10'000}) {
    for (const uint64_t before : {uint64_t{0}, empty / 2, empty}) {
      TRIDENT_RETURN_IF_ERROR(Compare(
          bench, Concat("a file behind ", before, " of ", empty, " empty ones, of alone"), 1,
          {[&] { return ReadFiles(bench, {.files = 1, .lines = lines}); },
           [&] {
             return ReadFiles(bench, {.files = 1,
                                      .lines = lines,
                                      .empty_before = before,
                                      .empty_behind = empty - before});
           }},
          1.2));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Status HardCases(const Bench& bench) {
  const uint64_t rows = bench.settings().Scaled(100'000);
  TRIDENT_RETURN_IF_ERROR(Compare(
      bench, Concat(rows, " texts put one by one, of a quarter, each"), 4,
      {[&] { return PutOneByOne(bench, rows / 4); }, [&] { return PutOneByOne(bench, rows); }},
      1.5));
  const uint64_t states = bench.settings().Scaled(400);
  TRIDENT_RETURN_IF_ERROR(Compare(bench, Concat("100 commits, ", states, " states, of a quarter"),
                                  4,
                                  {[&] { return ManyStates(bench, {.states = states / 4}); },
                                   [&] { return ManyStates(bench, {.states = states}); }},
                                  1.5));
  // The rows touch 20 partitions of each state, however many it has.
  const auto partitions =
      static_cast<uint32_t>(std::min<uint64_t>(bench.settings().Scaled(4096), 4096));
  TRIDENT_RETURN_IF_ERROR(
      Compare(bench, Concat("100 commits, 20 states of ", partitions, " partitions, of 64"), 1,
              {[&] { return ManyStates(bench, {.states = 20, .partitions = 64}); },
               [&] { return ManyStates(bench, {.states = 20, .partitions = partitions}); }},
              1.5));
  const uint64_t made = CollidingKey(5);
  const std::string_view bytes(reinterpret_cast<const char*>(&made), kKeySize);
  if (HashBytes(bytes) != (uint64_t{5} << 44 | 7)) {
    return Internal("the keys that should collide do not");
  }
  TRIDENT_RETURN_IF_ERROR(Compare(bench, Concat(rows, " keys made to collide, of others"), 1,
                                  {[&] { return CountKeys(bench, rows, &Mix64); },
                                   [&] { return CountKeys(bench, rows, &CollidingKey); }},
                                  1.2));
  return Sources(bench);
}

}  // namespace trident::bench
