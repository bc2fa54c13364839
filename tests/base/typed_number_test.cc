// SPDX-License-Identifier: Apache-2.0
#include "base/typed_number.h"

#include <gtest/gtest.h>

#include <limits>

namespace trident {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

TEST(TypedNumberTest, DecimalNumbersWithinTheirBoundsAreTaken) {
  EXPECT_EQ(*ParseWholeNumber("0", 0, 10), 0u);
  EXPECT_EQ(*ParseWholeNumber("010", 0, 10), 10u) << "not octal";
  EXPECT_EQ(*ParseWholeNumber("18446744073709551615", 0, kMost), kMost);
  EXPECT_EQ(*ParseNumber("0.5", 0, 1), 0.5);
  EXPECT_EQ(*ParseNumber("1e-3", 0, 1), 0.001);
}

TEST(TypedNumberTest, EverythingElseIsRefusedAsItWasTyped) {
  for (const char* text :
       {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "11", "x", "18446744073709551616", "１"}) {
    const Status refused = ParseWholeNumber(text, 1, 10).status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(Message(refused), Concat("expected a whole number from 1 to 10, found '", text, "'"));
  }
  for (const char* text : {"", "nan", "inf", "-0.1", "1.5", "0.5s", " 0.5"}) {
    EXPECT_EQ(ParseNumber(text, 0, 1).status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(Message(ParseNumber("nan", 0.001, 86'400).status()),
            "expected a number from 0.001 to 86400, found 'nan'");
}

}  // namespace
}  // namespace trident
