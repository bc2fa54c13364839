// SPDX-License-Identifier: Apache-2.0
#include "state/map/known_value.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <type_traits>

#include "tests/state/typed_values.h"

namespace trident {
namespace {

struct Case {
  Presence presence;
  std::optional<int64_t> base;
  std::optional<int64_t> whole;  // 52: both together
};
// Memory has a 2.
constexpr Case kCases[] = {
    {Presence::kAbsent, {}, {}}, {Presence::kAbsent, 5, {}},  {Presence::kPresent, {}, 2},
    {Presence::kPresent, 5, 2},  {Presence::kUnread, {}, {}}, {Presence::kUnread, 5, 5},
    {Presence::kDelta, {}, 2},   {Presence::kDelta, 5, 52},
};

// One operation that is not commutative, so that base and delta cannot be taken for each other.
template <class V>
class KnownValueTest : public testing::Test {
 protected:
  static V Combine(const V& base, const V& delta) {
    if constexpr (std::is_same_v<V, int64_t>) return 10 * base + delta;
    return ValuesOf<V>::Join(base, delta);
  }
  static std::optional<V> Of(std::optional<int64_t> n) {
    if (n == 52) return Combine(ValuesOf<V>::Of(5), ValuesOf<V>::Of(2));
    return n.has_value() ? std::optional<V>(ValuesOf<V>::Of(*n)) : std::nullopt;
  }
};
TYPED_TEST_SUITE(KnownValueTest, StateValues);

TYPED_TEST(KnownValueTest, ReportedIsTheWholeValueOverTheBase) {
  for (const Case& c : kCases) {
    const TypeParam memory = *this->Of(2);
    const std::optional<TypeParam> base = this->Of(c.base);
    int reports = 0;
    ReportOverBase(Known<TypeParam>{c.presence, &memory}, base.has_value() ? &*base : nullptr,
                   &TestFixture::Combine, [&](const TypeParam* value) {
                     ++reports;
                     const auto found = value == nullptr ? std::nullopt : std::optional(*value);
                     EXPECT_EQ(found, this->Of(c.whole));
                   });
    EXPECT_EQ(reports, 1);
  }
}

TYPED_TEST(KnownValueTest, ResolvedIsTheSameValueAndKnown) {
  for (const Case& c : kCases) {
    Presence presence = c.presence;
    TypeParam value = *this->Of(2);
    const std::optional<TypeParam> base = this->Of(c.base);
    ResolveOverBase(presence, value, base.has_value() ? &*base : nullptr, &TestFixture::Combine);
    EXPECT_TRUE(IsKnown(presence));
    const auto found = presence == Presence::kPresent ? std::optional(value) : std::nullopt;
    EXPECT_EQ(found, this->Of(c.whole));
  }
}

}  // namespace
}  // namespace trident
