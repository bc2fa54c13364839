// SPDX-License-Identifier: Apache-2.0
//
// Several workers under one leader count words: whatever dies and whatever is lost, they have in
// the end what one worker has to which nothing happens, and readers of one txid agree.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/key_encoding.h"
#include "tests/state/seeds.h"
#include "tests/trident/run/cluster/cluster_world.h"
#include "tests/trident/run/cluster/hazy_spout.h"
#include "trident/functions/aggregators.h"
#include "trident/spouts/generator_spout.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr Field<int64_t> kLast{"last"};  // byte of the word
constexpr Field<int64_t> kLargest{"largest"};
constexpr uint32_t kPartitions = 3;
constexpr uint64_t kRows = 400;  // of each source partition

std::string WordOf(const GeneratedRow& row) {
  const uint64_t n = row.rng().Below(60);
  // Some do not fit into an entry of the hot table.
  return n % 7 == 0 ? Concat("a word that is longer than its place ", n) : Concat("w", n);
}

// What a topology has beside its counts of words.
struct Workload {
  bool has_values_stream = false;  // and so a second exchange and a state behind it
  bool has_total = false;          // in one task, however many workers there are
  bool merges = false;             // two spouts in one group
  bool has_two_groups = false;
  bool has_bad_row = false;  // it goes to the dead letters
  // Each process lists the source partitions in another order, and sees some of them late.
  bool has_hazy_sources = false;
  uint32_t partitions = kPartitions;
  friend auto operator<=>(const Workload&, const Workload&) = default;
};

Workload WorkloadOf(uint64_t seed) {
  Rng rng(seed + 2);
  Workload workload{.has_values_stream = rng.Chance(0.5),
                    .has_total = rng.Chance(0.3),
                    .merges = rng.Chance(0.3),
                    .has_two_groups = rng.Chance(0.3),
                    .has_bad_row = rng.Chance(0.3),
                    .has_hazy_sources = rng.Chance(0.5)};
  if (rng.Chance(0.3)) workload.partitions = 1;
  return workload;
}

std::vector<std::string> StatesOf(const Workload& workload) {
  std::vector<std::string> states = {"counts"};
  if (workload.has_values_stream) states.emplace_back("largest");
  if (workload.has_total) states.emplace_back("total");
  if (workload.has_two_groups) states.emplace_back("others");
  return states;
}

// `view` is what the process sees of its sources.
Stream Words(Topology& topology, const std::string& name, const Workload& workload, uint64_t view) {
  auto generator = GeneratorSpout::Make(
      Fields(kWord),
      {.partitions = workload.partitions, .rows_per_partition = kRows, .seed = HashBytes(name)},
      [bad = workload.has_bad_row](const GeneratedRow& row, Emit<Text>& emit) {
        emit(bad && row.index == kRows / 3 && row.partition == 0 ? "bad" : WordOf(row));
      });
  std::shared_ptr<Spout> spout = *std::move(generator);
  if (workload.has_hazy_sources) spout = std::make_shared<HazySpout>(spout, view);
  return topology.NewStream(name, std::move(spout)).Filter(kWord, [](Text word) {
    if (word == "bad") throw std::runtime_error("a bad word");
    return true;
  });
}

void Declare(const Workload& workload, uint64_t view, Topology& topology) {
  Stream words = Words(topology, "words", workload, view);
  if (workload.merges) {
    words = topology.Merge({words, Words(topology, "more words", workload, view + 1)});
  }
  auto counts =
      words.GroupBy(kWord).PersistentAggregate(StateOptions{.name = "counts"}, Count(), kCount);
  if (workload.has_values_stream) {
    counts.NewValuesStream()
        .Each(
            kWord, [](Text word, Emit<int64_t>& emit) { emit(static_cast<int64_t>(word.back())); },
            kLast)
        .GroupBy(kLast)
        .PersistentAggregate(StateOptions{.name = "largest"}, kCount, Max(), kLargest);
  }
  if (workload.has_total) {
    words.PersistentAggregate(StateOptions{.name = "total"}, Count(), kCount);
  }
  if (workload.has_two_groups) {
    Words(topology, "other words", workload, view + 2)
        .GroupBy(kWord)
        .PersistentAggregate(StateOptions{.name = "others"}, Count(), kCount);
  }
}

using Contents = std::map<std::string, ClusterWorld::Content>;

Contents ContentsOf(ClusterWorld& world, const Workload& workload) {
  Contents contents;
  for (const std::string& state : StatesOf(workload)) contents[state] = world.ContentOf(state);
  return contents;
}

ClusterWorld::Options OptionsOf(uint64_t seed, const Workload& workload) {
  Rng rng(seed);
  ClusterWorld::Options options;
  options.seed = seed;
  options.workers = 1 + static_cast<uint32_t>(rng.Below(4));
  options.run.executors = 1 + static_cast<uint32_t>(rng.Below(2));
  options.run.batch_rows = rng.Chance(0.1) ? 1 : 3 + rng.Below(60);
  if (workload.has_bad_row) options.run.on_failure = OnFailure::kDeadLetter;
  options.declare = [workload, view = std::make_shared<uint64_t>(seed)](Topology& topology) {
    Declare(workload, *view += 3, topology);
  };
  options.states = StatesOf(workload);
  return options;
}

