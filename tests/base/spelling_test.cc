// SPDX-License-Identifier: Apache-2.0
#include "base/spelling.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trident {
namespace {

const std::vector<std::string> kNames = {"counts", "totals", "by_country"};

TEST(SpellingTest, ASlipFindsItsName) {
  EXPECT_EQ(NearestSpelling("count", kNames), "counts");
  EXPECT_EQ(NearestSpelling("coutns", kNames), "counts");
  EXPECT_EQ(NearestSpelling("by-country", kNames), "by_country");
  EXPECT_EQ(NearestSpelling("totlas", kNames), "totals");
}

TEST(SpellingTest, AnotherWordFindsNothing) {
  EXPECT_EQ(NearestSpelling("zebra", kNames), "");
  EXPECT_EQ(NearestSpelling("", kNames), "");
  EXPECT_EQ(NearestSpelling("x", std::vector<std::string>{"y"}), "");
  EXPECT_EQ(NearestSpelling("counts", {}), "");
}

TEST(SpellingTest, TheNearerOfTwoWins) {
  EXPECT_EQ(NearestSpelling("word", std::vector<std::string>{"lord_", "words"}), "words");
}

TEST(SpellingTest, TheHintListsWhatThereIs) {
  EXPECT_EQ(SpellingHint("count", "states", kNames),
            "; did you mean 'counts'? The states are: counts, totals, by_country");
  EXPECT_EQ(SpellingHint("zebra", "states", kNames),
            "; the states are: counts, totals, by_country");
  EXPECT_EQ(SpellingHint("zebra", "states", {}), "; there are no states");
}

TEST(SpellingTest, TheHintIsBounded) {
  std::vector<std::string> many;
  for (int i = 0; i < 25; ++i) many.push_back("state_number_" + std::to_string(i));
  const std::string hint = SpellingHint("zebra", "states", many);
  EXPECT_NE(hint.find("state_number_19 and 5 more"), std::string::npos) << hint;
  EXPECT_EQ(NearestSpelling(std::string(1 << 20, 'x'), many), "");
}

}  // namespace
}  // namespace trident
