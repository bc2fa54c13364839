// SPDX-License-Identifier: Apache-2.0
//
// Each thing that can go wrong with a file gives one message: what, where, what to try.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "tests/trident/spouts/text_files.h"

namespace trident::testing {
namespace {

namespace fs = std::filesystem;

// A file of many blocks, so that a reader must come back to it.
std::string ManyLines() {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "line number " + std::to_string(i) + "\n";
  return text;
}

struct OpenFile {
  explicit OpenFile(TextFileOptions options) {
    options.counts = counts;
    spout = SpoutOf(std::move(options));
    reader = OpenReader(*spout, spout->Partitions()->at(0));
  }
  const std::shared_ptr<TextCounts> counts = std::make_shared<TextCounts>();
  std::shared_ptr<Spout> spout;
  std::unique_ptr<SourceReader> reader;
};
TextFileOptions SmallBlocks(const std::string& path) {
  return {.paths = {path}, .splits = {.readers = 1}, .read_bytes = 64};
}
constexpr BatchLimits kTen{10, 10'000};

TEST(TextFileErrorsTest, AMissingFileIsNamed) {
  const TempDir dir;
  ExpectError(SpoutOf({.paths = {dir.File("gone.txt")}})->Partitions().status(),
              StatusCode::kNotFound, {dir.File("gone.txt"), "not there", "check the path"});
  dir.Write("f", "x");
  ExpectError(SpoutOf({.paths = {dir.File("f/below")}})->Partitions().status(),
              StatusCode::kNotFound, {"not there"});
}

TEST(TextFileErrorsTest, AFileThatMayNotBeReadIsNamed) {
  const TempDir dir;
  const std::string path = dir.Write("secret", "x\n");
  fs::permissions(dir.path(), fs::perms::all);
  fs::permissions(path, fs::perms::none);
  const bool is_root = ::geteuid() == 0;  // to whom nothing is forbidden
  if (is_root) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const Status status = SpoutOf({.paths = {path}})->Partitions().status();
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ExpectError(status, StatusCode::kPermissionDenied, {path, "may not be read"});
}

TEST(TextFileErrorsTest, ADirectoryWithoutFilesIsNamed) {
  const TempDir dir;
  fs::create_directory(dir.File("empty"));
  dir.Write("empty/.hidden", "x");
  ExpectError(SpoutOf({.paths = {dir.File("empty")}})->Partitions().status(),
              StatusCode::kInvalidArgument, {dir.File("empty"), "holds no files"});
}

TEST(TextFileErrorsTest, APipeIsRefusedAndNotWaitedFor) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo(dir.File("pipe").c_str(), 0600), 0);
  ExpectError(SpoutOf({.paths = {dir.File("pipe")}})->Partitions().status(),
              StatusCode::kInvalidArgument, {dir.File("pipe"), "not a regular file"});
}

TEST(TextFileErrorsTest, WhatIsNoTextIsRefusedOrLeftOut) {
  const TempDir dir;
  using std::string_literals::operator""s;
  const std::vector<std::pair<std::string, std::string>> none = {
      {"a\0b\n"s, "bytes of 0"}, {"\xff\xfe\0\0a\0\0\0"s, "bytes of 0"}};
  dir.Write("in/text", "text\n");
  for (const auto& [content, why] : none) {
    dir.Write("in/other", content);
    ExpectError(SpoutOf({.paths = {dir.File("in/other")}})->Partitions().status(),
                StatusCode::kInvalidArgument, {dir.File("in/other"), why});
    EXPECT_EQ(Joined(ReadAll(*SpoutOf({.paths = {dir.File("in")}}))),
              std::vector<std::string>{"text"});
  }
}

TEST(TextFileErrorsTest, AFileOfTheByteOrderMarkAloneHasNoLine) {
  const TempDir dir;
  for (const char* content : {"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"}) {
    const std::string path = dir.Write("f", content);
    EXPECT_EQ(Joined(ReadAll(*SpoutOf({.paths = {path}, .last_line = LastLine::kYes}))),
              std::vector<std::string>{});
  }
}

TEST(TextFileErrorsTest, OptionsOutOfRangeAreRefused) {
  ExpectInvalid(TextFileSpout::Make({.paths = {"-"}}).status(), "TextPipeSpout");
  ExpectError(TextFileSpout::Make({}).status(), StatusCode::kInvalidArgument, {"got none"});
  ExpectError(TextFileSpout::Make({.paths = {"f"}, .splits = {.readers = 0}}).status(),
              StatusCode::kInvalidArgument, {"1 to 1024 readers", "got 0"});
  ExpectError(TextFileSpout::Make({.paths = {"f"}, .splits = {.split_bytes = 0}}).status(),
              StatusCode::kInvalidArgument, {"split_bytes"});
  ExpectError(TextFileSpout::Make({.paths = {"f"}, .read_bytes = 0}).status(),
              StatusCode::kInvalidArgument, {"read_bytes"});
  ExpectInvalid(TextFileSpout::Make({.paths = {"f"}, .poll_nanos = 0}).status(),
                "poll_nanos must be at least 1, got 0");
  ExpectInvalid(TextFileSpout::Make({.paths = {"f"}, .field = ""}).status(),
                "each field of a TextFileSpout needs a name");
}

TEST(TextFileErrorsTest, AFileThatLosesItsNameBetweenReadsIsReadToItsEnd) {
  const TempDir dir;
  OpenFile open(SmallBlocks(dir.Write("f", ManyLines())));
  const ReadRows first = ReadOnce(*open.reader, "", kTen);
  fs::remove(dir.File("f"));
  EXPECT_EQ(ReadUntilPause(*open.reader, first.result.end, kTen).rows.size(), 990u);
}

TEST(TextFileErrorsTest, AFileReplacedBetweenReadsIsReadToItsEnd) {
  const TempDir dir;
  OpenFile open(SmallBlocks(dir.Write("f", ManyLines())));
  const ReadRows first = ReadOnce(*open.reader, "", kTen);
  dir.Write("g", "another\n");
  fs::rename(dir.File("g"), dir.File("f"));
  const ReadBatch rest = ReadUntilPause(*open.reader, first.result.end, kTen);
  EXPECT_EQ(rest.rows.size(), 990u);
  EXPECT_EQ(rest.next, ReadResult::Next::kEnded);
}

TEST(TextFileErrorsTest, AFileTruncatedBetweenReadsIsNamedWithTheWayOut) {
  const TempDir dir;
  OpenFile open(SmallBlocks(dir.Write("f", ManyLines())));
  const ReadRows first = ReadOnce(*open.reader, "", kTen);
  fs::resize_file(dir.File("f"), 500);
  ExpectError(ReadUntilPause(*open.reader, first.result.end, kTen).status,
              StatusCode::kFailedPrecondition,
              {dir.File("f"), "was truncated", "to 500 bytes", "--replaced next"});
}

TEST(TextFileErrorsTest, AFileTruncatedBetweenReadsEndsIfTheNextOneIsAskedFor) {
  const TempDir dir;
  TextFileOptions options = SmallBlocks(dir.Write("f", ManyLines()));
  options.replaced = Replaced::kNext;
  OpenFile open(options);
  const ReadRows first = ReadOnce(*open.reader, "", kTen);
  fs::resize_file(dir.File("f"), 100);
  const ReadBatch rest = ReadUntilPause(*open.reader, first.result.end, kTen);
  EXPECT_TRUE(rest.status.ok()) << rest.status;
  EXPECT_EQ(rest.next, ReadResult::Next::kEnded);
}

TEST(TextFileErrorsTest, AFileWrittenOverBetweenReadsIsNamed) {
  const TempDir dir;
  OpenFile open(SmallBlocks(dir.Write("f", ManyLines())));
  const ReadBatch first = ReadUntilPause(*open.reader, "", kTen);
  std::string other = ManyLines();
  other[5] = '!';
  dir.Write("f", other);
  fs::last_write_time(dir.File("f"), fs::last_write_time(dir.File("f")) + std::chrono::seconds(1));
  ExpectError(ReadUntilPause(*open.reader, "", kTen).status, StatusCode::kFailedPrecondition,
              {dir.File("f"), "was written over"});
}

TEST(TextFileErrorsTest, ATouchedFileIsTheSame) {
  const TempDir dir;
  OpenFile open(SmallBlocks(dir.Write("f", ManyLines())));
  const ReadRows first = ReadOnce(*open.reader, "", kTen);
  fs::last_write_time(dir.File("f"), fs::last_write_time(dir.File("f")) + std::chrono::seconds(9));
  EXPECT_EQ(ReadUntilPause(*open.reader, first.result.end, kTen).rows.size(), 990u);
}

// The program was away. Nothing but the position it left tells what the file was.
TEST(TextFileErrorsTest, AnotherFileOfTheSameNameIsRefusedByThePosition) {
  const TempDir dir;
  Position at;
  {
    OpenFile open(SmallBlocks(dir.Write("f", ManyLines())));
    at = ReadOnce(*open.reader, "", kTen).result.end;
  }
  dir.Write("f", "an" + ManyLines());
  OpenFile open(SmallBlocks(dir.File("f")));
  ExpectError(ReadOnce(*open.reader, at, kTen).status, StatusCode::kFailedPrecondition,
              {dir.File("f"), "is not the one that was read", "differ"});
}

TEST(TextFileErrorsTest, AShorterFileIsRefusedByThePosition) {
  const TempDir dir;
  Position at;
  {
    OpenFile open(SmallBlocks(dir.Write("f", ManyLines())));
    at = ReadUntilPause(*open.reader, "", kTen).end;
  }
  fs::resize_file(dir.File("f"), 5000);
  OpenFile open(SmallBlocks(dir.File("f")));
  ExpectError(ReadOnce(*open.reader, at, kTen).status, StatusCode::kFailedPrecondition,
              {dir.File("f"), "is not the one that was read up to byte 15890"});
}

TEST(TextFileErrorsTest, OtherSplitsThanBeforeAreRefused) {
  const TempDir dir;
  TextFileOptions options = SmallBlocks(dir.Write("f", ManyLines()));
  Position at;
  {
    OpenFile open(options);
    at = ReadOnce(*open.reader, "", kTen).result.end;
  }
  options.splits.readers = 2;
  OpenFile open(options);
  ExpectError(ReadOnce(*open.reader, at, kTen).status, StatusCode::kFailedPrecondition,
              {"by 1 readers", "2 readers", "as before"});
}

TEST(TextFileErrorsTest, APositionOfAnotherSpoutIsRefused) {
  const TempDir dir;
  OpenFile open(SmallBlocks(dir.Write("f", ManyLines())));
  for (const char* position :
       {"12", "x", "1/1x1/1", "1/1x1/1-", "1/0x1/1-0", "1/1x0/1-0", "-1/1x1/0-0", "1/1x1/0-0 ",
        "99999999999999999999/1x1/0-0", "1/1x1/4097-0"}) {
    ExpectError(ReadOnce(*open.reader, position, kTen).status, StatusCode::kDataLoss,
                {"which is none of a text file"});
    EXPECT_FALSE(open.reader->Poll(position).ok());
  }
}

TEST(TextFileErrorsTest, ARangeWhoseEndIsNoLineEndAnyMoreIsRefused) {
  const TempDir dir;
  OpenFile open({.paths = {dir.Write("f", "aaaa\nbbbb\ncccc\n")}, .splits = {4, 2}});
  const Position inside =
      TextPosition{.offset = 6, .splits = {4, 2}, .mark = {}, .file = {}}.ToPosition();
  ExpectError(ReadOnce(*open.reader, "", kTen, &inside).status, StatusCode::kFailedPrecondition,
              {"up to byte 6", "no line ends there"});
}

TEST(TextFileErrorsTest, SourcePartitionsThatAreNoneAreRefused) {
  const TempDir dir;
  const auto spout = SpoutOf({.paths = {dir.Write("f", "x\n")}});
  for (const std::string& name :
       {std::string("f"), dir.File("f"), dir.File("f") + "#", dir.File("f") + "#4",
        dir.File("f") + "#-1", dir.File("f") + "#0x"}) {
    EXPECT_EQ(spout->OpenReader(name, [] {}).status().code(), StatusCode::kNotFound) << name;
  }
}

// ---- what lines may hold ----

const std::string kBadText =
    "good\nb\xff\x80"
    "d\nalso good\ncut \xe2\x82\n\xed\xa0\x80\nend\n";

TEST(TextFileErrorsTest, InvalidUtf8FailsWithItsByte) {
  const TempDir dir;
  OpenFile open({.paths = {dir.Write("f", kBadText)}});
  ExpectError(ReadUntilPause(*open.reader, "", kTen).status, StatusCode::kInvalidArgument,
              {dir.File("f"), "no UTF-8 at byte 6, in the line that starts at byte 5",
               "repair such lines or leave them out"});
}

TEST(TextFileErrorsTest, InvalidUtf8IsReplacedByteByByte) {
  const TempDir dir;
  const std::string r = "\xef\xbf\xbd";
  OpenFile open(
      {.paths = {dir.Write("f", kBadText)}, .rules = {.invalid_utf8 = InvalidUtf8::kReplace}});
  EXPECT_EQ(ReadOnce(*open.reader, "", kTen).rows,
            (std::vector<std::string>{"good", "b" + r + r + "d", "also good", "cut " + r + r,
                                      r + r + r, "end"}));
  EXPECT_EQ(open.counts->replaced_lines, 3u);
  EXPECT_EQ(open.counts->skipped_lines, 0u);
}

TEST(TextFileErrorsTest, LinesOfInvalidUtf8AreSkippedAndCounted) {
  const TempDir dir;
  OpenFile open(
      {.paths = {dir.Write("f", kBadText)}, .rules = {.invalid_utf8 = InvalidUtf8::kSkip}});
  EXPECT_EQ(ReadOnce(*open.reader, "", kTen).rows,
            (std::vector<std::string>{"good", "also good", "end"}));
  EXPECT_EQ(open.counts->skipped_lines, 3u);
}

TEST(TextFileErrorsTest, WhatWasLeftOutIsSaidFileByFile) {
  const TempDir dir;
  std::vector<std::string> paths;
  for (const std::string name : {"a", "b", "c", "d", "e"}) {
    paths.push_back(dir.Write(name, "x\n\xff\n\xff\n" + name));
  }
  const auto spout = SpoutOf({.paths = paths, .rules = {.invalid_utf8 = InvalidUtf8::kSkip}});
  EXPECT_EQ(Joined(ReadAll(*spout)), std::vector<std::string>(5, "x"));
  EXPECT_EQ(spout->Counts().skipped, 10u);
  EXPECT_EQ(spout->Counts().left, 5u);
  const std::string three = "\"" + dir.File("a") + "\", \"" + dir.File("b") + "\", \"" +
                            dir.File("c") + "\" and 2 more files (";
  const auto said = spout->LeftOut();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0], "5 lines without an end yet, the last of " + three +
                         "each counts once its end is written)");
  EXPECT_EQ(
      said[1].find("10 lines left out as too long or no UTF-8, of \"" + dir.File("a") + "\" (2), "),
      0u)
      << said[1];
}