// What one worker has in the end to which nothing happens.
const Contents& ExpectedOf(const Workload& workload) {
  static std::map<Workload, Contents>& known = *new std::map<Workload, Contents>();
  Workload clear = workload;
  clear.has_hazy_sources = false;
  const auto [found, is_new] = known.try_emplace(clear);
  if (is_new) {
    ClusterWorld::Options options = OptionsOf(1, clear);
    options.workers = 1;
    options.run.batch_rows = 100;
    ClusterWorld world(options);
    EXPECT_EQ(world.Play(), "");
    found->second = ContentsOf(world, clear);
  }
  return found->second;
}

// TRIDENT_TEST_CLUSTERS=<n> in the environment plays n fixed seeds.
std::vector<uint64_t> Seeds(uint64_t fixed, uint64_t fresh) {
  const char* schedules = std::getenv("TRIDENT_TEST_CLUSTERS");
  if (schedules == nullptr) return TestSeeds(fixed, fresh);
  std::vector<uint64_t> seeds;
  const uint64_t last = std::strtoull(schedules, nullptr, 10);
  for (uint64_t seed = 1; seed <= last; ++seed) seeds.push_back(seed);
  return seeds;
}

void PlayAndCompare(const ClusterWorld::Options& options, const Workload& workload,
                    ClusterWorld& world) {
  const std::string violation = world.Play();
  ASSERT_EQ(violation, "") << "seed " << options.seed << ": " << violation;
  ASSERT_EQ(ContentsOf(world, workload), ExpectedOf(workload))
      << "seed " << options.seed << ": the states are not those of one worker";
}

TEST(ClusterSimulation, OneWorkerCountsEachWordOnce) {
  const Contents contents = ExpectedOf({.has_total = true, .has_two_groups = true});
  std::map<std::string, int64_t> counts;
  for (uint32_t partition = 0; partition < kPartitions; ++partition) {
    for (uint64_t i = 0; i < kRows; ++i) {
      ++counts[WordOf({.seed = HashBytes("words"), .partition = partition, .index = i})];
    }
  }
  std::map<std::string, int64_t> found;
  const std::vector<KeyField> key_fields = {{.name = "word", .type = &TypeOf<Text>()}};
  for (const auto& [key, value] : contents.at("counts")) {
    ByteReader in(value);
    found[ToString((*DecodeKey(key_fields, key))[0])] = Codec<int64_t>::Decode(in);
  }
  EXPECT_EQ(found, counts);
  ASSERT_EQ(contents.at("total").size(), 1u);
  ByteReader in(contents.at("total").begin()->second);
  EXPECT_EQ(Codec<int64_t>::Decode(in), static_cast<int64_t>(kPartitions * kRows));
}

TEST(ClusterSimulation, WithoutFaultsEachWordIsCountedOnce) {
  for (uint64_t seed : Seeds(5, 3)) {
    SCOPED_TRACE(Repro("ClusterSimulation.WithoutFaultsEachWordIsCountedOnce", seed));
    const Workload workload = WorkloadOf(seed);
    const ClusterWorld::Options options = OptionsOf(seed, workload);
    ClusterWorld world(options);
    PlayAndCompare(options, workload, world);
    if (HasFatalFailure()) return;
  }
}

TEST(ClusterSimulation, ProcessesThatSeeOtherSourcesReadEachOfThemOnce) {
  for (uint64_t seed : Seeds(20, 10)) {
    SCOPED_TRACE(Repro("ClusterSimulation.ProcessesThatSeeOtherSourcesReadEachOfThemOnce", seed));
    Workload workload = WorkloadOf(seed);
    workload.has_hazy_sources = true;
    workload.partitions = 2 + static_cast<uint32_t>(seed % 7);
    const ClusterWorld::Options options = OptionsOf(seed, workload);
    ClusterWorld world(options);
    PlayAndCompare(options, workload, world);
    if (HasFatalFailure()) return;
  }
}

TEST(ClusterSimulation, WhateverDiesEachWordIsCountedOnce) {
  uint64_t deaths = 0;
  uint64_t epochs = 0;
  for (uint64_t seed : Seeds(30, 20)) {
    SCOPED_TRACE(Repro("ClusterSimulation.WhateverDiesEachWordIsCountedOnce", seed));
    const Workload workload = WorkloadOf(seed);
    ClusterWorld::Options options = OptionsOf(seed, workload);
    Rng rng(seed + 1);
    options.fault_steps = 30'000;
    options.faults = {.process_dies = 0.0005 * rng.Unit(),
                      .machine_dies = 0.0005 * rng.Unit(),
                      .write_fails = 0.0003 * rng.Unit(),
                      .link_breaks = 0.0005 * rng.Unit(),
                      .frame_is_lost = rng.Chance(0.5) ? 0 : 0.01 * rng.Unit(),
                      .rests_max = rng.Chance(0.3) ? 0 : 0.99};
    ClusterWorld world(options);
    PlayAndCompare(options, workload, world);
    if (HasFatalFailure()) return;
    deaths += world.deaths();
    epochs += world.epochs();
  }
  EXPECT_GT(deaths, 50u);
  EXPECT_GT(epochs, 50u);
}

}  // namespace
}  // namespace trident
