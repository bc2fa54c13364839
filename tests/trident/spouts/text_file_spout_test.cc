// SPDX-License-Identifier: Apache-2.0
//
// What is read: lines, splits, ranges. What goes wrong is in text_file_errors_test.cc, what grows
// in text_file_follow_test.cc.
#include "trident/spouts/text_file_spout.h"
#include "base/limits.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/clock.h"
#include "base/rng.h"
#include "tests/trident/spouts/text_files.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;

std::vector<std::string> Sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(TextFileSpoutTest, OneReaderGivesTheLinesInOrder) {
  const TempDir dir;
  for (const char* text : {"", "\n", "a", "a\n", "a\nb", "\n\na\n\n", "a\r\nb\r\n", "a\rb\n",
                           "a\r\r\n", "\r\n\r\n", "ends in return\r", "h\xc3\xa9\n\xe2\x82\xac"}) {
    dir.Write("f", text);
    const auto spout =
        SpoutOf({.paths = {dir.File("f")}, .last_line = LastLine::kYes, .splits = {.readers = 1}});
    EXPECT_EQ(ReadAll(*spout), std::vector<std::vector<std::string>>{LinesOf(text)}) << text;
  }
}

// Tens of thousands of them cost no more than to list them.
TEST(TextFileSpoutTest, EmptyFilesAreNoPartitionsUnlessTheyMayGrowOrThereIsNoOther) {
  const TempDir dir;
  dir.Write("a", "");
  dir.Write("b", "");
  const auto partitions = [&](Follow follow) {
    return SpoutOf({.paths = {dir.path()}, .follow = follow})->Partitions().value();
  };
  EXPECT_EQ(partitions(Follow::kNo).size(), 1u) << "a spout needs one";
  EXPECT_EQ(partitions(Follow::kYes).size(), 2u);
  dir.Write("ab", "line\n");
  const std::vector<std::string> one = partitions(Follow::kNo);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_NE(one[0].find("/ab"), std::string::npos) << one[0];
  EXPECT_EQ(partitions(Follow::kYes).size(), 3u);
}

TEST(TextFileSpoutTest, AStartListsTheFilesOnceAndTheNextStartListsThemAgain) {
  const TempDir dir;
  dir.Write("a", "line\n");
  const auto spout = SpoutOf({.paths = {dir.path()}});
  for (const size_t files : {1, 2, 3}) {
    ASSERT_TRUE(spout->Resume({}).ok());
    EXPECT_EQ(spout->Partitions()->size(), files);  // who plans
    dir.Write(Concat("b", files), "line\n");
    ASSERT_TRUE(spout->Resume({}).ok());
    EXPECT_EQ(spout->Partitions()->size(), files);
    EXPECT_EQ(spout->Partitions()->size(), files);
  }
}

// The heart of it: wherever the file is cut, and however small the pieces in which it is read,
// every line comes exactly once, from the split in which it starts, and in order within a reader.
TEST(TextFileSpoutTest, SplitsAtEveryByteGiveEveryLineOnce) {
  const TempDir dir;
  const std::string text = "a\n\nbcd\r\n\xe2\x82\xac uro\nlong line that spans\n\n\nx\r\nlast";
  dir.Write("f", text);
  const std::vector<std::string> want = LinesOf(text);
  for (uint64_t split_bytes = 1; split_bytes <= text.size() + 1; ++split_bytes) {
    for (uint32_t readers : {1u, 2u, 3u, 5u}) {
      for (uint64_t read_bytes : {1u, 2u, 3u, 7u, 1000u}) {
        const auto spout = SpoutOf({.paths = {dir.File("f")},
                                    .last_line = LastLine::kYes,
                                    .splits = {split_bytes, readers},
                                    .read_bytes = read_bytes});
        const auto parts = ReadAll(*spout, {.rows = 1 + split_bytes % 3, .bytes = 1000});
        ASSERT_EQ(Sorted(Joined(parts)), Sorted(want)) << split_bytes << " x " << readers;
        if (readers == 1) {
          ASSERT_EQ(parts[0], want);
        }
      }
    }
  }
}

