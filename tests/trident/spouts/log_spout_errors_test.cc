// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong with logs: every message says where, and reading goes on after it.
#include <gtest/gtest.h>

#include "base/logging.h"
#include "tests/trident/spouts/function_log.h"
#include "tests/trident/spouts/memory_log.h"
#include "tests/trident/spouts/reading.h"
#include "trident/spouts/log_spout.h"

namespace trident::testing {
namespace {

constexpr Field<Text> kText{"text"};
constexpr Field<int64_t> kNumber{"n"};

using Numbers = FunctionSource<int64_t, int64_t>;
using Step = LogStep<int64_t>;
std::shared_ptr<Spout> SpoutOf(std::shared_ptr<Numbers> source) {
  return *LogSpout::Make(Fields(kNumber), {.name = "numbers"}, std::move(source));
}
std::unique_ptr<SourceReader> ReaderOf(Numbers::NextFunction next,
                                       Numbers::SeekFunction seek = nullptr) {
  return OpenReader(*SpoutOf(std::make_shared<Numbers>(std::move(next), std::move(seek))), "p");
}

TEST(LogSpoutErrorsTest, RowsThatWereRemovedAtTheFrontAreAnErrorThatSaysSo) {
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

TEST(LogSpoutErrorsTest, AnEndThatIsPassedIsAnErrorAndNothingBehindItIsGiven) {
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
  EXPECT_EQ(ReadOnce(*reader, "4", {.rows = 1, .bytes = 99}).rows, std::vector<std::string>{"4"})
      << "what was read before the error is gone";
  ExpectError(ReadOnce(*reader, "2", {.rows = 1, .bytes = 99}, &end).status,
              StatusCode::kFailedPrecondition, {"at position \"4\""});
  const Position before = "2";
  ExpectError(ReadOnce(*reader, "4", kNoLimits, &before).status, StatusCode::kFailedPrecondition,
              {"up to position \"2\""});
}

TEST(LogSpoutErrorsTest, WhatTheSourceThrowsIsAnErrorWithItsPlaceAndReadingGoesOnAfterIt) {
  bool broken = true;
  const auto reader = ReaderOf([&](const int64_t& at, Emit<int64_t>& emit) -> StatusOr<Step> {
    if (at == 5) return Step::Ended();
    emit(at);
    if (at == 2 && broken) throw std::runtime_error("disk on fire");
    return Step::MovedTo(at + 1);
  });
  const ReadRows before = ReadOnce(*reader, "", {.rows = 2, .bytes = 99});
  EXPECT_EQ(before.rows, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(before.result.next, ReadResult::Next::kMore) << "what stands behind is no error yet";
  ExpectError(ReadOnce(*reader, "2", kNoLimits).status, StatusCode::kAborted,
              {"log \"numbers\"", "source partition \"p\"", "at position \"2\"",
               "Next threw: disk on fire"});
  ExpectError(ReadOnce(*reader, "", kNoLimits).status, StatusCode::kAborted, {"at position \"2\""});
  broken = false;
  EXPECT_EQ(ReadUntilPause(*reader, "", {.rows = 2, .bytes = 99}).rows,
            (std::vector<std::string>{"0", "1", "2", "3", "4"}));
}

TEST(LogSpoutErrorsTest, AFailedLookAheadLeavesNothingBehind) {
  bool broken = true;
  const auto reader = ReaderOf([&](const int64_t& at, Emit<int64_t>& emit) -> StatusOr<Step> {
    if (at == 4) return Step::Ended();
    emit(at);
    if (at == 2 && std::exchange(broken, false)) throw std::runtime_error("just once");
    return Step::MovedTo(at + 1);
  });
  EXPECT_EQ(ReadOnce(*reader, "", {.rows = 2, .bytes = 99}).rows,
            (std::vector<std::string>{"0", "1"}));
  EXPECT_FALSE(broken);
  EXPECT_EQ(ReadOnce(*reader, "2", kNoLimits).rows, (std::vector<std::string>{"2", "3"}));
}

TEST(LogSpoutErrorsTest, AFailedSeekIsMadeAgain) {
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

TEST(LogSpoutErrorsTest, AStepThatIsNoneIsRefused) {
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

TEST(LogSpoutErrorsTest, TextThatComesBackToWhereItWasIsRefused) {
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

TEST(LogSpoutErrorsTest, PositionsOfAnotherSpoutAreRefused) {
  Opened open(LogOf({"a"}));
  for (const char* position : {"x", "1 ", "99999999999999999999", "1/4x8388608"}) {
    ExpectError(ReadOnce(*open.reader, position, kNoLimits).status, StatusCode::kDataLoss,
                {position, "is no position of this source"});
    EXPECT_FALSE(open.reader->Poll(position).ok());
  }
  const Position end = "x";
  ExpectError(ReadOnce(*open.reader, "", kNoLimits, &end).status, StatusCode::kDataLoss, {"\"x\""});
}

TEST(LogSpoutErrorsTest, ACommitThatCannotBePassedOnIsLogged) {
  std::string logged;
  SetLogSink([&](LogLevel, std::string_view line) { logged += line; });
  const auto reader = ReaderOf([](const int64_t&, Emit<int64_t>&) { return Step::Ended(); });
  reader->Committed(TxId(1), "7");
  SetLogSink(nullptr);
  EXPECT_NE(logged.find("Committed threw: cannot acknowledge"), std::string::npos) << logged;
  EXPECT_NE(logged.find("at position \"7\""), std::string::npos) << logged;
}

TEST(LogSpoutErrorsTest, WhatTheOutputSaysIsPassedOn) {
  struct Full final : Output {
    Status Emit(const Slice&) override { return ResourceExhausted("no room"); }
  } full;
  Opened open(LogOf({"a"}));
  const Position start;
  EXPECT_EQ(open.reader->Read({.start = start, .limits = kNoLimits}, full).status(),
            ResourceExhausted("no room"));
}

TEST(LogSpoutErrorsTest, MistakesAreRefusedWhenItIsMade) {
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

TEST(LogSpoutErrorsTest, SourcePartitionsThatAreNoneAreRefused) {
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
