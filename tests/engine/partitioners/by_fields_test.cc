// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/by_fields.h"
#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/partition_assignment.h"
#include "tests/engine/partitioners/slices.h"

namespace trident::testing {
namespace {

std::vector<std::string> Words(size_t n) {
  std::vector<std::string> words;
  for (size_t i = 0; i < n; ++i) words.push_back("word" + std::to_string(i));
  return words;
}

TEST(ByFieldsTest, RowGoesToTheTaskThatOwnsThePartitionOfItsKey) {
  const std::vector<std::string> words = Words(2000);
  for (uint32_t partitions : {1u, 3u, 64u, 100u, 4096u}) {
    for (uint32_t tasks : {1u, 2u, 3u, 64u, 65u, 256u}) {
      const auto ways = TasksOfRows(*ByFieldsPartitioner({"word"}, partitions), ContextOf(1, tasks),
                                    KeyedSlice(words));
      for (size_t i = 0; i < words.size(); ++i) {
        const uint32_t partition = PartitionOfHash(HashBytes(words[i]), partitions);
        ASSERT_EQ(ways[i].at(0), TaskOfPartition(partition, partitions, tasks));
        ASSERT_TRUE(PartitionsOfTask(ways[i][0], partitions, tasks).Contains(partition));
      }
    }
  }
}

TEST(ByFieldsTest, EqualKeysMeetWhateverTheBatchAndTheSender) {
  const PartitionerRef by_word = ByFieldsPartitioner({"word"}, 64);
  RouteContext other = ContextOf(77, 5);
  other.from_task = 3;
  other.slice = 9;
  const Slice slice = KeyedSlice({"a", "b", "a", ""});
  const auto ways = TasksOfRows(*by_word, ContextOf(1, 5), slice);
  EXPECT_EQ(ways, TasksOfRows(*by_word, other, slice));
  EXPECT_EQ(ways[0], ways[2]);
}

TEST(ByFieldsTest, KeysOfASelectionBelongToItsRows) {
  Slice slice = NumberSlice(10).Select({2, 4, 8});
  slice.set_keys(KeyedSlice({"x", "y", "z"}).keys());
  const auto ways = TasksOfRows(*ByFieldsPartitioner({"word"}, 64), ContextOf(1, 8), slice);
  EXPECT_EQ(ways, TasksOfRows(*ByFieldsPartitioner({"word"}, 64), ContextOf(1, 8),
                              KeyedSlice({"x", "y", "z"})));
}

TEST(ByFieldsTest, ManyKeysFillAllTasks) {
  std::vector<int> counts(8);
  for (const auto& to :
       TasksOfRows(*ByFieldsPartitioner({"word"}, 64), ContextOf(1, 8), KeyedSlice(Words(8000)))) {
    ++counts[to.at(0)];
  }
  for (int count : counts) EXPECT_GT(count, 800);
}

TEST(ByFieldsTest, DescribesItsFields) {
  EXPECT_EQ(ByFieldsPartitioner({"word"}, 64)->Describe(), "by fields [word]");
  EXPECT_EQ(ByFieldsPartitioner({"user", "day"}, 64)->Describe(), "by fields [user, day]");
}

TEST(ByFieldsDeathTest, ASliceWithoutKeysIsABug) {
  EXPECT_DEATH(TasksOfRows(*ByFieldsPartitioner({"word"}, 64), ContextOf(1, 2), NumberSlice(2)),
               "no keys on slice");
}

}  // namespace
}  // namespace trident::testing
