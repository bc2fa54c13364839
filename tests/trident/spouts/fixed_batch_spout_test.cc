// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/fixed_batch_spout.h"

#include <gtest/gtest.h>

#include "tests/trident/spouts/reading.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;
constexpr Field<Text> kSentence{"sentence"};
constexpr Field<int64_t> kNumber{"n"};

std::shared_ptr<Spout> FiveRows(uint64_t batch_rows, Cycle cycle) {
  return *FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = batch_rows, .cycle = cycle},
                                {{"s1"}, {"s2"}, {"s3"}, {"s4"}, {"s5"}});
}

// The batches that come, each of as many slices as the limits ask for.
std::vector<std::vector<std::string>> Batches(Spout& spout, size_t count, BatchLimits limits) {
  const auto reader = OpenReader(spout, "rows");
  std::vector<std::vector<std::string>> batches;
  Position at;
  while (batches.size() < count) {
    const ReadBatch batch = ReadUntilPause(*reader, at, limits);
    EXPECT_TRUE(batch.status.ok()) << batch.status;
    batches.push_back(batch.rows);
    at = batch.end;
    if (batch.next == Next::kEnded) break;
    EXPECT_EQ(batch.next, Next::kCut);
  }
  return batches;
}

TEST(FixedBatchSpoutTest, ABatchNeverWrapsAroundTheEndOfTheList) {
  const std::vector<std::vector<std::string>> want = {
      {"s1", "s2", "s3"}, {"s4", "s5"}, {"s1", "s2", "s3"}, {"s4", "s5"}, {"s1", "s2", "s3"}};
  for (uint64_t slice_rows : {1u, 2u, 100u}) {
    EXPECT_EQ(Batches(*FiveRows(3, Cycle::kForever), 5, {slice_rows, 1u << 20}), want);
  }
}

TEST(FixedBatchSpoutTest, OnceThroughTheListEndsTheSpout) {
  EXPECT_EQ(Batches(*FiveRows(3, Cycle::kOnce), 99, kNoLimits),
            (std::vector<std::vector<std::string>>{{"s1", "s2", "s3"}, {"s4", "s5"}}));
  EXPECT_EQ(Batches(*FiveRows(5, Cycle::kOnce), 99, kNoLimits).size(), 1u);
  EXPECT_EQ(Batches(*FiveRows(100, Cycle::kForever), 3, kNoLimits)[2].size(), 5u);
}

TEST(FixedBatchSpoutTest, AListOfNothingEndsAtOnce) {
  for (const Cycle cycle : {Cycle::kOnce, Cycle::kForever}) {
    const auto spout =
        *FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3, .cycle = cycle}, {});
    const auto reader = OpenReader(*spout, "rows");
    EXPECT_EQ(PollAt(*reader, ""), Availability::State::kEnded);
    EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).result.next, Next::kEnded);
  }
}

TEST(FixedBatchSpoutTest, ARangeIsReadAgainExactly) {
  const auto spout = FiveRows(3, Cycle::kForever);
  const Position end = "12";
  const auto reader = OpenReader(*spout, "rows");
  EXPECT_EQ(ReadOnce(*reader, "10", kNoLimits, &end).rows, (std::vector<std::string>{"s1", "s2"}));
  EXPECT_EQ(ReadOnce(*reader, "10", kNoLimits, &end).rows, (std::vector<std::string>{"s1", "s2"}));
}

TEST(FixedBatchSpoutTest, ARetryThatShrankABatchMeetsTheOldCutsAgain) {
  const auto spout = FiveRows(3, Cycle::kForever);
  const auto reader = OpenReader(*spout, "rows");
  const ReadRows shrunk = ReadOnce(*reader, "", {.rows = 1, .bytes = 1000});
  EXPECT_EQ(shrunk.result.next, Next::kMore);
  const ReadRows rest = ReadOnce(*reader, shrunk.result.end, kNoLimits);
  EXPECT_EQ(rest.rows, (std::vector<std::string>{"s2", "s3"}));
  EXPECT_EQ(rest.result.next, Next::kCut);
}

TEST(FixedBatchSpoutTest, RowsOfManyTypesKeepTheirValuesAndNulls) {
  const auto spout = *FixedBatchSpout::Make(
      Fields(kSentence, kNumber, Field<std::optional<double>>{"d"}, Field<Bytes>{"b"},
             Field<List<Text>>{"l"}, Field<List<bool>>{"f"}),
      {.batch_rows = 10},
      {{"a", 1, 2.5, OwnedBytes{"\x01"}, {"x", "yy"}, {true, false}},
       {std::string(100, 'q'), -1, std::nullopt, OwnedBytes{}, {}, {}}});
  CollectingOutput out;
  const Position start;
  ASSERT_TRUE(OpenReader(*spout, "rows")->Read({.start = start, .limits = kNoLimits}, out).ok());
  EXPECT_EQ(RowText(out.slices.at(0).Row(0)), "[a, 1, 2.5, 01, [x, yy], [true, false]]");
  EXPECT_EQ(RowText(out.slices.at(0).Row(1)),
            "[" + std::string(100, 'q') + ", -1, null, , [], []]");
}

TEST(FixedBatchSpoutTest, MistakesAreRefused) {
  ExpectInvalid(FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 0}, {{"a"}}).status(),
                "batches of 0 rows would never emit; give 1 or more");
  ExpectInvalid(FixedBatchSpout::Make(Fields(kSentence, kSentence), {}, {{"a", "b"}}).status(),
                "the fields of a FixedBatchSpout: field \"sentence\" is there already");
  ExpectInvalid(FixedBatchSpout::Make(Fields(), {}, {}).status(),
                "a FixedBatchSpout needs at least one field, got none");
  ExpectInvalid(FixedBatchSpout::Make(Fields(kNumber, Field<Text>{""}), {}, {}).status(),
                "number 2 of 2 is empty");
  ExpectInvalid(FixedBatchSpout::Make(FixedBatchOptions{}, Slice()).status(),
                "needs at least one field");
  const auto spout = FiveRows(3, Cycle::kOnce);
  for (const char* position : {"x", "-1", "1 ", "99999999999999999999"}) {
    EXPECT_EQ(ReadOnce(*OpenReader(*spout, "rows"), position, kNoLimits).status.code(),
              StatusCode::kDataLoss);
  }
}

TEST(FixedBatchSpoutTest, DescribesItself) {
  EXPECT_EQ(FiveRows(3, Cycle::kOnce)->Describe(), "fixed rows (5)");
  EXPECT_EQ(FiveRows(3, Cycle::kForever)->Describe(), "fixed rows (5, forever)");
}

}  // namespace
}  // namespace trident::testing
