// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/feeder_spout.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/rng.h"
#include "tests/trident/spouts/reading.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;
using State = Availability::State;
using Feeder = FeederSpout<Text>;
constexpr Field<Text> kWord{"word"};

std::vector<Feeder::Row> Rows(const std::vector<std::string>& words) {
  std::vector<Feeder::Row> rows;
  for (const std::string& word : words) rows.push_back({word});
  return rows;
}
std::shared_ptr<Feeder> MakeFeeder(FeederOptions options = {}) {
  return *Feeder::Make(Fields(kWord), options);
}
std::unique_ptr<SourceReader> Open(
    Feeder& feeder, WakeUp wake_up = [] {}) {
  return *feeder.OpenReader("feed", std::move(wake_up));
}

TEST(FeederSpoutTest, RowsComeInOrderWhateverWayTheyWereAppended) {
  const auto feeder = MakeFeeder();
  const auto reader = Open(*feeder);
  ASSERT_TRUE(feeder->Append(Rows({"a", "b", "c"})).ok());
  ASSERT_TRUE(feeder->Append(Rows({"d"})).ok());
  ASSERT_TRUE(feeder->Append(Rows({"e", "f"})).ok());
  for (uint64_t slice_rows : {1u, 2u, 4u, 100u}) {
    const ReadBatch read = ReadUntilPause(*reader, "", {slice_rows, 1000});
    EXPECT_EQ(read.rows, (std::vector<std::string>{"a", "b", "c", "d", "e", "f"}));
    EXPECT_EQ(read.next, Next::kIdle);
    EXPECT_EQ(read.end, "6");
  }
}

TEST(FeederSpoutTest, ManyAppendsMakeOneSlice) {
  const auto feeder = MakeFeeder();
  const auto reader = Open(*feeder);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(feeder->Append(Rows({std::to_string(i)})).ok());
  EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).rows.size(), 50u);
}

TEST(FeederSpoutTest, RowsAreThereForEveryAttemptUntilTheyAreCommitted) {
  const auto feeder = MakeFeeder();
  const auto reader = Open(*feeder);
  ASSERT_TRUE(feeder->Append(Rows({"a", "b"})).ok());
  ASSERT_TRUE(feeder->Append(Rows({"c"})).ok());
  const Position end = "2";
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_EQ(ReadOnce(*reader, "", kNoLimits, &end).rows, (std::vector<std::string>{"a", "b"}));
  }
  reader->Committed(TxId(1), "2");
  EXPECT_EQ(ReadOnce(*reader, "2", kNoLimits).rows, std::vector<std::string>{"c"});
  const Status gone = ReadOnce(*reader, "1", kNoLimits).status;
  EXPECT_EQ(gone.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(gone).find("cannot be read again"), std::string::npos);
}

TEST(FeederSpoutTest, ByteLimitsBoundASliceButNeverStopIt) {
  const auto feeder = MakeFeeder();
  const auto reader = Open(*feeder);
  ASSERT_TRUE(feeder->Append(Rows({std::string(100, 'a'), std::string(100, 'b')})).ok());
  ASSERT_TRUE(feeder->Append(Rows({std::string(100, 'c')})).ok());
  EXPECT_EQ(ReadOnce(*reader, "", {100, 1}).rows.size(), 1u);
  EXPECT_EQ(ReadOnce(*reader, "", {100, 200}).rows.size(), 2u);
  EXPECT_EQ(ReadOnce(*reader, "", {100, 300}).rows.size(), 3u);
}

// 300 rows of 8 bytes in chunks of 50: 100 bytes are 12 rows and a half.
TEST(FeederSpoutTest, AByteLimitThatCutsAChunkTakesNothingOfTheNextOne) {
  const auto feeder = MakeFeeder();
  const auto reader = Open(*feeder);
  std::vector<std::string> all;
  for (int chunk = 0; chunk < 6; ++chunk) {
    std::vector<std::string> words;
    for (int i = 0; i < 50; ++i) words.push_back(std::to_string(10'000'000 + chunk * 50 + i));
    ASSERT_TRUE(feeder->Append(Rows(words)).ok());
    all.insert(all.end(), words.begin(), words.end());
  }
  EXPECT_EQ(ReadOnce(*reader, "", {1000, 100}).rows.size(), 12u);
  EXPECT_EQ(ReadUntilPause(*reader, "", {1000, 100}).rows, all);
}

