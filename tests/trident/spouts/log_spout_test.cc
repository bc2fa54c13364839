// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/log_spout.h"

#include <gtest/gtest.h>

#include "base/logging.h"
#include "base/rng.h"
#include "tests/trident/spouts/memory_log.h"
#include "tests/trident/spouts/reading.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;
using State = Availability::State;
using Then = MemoryLog::Record::Then;
constexpr Field<Text> kText{"text"};
constexpr Field<int64_t> kNumber{"n"};

std::shared_ptr<MemoryLog> LogOf(const std::vector<std::string>& texts) {
  auto log = std::make_shared<MemoryLog>();
  log->Fill("p", texts);
  return log;
}

// A spout over a log, and a reader of its source partition "p".
struct Opened {
  explicit Opened(const std::shared_ptr<MemoryLog>& log, LogOptions options = {},
                  MemoryLogSource::BeforeNext before_next = nullptr)
      : source(std::make_shared<MemoryLogSource>(log, std::move(before_next))),
        spout(*LogSpout::Make(Fields(kText), std::move(options), source)),
        reader(OpenReader(*spout, "p")) {}
  std::shared_ptr<MemoryLogSource> source;
  std::shared_ptr<Spout> spout;
  std::unique_ptr<SourceReader> reader;
};

void ExpectError(const Status& status, StatusCode code, const std::vector<std::string>& parts) {
  EXPECT_EQ(status.code(), code) << status;
  for (const std::string& part : parts) {
    EXPECT_NE(Message(status).find(part), std::string_view::npos) << part << " in " << status;
  }
}

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

TEST(LogSpoutTest, NobodyIsWokenWhenTheReaderIsGone) {
  const auto log = LogOf({"a"});
  const auto spout = *LogSpout::Make(Fields(kText), {}, std::make_shared<MemoryLogSource>(log));
  int woken = 0;
  auto reader = *spout->OpenReader("p", [&] { ++woken; });
  log->Append("p", {"b"});
  EXPECT_EQ(woken, 1);
  reader.reset();
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

// Gives what `next` gives, of one source partition "p"; counts what it was asked to do.
template <class At, class... Ts>
class FunctionSource final : public LogSource<At, Ts...> {
 public:
  using typename LogSource<At, Ts...>::Reader;
  using typename LogSource<At, Ts...>::WakeUp;
  using NextFunction = std::function<StatusOr<LogStep<At>>(const At& at, Emit<Ts...>& emit)>;
  using SeekFunction = std::function<Status(const At& at)>;

  explicit FunctionSource(NextFunction next, SeekFunction seek = nullptr)
      : next_(std::move(next)), seek_(std::move(seek)) {}
  StatusOr<std::vector<std::string>> Partitions() override { return names; }
  StatusOr<std::unique_ptr<Reader>> Open(const std::string& partition, WakeUp) override {
    if (partition == "null") return std::unique_ptr<Reader>();
    if (partition == "throws") throw std::runtime_error("no such luck");
    return std::make_unique<FunctionReader>(next_, seek_);
  }

  std::vector<std::string> names = {"p"};

 private:
  class FunctionReader final : public Reader {
   public:
    FunctionReader(NextFunction next, SeekFunction seek)
        : next_(std::move(next)), seek_(std::move(seek)) {}
    Status Seek(const At& at) override {
      at_ = at;
      return seek_ ? seek_(at) : absl::OkStatus();
    }
    StatusOr<LogStep<At>> Next(Emit<Ts...>& emit) override {
      TRIDENT_ASSIGN_OR_RETURN(LogStep<At> step, next_(at_, emit));
      using Kind = typename LogStep<At>::Kind;
      if (step.kind() == Kind::kMoved || step.kind() == Kind::kCut) at_ = step.behind();
      return step;
    }
    void Committed(TxId, const At&) override { throw std::runtime_error("cannot acknowledge"); }

   private:
    const NextFunction next_;
    const SeekFunction seek_;
    At at_ = At();
  };

  const NextFunction next_;
  const SeekFunction seek_;
};

using Numbers = FunctionSource<int64_t, int64_t>;
using Step = LogStep<int64_t>;
std::shared_ptr<Spout> SpoutOf(std::shared_ptr<Numbers> source) {
  return *LogSpout::Make(Fields(kNumber), {.name = "numbers"}, std::move(source));
}
std::unique_ptr<SourceReader> ReaderOf(Numbers::NextFunction next,
                                       Numbers::SeekFunction seek = nullptr) {
  return OpenReader(*SpoutOf(std::make_shared<Numbers>(std::move(next), std::move(seek))), "p");
}

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
              {"log \"log\"", "\"7\" is no position", "another spout"});
}

// ---- what goes wrong ----

