// SPDX-License-Identifier: Apache-2.0
//
// Files whose bytes are not their text give the rows of the plain file, wherever they are cut.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/rng.h"
#include "tests/trident/spouts/encoded_files.h"
#include "tests/trident/spouts/file_run.h"
#include "tests/trident/spouts/text_files.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;

struct Encoding {
  const char* name;
  std::string (*encode)(std::string_view text, Rng& rng);
};

class TextFileEncodedTest : public ::testing::TestWithParam<Encoding> {
 protected:
  std::string Encoded(std::string_view text) {
    Rng rng(9);
    return GetParam().encode(text, rng);
  }

  const TempDir dir_;
};

TEST_P(TextFileEncodedTest, GivesTheRowsOfThePlainFileFromEachPosition) {
  for (uint64_t seed = 1; seed <= 80 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const std::string text = RandomText(rng);
    TextFileOptions options{.paths = {dir_.Write("plain", text)},
                            .last_line = rng.Chance(0.5) ? LastLine::kYes : LastLine::kNo,
                            .rules = {rng.Chance(0.5) ? InvalidUtf8::kReplace : InvalidUtf8::kSkip,
                                      LongLine::kSkip, rng.Chance(0.5) ? 5000u : 20'000u},
                            .read_bytes = 1 + rng.Below(300)};
    const Lines expected = Joined(ReadAll(*SpoutOf(options)));
    options.paths = {dir_.Write("packed", GetParam().encode(text, rng))};
    EXPECT_EQ(Joined(ReadAll(*SpoutOf(options), {1 + rng.Below(30), 1 + rng.Below(300)})),
              expected);
    // Each position, in a new run and in one that has read on.
    const auto spout = SpoutOf(options);
    const std::string partition = spout->Partitions()->at(0);
    const auto reader = OpenReader(*spout, partition);
    Position at;
    Lines before;
    for (bool more = true; more;) {
      const ReadRows read = ReadOnce(*reader, at, {1 + rng.Below(20), 1 + rng.Below(500)});
      ASSERT_TRUE(read.status.ok()) << read.status;
      before.insert(before.end(), read.rows.begin(), read.rows.end());
      more = read.result.next == Next::kMore;
      const Position from = std::exchange(at, read.result.end);
      if (from == at) continue;
      const ReadRows again = ReadOnce(*reader, from, kNoLimits, &at);
      ASSERT_TRUE(again.status.ok()) << again.status;
      EXPECT_EQ(again.rows, read.rows);
      const auto next = SpoutOf(options);
      ASSERT_TRUE(next->Resume({{partition, at}}).ok());
      ASSERT_EQ(next->Partitions().value(), Lines{partition});
      Lines all = before;
      const Lines rest = ReadFrom(*OpenReader(*next, partition), at, rng);
      all.insert(all.end(), rest.begin(), rest.end());
      EXPECT_EQ(all, expected);
    }
    EXPECT_EQ(before, expected);
  }
}

TEST_P(TextFileEncodedTest, ALargeFileIsReadFromFarBehind) {
  Rng rng(3);
  Lines expected;
  std::string text = "\xef\xbb\xbf";
  while (text.size() < 6'000'000) {
    expected.push_back(std::to_string(expected.size()) + std::string(rng.Below(2000), 'x'));
    text += expected.back() + "\n";
  }
  const auto spout = SpoutOf({.paths = {dir_.Write("f", Encoded(text))}});
  const auto reader = OpenReader(*spout, spout->Partitions()->at(0));
  std::vector<std::pair<size_t, Position>> places = {{0, ""}};
  Lines got;
  while (PollAt(*reader, places.back().second) != Availability::State::kEnded) {
    const ReadBatch read = ReadUntilPause(*reader, places.back().second, {3000, 1u << 30});
    ASSERT_TRUE(read.status.ok()) << read.status;
    got.insert(got.end(), read.rows.begin(), read.rows.end());
    places.emplace_back(got.size(), read.end);
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(spout->BacklogAfter(spout->Partitions()->at(0), "").amount, text.size());
  for (int i = 0; i < 20; ++i) {
    const auto& [row, from] = places[rng.Below(places.size())];
    const ReadRows again = ReadOnce(*reader, from, {5, 1u << 20});
    for (size_t k = 0; k < again.rows.size(); ++k) EXPECT_EQ(again.rows[k], expected[row + k]);
  }
}

TEST_P(TextFileEncodedTest, ADirectoryMayMixPlainAndCompressedFiles) {
  dir_.Write("in/a", "plain\n");
  dir_.Write("in/b.txt", Encoded("packed, whatever its name is\n"));
  dir_.Write("in/c", Encoded(""));
  EXPECT_EQ(Joined(ReadAll(*SpoutOf({.paths = {dir_.File("in")}}))),
            (Lines{"plain", "packed, whatever its name is"}));
  EXPECT_EQ(Joined(ReadAll(*SpoutOf({.paths = {dir_.File("in/*.txt")}}))),
            Lines{"packed, whatever its name is"});
}

INSTANTIATE_TEST_SUITE_P(
    Encodings, TextFileEncodedTest,
    ::testing::Values(
        Encoding{"Gzip", [](std::string_view text, Rng& rng) { return InParts(Gzip, text, rng); }},
        Encoding{"Zstd", [](std::string_view text, Rng& rng) { return InParts(Zstd, text, rng); }},
        Encoding{"ZstdOfOneFrame", [](std::string_view text, Rng&) { return Zstd(text); }},
        Encoding{"Utf16LittleEndian",
                 [](std::string_view text, Rng&) { return Utf16(text, Utf16Order::kLittle); }},
        Encoding{"Utf16BigEndian",
                 [](std::string_view text, Rng&) { return Utf16(text, Utf16Order::kBig); }}),
    [](const auto& info) { return info.param.name; });

// ---- UTF-16 ----

class TextFileUtf16Test : public ::testing::TestWithParam<Utf16Order> {
 protected:
  std::string Encoded(std::string_view text) const { return Utf16(text, GetParam()); }
  TextFileOptions Input(Follow follow) const {
    return {.paths = {dir_.File("f")}, .follow = follow, .read_bytes = 7};
  }

  const TempDir dir_;
  FileRun::State state_;
};

TEST_P(TextFileUtf16Test, AFileThatGrowsByBytesIsFollowedOverRestarts) {
  const std::string text = "one\n\xc3\xa4\xf0\x9f\x98\x80 two\r\n\n\xe2\x82\xac\nlast\n";
  const std::string encoded = Encoded(text);
  dir_.Write("f", "");
  Lines got;
  for (size_t at = 0; at < encoded.size();) {
    FileRun run(Input(Follow::kYes), &state_);
    for (const size_t stop = std::min(at + 9, encoded.size()); at < stop; ++at) {
      dir_.Append("f", encoded.substr(at, 1));
      const Lines more = run.Read();
      ASSERT_TRUE(run.status().ok()) << run.status();
      got.insert(got.end(), more.begin(), more.end());
    }
  }
  EXPECT_EQ(got, LinesOf(text));
  dir_.Append("f", Encoded("more\n").substr(2));
  EXPECT_EQ(FileRun(Input(Follow::kNo), &state_).Read(), Lines{"more"});
}

TEST_P(TextFileUtf16Test, ASurrogateAloneIsInvalidAndNamesItsByteOfTheText) {
  // What is written for a byte that is no UTF-8 is half of a pair.
  dir_.Write("f", Encoded("a\nb\xff"
                          "c\nd\n"));
  TextFileOptions options = Input(Follow::kNo);
  const auto failing = SpoutOf(options);
  const auto reader = OpenReader(*failing, failing->Partitions()->at(0));
  const ReadRows first = ReadOnce(*reader, "", kNoLimits);
  EXPECT_EQ(first.rows, Lines{"a"});
  ExpectError(ReadOnce(*reader, first.result.end, kNoLimits).status, StatusCode::kInvalidArgument,
              {"no UTF-8 at byte 6, in the line that starts at byte 5"});
  options.rules.invalid_utf8 = InvalidUtf8::kReplace;
  EXPECT_EQ(Joined(ReadAll(*SpoutOf(options))), (Lines{"a",
                                                       "b\xef\xbf\xbd"
                                                       "c",
                                                       "d"}));
  options.rules.invalid_utf8 = InvalidUtf8::kSkip;
  EXPECT_EQ(Joined(ReadAll(*SpoutOf(options))), (Lines{"a", "d"}));
}

TEST_P(TextFileUtf16Test, AFileThatIsWrittenAnewBehindWhatWasReadGoesOn) {
  dir_.Write("f", Encoded("a\nb"));
  FileRun run(Input(Follow::kYes), &state_);
  EXPECT_EQ(run.Read(), Lines{"a"});
  dir_.Write("f", Encoded("a\n\xe2\x82\xac\xe2\x82\xac\nc\n"));
  EXPECT_EQ(run.Await(2), (Lines{"c", "\xe2\x82\xac\xe2\x82\xac"}));
  dir_.Write("f", Encoded("x\n"));
  EXPECT_EQ(run.Await(1), Lines{"x"});
}

TEST_P(TextFileUtf16Test, AWaitingCharacterIsNoPartOfTheLastLine) {
  const std::string half = Encoded("\xf0\x9f\x98\x80").substr(2, 2);
  dir_.Write("f", Encoded("a\nb") + half + "x");
  TextFileOptions options = Input(Follow::kNo);
  options.last_line = LastLine::kYes;
  EXPECT_EQ(Joined(ReadAll(*SpoutOf(options))), (Lines{"a", "b"}));
}

TEST_P(TextFileUtf16Test, CharactersOf32BitsAreRefused) {
  using std::string_literals::operator""s;
  dir_.Write("f", Encoded("a\0\n\0"s));
  ExpectInvalid(SpoutOf(Input(Follow::kNo))->Partitions().status(), "bytes of 0");
}

INSTANTIATE_TEST_SUITE_P(Orders, TextFileUtf16Test,
                         ::testing::Values(Utf16Order::kLittle, Utf16Order::kBig),
                         [](const auto& info) {
                           return info.param == Utf16Order::kLittle ? "Little" : "Big";
                         });

}  // namespace
}  // namespace trident::testing