TEST(FeederSpoutTest, ATicketIsSettledByTheCommitOfItsLastRow) {
  const auto feeder = MakeFeeder();
  const auto reader = Open(*feeder);
  const AppendTicket first = *feeder->Append(Rows({"a", "b", "c"}));
  const AppendTicket second = *feeder->Append(Rows({"d"}));
  ASSERT_TRUE(ReadOnce(*reader, "", kNoLimits).status.ok());
  EXPECT_EQ(first.WaitAtMost(0), std::nullopt);
  reader->Committed(TxId(7), "2");
  EXPECT_EQ(first.WaitAtMost(0), std::nullopt);
  reader->Committed(TxId(8), "3");
  EXPECT_EQ(*first.Wait(), TxId(8));
  EXPECT_EQ(second.WaitAtMost(0), std::nullopt);
  reader->Committed(TxId(9), "4");
  EXPECT_EQ(*second.Wait(), TxId(9));
  EXPECT_EQ(*first.Wait(), TxId(8));
}

TEST(FeederSpoutTest, AppendThatWaitsReturnsTheTxidOfTheCommit) {
  const auto feeder = MakeFeeder();
  Mutex mutex;
  CondVar woken;
  bool awake = false;
  const auto reader = Open(*feeder, [&] {
    MutexLock lock(mutex);
    awake = true;
    woken.NotifyAll();
  });
  std::thread topology([&] {
    {
      MutexLock lock(mutex);
      while (!awake) woken.Wait(mutex);
    }
    EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).rows, std::vector<std::string>{"a"});
    reader->Committed(TxId(5), "1");
  });
  EXPECT_EQ(*feeder->Append(Rows({"a"}), WaitFor::kCommit), TxId(5));
  topology.join();
}

TEST(FeederSpoutTest, AnIdleReaderIsWokenOnceAndABusyOneNotAtAll) {
  const auto feeder = MakeFeeder();
  int woken = 0;
  const auto reader = Open(*feeder, [&] { ++woken; });
  EXPECT_EQ(PollAt(*reader, ""), State::kIdle);
  ASSERT_TRUE(feeder->Append(Rows({"a"})).ok());
  ASSERT_TRUE(feeder->Append(Rows({"b"})).ok());
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(PollAt(*reader, ""), State::kReady);
  EXPECT_EQ(ReadOnce(*reader, "", {1, 1000}).result.next, Next::kMore);
  ASSERT_TRUE(feeder->Append(Rows({"c"})).ok());
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(ReadOnce(*reader, "1", kNoLimits).result.next, Next::kIdle);
  ASSERT_TRUE(feeder->Append(Rows({"d"})).ok());
  EXPECT_EQ(woken, 2);
}

TEST(FeederSpoutTest, NumbersGoOnWhereARestoredStateStands) {
  const auto feeder = MakeFeeder();
  const AppendTicket before = *feeder->Append(Rows({"a", "b"}));
  const auto reader = Open(*feeder);
  EXPECT_EQ(PollAt(*reader, ""), State::kReady);  // asked before the position is known
  const ReadRows read = ReadOnce(*reader, "5000", kNoLimits);
  EXPECT_EQ(read.rows, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read.result.end, "5002");
  reader->Committed(TxId(90), "5002");
  EXPECT_EQ(*before.Wait(), TxId(90));
  const AppendTicket after = *feeder->Append(Rows({"c"}));
  EXPECT_EQ(ReadOnce(*reader, "5002", kNoLimits).result.end, "5003");
  EXPECT_EQ(PollAt(*reader, "5003"), State::kIdle);
}

// Nothing may be read twice or lost when the same feeder serves a topology that was started again.
TEST(FeederSpoutTest, ASecondReaderGoesOnWhereTheStateStands) {
  const auto feeder = MakeFeeder();
  auto reader = Open(*feeder);
  ASSERT_TRUE(feeder->Append(Rows({"a", "b", "c"})).ok());
  ASSERT_TRUE(ReadOnce(*reader, "", kNoLimits).status.ok());
  reader->Committed(TxId(1), "1");
  reader = Open(*feeder);  // the decision about "b" was made, but not told
  EXPECT_EQ(ReadOnce(*reader, "2", kNoLimits).rows, std::vector<std::string>{"c"});
}

