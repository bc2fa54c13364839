// SPDX-License-Identifier: Apache-2.0
#include "base/partition_assignment.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace trident {
namespace {

TEST(PartitionAssignmentTest, EachPartitionBelongsToExactlyTheTaskThatOwnsIt) {
  for (uint32_t partitions = 1; partitions <= 130; ++partitions) {
    for (uint32_t tasks = 1; tasks <= 140; ++tasks) {
      uint32_t next = 0;
      for (uint32_t task = 0; task < tasks; ++task) {
        const PartitionRange range = PartitionsOfTask(task, partitions, tasks);
        ASSERT_EQ(range.begin, next) << partitions << " partitions, " << tasks << " tasks";
        for (uint32_t p = range.begin; p < range.end; ++p) {
          ASSERT_EQ(TaskOfPartition(p, partitions, tasks), task);
        }
        next = range.end;
      }
      ASSERT_EQ(next, partitions);
    }
  }
}

TEST(PartitionAssignmentTest, NoTaskOwnsTwoPartitionsMoreThanAnother) {
  for (uint32_t tasks = 1; tasks <= 64; ++tasks) {
    for (uint32_t task = 0; task < tasks; ++task) {
      const uint32_t size = PartitionsOfTask(task, 64, tasks).size();
      EXPECT_TRUE(size == 64 / tasks || size == 64 / tasks + 1) << size << " of " << tasks;
    }
  }
}

TEST(PartitionAssignmentTest, TheFastFormAgreesEverywhere) {
  const auto max = static_cast<uint32_t>(kStatePartitionsMax);
  for (uint32_t partitions : {1u, 2u, 3u, 5u, 63u, 64u, 65u, 1000u, max - 1, max}) {
    for (uint32_t tasks : {1u, 2u, 3u, 7u, 64u, 255u, 256u, 4095u, 65535u, 65536u}) {
      const TaskAssignment assignment(partitions, tasks);
      for (uint32_t p = 0; p < partitions; ++p) {
        ASSERT_EQ(assignment.TaskOf(p), TaskOfPartition(p, partitions, tasks))
            << p << " of " << partitions << " over " << tasks;
      }
    }
  }
}

TEST(PartitionAssignmentDeathTest, CountsOutOfRangeAreABug) {
  EXPECT_DEATH(TaskAssignment(0, 1), "0 partitions");
  EXPECT_DEATH(TaskAssignment(1, 0), "0 tasks");
}

}  // namespace
}  // namespace trident
