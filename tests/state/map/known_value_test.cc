// SPDX-License-Identifier: Apache-2.0
#include "state/map/known_value.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace trident {
namespace {

// Not commutative, so that base and delta cannot be taken for each other.
int64_t Combine(int64_t base, int64_t delta) { return 10 * base + delta; }

struct Case {
  Presence presence;
  std::optional<int64_t> base;
  std::optional<int64_t> whole;
};
// Memory has a 2.
constexpr Case kCases[] = {
    {Presence::kAbsent, {}, {}}, {Presence::kAbsent, 5, {}},  {Presence::kPresent, {}, 2},
    {Presence::kPresent, 5, 2},  {Presence::kUnread, {}, {}}, {Presence::kUnread, 5, 5},
    {Presence::kDelta, {}, 2},   {Presence::kDelta, 5, 52},
};

TEST(KnownValueTest, ReportedIsTheWholeValueOverTheBase) {
  for (const Case& c : kCases) {
    const int64_t memory = 2;
    int reports = 0;
    ReportOverBase(Known<int64_t>{c.presence, &memory}, c.base.has_value() ? &*c.base : nullptr,
                   &Combine, [&](const int64_t* value) {
                     ++reports;
                     EXPECT_EQ(value == nullptr ? std::nullopt : std::optional(*value), c.whole);
                   });
    EXPECT_EQ(reports, 1);
  }
}

TEST(KnownValueTest, ResolvedIsTheSameValueAndKnown) {
  for (const Case& c : kCases) {
    Presence presence = c.presence;
    int64_t value = 2;
    ResolveOverBase(presence, value, c.base.has_value() ? &*c.base : nullptr, &Combine);
    EXPECT_TRUE(IsKnown(presence));
    EXPECT_EQ(presence == Presence::kPresent ? std::optional(value) : std::nullopt, c.whole);
  }
}

}  // namespace
}  // namespace trident
