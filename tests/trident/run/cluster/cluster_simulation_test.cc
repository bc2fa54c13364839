// SPDX-License-Identifier: Apache-2.0
//
// Several workers under one leader count words: whatever dies and whatever is lost, each word is
// counted once, and readers of one txid agree.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "base/key_encoding.h"
#include "tests/state/seeds.h"
#include "tests/trident/run/cluster/cluster_world.h"
#include "trident/functions/aggregators.h"
#include "trident/spouts/generator_spout.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr uint32_t kPartitions = 3;
constexpr uint64_t kRows = 400;  // of each source partition

std::string WordOf(const GeneratedRow& row) {
  const uint64_t n = row.rng().Below(60);
  // Some do not fit into an entry of the hot table.
  return n % 7 == 0 ? Concat("a word that is longer than its place ", n) : Concat("w", n);
}

void CountWords(Topology& topology) {
  auto spout = GeneratorSpout::Make(
      Fields(kWord), {.partitions = kPartitions, .rows_per_partition = kRows, .seed = 7},
      [](const GeneratedRow& row, Emit<Text>& emit) { emit(WordOf(row)); });
  topology.NewStream("words", *std::move(spout))
      .GroupBy(kWord)
      .PersistentAggregate(StateOptions{.name = "counts"}, Count(), kCount);
}

std::map<std::string, int64_t> ExpectedCounts() {
  std::map<std::string, int64_t> counts;
  for (uint32_t partition = 0; partition < kPartitions; ++partition) {
    for (uint64_t i = 0; i < kRows; ++i) {
      ++counts[WordOf({.seed = 7, .partition = partition, .index = i})];
    }
  }
  return counts;
}

std::map<std::string, int64_t> Counted(ClusterWorld& world) {
  std::map<std::string, int64_t> counts;
  const std::vector<KeyField> key_fields = {{.name = "word", .type = &TypeOf<Text>()}};
  for (const auto& [key, value] : world.ContentOf("counts")) {
    ByteReader in(value);
    const std::vector<Datum> parts = *DecodeKey(key_fields, key);
    counts[ToString(parts[0])] = Codec<int64_t>::Decode(in);
  }
  return counts;
}

ClusterWorld::Options OptionsOf(uint64_t seed) {
  Rng rng(seed);
  ClusterWorld::Options options;
  options.seed = seed;
  options.workers = 1 + static_cast<uint32_t>(rng.Below(4));
  options.run.executors = 1 + static_cast<uint32_t>(rng.Below(2));
  options.run.batch_rows = 3 + rng.Below(60);
  options.declare = CountWords;
  return options;
}

TEST(ClusterSimulation, WithoutFaultsEachWordIsCountedOnce) {
  for (uint64_t seed : TestSeeds(5, 3)) {
    SCOPED_TRACE(Repro("ClusterSimulation.WithoutFaultsEachWordIsCountedOnce", seed));
    ClusterWorld world(OptionsOf(seed));
    ASSERT_EQ(world.Play(), "");
    EXPECT_EQ(Counted(world), ExpectedCounts());
  }
}

TEST(ClusterSimulation, WhateverDiesEachWordIsCountedOnce) {
  uint64_t deaths = 0;
  uint64_t epochs = 0;
  for (uint64_t seed : TestSeeds(30, 20)) {
    SCOPED_TRACE(Repro("ClusterSimulation.WhateverDiesEachWordIsCountedOnce", seed));
    ClusterWorld::Options options = OptionsOf(seed);
    Rng rng(seed + 1);
    options.fault_steps = 30'000;
    options.faults = {.process_dies = 0.0005 * rng.Unit(),
                      .machine_dies = 0.0005 * rng.Unit(),
                      .write_fails = 0.0003 * rng.Unit(),
                      .link_breaks = 0.0005 * rng.Unit(),
                      .frame_is_lost = rng.Chance(0.5) ? 0 : 0.01 * rng.Unit()};
    ClusterWorld world(options);
    ASSERT_EQ(world.Play(), "");
    ASSERT_EQ(Counted(world), ExpectedCounts());
    deaths += world.deaths();
    epochs += world.epochs();
  }
  EXPECT_GT(deaths, 50u);
  EXPECT_GT(epochs, 50u);
}

}  // namespace
}  // namespace trident
