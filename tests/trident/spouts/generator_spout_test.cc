// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/generator_spout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "tests/trident/spouts/reading.h"
#include "trident/spouts/zipf_sentences.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;
constexpr Field<Text> kKey{"key"};
constexpr Field<int64_t> kValue{"value"};

std::shared_ptr<Spout> Numbered(const GeneratorOptions& options) {
  return *GeneratorSpout::Make(
      Fields(kKey, kValue), options, [](const GeneratedRow& row, Emit<Text, int64_t>& emit) {
        emit(std::to_string(row.partition) + ":" + std::to_string(row.index),
             static_cast<int64_t>(row.rng().Below(1000)));
      });
}

TEST(GeneratorSpoutTest, EachPartitionGivesItsRowsOnceInOrder) {
  const auto rows = ReadAll(*Numbered({.partitions = 2, .rows_per_partition = 5}), {2, 1000});
  EXPECT_EQ(rows, (std::vector<std::vector<std::string>>{{"0:0", "0:1", "0:2", "0:3", "0:4"},
                                                         {"1:0", "1:1", "1:2", "1:3", "1:4"}}));
}

TEST(GeneratorSpoutTest, AnyRangeIsTheSameWheneverItIsRead) {
  const auto first = Numbered({.seed = 9}), second = Numbered({.seed = 9});
  const Position end = "1000013";
  const ReadRows a = ReadOnce(*OpenReader(*first, "0"), "1000003", kNoLimits, &end);
  EXPECT_EQ(a.rows.size(), 10u);
  EXPECT_EQ(a.rows.front(), "0:1000003");
  const ReadBatch b =
      ReadUntilPause(*OpenReader(*Numbered({.rows_per_partition = 1000013, .seed = 9}), "0"),
                     "1000003", {3, 1000});
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(ReadOnce(*OpenReader(*second, "0"), "1000003", kNoLimits, &end).rows, a.rows);
}

TEST(GeneratorSpoutTest, RowsDifferBySeedPartitionAndIndex) {
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (uint32_t partition = 0; partition < 10; ++partition) {
      for (uint64_t index = 0; index < 10; ++index) {
        seen.insert(GeneratedRow{seed, partition, index}.rng()());
      }
    }
  }
  EXPECT_GT(seen.size(), 180u);
}

TEST(GeneratorSpoutTest, TheByteLimitIsKeptOnceASliceHasShownTheSizeOfRows) {
  const auto spout = *GeneratorSpout::Make(
      Fields(kKey), {}, [](const GeneratedRow&, Emit<Text>& emit) { emit(std::string(100, 'x')); });
  const auto reader = OpenReader(*spout, "0");
  const ReadRows first = ReadOnce(*reader, "", {1000, 1600});
  EXPECT_EQ(first.result.bytes, first.rows.size() * 100);
  EXPECT_EQ(ReadOnce(*reader, first.result.end, {1000, 1600}).rows.size(), 16u);
  EXPECT_EQ(ReadOnce(*reader, first.result.end, {1000, 1}).rows.size(), 1u);
}

TEST(GeneratorSpoutTest, AFunctionThatEmitsNoneOrTwoFailsTheBatch) {
  for (int times : {0, 2}) {
    const auto spout =
        *GeneratorSpout::Make(Fields(kKey), {}, [times](const GeneratedRow&, Emit<Text>& emit) {
          for (int i = 0; i < times; ++i) emit("x");
        });
    const Status status = ReadOnce(*OpenReader(*spout, "0"), "4", kNoLimits).status;
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(Message(status).find("at index 4"), std::string::npos) << status;
  }
}

TEST(GeneratorSpoutTest, ASliceOfOtherFieldsFailsTheBatch) {
  const SchemaRef schema = Numbered({})->schema();
  const auto spout = *GeneratorSpout::Make(
      schema, {}, [](const GeneratedRange& range) -> StatusOr<GeneratedSlice> {
        auto column = std::make_shared<ColumnOf<int64_t>>();
        for (uint64_t i = 0; i < range.rows; ++i) column->Append(7);
        const auto other = std::make_shared<Schema>(*Schema::Make({kValue.Describe()}));
        return GeneratedSlice{Slice(other, {column}, range.rows), 8 * range.rows};
      });
  ExpectInvalid(ReadOnce(*OpenReader(*spout, "0"), "", kNoLimits).status,
                "made rows of [value:int64], but its fields are [key:text, value:int64]");
}

