// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace trident {
namespace {

// These figures are part of the format: data on disk lies in the partitions that they chose. A
// change here would look up every old key in the wrong place.
TEST(HashTest, ValuesNeverChange) {
  EXPECT_EQ(HashBytes(""), 0x2d06800538d394c2u);
  EXPECT_EQ(HashBytes("a"), 0xe6c632b61e964e1fu);
  EXPECT_EQ(HashBytes("the"), 0xcb1283631cf33d7du);
  EXPECT_EQ(HashBytes(std::string(300, 'x')), 0xa5d1b4607dc83554u);
}

TEST(HashTest, PartitionOfAHashNeverChanges) {
  EXPECT_EQ(PartitionOfHash(0, 64), 0u);
  EXPECT_EQ(PartitionOfHash(~uint64_t{0}, 64), 63u);
  EXPECT_EQ(PartitionOfHash(uint64_t{1} << 63, 64), 32u);
  EXPECT_EQ(PartitionOfHash((uint64_t{1} << 63) - 1, 64), 31u);
  EXPECT_EQ(PartitionOfHash(~uint64_t{0}, 1), 0u);
  EXPECT_EQ(PartitionOfHash(~uint64_t{0}, ~uint32_t{0}), ~uint32_t{0} - 1);
}

TEST(HashTest, ConsecutiveKeysSpreadEvenly) {
  constexpr uint32_t kPartitions = 64;
  constexpr int kKeys = 64'000;
  std::vector<int> load(kPartitions);
  for (int i = 0; i < kKeys; ++i) {
    ++load[PartitionOfHash(HashBytes("key-" + std::to_string(i)), kPartitions)];
  }
  // 1000 a partition, with a standard deviation near 31.
  for (int keys : load) {
    EXPECT_GT(keys, 800);
    EXPECT_LT(keys, 1200);
  }
}

}  // namespace
}  // namespace trident
