// SPDX-License-Identifier: Apache-2.0
#include "base/overloaded.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace trident {
namespace {

using Value = std::variant<int, const char*>;

std::string Told(const Value& value) {
  return std::visit(Overloaded{[](int n) { return "number " + std::to_string(n); },
                               [](const char* text) { return std::string("text ") + text; }},
                    value);
}

TEST(OverloadedTest, CallsTheCaseOfTheAlternativeThatIsThere) {
  EXPECT_EQ(Told(Value(7)), "number 7");
  EXPECT_EQ(Told(Value("seven")), "text seven");
}

TEST(OverloadedTest, ACaseMayChangeWhatItHoldsAndWhatItIsGiven) {
  Value value(1);
  int calls = 0;
  auto twice = Overloaded{[calls](int& n) mutable { n = 10 * n + ++calls; }, [](const char*) {}};
  std::visit(twice, value);
  std::visit(twice, value);
  EXPECT_EQ(std::get<int>(value), 112);
}

}  // namespace
}  // namespace trident
