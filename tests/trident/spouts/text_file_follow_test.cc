// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "tests/trident/spouts/text_files.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;
using State = Availability::State;

TEST(TextFileFollowTest, AnUnfinishedLineWaitsForItsNewline) {
  const TempDir dir;
  const auto spout = SpoutOf(
      {.paths = {dir.Write("f", "a\nun")}, .follow = Follow::kYes, .splits = {.readers = 1}});
  const auto reader = OpenReader(*spout, spout->Partitions()->at(0));
  const ReadRows first = ReadOnce(*reader, "", kNoLimits);
  EXPECT_EQ(first.rows, std::vector<std::string>{"a"});
  EXPECT_EQ(first.result.next, Next::kIdle);
  EXPECT_EQ(PollAt(*reader, first.result.end), State::kIdle);
  dir.Append("f", "fin");
  EXPECT_EQ(PollAt(*reader, first.result.end), State::kIdle);
  EXPECT_EQ(ReadOnce(*reader, first.result.end, kNoLimits).rows, std::vector<std::string>{});
  dir.Append("f", "ished\nb");
  EXPECT_EQ(PollAt(*reader, first.result.end), State::kReady);
  const ReadRows second = ReadOnce(*reader, first.result.end, kNoLimits);
  EXPECT_EQ(second.rows, std::vector<std::string>{"unfinished"});
  EXPECT_EQ(PollAt(*reader, second.result.end), State::kIdle);
}

TEST(TextFileFollowTest, AReaderIsListedWhenTheFileHasASplitOfIts) {
  const TempDir dir;
  const auto spout = SpoutOf({.paths = {dir.Write("f", "abc\n")},
                              .follow = Follow::kYes,
                              .splits = {.split_bytes = 10, .readers = 2}});
  EXPECT_EQ(spout->Partitions()->size(), 1u);
  const auto told = spout->TellOfPartitions([] {});
  dir.Append("f", "defghij\nk\n");
  const auto later = AwaitPartitions(*spout, 1, 1);
  EXPECT_EQ(later, std::vector<std::string>{dir.File("f") + "#1"});
}

// Grown byte by byte, with readers that poll, read a little, fail, and start anew at their last
// position, every line comes once.
TEST(TextFileFollowTest, AFileGrownByAnyStepsGivesEveryLineOnce) {
  Rng rng(5);
  for (int round = 0; round < 20; ++round) {
    const TempDir dir;
    std::string text;
    for (int i = 0; i < 60; ++i) {
      text += std::string(rng.Below(14), 'a' + i % 26) + (rng.Chance(0.2) ? "\r\n" : "\n");
    }
    dir.Write("f", "");
    const TextFileOptions options{
        .paths = {dir.File("f")},
        .follow = Follow::kYes,
        .splits = {1 + rng.Below(60), 1 + static_cast<uint32_t>(rng.Below(4))},
        .read_bytes = 1 + rng.Below(30)};
    auto spout = SpoutOf(options);
    std::vector<std::string> partitions = *spout->Partitions();
    auto told = spout->TellOfPartitions([] {});
    std::vector<std::unique_ptr<SourceReader>> readers;
    std::vector<Position> at;
    const auto open_new = [&] {
      for (const std::string& later : spout->PartitionsAfter(partitions.size()).names) {
        partitions.push_back(later);
      }
      while (readers.size() < partitions.size()) {
        readers.push_back(OpenReader(*spout, partitions[readers.size()]));
        at.emplace_back();
      }
    };
    open_new();
    std::vector<std::string> got;
    for (size_t written = 0; written < text.size();) {
      const size_t step = std::min<size_t>(1 + rng.Below(9), text.size() - written);
      dir.Append("f", text.substr(written, step));
      written += step;
      open_new();
      for (size_t p = 0; p < partitions.size(); ++p) {
        if (rng.Chance(0.05)) {  // the program comes back
          readers.clear();
          told = nullptr;
          spout = SpoutOf(options);
          partitions = *spout->Partitions();
          for (const auto& each : partitions) readers.push_back(OpenReader(*spout, each));
          at.resize(partitions.size());
          told = spout->TellOfPartitions([] {});
        }
        const bool ready = PollAt(*readers[p], at[p]) == State::kReady;
        const ReadBatch read = ReadUntilPause(*readers[p], at[p], {.rows = 3, .bytes = 40});
        ASSERT_TRUE(read.status.ok()) << read.status;
        ASSERT_EQ(read.next, Next::kIdle);
        ASSERT_EQ(ready, read.end != at[p]);
        if (rng.Chance(0.2)) continue;  // the attempt failed
        got.insert(got.end(), read.rows.begin(), read.rows.end());
        at[p] = read.end;
      }
    }
    for (uint32_t reader = 0; reader < options.splits.readers; ++reader) {
      const bool has_split = options.splits.NextOwned(reader, 0) < text.size();
      if (has_split && reader >= partitions.size()) {
        AwaitPartitions(*spout, partitions.size(), reader + 1 - partitions.size());
      }
    }
    open_new();
    for (size_t p = 0; p < partitions.size(); ++p) {
      const ReadBatch rest = ReadUntilPause(*readers[p], at[p], kNoLimits);
      got.insert(got.end(), rest.rows.begin(), rest.rows.end());
    }
    std::vector<std::string> want = LinesOf(text);
    std::sort(got.begin(), got.end());
    std::sort(want.begin(), want.end());
    ASSERT_EQ(got, want) << "round " << round;
  }
}

