// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "coordinator/cli/console.h"

namespace trident {
namespace {

TEST(JsonTest, TextIsEscapedSoThatEveryLineIsOneValue) {
  EXPECT_EQ(JsonText("a\"b\\c\n\t\r\x01\x1f/"), R"("a\"b\\c\n\t\u000d\u0001\u001f/")");
  EXPECT_EQ(JsonText(""), "\"\"");
  EXPECT_EQ(JsonText("für 日本"), "\"für 日本\"");
  EXPECT_EQ(JsonText(std::string_view("a\0b", 3)), R"("a\u0000b")");
}

TEST(JsonTest, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(JsonText("a\xff"
                     "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(JsonText("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"") << "cut off";
  EXPECT_EQ(JsonText("\xed\xa0\x80").find("\xed"), std::string::npos) << "half of a surrogate pair";
}

TEST(JsonTest, NumbersAreNumbersUnlessJsonHasNone) {
  EXPECT_EQ(JsonOf(Datum{int64_t{-5}}), "-5");
  EXPECT_EQ(JsonOf(Datum{std::numeric_limits<int64_t>::min()}), "-9223372036854775808");
  EXPECT_EQ(JsonOf(Datum{0.5}), "0.5");
  EXPECT_EQ(JsonOf(Datum{std::nan("")}), "\"nan\"");
  EXPECT_EQ(JsonOf(Datum{-std::numeric_limits<double>::infinity()}), "\"-inf\"");
}

TEST(JsonTest, EveryKindOfValueHasAForm) {
  EXPECT_EQ(JsonOf(Datum{}), "null");
  EXPECT_EQ(JsonOf(Datum{true}), "true");
  EXPECT_EQ(JsonOf(Datum{OwnedBytes{"\x01\xff"}}), "\"01ff\"");
  EXPECT_EQ(JsonOf(Datum{Timestamp{1'500'000}}), "\"1970-01-01T00:00:01.5Z\"");
  EXPECT_EQ(JsonOf(Datum{std::vector<Datum>{Datum{int64_t{1}}, Datum{std::string("x")}, Datum{}}}),
            R"([1,"x",null])");
  EXPECT_EQ(JsonOf(Datum{Datum::User{"money", "\x05", "5 EUR"}}),
            R"({"type":"money","text":"5 EUR","encoded":"05"})");
}

TEST(ConsoleTest, AValueCanNeitherBreakTheLineNorMoveTheCursor) {
  EXPECT_EQ(OneLine("a\nb\tc\rd\x1b[2J\x7f"), "a\\nb\\tc\\rd\\x1b[2J\\x7f");
  EXPECT_EQ(OneLine("\xff"), "\\xff");
  EXPECT_EQ(OneLine("für"), "für");
}

TEST(ConsoleTest, ColumnsAreAsWideAsTheirCharacters) {
  EXPECT_EQ(TableText({{"A", "B"}, {"für", "1"}, {"x", "22"}}), "A    B\nfür  1\nx    22\n");
}

}  // namespace
}  // namespace trident
