// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace trident {
namespace {

TEST(Utf8Test, TextOfEveryLengthOfCharacterIsValid) {
  for (const char* text : {"", "a", "plain ascii of more than eight bytes", "\xc3\xa9t\xc3\xa9",
                           "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf4\x8f\xbf\xbf", "12345678\xc2\x80"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(std::string("\0x", 2)));
}

TEST(Utf8Test, EveryWayToBeWrongIsFoundWhereItBegins) {
  const struct {
    const char* what;
    const char* tail;
  } cases[] = {{"lone continuation", "\x80"},
               {"overlong of two", "\xc0\xaf"},
               {"overlong of two", "\xc1\xbf"},
               {"cut short", "\xc3"},
               {"cut short", "\xe2\x82"},
               {"cut short", "\xf0\x9f\x98"},
               {"overlong of three", "\xe0\x9f\xbf"},
               {"surrogate", "\xed\xa0\x80"},
               {"overlong of four", "\xf0\x8f\xbf\xbf"},
               {"too large", "\xf4\x90\x80\x80"},
               {"no such lead", "\xf5\x80\x80\x80"},
               {"no such lead", "\xff"},
               {"no continuation",
                "\xc3"
                "a"}};
  for (const auto& c : cases) {
    for (size_t front = 0; front < 12; ++front) {
      const std::string text = std::string(front, 'x') + c.tail;
      EXPECT_EQ(ValidUtf8Prefix(text), front) << c.what;
      EXPECT_FALSE(IsUtf8(text + " and more")) << c.what;
    }
  }
}

}  // namespace
}  // namespace trident
