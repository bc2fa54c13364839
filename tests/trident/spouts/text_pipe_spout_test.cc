// SPDX-License-Identifier: Apache-2.0
//
// The lines that come through a pipe are those that a file of the same bytes has.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/rng.h"
#include "tests/trident/spouts/encoded_files.h"
#include "tests/trident/spouts/text_files.h"
#include "trident/spouts/text_file_spout.h"

namespace trident::testing {
namespace {

using Lines = std::vector<std::string>;
using Next = ReadResult::Next;
using State = Availability::State;

class TextPipeSpoutTest : public ::testing::Test {
 protected:
  TextPipeSpoutTest() { EXPECT_EQ(::mkfifo(dir_.File("pipe").c_str(), 0600), 0); }
  ~TextPipeSpoutTest() override { CloseWriter(); }

  void Open(TextPipeOptions options = {}) {
    if (options.path == "-") options.path = dir_.File("pipe");
    auto spout = TextPipeSpout::Make(std::move(options));
    ASSERT_TRUE(spout.ok()) << spout.status();
    spout_ = *spout;
    ASSERT_EQ(spout_->Partitions().value(), Lines{"pipe"});
    reader_ = OpenReader(*spout_, "pipe");
    at_ = "";
  }
  // Fewer bytes only if the pipe is full.
  size_t Write(const std::string& bytes) {
    if (writer_ < 0) writer_ = ::open(dir_.File("pipe").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(writer_, 0);
    const ssize_t n = ::write(writer_, bytes.data(), bytes.size());
    return n < 0 ? 0 : static_cast<size_t>(n);
  }
  void CloseWriter() {
    if (writer_ >= 0) ::close(writer_);
    writer_ = -1;
  }
  Lines Read(BatchLimits limits = kNoLimits) {
    const ReadBatch read = ReadUntilPause(*reader_, at_, limits);
    EXPECT_TRUE(read.status.ok()) << read.status;
    at_ = read.end;
    next_ = read.next;
    return read.rows;
  }
  Status WhyNot() { return ReadOnce(*reader_, at_, kNoLimits).status; }

  const TempDir dir_;
  std::shared_ptr<Spout> spout_;
  std::unique_ptr<SourceReader> reader_;
  int writer_ = -1;
  Position at_;
  Next next_ = Next::kMore;
};

TEST_F(TextPipeSpoutTest, GivesTheRowsThatAFileOfTheSameBytesHas) {
  for (uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const std::string text = RandomText(rng);
    const TextRules rules{rng.Chance(0.5) ? InvalidUtf8::kReplace : InvalidUtf8::kSkip,
                          LongLine::kSkip, rng.Chance(0.5) ? 5000u : 20'000u};
    const LastLine last_line = rng.Chance(0.5) ? LastLine::kYes : LastLine::kNo;
    const Lines expected = Joined(ReadAll(
        *SpoutOf({.paths = {dir_.Write("plain", text)}, .last_line = last_line, .rules = rules})));
    Open({.last_line = last_line, .rules = rules, .read_bytes = 1 + rng.Below(300)});
    Write("");
    Lines got;
    for (size_t written = 0; next_ != Next::kEnded;) {
      written += Write(text.substr(written, rng.Below(3000)));
      if (written == text.size()) CloseWriter();
      const Lines more = Read({1 + rng.Below(20), 1 + rng.Below(500)});
      got.insert(got.end(), more.begin(), more.end());
      const bool is_ended = PollAt(*reader_, at_) == State::kEnded;
      EXPECT_EQ(is_ended, next_ == Next::kEnded);
    }
    EXPECT_EQ(got, expected);
    next_ = Next::kMore;
  }
}

TEST_F(TextPipeSpoutTest, NothingIsWaitedForAndTheEndIsThatOfTheLastWriter) {
  Open();
  EXPECT_EQ(Read(), Lines{});
  EXPECT_EQ(next_, Next::kIdle) << "nobody has written yet";
  Write("a\nb");
  EXPECT_EQ(Read(), Lines{"a"});
  EXPECT_EQ(PollAt(*reader_, at_), State::kIdle);
  CloseWriter();
  EXPECT_EQ(Read(), Lines{"b"});
  EXPECT_EQ(next_, Next::kEnded);
}

TEST_F(TextPipeSpoutTest, AnotherWriterIsWaitedForIfThePipeIsFollowed) {
  Open({.follow = Follow::kYes});
  Write("a\n");
  CloseWriter();
  EXPECT_EQ(Read(), Lines{"a"});
  EXPECT_EQ(next_, Next::kIdle);
  Write("b\n");
  EXPECT_EQ(Read(), Lines{"b"});
}

TEST_F(TextPipeSpoutTest, AWriterIsHeldBackUntilRowsAreAskedFor) {
  Open({.read_bytes = 4096});
  size_t written = 0;
  const std::string line = std::string(99, 'x') + "\n";
  while (Write(line) == line.size()) written += line.size();
  const ReadRows few = ReadOnce(*reader_, at_, {10, 1u << 20});
  EXPECT_EQ(few.rows.size(), 10u);
  size_t room = 0;
  while (Write(line) == line.size()) room += line.size();
  EXPECT_LE(room, 16'384u) << "of " << written << " bytes";
}

TEST_F(TextPipeSpoutTest, ALineOverTheLimitTakesNoMoreMemoryThanTheLimit) {
  Open({.rules = {.long_line = LongLine::kFail, .line_bytes_max = 100}});
  Write("a\n");
  for (int i = 0; i < 1000; ++i) {
    Write(std::string(10'000, 'x'));
    EXPECT_EQ(Read(), i == 0 ? Lines{"a"} : Lines{});
  }
  Write("\nb\n");
  const ReadRows refused = ReadOnce(*reader_, at_, kNoLimits);
  ExpectError(refused.status, StatusCode::kResourceExhausted,
              {"more than 100 bytes", "starts at byte 2"});
  EXPECT_LT(refused.rows.at(0).size(), 200u);
  at_ = refused.result.end;
  EXPECT_EQ(Read(), Lines{"b"});
}

TEST_F(TextPipeSpoutTest, LinesAreReadAgainUntilTheyAreCommitted) {
  Open();
  EXPECT_EQ(spout_->kind(), SpoutKind::kOpaque);
  EXPECT_EQ(spout_->Describe(),
            "text pipe " + dir_.File("pipe") + ", each line once while the process lives");
  Write("a\nb\n");
  // Where the runs before ended.
  const Position start = "100";
  const ReadRows first = ReadOnce(*reader_, start, {1, 1u << 20});
  EXPECT_EQ(first.rows, Lines{"a"});
  EXPECT_EQ(first.result.end, "102");
  EXPECT_EQ(ReadOnce(*reader_, start, kNoLimits).rows, (Lines{"a", "b"}));
  EXPECT_EQ(ReadOnce(*reader_, start, kNoLimits, &first.result.end).rows, Lines{"a"});
  reader_->Committed(TxId(1), first.result.end);
  EXPECT_EQ(ReadOnce(*reader_, first.result.end, kNoLimits).rows, Lines{"b"});
  for (const char* gone : {"100", "99", "105"}) {
    ExpectError(ReadOnce(*reader_, gone, kNoLimits).status, StatusCode::kFailedPrecondition,
                {gone, "bytes 102 to 104 are kept", "a pipe cannot go back"});
  }
}

// The writer goes on writing while a batch is made again and again.
TEST_F(TextPipeSpoutTest, ABatchThatIsStuckHoldsTheWriterBack) {
  Open({.read_bytes = 4096});
  const std::string line = std::string(99, 'x') + "\n";
  size_t written = 0;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    while (Write(line) == line.size()) written += line.size();
    EXPECT_EQ(ReadOnce(*reader_, "", {10, 1u << 20}).rows.size(), 10u);
    PollAt(*reader_, "1000");
  }
  EXPECT_LE(written, 65'536u + 16'384u) << "the pipe itself holds 64 KiB";
}

TEST_F(TextPipeSpoutTest, StandardInputMayBeAPipeOrAFile) {
  for (const bool is_file : {false, true}) {
    const int before = ::dup(STDIN_FILENO);
    const int input = ::open((is_file ? dir_.Write("f", "a\nb\n") : dir_.File("pipe")).c_str(),
                             O_RDONLY | O_NONBLOCK);
    ASSERT_EQ(::dup2(input, STDIN_FILENO), STDIN_FILENO);
    ::close(input);
    Open({.path = "/dev/stdin"});
    if (!is_file) Write("a\nb\n");
    CloseWriter();
    EXPECT_EQ(Read(), (Lines{"a", "b"}));
    EXPECT_EQ(next_, Next::kEnded);
    ASSERT_EQ(::dup2(before, STDIN_FILENO), STDIN_FILENO);
    ::close(before);
  }
}

// The system makes it as it is read, and says that it has no size.
TEST_F(TextPipeSpoutTest, AFileOfTheSystemIsReadAsAPipeIs) {
  const std::string path = "/proc/self/status";
  EXPECT_TRUE(TextPipeSpout::Reads(path));
  EXPECT_FALSE(TextPipeSpout::Reads(dir_.Write("empty", "")));
  Open({.path = path});
  EXPECT_GT(Read().size(), 5u);
  EXPECT_EQ(next_, Next::kEnded);
  ExpectError(SpoutOf({.paths = {path}})->Partitions().status(), StatusCode::kInvalidArgument,
              {path, "its size is 0", "A TextPipeSpout reads it"});
}

// In whatever pieces it comes.
TEST_F(TextPipeSpoutTest, CompressedAndUtf16TextHasTheLinesOfThePlainOne) {
  for (uint64_t seed = 1; seed <= 40 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    std::string text;
    for (uint64_t i = rng.Below(2000); i > 0; --i) text += "line " + std::to_string(rng()) + "\n";
    const std::string half = text.substr(0, text.size() / 2), rest = text.substr(half.size());
    const std::string forms[] = {Gzip(text), Zstd(text), Gzip(half) + Gzip(rest),
                                 Zstd(half) + Zstd(rest), Utf16(text, Utf16Order::kBig)};
    const std::string& bytes = forms[seed % 5];
    Open({.read_bytes = 1 + rng.Below(3000)});
    Write("");
    std::string got;
    for (size_t written = 0; next_ != Next::kEnded;) {
      written += Write(bytes.substr(written, 1 + rng.Below(3000)));
      if (written == bytes.size()) CloseWriter();
      for (const std::string& line : Read({1 + rng.Below(100), 1 + rng.Below(5000)})) {
        got += line + "\n";
      }
    }
    EXPECT_EQ(got, text);
    next_ = Next::kMore;
  }
}

TEST_F(TextPipeSpoutTest, LinesBeforeDamageCountAndThenItIsSaid) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919) + "\n";
  std::string damaged = Gzip(text);
  for (size_t i = damaged.size() / 2; i < damaged.size() / 2 + 50; ++i) damaged[i] ^= 0x55;
  const std::pair<std::string, std::string> broken[] = {
      {Gzip(text).substr(0, 20'000), "it is cut short"},
      {Gzip("1\n") + "more", "it goes on behind its end"},
      {Zstd(text).substr(0, Zstd(text).size() * 9 / 10), "it is cut short"},
      {damaged, "cannot be unpacked behind byte "}};
  for (const auto& [bytes, why] : broken) {
    SCOPED_TRACE(why);
    Open({.read_bytes = 1000});
    Write("");
    std::string got;
    Status failed;
    for (size_t written = 0; failed.ok();) {
      written += Write(bytes.substr(written, 1000));
      if (written == bytes.size()) CloseWriter();
      const ReadRows read = ReadOnce(*reader_, at_, kNoLimits);
      failed = read.status;
      if (failed.ok()) at_ = read.result.end;
      if (failed.ok()) reader_->Committed(TxId(1), at_);
      for (const std::string& line : read.rows) got += line + "\n";
    }
    // Only the checksum at its end tells of some damage within a block.
    const size_t right = bytes == damaged ? text.size() / 4 : got.size();
    EXPECT_TRUE(text.starts_with(got.substr(0, right)) || got == "1\n");
    EXPECT_GT(got.size(), 1u);
    ExpectError(failed, StatusCode::kFailedPrecondition,
                {dir_.File("pipe"), why, "what came before is counted"});
    ExpectError(WhyNot(), StatusCode::kFailedPrecondition, {why});
  }
}

TEST_F(TextPipeSpoutTest, WhatIsNoTextIsRefused) {
  using std::string_literals::operator""s;
  const std::pair<std::string, std::string> none[] = {
      {"a\0b\n"s, "bytes of 0"},
      {Gzip(Gzip("a\n")), "compressed twice"},
      {Zstd(Utf16("a\n", Utf16Order::kBig)), "UTF-16 and compressed"}};
  for (const auto& [content, why] : none) {
    Open();
    Write(content);
    ExpectError(WhyNot(), StatusCode::kFailedPrecondition, {dir_.File("pipe"), why});
    CloseWriter();
  }
}

TEST_F(TextPipeSpoutTest, WhatWasLeftOutIsSaid) {
  Open({.last_line = LastLine::kNo, .rules = {.long_line = LongLine::kSkip, .line_bytes_max = 5}});
  Write("a\ntoo long\nb\nno end");
  EXPECT_EQ(spout_->LeftOut(), Lines{});
  CloseWriter();
  EXPECT_EQ(Read(), (Lines{"a", "b"}));
  EXPECT_EQ(next_, Next::kEnded);
  EXPECT_EQ(spout_->Counts().skipped, 2u) << "what is too long needs no end";
  Open({.last_line = LastLine::kNo});
  Write("a\nno end");
  CloseWriter();
  EXPECT_EQ(Read(), Lines{"a"});
  EXPECT_EQ(spout_->Counts().left, 1u);
  EXPECT_EQ(spout_->LeftOut(), Lines{"1 line without an end, the last of \"" + dir_.File("pipe") +
                                     "\" (it is lost with the pipe)"});
}

TEST_F(TextPipeSpoutTest, WhatIsNoPipeIsRefused) {
  const auto why = [](const std::string& path) {
    return (*TextPipeSpout::Make({.path = path}))->OpenReader("pipe", [] {}).status();
  };
  ExpectError(why(dir_.Write("f", "")), StatusCode::kInvalidArgument,
              {dir_.File("f"), "is no pipe", "TextFileSpout"});
  ExpectError(why(dir_.File("none")), StatusCode::kNotFound, {dir_.File("none"), "mkfifo"});
  EXPECT_FALSE(TextPipeSpout::Reads(dir_.File("f")));
  EXPECT_FALSE(TextPipeSpout::Reads(dir_.path()));
  EXPECT_TRUE(TextPipeSpout::Reads(dir_.File("pipe")));
  EXPECT_TRUE(TextPipeSpout::Reads("-"));
  ExpectInvalid(TextPipeSpout::Make({.path = ""}).status(), "got none");
  ExpectInvalid(TextPipeSpout::Make({.read_bytes = 0}).status(), "read_bytes");
  ExpectInvalid(TextPipeSpout::Make({.field = ""}).status(), "needs a name");
}

}  // namespace
}  // namespace trident::testing
