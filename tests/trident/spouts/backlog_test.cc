// SPDX-License-Identifier: Apache-2.0
//
// What each spout says that waits behind a position.
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "base/rng.h"
#include "tests/trident/spouts/text_files.h"
#include "trident/spouts/feeder_spout.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/spouts/generator_spout.h"
#include "trident/spouts/pull_spout.h"

namespace trident::testing {
namespace {

constexpr Field<int64_t> kNumber{"number"};
constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
constexpr Backlog kUnknown;

Lag LagAtTheBeginning(Spout& spout) {
  Lag lag;
  const auto partitions = spout.Partitions();
  EXPECT_TRUE(partitions.ok()) << partitions.status();
  for (const std::string& partition : *partitions) lag.Add(spout.BacklogAfter(partition, ""));
  return lag;
}

// ---- Text files ----

TEST(BacklogTest, TheSplitsOfAReaderAreCountedByteForByte) {
  for (const uint64_t split_bytes : {1u, 2u, 5u}) {
    for (const uint32_t readers : {1u, 2u, 3u}) {
      const TextSplits splits{split_bytes, readers};
      for (uint32_t reader = 0; reader < readers; ++reader) {
        for (uint64_t begin = 0; begin < 40; ++begin) {
          uint64_t owned = 0;
          for (uint64_t end = begin; end < 40; ++end) {
            ASSERT_EQ(splits.OwnedBytes(reader, begin, end), owned)
                << split_bytes << " x " << readers << ", " << reader << ": " << begin << ", "
                << end;
            owned += splits.Owns(reader, end) ? 1 : 0;
          }
          if (begin > 0) {
            ASSERT_EQ(splits.OwnedBytes(reader, begin, begin - 1), 0u);
          }
        }
      }
    }
  }
  EXPECT_EQ((TextSplits{1, 1}.OwnedBytes(0, 1, kMost)), kMost - 1);
  EXPECT_EQ((TextSplits{kMost, 2}.OwnedBytes(0, 0, kMost)), kMost);
}

// Whatever the lines and splits are: at the beginning all bytes wait, no read makes it more, and at
// the end of all readers nothing does.
TEST(BacklogTest, OfAFileNothingWaitsWhenAllOfItIsRead) {
  Rng rng(11);
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    const TempDir dir;
    std::string text;
    for (uint64_t lines = rng.Below(12); lines > 0; --lines) {
      text += std::string(rng.Below(rng.Chance(0.2) ? 60 : 9), 'x') + (lines > 1 ? "\n" : "");
    }
    const auto spout =
        SpoutOf({.paths = {dir.Write("f", text)},
                 .last_line = LastLine::kYes,
                 .splits = {1 + rng.Below(20), 1 + static_cast<uint32_t>(rng.Below(4))}});
    ASSERT_EQ(LagAtTheBeginning(*spout).bytes, text.size());
    const auto partitions = spout->Partitions();
    for (const std::string& partition : *partitions) {
      const auto reader = OpenReader(*spout, partition);
      Position at;
      for (uint64_t before = text.size(); true;) {
        const ReadRows read = ReadOnce(*reader, at, {.rows = 1 + rng.Below(3), .bytes = 30});
        ASSERT_TRUE(read.status.ok()) << read.status;
        at = read.result.end;
        const Backlog now = spout->BacklogAfter(partition, at);
        ASSERT_EQ(now.unit, Backlog::Unit::kBytes);
        ASSERT_LE(now.amount, before);
        before = now.amount;
        if (read.result.next == ReadResult::Next::kEnded) break;
      }
      EXPECT_EQ(spout->BacklogAfter(partition, at), Backlog::Bytes(0));
    }
  }
}

TEST(BacklogTest, SeveralFilesAddUp) {
  const TempDir dir;
  dir.Write("some/a", "one\ntwo\n");
  dir.Write("some/b", "");
  const auto spout = SpoutOf({.paths = {dir.File("some"), dir.Write("c", "three\npart")}});
  EXPECT_EQ(LagAtTheBeginning(*spout), (Lag{.rows = {}, .bytes = 14}))
      << "a part of a line does not wait for us";
}

TEST(BacklogTest, AFollowedFileIsLookedAtWheneverItIsAsked) {
  const TempDir dir;
  const auto spout = SpoutOf(
      {.paths = {dir.Write("f", "a\nun")}, .follow = Follow::kYes, .splits = {.readers = 1}});
  const std::string partition = spout->Partitions()->at(0);
  const Position end = ReadUntilPause(*OpenReader(*spout, partition), "", kNoLimits).end;
  EXPECT_EQ(spout->BacklogAfter(partition, end), Backlog::Bytes(2)) << "waits for its newline";
  dir.Append("f", "finished\nb\n");
  EXPECT_EQ(spout->BacklogAfter(partition, end), Backlog::Bytes(13)) << "nobody has read since";
  const Position later = ReadUntilPause(*OpenReader(*spout, partition), end, kNoLimits).end;
  EXPECT_EQ(spout->BacklogAfter(partition, later), Backlog::Bytes(0));
}

TEST(BacklogTest, AFileThatIsNotFollowedEndsWhereItDidAtTheStart) {
  const TempDir dir;
  const auto spout = SpoutOf({.paths = {dir.Write("f", "abc\n")}});
  EXPECT_EQ(LagAtTheBeginning(*spout).bytes, 4u);
  dir.Append("f", "more\n");
  EXPECT_EQ(LagAtTheBeginning(*spout).bytes, 4u);
}

TEST(BacklogTest, OfWhatCannotBeReadNothingIsKnown) {
  const TempDir dir;
  const auto spout = SpoutOf(
      {.paths = {dir.Write("f", "abc\n")}, .follow = Follow::kYes, .splits = {.readers = 1}});
  const std::string partition = spout->Partitions()->at(0);
  for (const char* position : {"x", "1/4x8388608", "-1"}) {
    EXPECT_EQ(spout->BacklogAfter(partition, position), kUnknown) << position;
  }
  EXPECT_EQ(spout->BacklogAfter("no partition", ""), kUnknown);
  EXPECT_EQ(spout->BacklogAfter(dir.File("g") + "#0", ""), kUnknown);
  const ReadBatch read = ReadUntilPause(*OpenReader(*spout, partition), "", kNoLimits);
  EXPECT_EQ(spout->BacklogAfter(partition, read.end), Backlog::Bytes(0));
  dir.Write("f", "ab");
  EXPECT_EQ(spout->BacklogAfter(partition, read.end), kUnknown) << "it was truncated";
}

// ---- Spouts that count rows ----

TEST(BacklogTest, AFeederCountsWhatIsQueuedAndNotCommitted) {
  const auto feeder = *FeederSpout<int64_t>::Make(Fields(kNumber));
  EXPECT_EQ(feeder->BacklogAfter("feed", ""), Backlog::Rows(0));
  ASSERT_TRUE(feeder->Append({{1}, {2}, {3}}).ok());
  // A restored state stands at 70; the rows have no numbers before the first read.
  EXPECT_EQ(feeder->BacklogAfter("feed", "70"), Backlog::Rows(3));
  const auto reader = OpenReader(*feeder, "feed");
  const ReadRows read = ReadOnce(*reader, "70", {.rows = 2, .bytes = 1000});
  EXPECT_EQ(feeder->BacklogAfter("feed", "70"), Backlog::Rows(3)) << "read is not committed";
  ASSERT_TRUE(feeder->Append({{4}}).ok());
  reader->Committed(TxId(9), read.result.end);
  EXPECT_EQ(feeder->BacklogAfter("feed", read.result.end), Backlog::Rows(2));
  EXPECT_EQ(feeder->BacklogAfter("feed", "74"), Backlog::Rows(0));
  EXPECT_EQ(feeder->BacklogAfter("feed", "75"), Backlog::Rows(0));
  EXPECT_EQ(feeder->BacklogAfter("feed", "no number"), kUnknown);
}

TEST(BacklogTest, AGeneratorWithAnEndCountsTheRowsBeforeIt) {
  const auto make = [](uint64_t rows) {
    return *GeneratorSpout::Make(Fields(kNumber), {.partitions = 2, .rows_per_partition = rows},
                                 [](const GeneratedRow& row, Emit<int64_t>& emit) {
                                   emit(static_cast<int64_t>(row.index));
                                 });
  };
  const auto ten = make(10);
  EXPECT_EQ(LagAtTheBeginning(*ten), (Lag{.rows = 20, .bytes = {}}));
  EXPECT_EQ(ten->BacklogAfter("1", "4"), Backlog::Rows(6));
  EXPECT_EQ(ten->BacklogAfter("1", "10"), Backlog::Rows(0));
  EXPECT_EQ(ten->BacklogAfter("1", "11"), Backlog::Rows(0));
  EXPECT_EQ(ten->BacklogAfter("1", "x"), kUnknown);
  EXPECT_EQ(LagAtTheBeginning(*make(GeneratorOptions::kEndless)),
            (Lag{.rows = {}, .bytes = {}, .unknown_partitions = 2}));
}

TEST(BacklogTest, AListCountsTheRowsBeforeItsEnd) {
  const auto make = [](Cycle cycle) {
    return *FixedBatchSpout::Make(Fields(kNumber), {.batch_rows = 2, .cycle = cycle},
                                  {{1}, {2}, {3}});
  };
  EXPECT_EQ(make(Cycle::kOnce)->BacklogAfter("rows", ""), Backlog::Rows(3));
  EXPECT_EQ(make(Cycle::kOnce)->BacklogAfter("rows", "2"), Backlog::Rows(1));
  EXPECT_EQ(make(Cycle::kOnce)->BacklogAfter("rows", "9"), Backlog::Rows(0));
  EXPECT_EQ(make(Cycle::kForever)->BacklogAfter("rows", "9"), kUnknown);
}

TEST(BacklogTest, WhatAFunctionWillGiveNobodyKnows) {
  const auto spout =
      *PullSpout::Make(Fields(kNumber), {}, [](Emit<int64_t>& /*emit*/) { return Pulled::kEnd; });
  EXPECT_EQ(spout->BacklogAfter("pull", ""), kUnknown);
}

}  // namespace
}  // namespace trident::testing
