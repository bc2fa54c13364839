// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/shuffle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/partitioners/slices.h"

namespace trident::testing {
namespace {

std::pair<uint64_t, uint64_t> LeastAndMost(const std::vector<uint64_t>& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return {*least, *most};
}

TEST(ShuffleTest, NoTaskGetsTwoRowsMoreThanAnotherOfOneSlice) {
  for (uint32_t tasks : {1u, 2u, 3u, 7u, 64u}) {
    for (size_t rows : {0u, 1u, 2u, 63u, 64u, 65u, 1000u}) {
      std::vector<uint64_t> counts(tasks);
      for (const auto& to :
           TasksOfRows(*ShufflePartitioner(), ContextOf(5, tasks), NumberSlice(rows))) {
        ASSERT_LT(to.at(0), tasks);
        ++counts[to[0]];
      }
      const auto [least, most] = LeastAndMost(counts);
      EXPECT_LE(most - least, 1u) << rows << " rows over " << tasks;
    }
  }
}

TEST(ShuffleTest, AnotherAttemptTakesTheSameWays) {
  const PartitionerRef shuffle = ShufflePartitioner();
  const Slice slice = NumberSlice(100);
  RouteContext retried = ContextOf(9, 4);
  retried.id.attempt = {Epoch(7), 3};
  EXPECT_EQ(TasksOfRows(*shuffle, ContextOf(9, 4), slice), TasksOfRows(*shuffle, retried, slice));
}

// A rotation by one would send every k-th batch to the same task.
TEST(ShuffleTest, BatchesOfOneRowSpreadWhateverTheStepOfTheirTxids) {
  const PartitionerRef shuffle = ShufflePartitioner();
  const Slice slice = NumberSlice(1);
  for (uint64_t step : {1u, 2u, 3u, 4u, 8u, 100u}) {
    std::vector<uint64_t> counts(4);
    for (uint64_t i = 1; i <= 4000; ++i) {
      ++counts[TasksOfRows(*shuffle, ContextOf(i * step, 4), slice)[0].at(0)];
    }
    const auto [least, most] = LeastAndMost(counts);
    EXPECT_GT(least, 950u) << "step " << step;
    EXPECT_LT(most, 1050u) << "step " << step;
  }
}

TEST(ShuffleTest, SendersDoNotAllStartAtTheSameTask) {
  std::vector<uint64_t> counts(8);
  for (uint32_t sender = 0; sender < 800; ++sender) {
    RouteContext context = ContextOf(1, 8);
    context.from_task = sender;
    ++counts[TasksOfRows(*ShufflePartitioner(), context, NumberSlice(1))[0].at(0)];
  }
  EXPECT_GT(LeastAndMost(counts).first, 80u);
}

TEST(ShuffleTest, RowsOfASelectionAreCountedAsSelected) {
  const Slice slice = NumberSlice(10).Select({1, 3, 5});
  EXPECT_EQ(TasksOfRows(*ShufflePartitioner(), ContextOf(1, 3), slice).size(), 3u);
}

TEST(ShuffleTest, DescribesItself) { EXPECT_EQ(ShufflePartitioner()->Describe(), "shuffle"); }

}  // namespace
}  // namespace trident::testing
