// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/broadcast.h"

#include <gtest/gtest.h>

#include "tests/engine/partitioners/slices.h"

namespace trident::testing {
namespace {

TEST(BroadcastTest, EveryRowGoesToEveryTask) {
  for (const auto& to : TasksOfRows(*BroadcastPartitioner(), ContextOf(3, 4), NumberSlice(3))) {
    EXPECT_EQ(to, (std::vector<uint32_t>{0, 1, 2, 3}));
  }
}

TEST(BroadcastTest, DescribesItself) { EXPECT_EQ(BroadcastPartitioner()->Describe(), "broadcast"); }

}  // namespace
}  // namespace trident::testing
