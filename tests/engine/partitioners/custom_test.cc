// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/custom.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/engine/partitioners/slices.h"

namespace trident::testing {
namespace {

PartitionerRef ByRow(std::function<uint32_t(size_t)> task_of) {
  return CustomPartitioner("mine",
                           [task_of](const RouteContext&, const Slice& slice, Routing& out) {
                             out.kind = Routing::Kind::kByRow;
                             out.task_of_row.resize(slice.rows());
                             for (size_t i = 0; i < slice.rows(); ++i)
                               out.task_of_row[i] = task_of(i);
                           });
}

PartitionerRef Whole(uint32_t task) {
  return CustomPartitioner("mine", [task](const RouteContext&, const Slice&, Routing& out) {
    out.kind = Routing::Kind::kWhole;
    out.task = task;
  });
}

std::string MessageOf(const Partitioner& partitioner, const Slice& slice) {
  Routing out;
  try {
    partitioner.Route(ContextOf(1, 4), slice, out);
  } catch (const std::out_of_range& e) {
    return e.what();
  }
  return "";
}

TEST(CustomTest, RowsGoWhereTheFunctionSays) {
  const auto ways =
      TasksOfRows(*ByRow([](size_t i) { return i % 3; }), ContextOf(1, 3), NumberSlice(4));
  EXPECT_EQ(ways, (std::vector<std::vector<uint32_t>>{{0}, {1}, {2}, {0}}));
  EXPECT_EQ(TasksOfRows(*Whole(2), ContextOf(1, 3), NumberSlice(1))[0].at(0), 2u);
}

TEST(CustomTest, TheFunctionSeesTheContextAndTheSlice) {
  const PartitionerRef custom =
      CustomPartitioner("mine", [](const RouteContext& context, const Slice& slice, Routing& out) {
        out.kind = Routing::Kind::kWhole;
        out.task = (context.from_task + static_cast<uint32_t>(slice.rows())) % context.tasks;
      });
  RouteContext context = ContextOf(1, 4);
  context.from_task = 3;
  EXPECT_EQ(TasksOfRows(*custom, context, NumberSlice(2))[0].at(0), 1u);
}

TEST(CustomTest, ATaskThatIsNotThereThrowsAndNamesTheRow) {
  EXPECT_EQ(
      MessageOf(*ByRow([](size_t i) { return i == 2 ? 4 : 0; }), NumberSlice(3)),
      "partitioner \"mine\" gave task 4 for row 2 [2]; there are 4 tasks, numbered from 0, and "
      "each row needs one");
  EXPECT_NE(MessageOf(*Whole(4), NumberSlice(3)).find("gave task 4;"), std::string::npos);
}

TEST(CustomTest, AWrongNumberOfTasksThrows) {
  const PartitionerRef short_one =
      CustomPartitioner("mine", [](const RouteContext&, const Slice&, Routing& out) {
        out.kind = Routing::Kind::kByRow;
        out.task_of_row = {0};
      });
  EXPECT_NE(MessageOf(*short_one, NumberSlice(2)).find("tasks for 1 of 2 rows"), std::string::npos);
}

TEST(CustomTest, DescribesItself) { EXPECT_EQ(Whole(0)->Describe(), "custom \"mine\""); }

}  // namespace
}  // namespace trident::testing
