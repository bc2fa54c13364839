// SPDX-License-Identifier: Apache-2.0
#include "engine/letter_requests.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/limits.h"
#include "engine/data/field.h"

namespace trident {
namespace {

constexpr Field<int64_t> kNumber{"number"};

// Counts what is emitted.
class Rows final : public Output {
 public:
  Status Emit(const Slice& slice) override {
    for (size_t i = 0; i < slice.rows(); ++i) {
      seen += (seen.empty() ? "" : " ") + RowText(slice.Row(i));
    }
    return absl::OkStatus();
  }
  std::string seen;
};

class LetterRequestsTest : public testing::Test {
 protected:
  static KeptRow Kept(int64_t number) {
    auto column = std::make_shared<ColumnOf<int64_t>>();
    column->Append(number);
    const auto schema = std::make_shared<const Schema>(*Schema::Make(Fields(kNumber).Describe()));
    return {.tries = 1, .place = "there", .row = Slice(schema, {column}, 1)};
  }
  void Drop(const std::string& key) {
    ASSERT_TRUE(requests_.Reserve(key));
    ASSERT_TRUE(requests_.Add({.key = key, .row = std::nullopt}).ok());
  }
  void Retry(const std::string& key, int64_t number) {
    ASSERT_TRUE(requests_.Reserve(key));
    ASSERT_TRUE(requests_.Add({.key = key, .row = Kept(number), .bytes = 8}).ok());
  }
  ReadResult Read(const Position& start) {
    const ReadRequest request{.start = start, .limits = {.rows = 10, .bytes = 100}};
    return *reader_.Read(request, rows_);
  }
  Availability::State StateAt(const Position& position) { return reader_.Poll(position)->state; }

  LetterRequests requests_;
  int woken_ = 0;
  LetterReader reader_{requests_, [this] { ++woken_; }};
  Rows rows_;
};

TEST_F(LetterRequestsTest, ARequestMovesThePositionAndOnlyARetryBringsARow) {
  EXPECT_EQ(StateAt(""), Availability::State::kIdle);
  Drop("a");
  Drop("b");
  Retry("c", 7);
  Drop("d");
  EXPECT_EQ(woken_, 4);
  EXPECT_EQ(StateAt(""), Availability::State::kReady);
  ReadResult read = Read("");
  EXPECT_EQ(read.end, "3") << "up to and with the one that brings a row";
  EXPECT_EQ(read.rows, 1u);
  EXPECT_EQ(read.next, ReadResult::Next::kMore);
  EXPECT_EQ(rows_.seen, "[7]");
  EXPECT_EQ(reader_.taken().size(), 3u);
  read = Read(read.end);
  EXPECT_EQ(read.end, "4");
  EXPECT_EQ(read.rows, 0u);
  EXPECT_EQ(read.next, ReadResult::Next::kIdle);
  EXPECT_EQ(StateAt("4"), Availability::State::kIdle);
}

TEST_F(LetterRequestsTest, WhatIsReadAgainIsTheSameUntilItIsCommitted) {
  Retry("a", 1);
  Retry("b", 2);
  EXPECT_EQ(Read("40").end, "41") << "the first of this process, wherever the last one stood";
  EXPECT_EQ(Read("41").end, "42");
  EXPECT_EQ(Read("40").end, "41");
  EXPECT_EQ(rows_.seen, "[1] [2] [1]");
  reader_.Committed(TxId(9), "41");
  EXPECT_FALSE(requests_.IsUnderWay("a"));
  EXPECT_TRUE(requests_.IsUnderWay("b"));
  EXPECT_EQ(Read("40").rows, 0u) << "of an attempt that is over";
  EXPECT_EQ(Read("41").end, "42");
  EXPECT_EQ(rows_.seen, "[1] [2] [1] [2]");
}

TEST_F(LetterRequestsTest, OnlyOneRequestAboutALetterIsUnderWay) {
  Drop("a");
  EXPECT_FALSE(requests_.Reserve("a"));
  EXPECT_EQ(Read("").end, "1");
  EXPECT_FALSE(requests_.Reserve("a")) << "read, but not committed";
  reader_.Committed(TxId(1), "1");
  EXPECT_TRUE(requests_.Reserve("a"));
  requests_.Release("a");
  EXPECT_FALSE(requests_.IsUnderWay("a"));
}

TEST_F(LetterRequestsTest, RowsThatWaitHaveALimitAndWhatIsRefusedIsFree) {
  const uint64_t half = kLetterRequestBytesMax / 2 + 1;
  for (const char* key : {"a", "b"}) ASSERT_TRUE(requests_.Reserve(key));
  ASSERT_TRUE(requests_.Add({.key = "a", .row = Kept(1), .bytes = half}).ok());
  const Status refused = requests_.Add({.key = "b", .row = Kept(2), .bytes = half});
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(requests_.Reserve("b"));
  EXPECT_EQ(Read("").end, "1");
  reader_.Committed(TxId(1), "1");
  EXPECT_TRUE(requests_.Add({.key = "b", .row = Kept(2), .bytes = half}).ok());
}

// A spout that cannot go back goes on behind what a failed attempt read.
TEST_F(LetterRequestsTest, RequestsThatWerePassedOverAreFreeWithTheNextCommit) {
  Retry("a", 1);
  Retry("b", 2);
  EXPECT_EQ(Read("").end, "1");
  EXPECT_EQ(Read("1").end, "2");
  reader_.Committed(TxId(1), "2");
  EXPECT_TRUE(requests_.Reserve("a"));
  EXPECT_TRUE(requests_.Reserve("b"));
}

}  // namespace
}  // namespace trident
