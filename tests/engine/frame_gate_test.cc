// SPDX-License-Identifier: Apache-2.0
#include "engine/frame_gate.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/engine/sum_operator.h"

namespace trident {
namespace {

const BatchId kId{GroupId(1), TxId(1), {Epoch(1), 1}};
const TaskAddress kTo{StageId(2), 1};

class FrameGateTest : public testing::Test {
 protected:
  FrameGateTest() {
    gate_.AddTask(kTo, GroupId(1),
                  {{.edge = 3, .from_stage = StageId(0), .from_tasks = 2, .port = 0},
                   {.edge = 5, .from_stage = StageId(1), .from_tasks = 1, .port = 1}});
  }
  static DataFrame Frame(uint32_t edge, TaskAddress from) {
    return {.id = kId, .from = from, .to = kTo, .edge = edge, .payload = ValueRow(1)};
  }
  static EndMarker End(uint32_t edge, TaskAddress from) {
    return {.id = kId, .from = from, .to = kTo, .edge = edge};
  }

  FrameGate gate_;
};

TEST_F(FrameGateTest, WhatThePlanHasPasses) {
  EXPECT_TRUE(gate_.Judge(Frame(3, {StageId(0), 1})).ok());
  EXPECT_TRUE(gate_.Judge(End(3, {StageId(0), 0})).ok());
  EXPECT_TRUE(gate_.Judge(End(5, {StageId(1), 0})).ok());
  EXPECT_EQ(gate_.refused(), 0u);
}

TEST_F(FrameGateTest, WhatItDoesNotHaveIsRefusedAndCounted) {
  DataFrame elsewhere = Frame(3, {StageId(0), 0});
  elsewhere.to = {StageId(2), 0};
  EXPECT_EQ(gate_.Judge(elsewhere).code(), StatusCode::kNotFound);
  elsewhere.to = {StageId(9), 1};
  EXPECT_EQ(gate_.Judge(elsewhere).code(), StatusCode::kNotFound);

  EXPECT_EQ(gate_.Judge(End(4, {StageId(0), 0})).code(), StatusCode::kInvalidArgument) << "no edge";
  EXPECT_EQ(gate_.Judge(End(3, {StageId(0), 2})).code(), StatusCode::kInvalidArgument) << "no task";
  EXPECT_EQ(gate_.Judge(End(5, {StageId(0), 0})).code(), StatusCode::kInvalidArgument)
      << "the edge of another stage";

  EndMarker group = End(3, {StageId(0), 0});
  group.id.group = GroupId(2);
  EXPECT_EQ(gate_.Judge(group).code(), StatusCode::kInvalidArgument);
  DataFrame empty = Frame(3, {StageId(0), 0});
  empty.payload = nullptr;
  EXPECT_EQ(gate_.Judge(empty).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(gate_.refused(), 7u);
}

TEST_F(FrameGateTest, TheMessageSaysWhatCameAndWhatToAsk) {
  const Status refused = gate_.Judge(End(4, {StageId(0), 0}));
  EXPECT_NE(Message(refused).find("edge 4 from task 0 of stage 0"), std::string_view::npos)
      << refused;
  EXPECT_NE(Message(refused).find("run the same topology?"), std::string_view::npos);
}

}  // namespace
}  // namespace trident
