// SPDX-License-Identifier: Apache-2.0
#include "base/position_form.h"

#include <gtest/gtest.h>

namespace trident {
namespace {

TEST(PositionFormTest, APositionFitsItsPatternAsAWhole) {
  const PositionForm form{.pattern = "N/NxN-X[/N:X[/zN]]"};
  for (const char* good : {"", "1/4x8-ff", "0/0x0-0", "1/4x8-ff/2:a", "1/4x8-ff/2:a/z9"}) {
    EXPECT_TRUE(Fits(form, good)) << good;
  }
  for (const char* bad :
       {"1", "1/4x8", "1/4x8-", "1/4x8-ff/", "1/4x8-ff/2:a/", "1/4x8-ff/z9", " 1/4x8-ff",
        "1/4x8-ff ", "18446744073709551616/4x8-ff", "-1/4x8-ff", "a/4x8-ff"}) {
    EXPECT_FALSE(Fits(form, bad)) << bad;
  }
  EXPECT_TRUE(Fits({.pattern = "[-]N"}, "-5"));
  EXPECT_TRUE(Fits({.pattern = "[-]N"}, "5"));
  EXPECT_FALSE(Fits({.pattern = "[-]N"}, "--5"));
  EXPECT_TRUE(Fits({}, "anything")) << "the source alone knows";
}

TEST(PositionFormTest, TheFirstNumberCounts) {
  const PositionForm rows{.pattern = "N", .counts = "row"};
  EXPECT_EQ(CountBefore(rows, ""), 0u);
  EXPECT_EQ(CountBefore(rows, "17"), 17u);
  EXPECT_EQ(CountBefore({.pattern = "N/N", .counts = "byte"}, "5/8"), 5u);
  EXPECT_EQ(CountBefore({.pattern = "N"}, "17"), std::nullopt) << "nobody knows of what";
}

TEST(PositionFormTest, IsSaidInWords) {
  EXPECT_EQ(ToString(PositionForm{.pattern = "N"}), "a whole number");
  EXPECT_EQ(ToString(PositionForm{.pattern = "N/X"}),
            "the form N/X (N: a number, X: a hexadecimal one, [ ]: may be missing)");
}

}  // namespace
}  // namespace trident
