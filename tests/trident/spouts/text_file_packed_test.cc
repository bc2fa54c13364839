// SPDX-License-Identifier: Apache-2.0
//
// Compressed files give the rows of their text, or an error and no row.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/rng.h"
#include "tests/trident/spouts/encoded_files.h"
#include "tests/trident/spouts/file_run.h"
#include "tests/trident/spouts/text_files.h"

namespace trident::testing {
namespace {

namespace fs = std::filesystem;

class TextFilePackedTest : public ::testing::TestWithParam<Pack> {
 protected:
  std::string Packed(std::string_view text) const { return GetParam()(text); }

  const TempDir dir_;
  FileRun::State state_;
};

TEST_P(TextFilePackedTest, AFileThatIsCutShortGivesAnErrorAndNoRow) {
  const std::string whole = Packed("one\ntwo\n") + Packed("three\nfour\n");
  const size_t first = Packed("one\ntwo\n").size();
  for (size_t size = 4; size < whole.size(); ++size) {
    if (size == first) continue;  // a whole file
    SCOPED_TRACE(size);
    const std::string path = dir_.Write("f", whole.substr(0, size));
    const auto spout = SpoutOf({.paths = {path}});
    const auto reader = OpenReader(*spout, spout->Partitions()->at(0));
    for (int attempt = 0; attempt < 2; ++attempt) {
      const ReadRows read = ReadOnce(*reader, "", kNoLimits);
      ExpectError(read.status, StatusCode::kDataLoss,
                  {path, "is cut short", "ends behind byte ", "is expected", "Restore it"});
      EXPECT_EQ(reader->Poll("").status().code(), StatusCode::kDataLoss);
    }
  }
  const auto spout = SpoutOf({.paths = {dir_.Write("f", whole.substr(0, whole.size() - 1))}});
  const auto reader = OpenReader(*spout, spout->Partitions()->at(0));
  ExpectError(ReadOnce(*reader, "", kNoLimits).status, StatusCode::kDataLoss, {"byte 19"});
}

TEST_P(TextFilePackedTest, ADamagedFileGivesAnErrorAndNoRow) {
  const std::string whole = Packed("one and two and three\nfour and five\n");
  int noticed = 0;
  for (size_t at = 4; at < whole.size(); ++at) {
    SCOPED_TRACE(at);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const auto spout = SpoutOf({.paths = {dir_.Write("f", damaged)}});
    const auto reader = OpenReader(*spout, spout->Partitions()->at(0));
    const ReadRows read = ReadOnce(*reader, "", kNoLimits);
    if (read.status.ok()) {  // such as the time in a header, which is no part of the text
      EXPECT_EQ(read.rows, (Lines{"one and two and three", "four and five"}));
      continue;
    }
    ++noticed;
    EXPECT_EQ(read.rows, Lines{});
    ExpectError(read.status, StatusCode::kDataLoss, {dir_.File("f"), "of the text"});
  }
  EXPECT_GT(noticed, static_cast<int>(whole.size()) / 2);
  dir_.Write("f", whole + "what is this");
  const auto spout = SpoutOf({.paths = {dir_.File("f")}});
  ExpectError(ReadOnce(*OpenReader(*spout, spout->Partitions()->at(0)), "", kNoLimits).status,
              StatusCode::kDataLoss, {"is damaged", "behind byte 36 of the text"});
}

TEST_P(TextFilePackedTest, AFileThatUnpacksToAGreatLineIsLeftToTheLimitOfLines) {
  const std::string path = dir_.Write("f", Packed(std::string(30'000'000, 'x') + "\nshort\n"));
  const auto spout = SpoutOf({.paths = {path}, .rules = {.long_line = LongLine::kSkip}});
  Rng rng(1);
  EXPECT_EQ(ReadFrom(*OpenReader(*spout, spout->Partitions()->at(0)), "", rng), Lines{"short"});
}

TEST_P(TextFilePackedTest, WhatIsNoTextInsideIsRefused) {
  using std::string_literals::operator""s;
  const std::string path = dir_.Write("f", Packed("a\0b\n"s));
  ExpectInvalid(SpoutOf({.paths = {path}})->Partitions().status(), "bytes of 0");
  dir_.Write("f", Packed(Packed("a\n")));
  ExpectInvalid(SpoutOf({.paths = {path}})->Partitions().status(), "compressed twice");
}

TEST_P(TextFilePackedTest, WhatIsAddedToAFileIsReadByTheNextRun) {
  dir_.Write("f", Packed("a\nb\n"));
  const TextFileOptions options{.paths = {dir_.File("f")}};
  EXPECT_EQ(FileRun(options, &state_).Read(), (Lines{"a", "b"}));
  EXPECT_EQ(FileRun(options, &state_).Read(), Lines{});
  dir_.Append("f", Packed("c\n"));
  EXPECT_EQ(FileRun(options, &state_).Read(), Lines{"c"});
  dir_.Write("f", Packed("x\ny\n"));
  FileRun replaced(options, &state_);
  ExpectError(replaced.status(), StatusCode::kFailedPrecondition, {dir_.File("f"), "differ"});
}

TEST_P(TextFilePackedTest, AFileThatWasCompressedOrUnpackedMeanwhileGoesOn) {
  const TextFileOptions input{.paths = {dir_.File("in")}, .splits = {.readers = 1}};
  dir_.Write("in/f", "a\nb\n");
  EXPECT_EQ(FileRun(input, &state_).Read(), (Lines{"a", "b"}));
  fs::remove(dir_.File("in/f"));
  dir_.Write("in/f.packed", Packed("a\nb\nc\n"));
  EXPECT_EQ(FileRun(input, &state_).Read(), Lines{"c"});
  fs::remove(dir_.File("in/f.packed"));
  dir_.Write("in/f", "a\nb\nc\nd\n");
  EXPECT_EQ(FileRun(input, &state_).Read(), Lines{"d"});
}

TEST_P(TextFilePackedTest, AFileOfSeveralReadersThatWasCompressedGoesOn) {
  Lines expected;
  std::string text;
  for (int i = 0; i < 300; ++i) {
    expected.push_back("line " + std::to_string(i));
    text += expected.back() + "\n";
  }
  const std::string half = text.substr(0, text.find("line 150"));
  const TextFileOptions input{
      .paths = {dir_.File("in")}, .splits = {.split_bytes = 100, .readers = 3}, .read_bytes = 70};
  dir_.Write("in/f", half);
  Lines got = FileRun(input, &state_).Read();
  EXPECT_EQ(got.size(), 150u);
  fs::remove(dir_.File("in/f"));
  dir_.Write("in/f.1.packed", Packed(text));
  const Lines rest = FileRun(input, &state_).Read();
  got.insert(got.end(), rest.begin(), rest.end());
  std::sort(got.begin(), got.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(got, expected);
}

// ---- followed ----

TextFileOptions Followed(const std::string& path) {
  return {.paths = {path},
          .follow = Follow::kYes,
          .splits = {.readers = 1},
          .rotate_wait_nanos = 200'000'000};
}

TEST_P(TextFilePackedTest, ARotatedFileThatIsCompressedIsNotReadAgain) {
  const TextFileOptions input = Followed(dir_.File("in"));
  dir_.Write("in/app.log", "a\nb\n");
  {
    FileRun run(input, &state_);
    EXPECT_EQ(run.Await(2), (Lines{"a", "b"}));
    fs::rename(dir_.File("in/app.log"), dir_.File("in/app.log.1"));
    dir_.Write("in/app.log", "c\n");
    EXPECT_EQ(run.Await(1), Lines{"c"});
    dir_.Append("in/app.log.1", "late\n");
    EXPECT_EQ(run.Await(1), Lines{"late"});
    dir_.Write("in/app.log.2.gz", Packed("a\nb\nlate\n"));
    fs::remove(dir_.File("in/app.log.1"));
    fs::rename(dir_.File("in/app.log"), dir_.File("in/app.log.1"));
    dir_.Write("in/app.log", "d\n");
    EXPECT_EQ(run.Await(1), Lines{"d"});
    dir_.Append("in/app.log", "e\n");
    EXPECT_EQ(run.Await(1), Lines{"e"});
    EXPECT_TRUE(run.status().ok()) << run.status();
  }
  // The next rotation is while nobody looks.
  fs::rename(dir_.File("in/app.log.2.gz"), dir_.File("in/app.log.3.gz"));
  dir_.Write("in/app.log.2.gz", Packed("c\n"));
  fs::remove(dir_.File("in/app.log.1"));
  fs::rename(dir_.File("in/app.log"), dir_.File("in/app.log.1"));
  dir_.Append("in/app.log.1", "f\n");
  dir_.Write("in/app.log", "g\n");
  FileRun run(input, &state_);
  EXPECT_EQ(run.Await(2), (Lines{"f", "g"}));
  EXPECT_TRUE(run.status().ok()) << run.status();
}

TEST_P(TextFilePackedTest, AFileThatIsCompressedBeforeItsFirstReadIsReadOnce) {
  const TextFileOptions input = Followed(dir_.File("in"));
  dir_.Write("in/app.log", "a\nb\n");
  {
    FileRun run(input, &state_);
    dir_.Write("in/app.log.1.gz", Packed("a\nb\n"));
    fs::remove(dir_.File("in/app.log"));
    dir_.Write("in/other", Packed("o\n"));  // is judged behind the copy
    run.AwaitFound(2);
    EXPECT_EQ(run.Await(3), (Lines{"a", "b", "o"}));
    dir_.Write("in/another", "n\n");
    EXPECT_EQ(run.Await(1), Lines{"n"});
  }
  FileRun run(input, &state_);
  dir_.Append("in/another", "p\n");
  EXPECT_EQ(run.Await(1), Lines{"p"});
}

TEST_P(TextFilePackedTest, WhatStoodUnreadIsReadFromTheCompressedCopy) {
  const TextFileOptions input = Followed(dir_.File("app.log"));
  dir_.Write("app.log", "a\nb\n");
  {
    FileRun run(input, &state_);
    EXPECT_EQ(run.Await(2), (Lines{"a", "b"}));
  }
  fs::remove(dir_.File("app.log"));
  dir_.Write("app.log.1.gz", Packed("a\nb\nc\nwithout end"));
  dir_.Write("app.log", "new\n");
  FileRun run(input, &state_);
  EXPECT_EQ(run.Await(3), (Lines{"c", "new", "without end"}));
}

TEST_P(TextFilePackedTest, ANewFileIsTakenUpWhenItIsWhole) {
  dir_.Write("in/f", "a\n");
  FileRun run(Followed(dir_.File("in")), &state_);
  EXPECT_EQ(run.Await(1), Lines{"a"});
  const std::string whole = Packed("p\nq\n");
  dir_.Write("in/new", whole.substr(0, whole.size() / 2));
  dir_.Append("in/f", "b\n");
  EXPECT_EQ(run.Await(1), Lines{"b"});
  dir_.Append("in/new", whole.substr(whole.size() / 2));
  EXPECT_EQ(run.Await(2), (Lines{"p", "q"}));
  EXPECT_TRUE(run.status().ok()) << run.status();
}

TEST_P(TextFilePackedTest, ANewFileThatStaysCutShortIsAnError) {
  TextFileOptions input = Followed(dir_.File("in"));
  input.patience_nanos = 100'000'000;
  dir_.Write("in/f", "a\n");
  FileRun run(input, &state_);
  EXPECT_EQ(run.Await(1), Lines{"a"});
  const std::string whole = Packed("p\nq\n");
  dir_.Write("in/new", whole.substr(0, whole.size() - 2));
  EXPECT_EQ(run.Await(1), Lines{});
  ExpectError(run.status(), StatusCode::kDataLoss, {dir_.File("in/new"), "cut short"});
}

// A backup of a file goes not as far as the file itself does later.
TEST_P(TextFilePackedTest, ACopyOfAFileThatGrowsStaysLeftOut) {
  dir_.Write("in/f", "a\nb\n");
  FileRun run(Followed(dir_.File("in")), &state_);
  EXPECT_EQ(run.Await(2), (Lines{"a", "b"}));
  dir_.Write("in/f.packed", Packed("a\nb\n"));
  dir_.Write("in/f.bak", "a\nb\n");
  dir_.Write("in/other", "o\n");
  EXPECT_EQ(run.Await(1), Lines{"o"});
  dir_.Append("in/f", "c\n");
  EXPECT_EQ(run.Await(1), Lines{"c"});
  // This one might be a copy that is still written, and is judged after the time that copies have.
  dir_.Write("in/f.late", "a\n");
  EXPECT_EQ(run.Await(1), Lines{"a"});
}

// It takes a while to unpack a copy, and the file may be read farther before it is judged.
TEST_P(TextFilePackedTest, ACopyIsLeftOutThoughTheFileWasReadFartherMeanwhile) {
  std::string text;
  Lines lines;
  for (int i = 0; i < 10'000; ++i) {
    lines.push_back(std::to_string(i) + std::string(1'000, 'x'));
    text += lines.back() + "\n";
  }
  dir_.Write("in/f", text);
  FileRun run(Followed(dir_.File("in")), &state_);
  EXPECT_TRUE(run.Await(lines.size()).size() == lines.size());
  dir_.Write("in/f.packed", Packed(text));
  dir_.Write("in/other", "o\n");
  EXPECT_EQ(run.Await(1), Lines{"o"});
  dir_.Append("in/f", "c\n");
  EXPECT_EQ(run.Await(1), Lines{"c"});
  dir_.Write("in/last", "l\n");
  EXPECT_EQ(run.Await(1), Lines{"l"});
  // Until all is judged.
  dir_.Write("in/f.late", std::to_string(0));
  dir_.Append("in/f.late", "\n");
  EXPECT_EQ(run.Await(1), Lines{"0"});
}

INSTANTIATE_TEST_SUITE_P(Packed, TextFilePackedTest, ::testing::Values(Gzip, Zstd),
                         [](const auto& info) { return info.param == Gzip ? "Gzip" : "Zstd"; });

}  // namespace
}  // namespace trident::testing
