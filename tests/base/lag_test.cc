// SPDX-License-Identifier: Apache-2.0
#include "base/lag.h"

#include <gtest/gtest.h>

namespace trident {
namespace {

constexpr uint64_t kMost = ~uint64_t{0};

std::string TextOf(const std::vector<Backlog>& backlogs) {
  Lag lag;
  for (const Backlog& backlog : backlogs) lag.Add(backlog);
  return ToString(lag);
}

TEST(LagTest, RowsAndBytesAreSummedApart) {
  Lag lag;
  lag.Add(Backlog::Rows(3));
  lag.Add(Backlog::Bytes(100));
  lag.Add(Backlog());
  lag.Add(Backlog::Rows(4));
  lag.Add(Backlog::Bytes(0));
  EXPECT_EQ(lag, (Lag{.rows = 7, .bytes = 100, .unknown_partitions = 1}));
}

TEST(LagTest, ASumThatDoesNotFitStaysAtTheLargestNumber) {
  Lag lag;
  lag.Add(Backlog::Rows(kMost - 1));
  lag.Add(Backlog::Rows(1));
  EXPECT_EQ(lag.rows, kMost);
  lag.Add(Backlog::Rows(kMost));
  EXPECT_EQ(lag.rows, kMost);
}

TEST(LagTest, BytesArePrintedInTheUnitThatFits) {
  EXPECT_EQ(TextOf({Backlog::Bytes(0)}), "0 B");
  EXPECT_EQ(TextOf({Backlog::Bytes(1023)}), "1023 B");
  EXPECT_EQ(TextOf({Backlog::Bytes(1024)}), "1.0 KiB");
  EXPECT_EQ(TextOf({Backlog::Bytes(1024 * 1024 - 1024)}), "1023.0 KiB");
  EXPECT_EQ(TextOf({Backlog::Bytes(12'897'485)}), "12.3 MiB");
  EXPECT_EQ(TextOf({Backlog::Bytes(uint64_t{5} << 30)}), "5.0 GiB");
  EXPECT_EQ(TextOf({Backlog::Bytes(kMost)}), "16777216.0 TiB");
}

TEST(LagTest, WhatIsNotKnownIsSaid) {
  EXPECT_EQ(TextOf({}), "none");
  EXPECT_EQ(TextOf({Backlog()}), "unknown");
  EXPECT_EQ(TextOf({Backlog::Rows(1)}), "1 row");
  EXPECT_EQ(TextOf({Backlog::Rows(0)}), "0 rows");
  EXPECT_EQ(TextOf({Backlog::Rows(1200), Backlog(), Backlog::Bytes(512)}),
            "512 B + 1200 rows + unknown");
}

}  // namespace
}  // namespace trident