TEST(TextFileSpoutTest, ALineBelongsToTheSplitInWhichItStarts) {
  const TempDir dir;
  // Splits of 4 bytes: "aaaa" "aa\nb" "b\ncc" "\nd".
  const auto spout = SpoutOf({.paths = {dir.Write("f", "aaaaaa\nbb\ncc\nd\n")},
                              .splits = {.split_bytes = 4, .readers = 4}});
  EXPECT_EQ(ReadAll(*spout),
            (std::vector<std::vector<std::string>>{{"aaaaaa"}, {"bb"}, {"cc"}, {"d"}}));
}

TEST(TextFileSpoutTest, LimitsBoundASliceButNeverStopIt) {
  const TempDir dir;
  const auto spout =
      SpoutOf({.paths = {dir.Write("f", "aaaa\nbbbb\ncccc\ndddd\n")}, .splits = {.readers = 1}});
  const auto reader = OpenReader(*spout, spout->Partitions()->at(0));
  EXPECT_EQ(ReadOnce(*reader, "", {.rows = 2, .bytes = 1000}).rows.size(), 2u);
  EXPECT_EQ(ReadOnce(*reader, "", {.rows = 9, .bytes = 10}).rows.size(), 2u);
  EXPECT_EQ(ReadOnce(*reader, "", {.rows = 9, .bytes = 11}).rows.size(), 3u);
  EXPECT_EQ(ReadOnce(*reader, "", {.rows = 9, .bytes = 1}).rows.size(), 1u);
  EXPECT_EQ(ReadOnce(*reader, "", {.rows = 0, .bytes = 0}).rows.size(), 1u);
}

TEST(TextFileSpoutTest, TheLastSliceSaysThatItIsTheLast) {
  const TempDir dir;
  const auto spout = SpoutOf({.paths = {dir.Write("f", "a\nb\n")}, .splits = {.readers = 1}});
  const auto reader = OpenReader(*spout, spout->Partitions()->at(0));
  const ReadRows first = ReadOnce(*reader, "", {.rows = 1, .bytes = 100});
  EXPECT_EQ(first.result.next, Next::kMore);
  const ReadRows second = ReadOnce(*reader, first.result.end, {.rows = 1, .bytes = 100});
  EXPECT_EQ(second.result.next, Next::kEnded);
  const ReadRows nothing = ReadOnce(*reader, second.result.end, {.rows = 1, .bytes = 100});
  EXPECT_EQ(nothing.result.next, Next::kEnded);
  EXPECT_EQ(nothing.result.end, second.result.end);
  EXPECT_EQ(PollAt(*reader, first.result.end), Availability::State::kReady);
  EXPECT_EQ(PollAt(*reader, second.result.end), Availability::State::kEnded);
}

// What a failed attempt has read, the next attempt reads again, by another reader and in other
// slices.
TEST(TextFileSpoutTest, ARangeReadAgainIsTheSame) {
  const TempDir dir;
  std::string text;
  Rng rng(3);
  for (int i = 0; i < 400; ++i) {
    text +=
        std::string(rng.Below(rng.Chance(0.1) ? 200 : 12), 'a' + i % 26) + (i % 7 ? "\n" : "\r\n");
  }
  text += "no newline";
  dir.Write("f", text);
  for (uint32_t readers : {1u, 3u}) {
    const TextFileOptions options{.paths = {dir.File("f")},
                                  .last_line = LastLine::kYes,
                                  .splits = {.split_bytes = 97, .readers = readers},
                                  .read_bytes = 64};
    const auto spout = SpoutOf(options);
    const std::vector<std::string> partitions = *spout->Partitions();
    for (const std::string& partition : partitions) {
      const auto reader = OpenReader(*spout, partition);
      Position at;
      while (true) {
        const ReadRows first = ReadOnce(*reader, at, {.rows = 1 + rng.Below(9), .bytes = 500});
        ASSERT_TRUE(first.status.ok()) << first.status;
        // In the same life, and after a restart.
        for (const auto& again : {spout, SpoutOf(options)}) {
          const auto second = OpenReader(*again, partition);
          std::vector<std::string> rows;
          Position to = at;
          while (to != first.result.end) {
            const ReadRows read =
                ReadOnce(*second, to, {.rows = 1 + rng.Below(4), .bytes = 100}, &first.result.end);
            ASSERT_TRUE(read.status.ok()) << read.status;
            ASSERT_NE(read.result.end, to);
            rows.insert(rows.end(), read.rows.begin(), read.rows.end());
            to = read.result.end;
          }
          ASSERT_EQ(rows, first.rows);
        }
        at = first.result.end;
        if (first.result.next == Next::kEnded) break;
      }
    }
  }
}

