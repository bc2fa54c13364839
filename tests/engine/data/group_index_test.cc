// SPDX-License-Identifier: Apache-2.0
//
// GroupIndex beside a std::map: the same numbers, in the order in which the keys came.
#include "engine/data/group_index.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/rng.h"

namespace trident {
namespace {

// Keys of all lengths; many differ in one byte only, in the middle too, where KeyWords does not
// look.
std::string KeyOf(uint64_t n) {
  const size_t size = n % 41;
  std::string key(size, 'k');
  for (size_t i = 0; i < size; ++i) {
    if (n % (i + 2) == 0)
      key[size / 2 + (i % 2 == 0 ? 0 : size / 4)] = static_cast<char>('a' + i % 26);
  }
  if (size >= 24) key[12] = static_cast<char>(n / 41);
  return key;
}

enum class Form { kText, kHashed, kMany };

void CompareWithMap(GroupIndex& index, uint64_t seed, Form form) {
  Rng rng(seed);
  std::vector<std::string> rows;
  const uint64_t distinct = 1 + rng.Below(5'000);
  for (uint64_t i = 0; i < 4 * distinct; ++i) rows.push_back(KeyOf(rng.Below(distinct)));

  std::vector<uint32_t> groups(rows.size());
  if (form == Form::kMany) {
    index.FindOrAddAll(
        rows.size(), [&](size_t i) { return std::string_view(rows[i]); }, groups.data());
  } else {
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::string_view key = rows[i];
      groups[i] = form == Form::kText ? index.FindOrAdd(key)
                                      : index.FindOrAdd(HashedKey{key, HashBytes(key)});
    }
  }

  std::map<std::string, uint32_t> expected;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto number = static_cast<uint32_t>(expected.size());
    ASSERT_EQ(groups[i], expected.emplace(rows[i], number).first->second)
        << "row " << i << " of seed " << seed;
  }
  ASSERT_EQ(index.size(), expected.size());
  for (const auto& [key, number] : expected) {
    ASSERT_EQ(index.keys()[number].key, key);
    ASSERT_EQ(index.keys()[number].hash, HashBytes(key));
  }
}

TEST(GroupIndexTest, NumbersKeysInTheOrderInWhichTheyCome) {
  // One index throughout: what a batch leaves behind must not show in the next one.
  GroupIndex index;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    CompareWithMap(index, seed, static_cast<Form>(seed % 3));
    if (seed % 2 == 0) {
      index.Clear();
    } else {
      const size_t size = index.size();
      EXPECT_EQ(index.TakeKeys().size(), size);
    }
    EXPECT_EQ(index.size(), 0u);
  }
}

TEST(GroupIndexTest, LongKeysWithEqualEndsStayApart) {
  GroupIndex index;
  std::vector<std::string> keys;
  for (int i = 0; i < 1'000; ++i) {
    keys.push_back("https://a.example/" + std::to_string(100'000 + i) + "/index.html");
  }
  for (uint32_t i = 0; i < keys.size(); ++i) ASSERT_EQ(index.FindOrAdd(keys[i]), i);
  for (uint32_t i = 0; i < keys.size(); ++i) ASSERT_EQ(index.FindOrAdd(keys[i]), i);
}

TEST(GroupIndexTest, ZerosAtTheEndBelongToTheKey) {
  GroupIndex index;
  for (uint32_t size = 0; size <= 20; ++size) {
    EXPECT_EQ(index.FindOrAdd(std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", size)),
              size);
  }
}

// Keys of 32 bytes whose HashBytes are all the same are easily made: where a word equals a known
// constant, the word beside it does not count. Here the hash is said to be the same.
TEST(GroupIndexTest, LongKeysOfOneHashAreNumberedAsOthersAreAndStayFewInAPlace) {
  GroupIndex index;
  constexpr uint32_t kKeys = 60'000;
  std::vector<std::string> keys;
  for (uint32_t n = 0; n < kKeys; ++n) {
    std::string key(32, 'k');
    key.replace(12, 6, std::to_string(100'000 + n));  // where KeyWords does not look
    keys.push_back(key);
  }
  for (int round = 0; round < 2; ++round) {
    for (uint32_t n = 0; n < kKeys; ++n) {
      ASSERT_EQ(index.FindOrAdd(HashedKey{keys[n], 7}), n);
      ASSERT_LE(index.SlotsToFind(HashedKey{keys[n], 7}), 300u);
    }
    for (uint32_t n = 0; n < kKeys; ++n) {
      ASSERT_EQ(index.keys()[n].key, keys[n]);
      ASSERT_EQ(index.keys()[n].hash, 7u) << "the hash of the key is as it came";
    }
    index.Clear();
  }
}

}  // namespace
}  // namespace trident
