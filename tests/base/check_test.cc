// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <gtest/gtest.h>

#include "base/status.h"

namespace trident {
namespace {

TEST(CheckDeathTest, FailureNamesConditionPlaceAndWhatWasStreamed) {
  const int rows = 3;
  EXPECT_DEATH(TRIDENT_CHECK(rows == 4) << "rows " << rows,
               "CHECK failed: rows == 4 at .*check_test.cc:[0-9]+ rows 3");
  EXPECT_DEATH(TRIDENT_CHECK_LT(rows, 2) << "of " << rows, "CHECK failed: .*rows.*<.*2.* of 3");
  EXPECT_DEATH(TRIDENT_CHECK_OK(DataLoss("torn")), "CHECK failed: .*DATA_LOSS: torn");
  EXPECT_DEATH(TRIDENT_CHECK_OK(StatusOr<int>(NotFound("gone"))), "NOT_FOUND: gone");
}

TEST(CheckTest, HoldsInEveryBuildAndEvaluatesOnce) {
  int evaluated = 0;
  TRIDENT_CHECK(++evaluated == 1);
  TRIDENT_CHECK_OK(StatusOr<int>(++evaluated));
  EXPECT_EQ(evaluated, 2);
}

TEST(CheckTest, StreamsNothingWhenItHolds) {
  int streamed = 0;
  TRIDENT_CHECK(true) << ++streamed;
  TRIDENT_CHECK_EQ(1, 1) << ++streamed;
  EXPECT_EQ(streamed, 0);
}

TEST(CheckTest, IsOneStatementInsideAnUnbracedIf) {
  bool reached_else = false;
  if (reached_else)
    TRIDENT_CHECK(true);
  else
    reached_else = true;
  EXPECT_TRUE(reached_else);
}

TEST(CheckTest, ComparesOperandsAsWritten) {
  // Operators that bind weaker than the comparison must not change its meaning.
  TRIDENT_CHECK_EQ(1 | 2, 3);
  TRIDENT_CHECK_NE(1 & 2, 1);
  TRIDENT_CHECK_GE(true ? 2 : 0, 2);
}

}  // namespace
}  // namespace trident