TEST(LogSpoutTest, RowsThatWereRemovedAtTheFrontAreAnErrorThatSaysSo) {
  const auto log = LogOf({"a", "b", "c", "d"});
  Opened open(log, {.name = "ledger"});
  EXPECT_EQ(ReadOnce(*open.reader, "", {.rows = 2, .bytes = 99}).rows.size(), 2u);
  log->Trim("p", 3);
  ExpectError(ReadOnce(*open.reader, "1", kNoLimits).status, StatusCode::kOutOfRange,
              {"log \"ledger\"", "source partition \"p\"", "at position \"1\"", "begins at \"3\"",
               "has been removed"});
  ExpectError(ReadOnce(*open.reader, "", kNoLimits).status, StatusCode::kOutOfRange,
              {"at its beginning"});
  EXPECT_EQ(ReadOnce(*open.reader, "3", kNoLimits).rows, std::vector<std::string>{"d"});
  EXPECT_FALSE(open.reader->Poll("0").ok());
}

TEST(LogSpoutTest, AnEndThatIsPassedIsAnErrorAndNothingBehindItIsGiven) {
  // Positions 2, 4, 6: another attempt says that it ended at 3.
  const auto reader = ReaderOf([](const int64_t& at, Emit<int64_t>& emit) -> StatusOr<Step> {
    emit(at);
    return Step::MovedTo(at + 2);
  });
  const Position end = "3";
  CollectingOutput out;
  const Position start;
  const auto read = reader->Read({.start = start, .end = &end, .limits = kNoLimits}, out);
  ExpectError(read.status(), StatusCode::kFailedPrecondition,
              {"up to position \"3\"", "no row ends there now", "at position \"4\""});
  EXPECT_TRUE(out.rows.empty());
  const Position before = "2";
  ExpectError(ReadOnce(*reader, "4", kNoLimits, &before).status, StatusCode::kFailedPrecondition,
              {"up to position \"2\""});
}

TEST(LogSpoutTest, WhatTheSourceThrowsIsAnErrorWithItsPlaceAndReadingGoesOnAfterIt) {
  bool broken = true;
  const auto reader = ReaderOf([&](const int64_t& at, Emit<int64_t>& emit) -> StatusOr<Step> {
    if (at == 5) return Step::Ended();
    emit(at);
    if (at == 2 && broken) throw std::runtime_error("disk on fire");
    return Step::MovedTo(at + 1);
  });
  const ReadRows before = ReadOnce(*reader, "", {.rows = 2, .bytes = 99});
  EXPECT_EQ(before.rows, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(before.result.next, Next::kMore) << "what stands behind is no error yet";
  ExpectError(ReadOnce(*reader, "2", kNoLimits).status, StatusCode::kAborted,
              {"log \"numbers\"", "source partition \"p\"", "at position \"2\"",
               "Next threw: disk on fire"});
  ExpectError(ReadOnce(*reader, "", kNoLimits).status, StatusCode::kAborted, {"at position \"2\""});
  broken = false;
  EXPECT_EQ(ReadUntilPause(*reader, "", {.rows = 2, .bytes = 99}).rows,
            (std::vector<std::string>{"0", "1", "2", "3", "4"}));
}

TEST(LogSpoutTest, AFailedSeekIsMadeAgain) {
  int seeks = 0;
  const auto reader = ReaderOf(
      [](const int64_t& at, Emit<int64_t>& emit) -> StatusOr<Step> {
        if (at == 2) return Step::Ended();
        emit(at);
        return Step::MovedTo(at + 1);
      },
      [&](const int64_t&) -> Status {
        if (++seeks == 1) throw 42;
        return seeks == 2 ? Unavailable("the server is away") : absl::OkStatus();
      });
  ExpectError(ReadOnce(*reader, "", kNoLimits).status, StatusCode::kAborted,
              {"Seek threw something that is no std::exception", "at its beginning"});
  ExpectError(reader->Poll("").status(), StatusCode::kUnavailable, {"the server is away"});
  EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).rows, (std::vector<std::string>{"0", "1"}));
}

TEST(LogSpoutTest, AStepThatIsNoneIsRefused) {
  const auto error_of = [](Numbers::NextFunction next) {
    return ReadOnce(*ReaderOf(std::move(next)), "4", kNoLimits).status;
  };
  for (const int64_t behind : {int64_t{4}, int64_t{3}, int64_t{0}}) {
    ExpectError(error_of([&](const int64_t&, Emit<int64_t>& emit) -> StatusOr<Step> {
                  emit(1);
                  return Step::MovedTo(behind);
                }),
                StatusCode::kInvalidArgument,
                {"from \"4\" to \"" + std::to_string(behind) + "\"", "a position behind"});
  }
  ExpectError(error_of([](const int64_t& at, Emit<int64_t>& emit) -> StatusOr<Step> {
                emit(1);
                emit(2);
                return Step::MovedTo(at + 1);
              }),
              StatusCode::kInvalidArgument, {"emitted 2 rows where at most 1", "Each"});
  ExpectError(error_of([](const int64_t&, Emit<int64_t>& emit) -> StatusOr<Step> {
                emit(1);
                return Step::Idle();
              }),
              StatusCode::kInvalidArgument, {"emitted 1 rows and said Idle", "MovedTo"});
  ExpectError(error_of([](const int64_t&, Emit<int64_t>&) -> StatusOr<Step> {
                return Unavailable("no connection; is the server up?");
              }),
              StatusCode::kUnavailable, {"at position \"4\": no connection; is the server up?"});
}

