// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/global.h"

#include <gtest/gtest.h>

#include "tests/engine/partitioners/slices.h"

namespace trident::testing {
namespace {

TEST(GlobalTest, EveryRowOfEveryBatchGoesToTaskZero) {
  for (uint64_t txid = 1; txid < 20; ++txid) {
    for (const auto& to : TasksOfRows(*GlobalPartitioner(), ContextOf(txid, 5), NumberSlice(7))) {
      EXPECT_EQ(to, std::vector<uint32_t>{0});
    }
  }
}

TEST(GlobalTest, DescribesItself) { EXPECT_EQ(GlobalPartitioner()->Describe(), "global"); }

}  // namespace
}  // namespace trident::testing