// Whatever slice and block the bad bytes fall into, and at their ends.
TEST(TextFileErrorsTest, InvalidUtf8IsFoundWhereverSlicesAndBlocksEnd) {
  const TempDir dir;
  dir.Write("f", kBadText);
  for (uint64_t read_bytes = 1; read_bytes <= kBadText.size() + 1; ++read_bytes) {
    for (uint64_t rows = 1; rows <= 7; ++rows) {
      OpenFile open({.paths = {dir.File("f")},
                     .rules = {.invalid_utf8 = InvalidUtf8::kSkip},
                     .splits = {.readers = 1},
                     .read_bytes = read_bytes});
      const ReadBatch read = ReadUntilPause(*open.reader, "", {.rows = rows, .bytes = 1000});
      ASSERT_EQ(read.rows, (std::vector<std::string>{"good", "also good", "end"}));
      ASSERT_EQ(open.counts->skipped_lines, 3u);
    }
  }
}

TEST(TextFileErrorsTest, AFileOfBadLinesOnlyComesToItsEnd) {
  const TempDir dir;
  OpenFile open({.paths = {dir.Write("f", "\xff\n\xff\n\xff")},
                 .last_line = LastLine::kYes,
                 .rules = {.invalid_utf8 = InvalidUtf8::kSkip},
                 .splits = {.readers = 1}});
  const ReadBatch read = ReadUntilPause(*open.reader, "", {.rows = 1, .bytes = 1});
  EXPECT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(read.next, ReadResult::Next::kEnded);
  EXPECT_EQ(open.counts->skipped_lines, 3u);
}