TEST(GeneratorSpoutTest, MistakesAreRefused) {
  const auto none = [](const GeneratedRow&, Emit<Text>& emit) { emit("x"); };
  const auto error_of = [&](GeneratorOptions options) {
    return GeneratorSpout::Make(Fields(kKey), std::move(options), none).status();
  };
  ExpectInvalid(error_of({.partitions = 0}), "0 source partitions would never emit");
  ExpectInvalid(error_of({.partitions = 65'537}), "1 to 65536 source partitions, got 65537");
  ExpectInvalid(error_of({.name = ""}), "needs a name");
  ExpectInvalid(
      GeneratorSpout::Make(Fields(kKey, kKey), {}, [](const GeneratedRow&, Emit<Text, Text>&) {})
          .status(),
      "the fields of a GeneratorSpout: field \"key\" is there already");
  ExpectInvalid(GeneratorSpout::Make(Fields(), {}, [](const GeneratedRow&, Emit<>&) {}).status(),
                "a GeneratorSpout needs at least one field");
  ExpectInvalid(GeneratorSpout::Make(SchemaRef(), {}, nullptr).status(), "at least one field");
  ExpectInvalid(GeneratorSpout::Make(Numbered({})->schema(), {}, nullptr).status(),
                "needs a function");
  const auto spout = Numbered({.partitions = 2});
  EXPECT_EQ(spout->OpenReader("2", [] {}).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(spout->OpenReader("x", [] {}).ok());
  EXPECT_EQ(spout->Describe(), "generator (2 partitions)");
}

TEST(ZipfSentencesTest, WordsOfRanksAreDistinctAndShort) {
  std::set<std::string> words;
  for (uint32_t rank = 0; rank < 50'000; ++rank) words.insert(WordOfRank(rank));
  EXPECT_EQ(words.size(), 50'000u);
  EXPECT_EQ(WordOfRank(0).size(), 3u);
  for (uint32_t rank : {999'999u, 1'000'000u, 1'000'001u, ~0u}) {
    EXPECT_LE(WordOfRank(rank).size(), 11u);
  }
}

TEST(ZipfSentencesTest, RanksFollowZipfsLaw) {
  constexpr uint32_t kRanks = 1000;
  constexpr int kDraws = 1'000'000;
  for (const double exponent : {0.0, 0.7, 1.0, 1.5}) {
    const ZipfRanks ranks(kRanks, exponent);
    std::vector<int> counts(kRanks);
    Rng rng(4);
    for (int i = 0; i < kDraws; ++i) ++counts[ranks.Draw(rng)];
    double sum = 0;
    for (uint32_t r = 0; r < kRanks; ++r) sum += std::pow(r + 1.0, -exponent);
    for (uint32_t r : {0u, 1u, 9u, 99u, 999u}) {
      const double want = kDraws * std::pow(r + 1.0, -exponent) / sum;
      EXPECT_NEAR(counts[r], want, 6 * std::sqrt(want) + 1) << "rank " << r << ", " << exponent;
    }
  }
}

TEST(ZipfSentencesTest, AVocabularyOfOneWordWorks) {
  Rng rng(1);
  EXPECT_EQ(ZipfRanks(1, 1.0).Draw(rng), 0u);
}

std::vector<std::string> WordsOf(const std::string& sentence) {
  std::istringstream in(sentence);
  std::vector<std::string> words;
  for (std::string word; std::getline(in, word, ' ');) words.push_back(word);
  return words;
}

TEST(ZipfSentencesTest, SentencesHaveTheirWordsAndAreReproducible) {
  const ZipfOptions options{.vocabulary = 50, .words_per_sentence = 7};
  const auto first =
      ReadAll(**ZipfSentenceSpout::Make(options, {.partitions = 2, .rows_per_partition = 100}));
  const auto again =
      ReadAll(**ZipfSentenceSpout::Make(options, {.partitions = 2, .rows_per_partition = 100}),
              {7, 1u << 20});
  EXPECT_EQ(first, again);
  EXPECT_NE(first[0], first[1]);
  std::set<std::string> vocabulary;
  for (uint32_t rank = 0; rank < 50; ++rank) vocabulary.insert(WordOfRank(rank));
  for (const std::string& sentence : first[0]) {
    const std::vector<std::string> words = WordsOf(sentence);
    EXPECT_EQ(words.size(), 7u) << sentence;
    for (const std::string& word : words) EXPECT_TRUE(vocabulary.contains(word)) << word;
  }
}

TEST(ZipfSentencesTest, APoolIsCycledThroughByEachPartitionFromItsOwnPlace) {
  const ZipfOptions options{.distinct_sentences = 10};
  const auto pool = std::make_shared<const SentencePool>(options, 3);
  const auto rows = ReadAll(
      **SentencePoolSpout::Make(pool, {.partitions = 2, .rows_per_partition = 23, .seed = 3}),
      {4, 1000});
  for (uint32_t partition : {0u, 1u}) {
    ASSERT_EQ(rows[partition].size(), 23u);
    for (size_t i = 0; i < 23; ++i) {
      EXPECT_EQ(rows[partition][i], pool->sentences[(partition * 5 + i) % 10]);
    }
  }
  EXPECT_EQ(rows, ReadAll(**ZipfSentenceSpout::Make(
                      options, {.partitions = 2, .rows_per_partition = 23, .seed = 3})));
}

TEST(ZipfSentencesTest, MistakesAreRefused) {
  ExpectInvalid(ZipfSentenceSpout::Make({.vocabulary = 0}, {}).status(), "a vocabulary of 0");
  ExpectInvalid(ZipfSentenceSpout::Make({.words_per_sentence = 0}, {}).status(),
                "0 words a sentence");
  ExpectInvalid(ZipfSentenceSpout::Make({.exponent = std::nan("")}, {}).status(), "exponent");
  ExpectInvalid(ZipfSentenceSpout::Make({.field = ""}, {}).status(), "needs a name");
  ExpectInvalid(ZipfSentenceSpout::Make({}, {.partitions = 0}).status(), "0 source partitions");
  ExpectInvalid(
      SentencePoolSpout::Make(std::make_shared<SentencePool>(ZipfOptions{}, 1), {}).status(),
      "needs sentences, got none");
  ExpectInvalid(SentencePoolSpout::Make(nullptr, {}).status(), "needs sentences, got none");
}

}  // namespace
}  // namespace trident::testing
