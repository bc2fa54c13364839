// SPDX-License-Identifier: Apache-2.0
#include "base/string_bridge.h"

#include <gtest/gtest.h>

#include <string>

namespace trident {
namespace {

TEST(StringBridgeTest, BothWaysShowTheSameBytes) {
  const std::string bytes("a\0b", 3);
  const absl::string_view there = ToAbsl(bytes);
  EXPECT_EQ(there.data(), bytes.data());
  EXPECT_EQ(there.size(), 3u);
  const std::string_view back = ToStd(there);
  EXPECT_EQ(back.data(), bytes.data());
  EXPECT_EQ(back, bytes);
}

TEST(StringBridgeTest, EmptyStaysEmpty) {
  EXPECT_TRUE(ToAbsl(std::string_view()).empty());
  EXPECT_TRUE(ToStd(absl::string_view()).empty());
}

}  // namespace
}  // namespace trident