TEST(TextFileSpoutTest, TextPointsIntoBlocksThatSlicesShareAndKeep) {
  const TempDir dir;
  const auto spout =
      SpoutOf({.paths = {dir.Write("f", "first\nsecond\n")}, .splits = {.readers = 1}});
  auto reader = OpenReader(*spout, spout->Partitions()->at(0));
  CollectingOutput out;
  const Position start;
  ASSERT_TRUE(reader->Read({.start = start, .limits = {1, 100}}, out).ok());
  reader.reset();
  EXPECT_EQ(As<Text>(out.slices.at(0).column(0)).values()[0], "first");
  EXPECT_EQ(As<Text>(out.slices.at(0).column(0)).retained().size(), 1u);
}

TEST(TextFileSpoutTest, DirectoriesGiveTheFilesBelowOnceAndNoHiddenOnes) {
  const TempDir dir;
  dir.Write("b", "b\n");
  dir.Write("sub/a", "a\n");
  dir.Write(".hidden", "no\n");
  dir.Write(".git/config", "no\n");
  const auto spout = SpoutOf({.paths = {dir.path(), dir.File("b"), dir.File("sub/../b")}});
  EXPECT_EQ(*spout->Partitions(),
            (std::vector<std::string>{dir.File("b") + "#0", dir.File("sub/a") + "#0"}));
  EXPECT_EQ(Joined(ReadAll(*spout)), (std::vector<std::string>{"b", "a"}));
}

TEST(TextFileSpoutTest, OnlyReadersWithASplitArePartitions) {
  const TempDir dir;
  const std::string path = dir.Write("f", "012345678\n");
  TextFileOptions options{.paths = {path}, .splits = {.split_bytes = 4, .readers = 5}};
  EXPECT_EQ(SpoutOf(options)->Partitions()->size(), 3u);
  options.follow = Follow::kYes;
  EXPECT_EQ(SpoutOf(options)->Partitions()->size(), 3u);
  dir.Write("f", "");
  options.follow = Follow::kNo;
  EXPECT_EQ(*SpoutOf(options)->Partitions(), std::vector<std::string>{path + "#0"});
  EXPECT_EQ(Joined(ReadAll(*SpoutOf(options))), std::vector<std::string>{});
}

TEST(TextFileSpoutTest, AMarkOfTheByteOrderIsNoText) {
  const TempDir dir;
  for (const char* rest : {"a\nb\n", "a", "\n\xef\xbb\xbf\n"}) {
    const auto spout = SpoutOf({.paths = {dir.Write("f", std::string("\xef\xbb\xbf") + rest)},
                                .last_line = LastLine::kYes});
    EXPECT_EQ(Joined(ReadAll(*spout)), LinesOf(rest));
  }
}

TEST(TextFileSpoutTest, AFileOfSeveralNamesIsReadOnce) {
  const TempDir dir;
  namespace fs = std::filesystem;
  dir.Write("in/a", "a\n");
  fs::create_symlink("a", dir.File("in/link"));
  fs::create_hard_link(dir.File("in/a"), dir.File("in/b"));
  fs::create_directory_symlink("in", dir.File("also"));
  const auto spout = SpoutOf({.paths = {dir.File("in"), dir.File("also"), dir.File("in/link")}});
  EXPECT_EQ(Joined(ReadAll(*spout)), std::vector<std::string>{"a"});
}