std::string WithLineOf(size_t bytes) { return "before\n" + std::string(bytes, 'x') + "\nafter\n"; }

TEST(TextFileErrorsTest, ALineOverTheLimitFailsWithItsPlace) {
  const TempDir dir;
  for (uint64_t read_bytes : {5u, 64u, 100'000u}) {
    OpenFile open({.paths = {dir.Write("f", WithLineOf(101))},
                   .rules = {.line_bytes_max = 100},
                   .splits = {.readers = 1},
                   .read_bytes = read_bytes});
    Status status = ReadUntilPause(*open.reader, "", kTen).status;
    ExpectError(status, StatusCode::kResourceExhausted,
                {dir.File("f"), "more than 100 bytes", "starts at byte 7", "--long-line skip"});
  }
}

TEST(TextFileErrorsTest, ALineOfExactlyTheLimitIsRead) {
  const TempDir dir;
  for (uint64_t read_bytes : {1u, 5u, 64u, 100'000u}) {
    OpenFile open({.paths = {dir.Write("f", WithLineOf(100))},
                   .rules = {.line_bytes_max = 100},
                   .splits = {.readers = 1},
                   .read_bytes = read_bytes});
    EXPECT_EQ(ReadUntilPause(*open.reader, "", kTen).rows.size(), 3u);
  }
}

TEST(TextFileErrorsTest, LinesOverTheLimitAreSkippedAndCounted) {
  const TempDir dir;
  for (uint64_t read_bytes : {1u, 7u, 64u, 100'000u}) {
    for (const std::string& text :
         {WithLineOf(101), WithLineOf(5000), "before\nafter\n" + std::string(999, 'x')}) {
      OpenFile open({.paths = {dir.Write("f", text)},
                     .last_line = LastLine::kYes,
                     .rules = {.long_line = LongLine::kSkip, .line_bytes_max = 100},
                     .splits = {.readers = 1},
                     .read_bytes = read_bytes});
      const ReadBatch read = ReadUntilPause(*open.reader, "", kTen);
      ASSERT_EQ(read.rows, (std::vector<std::string>{"before", "after"})) << read.status;
      ASSERT_EQ(open.counts->skipped_lines, 1u);
    }
  }
}

// What stands for it is a row, so it can be put aside, and the lines around it are not lost.
TEST(TextFileErrorsTest, ALineThatIsRefusedIsARowOfItsOwnThatSaysWhy) {
  const TempDir dir;
  for (uint64_t read_bytes : {1u, 7u, 64u, 100'000u}) {
    OpenFile open({.paths = {dir.Write("f", "a\n" + WithLineOf(101) + "b\xff\nend\n")},
                   .rules = {.line_bytes_max = 100},
                   .splits = {.readers = 1},
                   .read_bytes = read_bytes});
    std::vector<std::string> good;
    std::vector<std::string> refused;
    Position at;
    for (auto next = ReadResult::Next::kMore; next == ReadResult::Next::kMore;) {
      const ReadRows read = ReadOnce(*open.reader, at, kTen);
      auto& to = read.status.ok() ? good : refused;
      to.insert(to.end(), read.rows.begin(), read.rows.end());
      ASSERT_NE(at, read.result.end);
      at = read.result.end;
      next = read.result.next;
    }
    EXPECT_EQ(good, (std::vector<std::string>{"a", "before", "after", "end"}));
    EXPECT_EQ(refused, (std::vector<std::string>{std::string(101, 'x'), "b\xef\xbf\xbd"}));
  }
}

TEST(TextFileErrorsTest, AFollowedLineThatIsTooLongIsRefusedWhenItEnds) {
  const TempDir dir;
  OpenFile open({.paths = {dir.Write("f", "ok\n")},
                 .follow = Follow::kYes,
                 .rules = {.line_bytes_max = 100},
                 .splits = {.readers = 1}});
  const ReadRows first = ReadOnce(*open.reader, "", kTen);
  dir.Append("f", std::string(101, 'x'));
  EXPECT_EQ(PollAt(*open.reader, first.result.end), Availability::State::kIdle);
  dir.Append("f", "\n");
  EXPECT_EQ(PollAt(*open.reader, first.result.end), Availability::State::kReady);
  ExpectError(ReadOnce(*open.reader, first.result.end, kTen).status, StatusCode::kResourceExhausted,
              {"starts at byte 3"});
}

TEST(TextFileErrorsTest, AFollowedLineThatIsSkippedIsWaitedFor) {
  const TempDir dir;
  OpenFile open({.paths = {dir.Write("f", "ok\n" + std::string(500, 'x'))},
                 .follow = Follow::kYes,
                 .rules = {.long_line = LongLine::kSkip, .line_bytes_max = 100},
                 .splits = {.readers = 1},
                 .read_bytes = 64});
  const ReadBatch first = ReadUntilPause(*open.reader, "", kTen);
  EXPECT_EQ(first.rows, std::vector<std::string>{"ok"});
  EXPECT_EQ(PollAt(*open.reader, first.end), Availability::State::kIdle);
  dir.Append("f", "xxx\nnext\n");
  EXPECT_EQ(PollAt(*open.reader, first.end), Availability::State::kReady);
  EXPECT_EQ(ReadUntilPause(*open.reader, first.end, kTen).rows, std::vector<std::string>{"next"});
  EXPECT_EQ(open.counts->skipped_lines, 1u);
}

}  // namespace
}  // namespace trident::testing
