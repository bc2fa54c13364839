// SPDX-License-Identifier: Apache-2.0
//
// What is read. What goes wrong is in log_spout_errors_test.cc.
#include "trident/spouts/log_spout.h"
#include "base/codec.h"
#include "base/limits.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "engine/spout_driver.h"
#include "tests/trident/spouts/function_log.h"
#include "tests/trident/spouts/memory_log.h"
#include "tests/trident/spouts/reading.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;
using State = Availability::State;
using Then = MemoryLog::Record::Then;
constexpr Field<Text> kText{"text"};
constexpr Field<int64_t> kNumber{"n"};

// ---- what is read ----

TEST(LogSpoutTest, RowsComeInOrderAndTheLastReadSaysWhy) {
  const auto log = LogOf({"a", "b", "c"});
  Opened open(log);
  const ReadBatch idle = ReadUntilPause(*open.reader, "", kNoLimits);
  EXPECT_EQ(idle.rows, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(idle.next, Next::kIdle);
  EXPECT_EQ(idle.end, "3");
  log->Finish();
  const ReadRows ended = ReadOnce(*open.reader, "1", kNoLimits);
  EXPECT_EQ(ended.rows, (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(ended.result.next, Next::kEnded);
}

TEST(LogSpoutTest, LimitsBoundASliceButNeverStopIt) {
  Opened open(LogOf({"aaaa", "bbbb", "cccc", "dddd"}));
  EXPECT_EQ(ReadOnce(*open.reader, "", {.rows = 3, .bytes = 1000}).rows.size(), 3u);
  EXPECT_EQ(ReadOnce(*open.reader, "", {.rows = 9, .bytes = 8}).rows.size(), 2u);
  EXPECT_EQ(ReadOnce(*open.reader, "", {.rows = 9, .bytes = 9}).rows.size(), 3u);
  EXPECT_EQ(ReadOnce(*open.reader, "", {.rows = 9, .bytes = 1}).rows.size(), 1u);
  EXPECT_EQ(ReadOnce(*open.reader, "", {.rows = 0, .bytes = 0}).rows.size(), 1u);
  EXPECT_EQ(ReadOnce(*open.reader, "", {.rows = 3, .bytes = 1000}).result.bytes, 12u);
}

TEST(LogSpoutTest, AFullSliceKnowsWhetherThereIsMore) {
  const auto log = LogOf({"a", "b"});
  Opened open(log);
  EXPECT_EQ(ReadOnce(*open.reader, "", {.rows = 1, .bytes = 99}).result.next, Next::kMore);
  EXPECT_EQ(ReadOnce(*open.reader, "1", {.rows = 1, .bytes = 99}).result.next, Next::kIdle);
  log->Finish();
  EXPECT_EQ(ReadOnce(*open.reader, "1", {.rows = 1, .bytes = 99}).result.next, Next::kEnded);
}

TEST(LogSpoutTest, AReaderThatGoesOnIsNotAskedToSeek) {
  Opened open(LogOf({"a", "b", "c", "d"}));
  EXPECT_EQ(ReadUntilPause(*open.reader, "", {.rows = 1, .bytes = 99}).rows.size(), 4u);
  EXPECT_EQ(PollAt(*open.reader, "4"), State::kIdle);
  EXPECT_EQ(open.source->seeks(), 1u);
  EXPECT_EQ(PollAt(*open.reader, "2"), State::kReady);
  EXPECT_EQ(ReadOnce(*open.reader, "2", kNoLimits).rows, (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(open.source->seeks(), 2u) << "what Poll has seen is what Read begins with";
}

TEST(LogSpoutTest, RecordsThatAreNoRowsArePassed) {
  Opened open(LogOf({"", "a", "", "", "b", ""}));
  for (uint64_t rows : {1u, 2u, 9u}) {
    const ReadBatch read = ReadUntilPause(*open.reader, "", {.rows = rows, .bytes = 99});
    EXPECT_EQ(read.rows, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(read.end, "6");
  }
}

TEST(LogSpoutTest, ManyRecordsThatAreNoRowsDoNotHoldTheExecutor) {
  std::vector<std::string> texts(2 * kLogStepsWithoutRowMax + 5);
  texts.push_back("at last");
  Opened open(LogOf(texts));
  const ReadRows first = ReadOnce(*open.reader, "", kNoLimits);
  EXPECT_TRUE(first.rows.empty());
  EXPECT_EQ(first.result.end, std::to_string(kLogStepsWithoutRowMax));
  EXPECT_EQ(first.result.next, Next::kMore);
  EXPECT_EQ(ReadUntilPause(*open.reader, "", kNoLimits).rows, std::vector<std::string>{"at last"});
}

TEST(LogSpoutTest, ABatchEndsAtACutWhateverTheSlices) {
  const auto log = std::make_shared<MemoryLog>();
  log->Append("p", {"a"});
  log->Append("p", {"b", Then::kCut});
  log->Append("p", {"c"});
  log->Append("p", {"", Then::kCut});
  log->Append("p", {"d", Then::kCut});
  Opened open(log);
  for (uint64_t rows : {1u, 2u, 9u}) {
    const ReadBatch first = ReadUntilPause(*open.reader, "", {.rows = rows, .bytes = 99});
    EXPECT_EQ(first.rows, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(first.next, Next::kCut);
    const ReadBatch second = ReadUntilPause(*open.reader, first.end, {.rows = rows, .bytes = 99});
    EXPECT_EQ(second.rows, std::vector<std::string>{"c"});
    EXPECT_EQ(second.next, Next::kCut);
    EXPECT_EQ(second.end, "4");
    EXPECT_EQ(ReadUntilPause(*open.reader, second.end, kNoLimits).next, Next::kIdle)
        << "nothing waits behind the last cut";
  }
}

// The heart of it: whatever was read before, by this reader or by another, in whatever slices, the
// rows between two positions are those of the log, with the same count of bytes.
TEST(LogSpoutTest, AnyRangeIsTheSameInAnySlicesFromAnywhere) {
  Rng rng(7);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const auto log = std::make_shared<MemoryLog>();
    const int64_t records = static_cast<int64_t>(1 + rng.Below(40));
    for (int64_t i = 0; i < records; ++i) {
      log->Append("p", {rng.Chance(0.2) ? "" : std::string(1 + rng.Below(20), 'a' + i % 26),
                        rng.Chance(0.1) ? Then::kCut : Then::kGoOn});
    }
    if (rng.Chance(0.5)) log->Finish();
    Opened open(log);
    for (int range = 0; range < 30; ++range) {
      const auto start = static_cast<int64_t>(rng.Below(static_cast<uint64_t>(records) + 1));
      const int64_t end =
          start + static_cast<int64_t>(rng.Below(static_cast<uint64_t>(records - start) + 1));
      std::vector<std::string> want;
      uint64_t want_bytes = 0;
      for (int64_t i = start; i < end; ++i) {
        const std::string text = log->At("p", i).text;
        if (!text.empty()) want.push_back(text);
        want_bytes += text.size();
      }
      if (rng.Chance(0.3)) open.reader = OpenReader(*open.spout, "p");
      if (rng.Chance(0.3)) {
        ASSERT_TRUE(open.reader->Poll(std::to_string(start)).ok());
      }
      std::vector<std::string> rows;
      uint64_t bytes = 0;
      const Position to = end == 0 ? "" : std::to_string(end);
      Position at = start == 0 ? "" : std::to_string(start);
      for (int reads = 0; at != to; ++reads) {
        ASSERT_LT(reads, 100);
        const BatchLimits limits{.rows = rng.Below(9), .bytes = rng.Below(60)};
        const ReadRows read = ReadOnce(*open.reader, at, limits, &to);
        ASSERT_TRUE(read.status.ok()) << read.status;
        ASSERT_LE(read.rows.size(), std::max<uint64_t>(limits.rows, 1));
        ASSERT_NE(read.result.next, Next::kCut);
        rows.insert(rows.end(), read.rows.begin(), read.rows.end());
        bytes += read.result.bytes;
        at = read.result.end;
      }
      ASSERT_EQ(rows, want);
      ASSERT_EQ(bytes, want_bytes);
    }
  }
}

// A batch as the driver takes it: what does not depend on the slices may not differ.
TEST(LogSpoutTest, WithoutAnEndABatchIsTheSameInAnySlicesToo) {
  Rng rng(8);
  for (int round = 0; round < 100; ++round) {
    const auto log = std::make_shared<MemoryLog>();
    for (uint64_t i = 1 + rng.Below(30); i > 0; --i) {
      log->Append("p", {rng.Chance(0.3) ? "" : std::string(1 + rng.Below(9), 'x'),
                        rng.Chance(0.2) ? Then::kCut : Then::kGoOn});
    }
    Opened open(log);
    Position at;
    while (at != std::to_string(log->end("p"))) {
      const ReadBatch whole = ReadUntilPause(*open.reader, at, kNoLimits);
      const ReadBatch sliced =
          ReadUntilPause(*open.reader, at, {.rows = 1 + rng.Below(3), .bytes = 1 + rng.Below(20)});
      ASSERT_EQ(whole.rows, sliced.rows);
      ASSERT_EQ(whole.end, sliced.end);
      ASSERT_EQ(whole.next, sliced.next);
      at = whole.end;
    }
  }
}

TEST(LogSpoutTest, EveryPositionIsOneToGoOnFromAfterARestart) {
  const auto log = LogOf({"a", "", "b", "c", "", "d"});
  std::vector<Position> positions = {""};
  {
    Opened open(log);
    while (positions.back() != "6") {
      positions.push_back(
          ReadOnce(*open.reader, positions.back(), {.rows = 1, .bytes = 99}).result.end);
    }
  }
  for (const Position& position : positions) {
    Opened open(log);
    EXPECT_EQ(ReadUntilPause(*open.reader, position, kNoLimits).rows,
              log->RowsFrom("p", position.empty() ? 0 : std::stoll(position)));
  }
}

TEST(LogSpoutTest, AnOpaqueSourceMayGiveOtherRowsToEachAttempt) {
  int reading = 0;
  Opened open(LogOf({"a", "b"}), {.kind = SpoutKind::kOpaque},
              [&](int64_t) { return std::to_string(++reading); });
  const ReadBatch first = ReadUntilPause(*open.reader, "", kNoLimits);
  const ReadBatch again = ReadUntilPause(*open.reader, "", kNoLimits);
  EXPECT_EQ(first.rows, (std::vector<std::string>{"a1", "b2"}));
  EXPECT_NE(first.rows, again.rows);
  EXPECT_EQ(first.end, again.end);
}

// ---- input that comes later ----

TEST(LogSpoutTest, AnIdlePartitionIsAskedAgainAfterThePollIntervalOrWoken) {
  const auto log = LogOf({});
  log->Append("p", {""});
  const auto source = std::make_shared<MemoryLogSource>(log);
  const auto spout = *LogSpout::Make(Fields(kText), {.poll_nanos = 77}, source);
  int woken = 0;
  const auto reader = *spout->OpenReader("p", [&] { ++woken; });
  EXPECT_EQ(PollAt(*reader, ""), State::kReady) << "there is something to pass";
  EXPECT_EQ(reader->Poll("1")->state, State::kIdle);
  EXPECT_EQ(reader->Poll("1")->poll_again_nanos, 77);
  log->Append("p", {"a"});
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(PollAt(*reader, "1"), State::kReady);
  EXPECT_EQ(ReadOnce(*reader, "1", kNoLimits).rows, std::vector<std::string>{"a"});
  log->Finish();
  EXPECT_EQ(PollAt(*reader, "2"), State::kEnded);
  EXPECT_EQ(PollAt(*reader, ""), State::kReady);
}

// The log keeps its wake-ups; the driver that holds the reader makes them do nothing.
TEST(LogSpoutTest, NobodyIsWokenWhenTheReaderIsGone) {
  const auto log = LogOf({"a"});
  SpoutDriver::Spec spec;
  spec.spout = *LogSpout::Make(Fields(kText), {}, std::make_shared<MemoryLogSource>(log));
  spec.sources = std::make_shared<const SourceShare>(SourceShare::InTurn({"p"}, {0}));
  int woken = 0;
  auto driver = std::make_unique<SpoutDriver>(std::move(spec), nullptr, [&] { ++woken; });
  ASSERT_TRUE(driver->Open().ok());
  log->Append("p", {"b"});
  EXPECT_EQ(woken, 1);
  driver.reset();
  log->Append("p", {"c"});
  EXPECT_EQ(woken, 1);
}

TEST(LogSpoutTest, TheSourceIsToldWhatIsCommittedAndWhatWaits) {
  Opened open(LogOf({"a", "b", "c"}));
  open.reader->Committed(TxId(4), "2");
  EXPECT_EQ(open.source->committed(), (std::vector<std::pair<TxId, int64_t>>{{TxId(4), 2}}));
  EXPECT_EQ(open.spout->BacklogAfter("p", ""), Backlog::Rows(3));
  EXPECT_EQ(open.spout->BacklogAfter("p", "2"), Backlog::Rows(1));
  EXPECT_EQ(open.spout->BacklogAfter("p", "no number"), Backlog());
  EXPECT_EQ(open.spout->BacklogAfter("no partition", ""), Backlog()) << "it throws";
}

// ---- what rows and positions may be ----

struct Money {
  int64_t cents = 0;
};

// Segment and offset in it.
struct Place {
  int64_t segment = 0;
  int64_t offset = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

}  // namespace
}  // namespace trident::testing

template <>
struct trident::UserCodec<trident::testing::Money> {
  static constexpr std::string_view kName = "money";
  static void Encode(const trident::testing::Money& m, std::string& out) {
    out = std::to_string(m.cents);
  }
  static bool Decode(std::string_view bytes, trident::testing::Money& out) {
    out.cents = std::stoll(std::string(bytes));
    return true;
  }
  static std::string Render(const trident::testing::Money& m) {
    return std::to_string(m.cents) + " cents";
  }
};

template <>
struct trident::LogPosition<trident::testing::Place> {
  static std::string ToText(const trident::testing::Place& at) {
    return Concat(at.segment, ":", at.offset);
  }
  static std::optional<trident::testing::Place> FromText(std::string_view text) {
    const size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto segment = LogPosition<int64_t>::FromText(text.substr(0, colon));
    const auto offset = LogPosition<int64_t>::FromText(text.substr(colon + 1));
    if (!segment || !offset) return std::nullopt;
    return trident::testing::Place{*segment, *offset};
  }
};

namespace trident::testing {
namespace {

using Step = LogStep<int64_t>;

TEST(LogSpoutTest, RowsOwnTheirValuesOfAllTypes) {
  using Rich = FunctionSource<int64_t, Text, std::optional<Text>, Bytes, List<Text>, List<int64_t>,
                              Money, std::optional<double>, Timestamp>;
  auto source = std::make_shared<Rich>([](const int64_t& at, auto& emit) -> StatusOr<Step> {
    if (at == 3) return Step::Ended();
    // All of it is gone when this returns.
    const std::string text = "text " + std::to_string(at) + std::string(100, '.');
    const std::vector<std::string> owned = {text + "1", text + "2"};
    const std::vector<Text> words(owned.begin(), owned.end());
    const std::vector<int64_t> numbers = {at, at + 1};
    emit(text, at == 1 ? std::nullopt : std::optional<Text>(text), Bytes{text}, words, numbers,
         Money{at}, at == 2 ? std::nullopt : std::optional<double>(0.5), Timestamp{at});
    return Step::MovedTo(at + 1);
  });
  const auto spout =
      *LogSpout::Make(Fields(kText, Field<std::optional<Text>>{"o"}, Field<Bytes>{"b"},
                             Field<List<Text>>{"l"}, Field<List<int64_t>>{"i"}, Field<Money>{"m"},
                             Field<std::optional<double>>{"d"}, Field<Timestamp>{"t"}),
                      {}, source);
  CollectingOutput out;
  auto reader = OpenReader(*spout, "p");
  const Position start;
  ASSERT_TRUE(reader->Read({.start = start, .limits = kNoLimits}, out).ok());
  reader.reset();
  ASSERT_EQ(out.slices.at(0).rows(), 3u);
  for (int64_t at = 0; at < 3; ++at) {
    const std::vector<Datum> row = out.slices[0].Row(static_cast<size_t>(at));
    const std::string text = "text " + std::to_string(at) + std::string(100, '.');
    EXPECT_EQ(ToString(row.at(0)), text);
    EXPECT_EQ(ToString(row.at(1)), at == 1 ? "null" : text);
    EXPECT_EQ(ToString(row.at(3)), "[" + text + "1, " + text + "2]");
    EXPECT_EQ(ToString(row.at(4)), Concat("[", at, ", ", at + 1, "]"));
    EXPECT_EQ(ToString(row.at(5)), Concat(at, " cents"));
    EXPECT_EQ(ToString(row.at(6)), at == 2 ? "null" : "0.5");
  }
}

TEST(LogSpoutTest, APositionMayBeTextOfTheSourcesOwn) {
  using Words = FunctionSource<std::string, Text>;
  const std::vector<std::string> keys = {"apple", "bear", "cat"};
  // A table with a growing key: the position is the last key.
  const auto source = std::make_shared<Words>(
      [&](const std::string& at, Emit<Text>& emit) -> StatusOr<LogStep<std::string>> {
        const auto next = std::upper_bound(keys.begin(), keys.end(), at);
        if (next == keys.end()) return LogStep<std::string>::Ended();
        emit(*next);
        return LogStep<std::string>::MovedTo(*next);
      });
  const auto spout = *LogSpout::Make(Fields(kText), {}, source);
  EXPECT_EQ(ReadAll(*spout, {.rows = 1, .bytes = 9}),
            (std::vector<std::vector<std::string>>{keys}));
  const Position end = "bear";
  const ReadRows read = ReadOnce(*OpenReader(*spout, "p"), "", kNoLimits, &end);
  EXPECT_EQ(read.rows, (std::vector<std::string>{"apple", "bear"}));
  EXPECT_EQ(read.result.end, "bear");
}

TEST(LogSpoutTest, APositionMayBeATypeOfTheSourcesOwn) {
  using Segments = FunctionSource<Place, int64_t>;
  const auto source = std::make_shared<Segments>(
      [](const Place& at, Emit<int64_t>& emit) -> StatusOr<LogStep<Place>> {
        if (at.segment == 3) return LogStep<Place>::Ended();
        emit(at.segment * 10 + at.offset);
        return LogStep<Place>::MovedTo(at.offset == 1 ? Place{at.segment + 1, 0}
                                                      : Place{at.segment, at.offset + 1});
      });
  const auto spout = *LogSpout::Make(Fields(kNumber), {}, source);
  EXPECT_EQ(ReadAll(*spout, {.rows = 2, .bytes = 99}),
            (std::vector<std::vector<std::string>>{{"0", "1", "10", "11", "20", "21"}}));
  const auto reader = OpenReader(*spout, "p");
  EXPECT_EQ(ReadOnce(*reader, "1:1", {.rows = 1, .bytes = 99}).result.end, "2:0");
  ExpectError(ReadOnce(*reader, "7", kNoLimits).status, StatusCode::kDataLoss,
              {"log \"log\"", "\"7\" is no position"});
}

}  // namespace
}  // namespace trident::testing
