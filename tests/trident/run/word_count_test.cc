// SPDX-License-Identifier: Apache-2.0
//
// The word count from spout to query, in one process.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tests/trident/run/words.h"

namespace trident {
namespace {

// Whole rounds of the starter's sentences, in batches of 3.
StatusOr<std::shared_ptr<Spout>> Rounds(size_t rounds) {
  std::vector<std::string> sentences;
  for (size_t round = 0; round < rounds; ++round) {
    for (const std::string& sentence : StarterSentences()) sentences.push_back(sentence);
  }
  return FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3}, AsRows(sentences));
}

Topology WordCount(size_t rounds) {
  Topology topology("word-count");
  auto counts = topology.NewStream("sentences", Rounds(rounds))
                    .Each(kSentence, Split(), kWord)
                    .GroupBy(kWord)
                    .PersistentAggregate({.name = "counts"}, Count(), kCount);
  topology.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .StateQuery(counts, kWord, MapGet(), kCount)
      .Aggregate(kCount, Sum(), kSum)
      .Project(kSum);
  return topology;
}

int64_t SumOf(Run& run, const std::string& args) {
  auto answer = run.Drpc("words", args);
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (!answer.ok()) return -1;
  EXPECT_EQ(answer->rows.size(), 1u);
  return std::get<int64_t>(answer->rows.at(0).at(0).value);
}

TEST(WordCountTest, CountsTheStarterListInMemory) {
  for (uint32_t executors : {1u, 2u}) {
    auto run = Run::Start(WordCount(3), {.executors = executors});
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE((*run)->AwaitEnd().ok());
    EXPECT_EQ((*run)->states().Published(GroupId(1)), TxId(5));
    EXPECT_EQ(SumOf(**run, "the"), 15);
    EXPECT_EQ(SumOf(**run, "to be jumped"), 9 + 6 + 3);
    EXPECT_EQ(SumOf(**run, "cat dog"), 0);
    EXPECT_EQ(SumOf(**run, ""), 0);
  }
}

// A minute is only how long a failure takes: without the word of the coordinator that all is
// applied the first call waits for all of it.
TEST(WordCountTest, TheEndIsToldAsSoonAsTheLastBatchIsVisible) {
  for (int i = 0; i < 100; ++i) {
    auto run = Run::Start(WordCount(1), {.executors = 2});
    ASSERT_TRUE(run.ok()) << run.status();
    StatusOr<bool> ended = (*run)->AwaitEndFor(60 * kSecond);
    ASSERT_TRUE(ended.ok()) << ended.status();
    ASSERT_TRUE(*ended) << "run " << i;
  }
}

TEST(WordCountTest, GoesOnWhereAnEarlierRunStoppedWithItsStateOnDisk) {
  std::string dir = testing::TempDir() + "/word_count_state";
  std::filesystem::remove_all(dir);
  for (size_t rounds : {1, 2, 3}) {
    auto run = Run::Start(WordCount(rounds), {.state_dir = dir});
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE((*run)->AwaitEnd().ok());
    EXPECT_EQ(SumOf(**run, "the"), static_cast<int64_t>(5 * rounds));
  }
}

}  // namespace
}  // namespace trident
