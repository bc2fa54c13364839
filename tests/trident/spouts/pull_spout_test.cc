// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/pull_spout.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/trident/spouts/reading.h"

namespace trident::testing {
namespace {

using Next = ReadResult::Next;
using State = Availability::State;
constexpr Field<Text> kWord{"word"};

// Gives "0", "1", ... as far as `available` says.
struct Numbers {
  std::shared_ptr<int> available = std::make_shared<int>(0);
  std::shared_ptr<int> next = std::make_shared<int>(0);
  int last = 1000;

  Pulled operator()(Emit<Text>& emit) const {
    if (*next == last) return Pulled::kEnd;
    if (*next == *available) return Pulled::kNothingNow;
    emit(std::to_string((*next)++));
    return Pulled::kMore;
  }
};

TEST(PullSpoutTest, RowsComeOnceAndInOrder) {
  Numbers numbers{.last = 5};
  *numbers.available = 5;
  EXPECT_EQ(ReadAll(**PullSpout::Make(Fields(kWord), {}, numbers), {2, 1000}),
            (std::vector<std::vector<std::string>>{{"0", "1", "2", "3", "4"}}));
}

TEST(PullSpoutTest, WithNothingNowItIsIdleAndAsksAgain) {
  Numbers numbers;
  const auto spout = *PullSpout::Make(Fields(kWord), {.poll_nanos = 123}, numbers);
  const auto reader = OpenReader(*spout, "pull");
  EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).result.next, Next::kIdle);
  EXPECT_EQ(reader->Poll("")->state, State::kIdle);
  EXPECT_EQ(reader->Poll("")->poll_again_nanos, 123);
  *numbers.available = 3;
  EXPECT_EQ(PollAt(*reader, ""), State::kReady);
  EXPECT_EQ(PollAt(*reader, ""), State::kReady);
  const ReadRows two = ReadOnce(*reader, "", {2, 1000});
  EXPECT_EQ(two.rows, (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(two.result.next, Next::kMore);
  EXPECT_EQ(two.result.end, "2");
  const ReadRows rest = ReadOnce(*reader, "2", {2, 1000});
  EXPECT_EQ(rest.rows, std::vector<std::string>{"2"});
  EXPECT_EQ(rest.result.next, Next::kIdle);
}

TEST(PullSpoutTest, PositionsGoOnWhereARestoredStateStands) {
  Numbers numbers;
  *numbers.available = 1;
  const auto spout = *PullSpout::Make(Fields(kWord), {}, numbers);
  EXPECT_EQ(ReadOnce(*OpenReader(*spout, "pull"), "41", kNoLimits).result.end, "42");
}

TEST(PullSpoutTest, RowsAreReadAgainUntilTheyAreCommitted) {
  Numbers numbers;
  *numbers.available = 4;
  const auto spout = *PullSpout::Make(Fields(kWord), {}, numbers);
  EXPECT_EQ(spout->kind(), SpoutKind::kOpaque);
  const auto reader = OpenReader(*spout, "pull");
  EXPECT_EQ(PollAt(*reader, ""), State::kReady) << "pulled before the numbers are known";
  EXPECT_EQ(ReadOnce(*reader, "40", {3, 1000}).rows, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(ReadOnce(*reader, "40", {1, 1000}).rows, std::vector<std::string>{"0"});
  const Position end = "43";
  EXPECT_EQ(ReadOnce(*reader, "41", kNoLimits, &end).rows, (std::vector<std::string>{"1", "2"}));
  reader->Committed(TxId(1), "42");
  EXPECT_EQ(ReadOnce(*reader, "42", kNoLimits).rows, (std::vector<std::string>{"2", "3"}));
  ExpectError(ReadOnce(*reader, "41", kNoLimits).status, StatusCode::kFailedPrecondition,
              {"from number 41", "from 42 to 44 are kept", "cannot go back"});
}

TEST(PullSpoutTest, WhatACallEmittedBeforeItThrewCounts) {
  const auto spout = *PullSpout::Make(Fields(kWord), {}, [n = 0](Emit<Text>& emit) mutable {
    emit(std::to_string(n++));
    if (n % 3 == 0) throw std::runtime_error("no");
    return n == 5 ? Pulled::kEnd : Pulled::kMore;
  });
  const auto reader = OpenReader(*spout, "pull");
  EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).rows, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_THROW(ReadOnce(*reader, "3", kNoLimits), std::runtime_error);
  EXPECT_EQ(ReadOnce(*reader, "3", kNoLimits).rows, (std::vector<std::string>{"3", "4"}));
}

TEST(PullSpoutTest, AnEndThatPollFindsIsAnEnd) {
  const auto spout = *PullSpout::Make(Fields(kWord), {}, Numbers{.last = 0});
  const auto reader = OpenReader(*spout, "pull");
  EXPECT_EQ(PollAt(*reader, ""), State::kEnded);
  EXPECT_EQ(ReadOnce(*reader, "", kNoLimits).result.next, Next::kEnded);
}

TEST(PullSpoutTest, ManyRowsOfOneCallKeepToTheLimits) {
  const auto spout = *PullSpout::Make(Fields(kWord), {}, [](Emit<Text>& emit) {
    for (int i = 0; i < 10; ++i) emit(std::to_string(i));
    return Pulled::kEnd;
  });
  EXPECT_EQ(ReadAll(*spout, {3, 1000})[0].size(), 10u);
}

TEST(PullSpoutTest, MistakesAreRefused) {
  ExpectInvalid(PullSpout::Make(Fields(kWord), {.poll_nanos = 0}, Numbers()).status(),
                "poll_nanos of a PullSpout must be at least 1, got 0");
  ExpectInvalid(PullSpout::Make(Fields(), {}, [](Emit<>&) { return Pulled::kEnd; }).status(),
                "a PullSpout needs at least one field");
  ExpectInvalid(
      PullSpout::Make(Fields(kWord, kWord), {}, [](Emit<Text, Text>&) { return Pulled::kEnd; })
          .status(),
      "the fields of a PullSpout: field \"word\" is there already");
}

}  // namespace
}  // namespace trident::testing
