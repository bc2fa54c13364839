// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/batch_global.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/engine/partitioners/slices.h"

namespace trident::testing {
namespace {

TEST(BatchGlobalTest, AllRowsOfABatchMeetInOneTaskFromEverySenderSliceAndAttempt) {
  const PartitionerRef batch_global = BatchGlobalPartitioner();
  for (uint64_t txid = 1; txid < 50; ++txid) {
    std::set<std::vector<uint32_t>> seen;
    for (uint32_t sender = 0; sender < 4; ++sender) {
      RouteContext context = ContextOf(txid, 6);
      context.from_task = sender;
      context.slice = sender * 3;
      context.id.attempt.counter = sender;
      for (const auto& to : TasksOfRows(*batch_global, context, NumberSlice(5))) seen.insert(to);
    }
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_LT(seen.begin()->at(0), 6u);
  }
}

TEST(BatchGlobalTest, ConsecutiveBatchesSpreadOverTheTasks) {
  std::vector<int> counts(4);
  for (uint64_t txid = 1; txid <= 4000; ++txid) {
    ++counts[TasksOfRows(*BatchGlobalPartitioner(), ContextOf(txid, 4), NumberSlice(1))[0].at(0)];
  }
  for (int count : counts) EXPECT_GT(count, 900);
}

TEST(BatchGlobalTest, DescribesItself) {
  EXPECT_EQ(BatchGlobalPartitioner()->Describe(), "batch global");
}

}  // namespace
}  // namespace trident::testing
