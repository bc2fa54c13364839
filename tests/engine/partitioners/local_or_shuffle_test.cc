// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/local_or_shuffle.h"

#include <gtest/gtest.h>

#include "engine/partitioners/shuffle.h"
#include "tests/engine/partitioners/slices.h"

namespace trident::testing {
namespace {

RouteContext From(uint32_t task, uint32_t slice, uint32_t tasks) {
  RouteContext context = ContextOf(1, tasks);
  context.from_task = task;
  context.slice = slice;
  return context;
}

uint32_t TaskOfWhole(const Partitioner& partitioner, const RouteContext& context) {
  Routing out;
  partitioner.Route(context, NumberSlice(4), out);
  EXPECT_EQ(out.kind, Routing::Kind::kWhole);
  return out.task;
}

TEST(LocalOrShuffleTest, ASenderKeepsToTheTaskOfItsOwnNumberWhenThatIsHere) {
  const PartitionerRef local = LocalOrShufflePartitioner({.tasks = {1, 2}, .senders = 4});
  for (uint32_t slice = 0; slice < 5; ++slice) {
    EXPECT_EQ(TaskOfWhole(*local, From(1, slice, 4)), 1u);
    EXPECT_EQ(TaskOfWhole(*local, From(2, slice, 4)), 2u);
  }
}

TEST(LocalOrShuffleTest, ASenderWithoutItsOwnTaskTakesTurnsAmongThoseHere) {
  const PartitionerRef local = LocalOrShufflePartitioner({.tasks = {1, 3}, .senders = 4});
  std::vector<int> counts(4);
  for (uint32_t slice = 0; slice < 100; ++slice) ++counts[TaskOfWhole(*local, From(0, slice, 4))];
  EXPECT_EQ(counts, (std::vector<int>{0, 50, 0, 50}));
}

TEST(LocalOrShuffleTest, FewSendersFeedAllTasksHere) {
  const PartitionerRef local = LocalOrShufflePartitioner({.tasks = {0, 1, 2, 3}, .senders = 1});
  std::vector<int> counts(4);
  for (uint32_t slice = 0; slice < 100; ++slice) ++counts[TaskOfWhole(*local, From(0, slice, 4))];
  EXPECT_EQ(counts, (std::vector<int>{25, 25, 25, 25}));
}

TEST(LocalOrShuffleTest, WithNoTaskHereItShufflesOverAll) {
  const PartitionerRef local = LocalOrShufflePartitioner({.tasks = {}, .senders = 4});
  const Slice slice = NumberSlice(50);
  EXPECT_EQ(TasksOfRows(*local, From(2, 1, 4), slice),
            TasksOfRows(*ShufflePartitioner(), From(2, 1, 4), slice));
}

TEST(LocalOrShuffleTest, DescribesItself) {
  EXPECT_EQ(LocalOrShufflePartitioner({})->Describe(), "local or shuffle");
}

TEST(LocalOrShuffleDeathTest, ATaskThatIsNotThereIsABug) {
  const PartitionerRef local = LocalOrShufflePartitioner({.tasks = {0, 4}, .senders = 4});
  EXPECT_DEATH(TaskOfWhole(*local, From(0, 0, 4)), "CHECK failed");
}

}  // namespace
}  // namespace trident::testing
