// SPDX-License-Identifier: Apache-2.0
//
// Files that do not stay where and what they were: rotated, saved by an editor, moved, linked,
// copied. Whatever happens to them, each line counts once.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "tests/trident/spouts/file_run.h"
#include "tests/trident/spouts/text_files.h"

namespace trident::testing {
namespace {

namespace fs = std::filesystem;

class TextFileMovedTest : public ::testing::Test {
 protected:
  TextFileOptions Input(const std::string& name, Follow follow = Follow::kNo) {
    return {.paths = {dir_.File(name)},
            .follow = follow,
            .splits = {.readers = 1},
            .rotate_wait_nanos = 200'000'000};
  }
  // One run that reads to the end.
  Lines RunOnce(TextFileOptions options) {
    FileRun run(std::move(options), &state_);
    Lines got = run.Read();
    EXPECT_TRUE(run.status().ok()) << run.status();
    std::sort(got.begin(), got.end());
    return got;
  }
  Status WhyNot(TextFileOptions options) {
    FileRun run(std::move(options), &state_);
    run.Read();
    return run.status();
  }
  void Rename(const std::string& from, const std::string& to) {
    fs::rename(dir_.File(from), dir_.File(to));
  }

  const TempDir dir_;
  FileRun::State state_;
};

// ---- followed ----

TEST_F(TextFileMovedTest, ARotatedFileIsReadToItsEndAndTheNewOneFromItsBeginning) {
  dir_.Write("app.log", "a\nb\n");
  FileRun run(Input("app.log", Follow::kYes), &state_);
  EXPECT_EQ(run.Await(2), (Lines{"a", "b"}));
  dir_.Append("app.log", "c\n");
  Rename("app.log", "app.log.1");
  dir_.Append("app.log.1", "late\nwithout end");
  dir_.Write("app.log", "new 1\n");
  EXPECT_EQ(run.Await(4), (Lines{"c", "late", "new 1", "without end"}));
  dir_.Append("app.log", "new 2\n");
  Rename("app.log.1", "app.log.2");
  Rename("app.log", "app.log.1");
  dir_.Write("app.log", "newer\n");
  EXPECT_EQ(run.Await(2), (Lines{"new 2", "newer"}));
  EXPECT_TRUE(run.status().ok()) << run.status();
}

TEST_F(TextFileMovedTest, ARotatedFileThatIsDeletedIsReadToItsEnd) {
  dir_.Write("app.log", "a\n");
  FileRun run(Input("app.log", Follow::kYes), &state_);
  EXPECT_EQ(run.Await(1), Lines{"a"});
  dir_.Append("app.log", "b\n");
  fs::remove(dir_.File("app.log"));
  dir_.Write("app.log", "c\n");
  EXPECT_EQ(run.Await(2), (Lines{"b", "c"}));
}

TEST_F(TextFileMovedTest, ACopiedAndTruncatedFileIsReadFromItsBeginning) {
  for (const char* input : {"one/app.log", "all"}) {
    state_.clear();
    fs::remove_all(dir_.File("one"));
    fs::remove_all(dir_.File("all"));
    const std::string folder = fs::path(input).begin()->string();
    dir_.Write(folder + "/app.log", "a\nb\n");
    FileRun run(Input(input, Follow::kYes), &state_);
    EXPECT_EQ(run.Await(2), (Lines{"a", "b"}));
    dir_.Append(folder + "/app.log", "c\n");
    fs::copy_file(dir_.File(folder + "/app.log"), dir_.File(folder + "/app.log.1"));
    fs::resize_file(dir_.File(folder + "/app.log"), 0);
    dir_.Append(folder + "/app.log", "new\n");
    EXPECT_EQ(run.Await(2), (Lines{"c", "new"})) << input;
  }
}

TEST_F(TextFileMovedTest, WhatAnEditorSavesGoesOnIfItBeginsWithWhatWasRead) {
  dir_.Write("f", "a\nb\n");
  FileRun run(Input("f", Follow::kYes), &state_);
  EXPECT_EQ(run.Await(2), (Lines{"a", "b"}));
  dir_.Write("f.tmp", "a\nb\nc\n");
  Rename("f.tmp", "f");
  EXPECT_EQ(run.Await(1), Lines{"c"});
  dir_.Write("f.tmp", "another\n");
  Rename("f.tmp", "f");
  EXPECT_EQ(run.Await(1), Lines{"another"});
}

TEST_F(TextFileMovedTest, ALinkThatLeadsToAnotherFileIsFollowed) {
  dir_.Write("app-1.log", "a\n");
  fs::create_symlink("app-1.log", dir_.File("current"));
  FileRun run(Input("current", Follow::kYes), &state_);
  EXPECT_EQ(run.Await(1), Lines{"a"});
  dir_.Append("app-1.log", "b\n");
  dir_.Write("app-2.log", "c\n");
  fs::create_symlink("app-2.log", dir_.File("next"));
  Rename("next", "current");
  EXPECT_EQ(run.Await(2), (Lines{"b", "c"}));
}

TEST_F(TextFileMovedTest, AFolderIsFollowedThroughRotationsAndNewFiles) {
  dir_.Write("in/app.log", "a\n");
  {
    FileRun run(Input("in", Follow::kYes), &state_);
    EXPECT_EQ(run.Await(1), Lines{"a"});
    dir_.Write("in/sub/other", "o\n");
    EXPECT_EQ(run.Await(1), Lines{"o"});
    Rename("in/app.log", "in/app.log.1");
    dir_.Write("in/app.log", "b\n");
    EXPECT_EQ(run.Await(1), Lines{"b"});
  }
  Rename("in/app.log.1", "in/app.log.2");
  Rename("in/app.log", "in/app.log.1");
  dir_.Append("in/app.log.1", "c\n");
  dir_.Write("in/app.log", "d\n");
  FileRun run(Input("in", Follow::kYes), &state_);
  EXPECT_EQ(run.Await(2), (Lines{"c", "d"}));
}

TEST_F(TextFileMovedTest, AFollowedFileMayComeLater) {
  FileRun run(Input("late", Follow::kYes), &state_);
  EXPECT_TRUE(run.status().ok()) << run.status();
  dir_.Write("late", "a\n");
  EXPECT_EQ(run.Await(1), Lines{"a"});
}

TEST_F(TextFileMovedTest, AFollowedFileMayBeAwayForAWhile) {
  dir_.Write("f", "a\n");
  FileRun run(Input("f", Follow::kYes), &state_);
  EXPECT_EQ(run.Await(1), Lines{"a"});
  Rename("f", "away");
  EXPECT_EQ(run.Read(), Lines{});
  dir_.Append("away", "b\n");
  Rename("away", "f");
  EXPECT_EQ(run.Await(1), Lines{"b"});
}

// ---- while the program is away ----

TEST_F(TextFileMovedTest, WhatWasRotatedMeanwhileIsReadToItsEnd) {
  dir_.Write("app.log", "a\n");
  EXPECT_EQ(RunOnce(Input("app.log")), Lines{"a"});
  dir_.Append("app.log", "b\n");
  Rename("app.log", "app.log.1");
  dir_.Write("app.log", "c\n");
  TextFileOptions options = Input("app.log");
  ExpectError(WhyNot(options), StatusCode::kFailedPrecondition,
              {dir_.File("app.log"), "app.log.1", "--replaced next"});
  options.replaced = Replaced::kNext;
  EXPECT_EQ(RunOnce(options), (Lines{"b", "c"}));
  EXPECT_EQ(RunOnce(options), Lines{});
  EXPECT_EQ(RunOnce(Input("app.log", Follow::kYes)), Lines{});
}

TEST_F(TextFileMovedTest, WhatWasTruncatedMeanwhileIsReadFromItsBeginning) {
  dir_.Write("f", "some lines\nthat were read\n");
  EXPECT_EQ(RunOnce(Input("f")).size(), 2u);
  dir_.Write("f", "new\n");
  ExpectError(WhyNot(Input("f")), StatusCode::kFailedPrecondition,
              {dir_.File("f"), "has only 4 bytes now", "--replaced next"});
  EXPECT_EQ(RunOnce(Input("f", Follow::kYes)), Lines{"new"});
  EXPECT_EQ(RunOnce(Input("f", Follow::kYes)), Lines{});
  // The number of the file that is gone is taken by the new one.
  EXPECT_EQ(state_.size(), 1u);
}

TEST_F(TextFileMovedTest, TheSameFileUnderAnotherNameGoesOn) {
  dir_.Write("in/app.log", "a\n");
  EXPECT_EQ(RunOnce(Input("in")), Lines{"a"});
  Rename("in/app.log", "in/app.log.1");
  dir_.Append("in/app.log.1", "b\n");
  EXPECT_EQ(RunOnce(Input("in")), Lines{"b"});
  fs::create_hard_link(dir_.File("in/app.log.1"), dir_.File("in/aaa"));
  EXPECT_EQ(RunOnce(Input("in")), Lines{});
  fs::create_symlink("in/app.log.1", dir_.File("link"));
  EXPECT_EQ(RunOnce(Input("link")), Lines{});
}

TEST_F(TextFileMovedTest, FilesThatWereMovedWithTheStateGoOn) {
  dir_.Write("old/a", "a\n");
  dir_.Write("old/b", "b\nbb\n");
  EXPECT_EQ(RunOnce(Input("old")).size(), 3u);
  fs::copy(dir_.File("old"), dir_.File("new"), fs::copy_options::recursive);
  fs::remove_all(dir_.File("old"));
  dir_.Append("new/b", "c\n");
  EXPECT_EQ(RunOnce(Input("new")), Lines{"c"});
  EXPECT_EQ(RunOnce(Input("new")), Lines{});
}

TEST_F(TextFileMovedTest, WhatCannotBeToldApartIsRefused) {
  dir_.Write("in/a", "the same\n");
  EXPECT_EQ(RunOnce(Input("in")).size(), 1u);
  dir_.Write("in/b", "the same\nand more\n");
  dir_.Write("in/c", "the same\nbut different\n");
  fs::remove(dir_.File("in/a"));
  ExpectError(WhyNot(Input("in")), StatusCode::kFailedPrecondition,
              {"cannot be told", dir_.File("in/a"), dir_.File("in/b"), dir_.File("in/c")});
}

TEST_F(TextFileMovedTest, AFileOfTheSameFirstBytesIsAnotherOne) {
  std::string head;
  while (head.size() < 5000) head += "the same line\n";
  dir_.Write("f", head + "one\ntwo\nthree\nfour\n");
  EXPECT_EQ(RunOnce(Input("f")).size(), 362u);
  dir_.Write("f", head + "some other text that is longer\nfive\n");
  ExpectError(WhyNot(Input("f")), StatusCode::kFailedPrecondition, {"differ", "--replaced next"});
}

// ---- positions of earlier versions ----

TEST_F(TextFileMovedTest, APositionOfAnEarlierVersionIsUnderstood) {
  dir_.Write("f", "one\ntwo\n");
  TextPosition at{.offset = 4, .splits = {.readers = 1}, .mark = {}, .file = {}};
  at.mark.head_bytes = 4;
  at.mark.head_hash = HashBytes("one\n");
  EXPECT_EQ(at.ToPosition(), Concat("4/1x8388608/4-", std::string(at.ToPosition()).substr(14)));
  state_[dir_.File("f") + "#0"] = at.ToPosition();
  EXPECT_EQ(RunOnce(Input("f")), Lines{"two"});
  EXPECT_EQ(RunOnce(Input("f")), Lines{});
  // One that stands inside of a line is another file's.
  at.offset = 6;
  state_[dir_.File("f") + "#0"] = at.ToPosition();
  ExpectError(WhyNot(Input("f")), StatusCode::kFailedPrecondition, {"is not the one"});
}

// The number of the first file is taken again, of which readers stand at places that the second one
// has not.
TEST_F(TextFileMovedTest, AShorterFileThatTakesAPlaceIsReadOnce) {
  TextFileOptions input = Input("f");
  input.splits = {.split_bytes = 10, .readers = 3};
  input.replaced = Replaced::kNext;
  dir_.Write("f", "line 1\nline 2\nline 3\nline 4\nline 5\n");
  EXPECT_EQ(RunOnce(input).size(), 5u);
  fs::remove(dir_.File("f"));
  dir_.Write("f", "new\n");
  EXPECT_EQ(RunOnce(input), Lines{"new"});
  EXPECT_EQ(RunOnce(input), Lines{});
  dir_.Append("f", "much more\nand more\nand still more\n");
  EXPECT_EQ(RunOnce(input), (Lines{"and more", "and still more", "much more"}));
  EXPECT_EQ(RunOnce(input), Lines{});
}

}  // namespace
}  // namespace trident::testing