TEST(FeederSpoutTest, PositionsOfAnotherStateDirectoryAreRefused) {
  const auto feeder = MakeFeeder();
  const auto reader = Open(*feeder);
  ASSERT_TRUE(feeder->Append(Rows({"a"})).ok());
  ASSERT_TRUE(ReadOnce(*reader, "", kNoLimits).status.ok());
  const Status status = ReadOnce(*reader, "77", kNoLimits).status;
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(status).find("holds 0 to 1"), std::string::npos) << status;
}

TEST(FeederSpoutTest, AFinishedFeederEndsBehindItsLastRow) {
  const auto feeder = MakeFeeder();
  int woken = 0;
  const auto reader = Open(*feeder, [&] { ++woken; });
  ASSERT_TRUE(feeder->Append(Rows({"a"})).ok());
  feeder->Finish();
  EXPECT_EQ(woken, 2);
  EXPECT_EQ(PollAt(*reader, ""), State::kReady);
  EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).result.next, Next::kEnded);
  EXPECT_EQ(PollAt(*reader, "1"), State::kEnded);
  EXPECT_EQ(feeder->Append(Rows({"b"})).status().code(), StatusCode::kFailedPrecondition);
}

TEST(FeederSpoutTest, AFullFeederRefusesUnderKFailAndTakesAgainAfterACommit) {
  const auto feeder = MakeFeeder({.rows_max = 2, .when_full = WhenFull::kFail});
  const auto reader = Open(*feeder);
  ASSERT_TRUE(feeder->Append(Rows({"a", "b"})).ok());
  const Status full = feeder->Append(Rows({"c"})).status();
  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(Message(full).find("of at most 2 rows"), std::string::npos) << full;
  ASSERT_TRUE(ReadOnce(*reader, "", kNoLimits).status.ok());
  EXPECT_FALSE(feeder->Append(Rows({"c"})).ok()) << "read is not committed";
  reader->Committed(TxId(1), "2");
  EXPECT_TRUE(feeder->Append(Rows({"c"})).ok());
}

TEST(FeederSpoutTest, BytesFillAFeederToo) {
  const auto feeder = MakeFeeder({.bytes_max = 10, .when_full = WhenFull::kFail});
  EXPECT_TRUE(feeder->Append(Rows({"12345678"})).ok());
  EXPECT_FALSE(feeder->Append(Rows({"123"})).ok());
  EXPECT_TRUE(feeder->Append(Rows({"12"})).ok());
}

TEST(FeederSpoutTest, WhatCanNeverFitIsRefusedEvenWhenBlocking) {
  const auto feeder = MakeFeeder({.rows_max = 2});
  const Status status = feeder->Append(Rows({"a", "b", "c"})).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(Message(status).find("fewer rows at a time"), std::string::npos);
  EXPECT_EQ(feeder->Append({}).status().code(), StatusCode::kInvalidArgument);
}

TEST(FeederSpoutTest, AFullFeederBlocksUntilACommitMakesRoom) {
  const auto feeder = MakeFeeder({.rows_max = 1});
  const auto reader = Open(*feeder);
  ASSERT_TRUE(feeder->Append(Rows({"a"})).ok());
  std::atomic<bool> appended = false;
  std::thread producer([&] {
    EXPECT_TRUE(feeder->Append(Rows({"b"})).ok());
    appended = true;
  });
  ASSERT_EQ(ReadOnce(*reader, "", kNoLimits).rows, std::vector<std::string>{"a"});
  EXPECT_FALSE(appended);
  reader->Committed(TxId(1), "1");
  producer.join();
  EXPECT_EQ(ReadOnce(*reader, "1", kNoLimits).rows, std::vector<std::string>{"b"});
}

