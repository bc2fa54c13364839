// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/identity.h"

#include <gtest/gtest.h>

#include "tests/engine/partitioners/slices.h"

namespace trident::testing {
namespace {

TEST(IdentityTest, TaskSendsToTheTaskOfItsOwnNumber) {
  for (uint32_t task = 0; task < 4; ++task) {
    RouteContext context = ContextOf(8, 4);
    context.from_task = task;
    for (const auto& to : TasksOfRows(*IdentityPartitioner(), context, NumberSlice(3))) {
      EXPECT_EQ(to, std::vector<uint32_t>{task});
    }
  }
}

TEST(IdentityTest, DescribesItself) { EXPECT_EQ(IdentityPartitioner()->Describe(), "identity"); }

TEST(IdentityDeathTest, MoreSendersThanReceiversIsABug) {
  RouteContext context = ContextOf(1, 2);
  context.from_task = 2;
  EXPECT_DEATH(TasksOfRows(*IdentityPartitioner(), context, NumberSlice(1)), "unequal stages");
}

}  // namespace
}  // namespace trident::testing