TEST(TextFileSpoutTest, AStateDirectoryInTheInputIsLeftOut) {
  const TempDir dir;
  dir.Write("a", "a\n");
  dir.Write("state/FORMAT", "trident state directory, format 1\n");
  dir.Write("state/db/000012.sst", "no text\n");
  EXPECT_EQ(Joined(ReadAll(*SpoutOf({.paths = {dir.path()}}))), std::vector<std::string>{"a"});
  ExpectError(SpoutOf({.paths = {dir.File("state")}})->Partitions().status(),
              StatusCode::kInvalidArgument, {"state directory"});
}

TEST(TextFileSpoutTest, APatternStandsForTheFilesThatItMatches) {
  const TempDir dir;
  dir.Write("a-1.log", "1\n");
  dir.Write("a-2.log", "2\n");
  dir.Write("b.txt", "no\n");
  EXPECT_EQ(Joined(ReadAll(*SpoutOf({.paths = {dir.File("*.log")}}))),
            (std::vector<std::string>{"1", "2"}));
  ExpectError(SpoutOf({.paths = {dir.File("*.csv")}})->Partitions().status(), StatusCode::kNotFound,
              {"*.csv", "no file"});
}

TEST(TextFileSpoutTest, RelativePathsAreNamedByTheirAbsoluteOnes) {
  const TempDir dir;
  dir.Write("f", "x\n");
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  const auto partitions = SpoutOf({.paths = {"./f"}})->Partitions();
  std::filesystem::current_path(before);
  EXPECT_EQ(*partitions,
            std::vector<std::string>{std::filesystem::canonical(dir.File("f")).string() + "#0"});
}

TEST(TextFileSpoutTest, TheFieldHasTheNameThatWasAskedFor) {
  EXPECT_EQ(SpoutOf({.paths = {"f"}})->schema()->ToString(), "[line:text]");
  EXPECT_EQ(SpoutOf({.paths = {"f"}, .field = "sentence"})->schema()->ToString(),
            "[sentence:text]");
}

TEST(TextFileSpoutTest, DescribesItsFiles) {
  EXPECT_EQ(SpoutOf({.paths = {"f"}})->Describe(), "text file f");
  EXPECT_EQ(SpoutOf({.paths = {"f", "g"}, .follow = Follow::kYes})->Describe(),
            "text files (2), followed");
}

TEST(TextFileSpoutTest, RandomFilesAgreeWithThePlainReader) {
  const TempDir dir;
  Rng rng(11);
  const std::vector<std::string> pieces = {"\n", "\r\n", "\r", "a", "bc", "\xc3\xa4", "word ", ""};
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (uint64_t i = rng.Below(200); i > 0; --i) text += pieces[rng.Below(pieces.size())];
    dir.Write("f", text);
    const auto spout =
        SpoutOf({.paths = {dir.File("f")},
                 .last_line = LastLine::kYes,
                 .splits = {1 + rng.Below(50), 1 + static_cast<uint32_t>(rng.Below(4))},
                 .read_bytes = 1 + rng.Below(40)});
    const auto got = ReadAll(*spout, {.rows = 1 + rng.Below(20), .bytes = 1 + rng.Below(60)});
    ASSERT_EQ(Sorted(Joined(got)), Sorted(LinesOf(text))) << "round " << round;
  }
}

// The header spells them out, so that programs need not compile base/limits.h.
TEST(TextFileOptionsTest, TheDefaultsAreThoseOfTheLimits) {
  const TextFileOptions options;
  EXPECT_EQ(options.rules.line_bytes_max, static_cast<uint64_t>(kLineBytesMax));
  EXPECT_EQ(options.splits.split_bytes, static_cast<uint64_t>(kFileSplitBytesDefault));
  EXPECT_EQ(options.splits.readers, static_cast<uint32_t>(kFileReadersDefault));
  EXPECT_EQ(options.read_bytes, static_cast<uint64_t>(kFileReadBytes));
  EXPECT_EQ(options.poll_nanos, kSpoutPollNanosDefault);
  EXPECT_EQ(options.patience_nanos, kFilePatienceMsDefault * kMillisecond);
  EXPECT_EQ(options.rotate_wait_nanos, kFileRotateWaitMsDefault * kMillisecond);
}

}  // namespace
}  // namespace trident::testing