TEST(LogSpoutTest, TextThatComesBackToWhereItWasIsRefused) {
  using Words = FunctionSource<std::string, Text>;
  for (const std::string behind : {"", "b"}) {
    const auto spout = *LogSpout::Make(
        Fields(kText), {},
        std::make_shared<Words>(
            [&](const std::string&, Emit<Text>& emit) -> StatusOr<LogStep<std::string>> {
              emit("x");
              return LogStep<std::string>::MovedTo(behind);
            }));
    EXPECT_EQ(ReadOnce(*OpenReader(*spout, "p"), "b", kNoLimits).status.code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(LogSpoutTest, PositionsOfAnotherSpoutAreRefused) {
  Opened open(LogOf({"a"}));
  for (const char* position : {"x", "1 ", "99999999999999999999", "1/4x8388608"}) {
    ExpectError(ReadOnce(*open.reader, position, kNoLimits).status, StatusCode::kDataLoss,
                {position, "another spout"});
    EXPECT_FALSE(open.reader->Poll(position).ok());
  }
  const Position end = "x";
  ExpectError(ReadOnce(*open.reader, "", kNoLimits, &end).status, StatusCode::kDataLoss, {"\"x\""});
}

TEST(LogSpoutTest, ACommitThatCannotBePassedOnIsLogged) {
  std::string logged;
  SetLogSink([&](LogLevel, std::string_view line) { logged += line; });
  const auto reader = ReaderOf([](const int64_t&, Emit<int64_t>&) { return Step::Ended(); });
  reader->Committed(TxId(1), "7");
  SetLogSink(nullptr);
  EXPECT_NE(logged.find("Committed threw: cannot acknowledge"), std::string::npos) << logged;
  EXPECT_NE(logged.find("at position \"7\""), std::string::npos) << logged;
}

TEST(LogSpoutTest, WhatTheOutputSaysIsPassedOn) {
  struct Full final : Output {
    Status Emit(const Slice&) override { return ResourceExhausted("no room"); }
  } full;
  Opened open(LogOf({"a"}));
  const Position start;
  EXPECT_EQ(open.reader->Read({.start = start, .limits = kNoLimits}, full).status(),
            ResourceExhausted("no room"));
}

TEST(LogSpoutTest, MistakesAreRefusedWhenItIsMade) {
  const auto source = std::make_shared<MemoryLogSource>(LogOf({}));
  const auto error_of = [&](LogOptions options) {
    return LogSpout::Make(Fields(kText), std::move(options), source).status();
  };
  ExpectError(error_of({.name = ""}), StatusCode::kInvalidArgument, {"needs a name"});
  ExpectError(error_of({.kind = SpoutKind::kNonTransactional}), StatusCode::kInvalidArgument,
              {"log \"log\"", "PullSpout"});
  ExpectError(error_of({.poll_nanos = -1}), StatusCode::kInvalidArgument, {"0 or more, got -1"});
  ExpectError(LogSpout::Make(Fields(kText), {}, std::shared_ptr<MemoryLogSource>()).status(),
              StatusCode::kInvalidArgument, {"needs a LogSource, got null"});
  using Pairs = FunctionSource<int64_t, Text, Text>;
  ExpectError(LogSpout::Make(Fields(kText, kText), {}, std::make_shared<Pairs>(nullptr)).status(),
              StatusCode::kInvalidArgument, {"LogSpout", "\"text\" is there already"});
  ExpectError(
      LogSpout::Make(Fields(), {}, std::make_shared<FunctionSource<int64_t>>(nullptr)).status(),
      StatusCode::kInvalidArgument, {"LogSpout", "at least one field"});
}

TEST(LogSpoutTest, SourcePartitionsThatAreNoneAreRefused) {
  const auto source = std::make_shared<Numbers>(nullptr);
  const auto spout = SpoutOf(source);
  EXPECT_EQ(*spout->Partitions(), std::vector<std::string>{"p"});
  source->names = {};
  ExpectError(spout->Partitions().status(), StatusCode::kInvalidArgument,
              {"log \"numbers\"", "no source partitions"});
  source->names = {"a", "b", "a"};
  ExpectError(spout->Partitions().status(), StatusCode::kInvalidArgument, {"\"a\" twice"});
  ExpectError(spout->OpenReader("null", [] {}).status(), StatusCode::kInternal,
              {"source partition \"null\"", "null reader"});
  ExpectError(spout->OpenReader("throws", [] {}).status(), StatusCode::kAborted,
              {"source partition \"throws\"", "Open threw: no such luck"});
  EXPECT_EQ(spout->Describe(), "numbers");
  EXPECT_EQ(spout->BacklogAfter("p", ""), Backlog()) << "it says nothing of it";
}

}  // namespace
}  // namespace trident::testing