TEST(FeederSpoutTest, WhoWaitsIsToldWhenTheTopologyStops) {
  const auto feeder = MakeFeeder({.rows_max = 1});
  auto reader = Open(*feeder);
  const AppendTicket ticket = *feeder->Append(Rows({"a"}));
  std::thread blocked(
      [&] { EXPECT_EQ(feeder->Append(Rows({"b"})).status().code(), StatusCode::kUnavailable); });
  reader.reset();
  blocked.join();
  EXPECT_EQ(ticket.Wait().status().code(), StatusCode::kUnavailable);
  // The row is still there for a topology that starts again.
  reader = Open(*feeder);
  EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).rows, std::vector<std::string>{"a"});
}

TEST(FeederSpoutTest, WhoWaitsIsToldTheCauseWhenTheTopologyHalts) {
  const auto feeder = MakeFeeder({.rows_max = 1});
  auto reader = Open(*feeder);
  const AppendTicket ticket = *feeder->Append(Rows({"a"}));
  std::thread blocked([&] {
    ExpectError(feeder->Append(Rows({"b"})).status(), StatusCode::kDataLoss, {"the disk is torn"});
  });
  feeder->Halted(DataLoss("the disk is torn"));
  blocked.join();
  ExpectError(ticket.Wait().status(), StatusCode::kDataLoss, {"may not be", "the disk is torn"});
  ExpectError(feeder->Append(Rows({"c"}), WaitFor::kCommit).status(), StatusCode::kDataLoss,
              {"has halted", "the disk is torn"});
  // The row is still there for a topology that starts again, and it takes new ones.
  reader = Open(*feeder);
  EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).rows, std::vector<std::string>{"a"});
  reader->Committed(TxId(1), "1");
  EXPECT_TRUE(feeder->Append(Rows({"d"})).ok());
}

TEST(FeederSpoutTest, AReaderThatWasReplacedTakesNothingAwayWhenItGoes) {
  const auto feeder = MakeFeeder();
  auto old = Open(*feeder);
  int woken = 0;
  const auto reader = Open(*feeder, [&] { ++woken; });
  old.reset();
  const AppendTicket ticket = *feeder->Append(Rows({"a"}));
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(ticket.WaitAtMost(0), std::nullopt);
}

TEST(FeederSpoutTest, ManyThreadsAppendAndEveryRowIsCommittedOnce) {
  constexpr int kThreads = 4, kAppends = 200;
  const auto feeder = MakeFeeder({.rows_max = 64});
  const auto reader = Open(*feeder);
  std::vector<std::thread> producers;
  std::atomic<int> settled = 0;
  for (int t = 0; t < kThreads; ++t) {
    producers.emplace_back([&, t] {
      TxId last;
      for (int i = 0; i < kAppends; ++i) {
        const auto txid =
            feeder->Append(Rows({std::to_string(t) + "." + std::to_string(i)}), WaitFor::kCommit);
        ASSERT_TRUE(txid.ok()) << txid.status();
        EXPECT_GT(*txid, last);
        last = *txid;
        ++settled;
      }
    });
  }
  std::vector<std::string> committed;
  Position at;
  Rng rng(1);
  for (uint64_t txid = 1; committed.size() < kThreads * kAppends; ++txid) {
    const ReadRows read = ReadOnce(*reader, at, {1 + rng.Below(5), 1000});
    ASSERT_TRUE(read.status.ok());
    if (rng.Chance(0.3)) continue;  // the attempt failed
    committed.insert(committed.end(), read.rows.begin(), read.rows.end());
    at = read.result.end;
    reader->Committed(TxId(txid), at);
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(settled, kThreads * kAppends);
  std::sort(committed.begin(), committed.end());
  EXPECT_EQ(std::unique(committed.begin(), committed.end()), committed.end());
}

TEST(FeederSpoutTest, MistakesAreRefusedWhenItIsMade) {
  ExpectInvalid(Feeder::Make(Fields(kWord), {.rows_max = 0}).status(), "got rows_max of 0");
  ExpectInvalid(Feeder::Make(Fields(kWord), {.bytes_max = 0}).status(), "bytes_max of 0");
  ExpectInvalid(FeederSpout<>::Make(Fields()).status(), "a FeederSpout needs at least one field");
  ExpectInvalid(FeederSpout<Text, Text>::Make(Fields(kWord, kWord)).status(),
                "the fields of a FeederSpout: field \"word\" is there already");
}

}  // namespace
}  // namespace trident::testing
