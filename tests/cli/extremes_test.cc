// SPDX-License-Identifier: Apache-2.0
//
// The least and the greatest of numbers, as the aggregators of a program and `trident state dump`
// combine them: the same bytes in whatever order, and however the rows are dealt to tasks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/codec.h"
#include "coordinator/cli/directory/stored_type.h"
#include "trident/functions/aggregators.h"

namespace trident {
namespace {

template <class T>
std::string Encoded(const T& value) {
  std::string out;
  Codec<T>::Encode(value, out);
  return out;
}

template <class A>
class ExtremesTest : public ::testing::Test {};
using Aggregators = ::testing::Types<MinOf<double>, MaxOf<double>, MinOf<int64_t>, MaxOf<int64_t>>;
TYPED_TEST_SUITE(ExtremesTest, Aggregators);

TYPED_TEST(ExtremesTest, AreTheSameBytesInEveryOrderAlsoOfNaNAndZeros) {
  using T = typename TypeParam::Value;
  const TypeParam extreme;
  std::vector<T> all = {T{3}, T{-3}, T{0}};
  if constexpr (std::is_floating_point_v<T>) {
    using Limits = std::numeric_limits<T>;
    all = {T{3},
           T{0},
           -T{0},
           Limits::quiet_NaN(),
           -Limits::quiet_NaN(),
           Limits::infinity(),
           -Limits::infinity()};
  }
  const StoredType type(std::is_floating_point_v<T> ? "double" : "int64");
  // Each set of rows, with tasks that got none.
  for (uint32_t set = 1; set < 1u << all.size(); ++set) {
    std::vector<T> rows;
    for (size_t i = 0; i < all.size(); ++i) {
      if ((set >> i & 1) != 0) rows.push_back(extreme.Init(all[i]));
    }
    if (rows.size() > 4) continue;
    std::sort(rows.begin(), rows.end(),
              [](const T& a, const T& b) { return Encoded(a) < Encoded(b); });
    std::string expected;
    do {
      T value = rows[0], over_none = extreme.Zero();
      std::string dumped = Encoded(rows[0]);
      for (size_t i = 0; i < rows.size(); ++i) {
        over_none = extreme.Combine(over_none, rows[i]);
        value = i == 0 ? value : extreme.Combine(value, rows[i]);
        if (i == 0) continue;
        const auto combined = type.Combine(TypeParam::kCombiner, dumped, Encoded(rows[i]));
        ASSERT_TRUE(combined.has_value());
        dumped = *combined;
      }
      if (expected.empty()) expected = Encoded(value);
      ASSERT_EQ(Encoded(value), expected) << set;
      ASSERT_EQ(Encoded(over_none), expected) << set << ", and a task without rows";
      ASSERT_EQ(dumped, expected) << set << ", as it is dumped";
    } while (std::next_permutation(rows.begin(), rows.end(),
                                   [](const T& a, const T& b) { return Encoded(a) < Encoded(b); }));
  }
}

}  // namespace
}  // namespace trident
