// SPDX-License-Identifier: Apache-2.0
#include "base/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace trident {
namespace {

TEST(StatusTest, MessageIsThePiecesJoined) {
  const std::string state = "counts";
  const std::string_view found = "int64";
  const Status status =
      InvalidArgument("state ", state, ": expected text, found ", found, " at row ", 17, '.');
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Message(status), "state counts: expected text, found int64 at row 17.");
}

TEST(StatusTest, NumbersReadAsNumbers) {
  EXPECT_EQ(Concat(uint8_t{200}, " ", int64_t{-5}, " ", uint64_t{18446744073709551615u}, " ", true),
            "200 -5 18446744073709551615 1");
  EXPECT_EQ(Concat('x', "y"), "xy");
  EXPECT_EQ(Concat(), "");
}

TEST(StatusTest, EachShortFormHasItsCode) {
  EXPECT_EQ(NotFound("x").code(), StatusCode::kNotFound);
  EXPECT_EQ(FailedPrecondition("x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Unavailable("x").code(), StatusCode::kUnavailable);
  EXPECT_EQ(DataLoss("x").code(), StatusCode::kDataLoss);
  EXPECT_EQ(ResourceExhausted("x").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(DeadlineExceeded("x").code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Aborted("x").code(), StatusCode::kAborted);
  EXPECT_EQ(Internal("x").code(), StatusCode::kInternal);
  EXPECT_EQ(AlreadyExists("x").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(OutOfRange("x").code(), StatusCode::kOutOfRange);
}

TEST(StatusTest, AnnotateKeepsTheCodeAndPutsTheContextFirst) {
  const Status status = Annotate(DataLoss("checksum differs"), "redo record of txid 9");
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(Message(status), "redo record of txid 9: checksum differs");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "anything").ok());
}

Status FailWhen(const Status& status, int& reached) {
  TRIDENT_RETURN_IF_ERROR(status);
  ++reached;
  return absl::OkStatus();
}

TEST(StatusTest, ReturnIfErrorStopsAtAnErrorOnly) {
  int reached = 0;
  EXPECT_TRUE(FailWhen(absl::OkStatus(), reached).ok());
  EXPECT_EQ(reached, 1);
  EXPECT_EQ(FailWhen(Aborted("no"), reached).code(), StatusCode::kAborted);
  EXPECT_EQ(reached, 1);
}

StatusOr<std::unique_ptr<int>> Box(StatusOr<int> value) {
  TRIDENT_ASSIGN_OR_RETURN(const int content, value);
  TRIDENT_ASSIGN_OR_RETURN(auto box, StatusOr<std::unique_ptr<int>>(new int(content)));
  return box;
}

TEST(StatusTest, AssignOrReturnMovesTheValueOutOrReturnsTheError) {
  StatusOr<std::unique_ptr<int>> box = Box(5);
  ASSERT_TRUE(box.ok());
  EXPECT_EQ(**box, 5);
  EXPECT_EQ(Box(NotFound("gone")).status(), NotFound("gone"));
}

}  // namespace
}  // namespace trident