TEST(TextFileFollowTest, AFileThatIsNotFollowedEndsWhereItDidAtTheStart) {
  const TempDir dir;
  const TextFileOptions options{
      .paths = {dir.Write("f", "a\nb")}, .last_line = LastLine::kYes, .splits = {.readers = 1}};
  const auto spout = SpoutOf(options);
  const std::string partition = spout->Partitions()->at(0);
  dir.Append("f", "\nc\n");
  const auto reader = OpenReader(*spout, partition);
  const ReadBatch read = ReadUntilPause(*reader, "", kNoLimits);
  EXPECT_EQ(read.rows, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read.next, Next::kEnded);
}

TEST(TextFileFollowTest, WhatAFileGrewByBetweenTwoRunsIsReadByTheSecond) {
  const TempDir dir;
  const std::string first_half = "one\ntwo\nthree\nfour\n",
                    second_half = "five\nsix\nseven\neight\n";
  for (const Follow later : {Follow::kNo, Follow::kYes}) {
    TextFileOptions options{.paths = {dir.Write("f", first_half)},
                            .splits = {.split_bytes = 8, .readers = 2}};
    std::vector<std::string> got;
    std::map<std::string, Position> at;
    for (const Follow follow : {Follow::kNo, later}) {
      options.follow = follow;
      const auto spout = SpoutOf(options);
      const std::vector<std::string> partitions = *spout->Partitions();
      for (const std::string& partition : partitions) {
        const ReadBatch read =
            ReadUntilPause(*OpenReader(*spout, partition), at[partition], kNoLimits);
        ASSERT_TRUE(read.status.ok()) << read.status;
        got.insert(got.end(), read.rows.begin(), read.rows.end());
        at[partition] = read.end;
      }
      if (got.size() < 5) dir.Append("f", second_half);
    }
    std::vector<std::string> want = LinesOf(first_half + second_half);
    std::sort(got.begin(), got.end());
    std::sort(want.begin(), want.end());
    EXPECT_EQ(got, want);
  }
}

// `thr` today and `ee` tomorrow would be two rows for `three`.
TEST(TextFileFollowTest, ALastLineWithoutEndIsReadWhenItHasOne) {
  const TempDir dir;
  const TextFileOptions options{.paths = {dir.Write("f", "one\nthr")}, .splits = {.readers = 1}};
  const auto read_from = [&](const Position& at) {
    const auto spout = SpoutOf(options);
    const ReadBatch read =
        ReadUntilPause(*OpenReader(*spout, spout->Partitions()->at(0)), at, kNoLimits);
    EXPECT_EQ(read.next, Next::kEnded);
    return read;
  };
  const ReadBatch first = read_from("");
  EXPECT_EQ(first.rows, std::vector<std::string>{"one"});
  EXPECT_EQ(read_from(first.end).rows, std::vector<std::string>{});
  dir.Append("f", "ee\n");
  EXPECT_EQ(read_from(first.end).rows, std::vector<std::string>{"three"});
}

TEST(TextFileFollowTest, AFollowedFileThatIsCutShortIsNoError) {
  const TempDir dir;
  const auto spout =
      SpoutOf({.paths = {dir.Write("f", "a\n")}, .follow = Follow::kYes, .splits = {.readers = 1}});
  const auto reader = OpenReader(*spout, spout->Partitions()->at(0));
  dir.Append("f", "b\nc\nd\n");
  const ReadBatch read = ReadUntilPause(*reader, "", kNoLimits);
  EXPECT_EQ(read.rows.size(), 4u);
  std::filesystem::resize_file(dir.File("f"), 4);
  EXPECT_EQ(PollAt(*reader, read.end), State::kIdle);
  const ReadBatch again = ReadUntilPause(*reader, read.end, kNoLimits);
  EXPECT_TRUE(again.status.ok()) << again.status;
  EXPECT_EQ(again.end, read.end);
}

}  // namespace
}  // namespace trident::testing
