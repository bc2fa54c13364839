// SPDX-License-Identifier: Apache-2.0
#include "engine/inbox.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <random>
#include <string>
#include <variant>

#include "base/rng.h"
#include "engine/frames/slice_payload.h"

namespace trident {
namespace {

constexpr uint64_t kFixedSeeds = 200;

const std::vector<InputSpec> kInputs = {
    {.edge = 7, .from_stage = StageId(1), .from_tasks = 3, .port = 0},
    {.edge = 2, .from_stage = StageId(4), .from_tasks = 2, .port = 1}};

std::shared_ptr<const Payload> RowsOf(int64_t value, size_t rows) {
  auto column = std::make_shared<ColumnOf<int64_t>>();
  for (size_t i = 0; i < rows; ++i) column->Append(value);
  static const auto schema = std::make_shared<const Schema>(
      *Schema::Make({{"value", &TypeOf<int64_t>(), Nullability::kRequired}}));
  return std::make_shared<SlicePayload>(Slice(schema, {column}, rows));
}
int64_t ValueOf(const Inbox::Next& next) {
  return As<int64_t>(static_cast<const SlicePayload&>(*next.payload).slice().column(0)).values()[0];
}

// Everything that the upstream tasks send of one attempt; the values say the order of processing.
struct Sent {
  std::vector<DataMessage> messages;
  std::vector<std::pair<size_t, int64_t>> order;  // port and value
};

Sent MakeSent(Rng& rng) {
  Sent sent;
  int64_t value = 0;
  for (const InputSpec& input : kInputs) {
    for (uint32_t task = 0; task < input.from_tasks; ++task) {
      EndMarker end;
      end.edge = input.edge;
      end.from = {input.from_stage, task};
      end.frames = static_cast<uint32_t>(rng.Below(5));
      for (uint32_t number = 0; number < end.frames; ++number) {
        DataFrame frame;
        frame.edge = input.edge;
        frame.from = end.from;
        frame.number = number;
        frame.payload = RowsOf(value, 1 + rng.Below(3));
        end.checksum = FrameChecksum(end.checksum, frame);
        sent.order.emplace_back(input.port, value++);
        sent.messages.push_back(frame);
      }
      sent.messages.push_back(end);
    }
  }
  return sent;
}

void Add(Inbox& inbox, const DataMessage& message) {
  std::visit([&](const auto& m) { inbox.Add(m); }, message);
}
void PopAll(Inbox& inbox, std::vector<std::pair<size_t, int64_t>>* popped) {
  while (auto next = inbox.Pop()) popped->emplace_back(next->input->port, ValueOf(*next));
}

std::vector<uint64_t> Seeds() {
  std::vector<uint64_t> seeds;
  for (uint64_t seed = 1; seed <= kFixedSeeds; ++seed) seeds.push_back(seed);
  for (int i = 0; i < 50; ++i) seeds.push_back(std::random_device()());
  return seeds;
}

TEST(InboxTest, WhateverTheOrderAndTheRepeatsFramesComeOutInTheOneOrder) {
  Inbox inbox(kInputs);  // one for all attempts, as tasks use it
  for (uint64_t seed : Seeds()) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Sent sent = MakeSent(rng);
    std::vector<DataMessage> arriving = sent.messages;
    size_t repeats = rng.Below(arriving.size() + 1);
    for (size_t i = 0; i < repeats; ++i)
      arriving.push_back(sent.messages[rng.Below(sent.messages.size())]);
    std::shuffle(arriving.begin(), arriving.end(), rng);
    std::vector<std::pair<size_t, int64_t>> popped;
    for (const DataMessage& message : arriving) {
      Add(inbox, message);
      if (rng.Chance(0.5)) PopAll(inbox, &popped);
      ASSERT_TRUE(inbox.status().ok()) << inbox.status();
    }
    PopAll(inbox, &popped);
    EXPECT_TRUE(inbox.complete());
    EXPECT_EQ(popped, sent.order);
    EXPECT_EQ(inbox.waiting_bytes(), 0u);
    inbox.Clear();
    EXPECT_FALSE(inbox.complete());
  }
}

TEST(InboxTest, WithOneMessageMissingItIsNeverComplete) {
  for (uint64_t seed : Seeds()) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    Sent sent = MakeSent(rng);
    size_t missing = rng.Below(sent.messages.size());
    std::vector<DataMessage> arriving = sent.messages;
    arriving.erase(arriving.begin() + static_cast<ptrdiff_t>(missing));
    std::shuffle(arriving.begin(), arriving.end(), rng);
    Inbox inbox(kInputs);
    std::vector<std::pair<size_t, int64_t>> popped;
    for (const DataMessage& message : arriving) Add(inbox, message);
    PopAll(inbox, &popped);
    EXPECT_FALSE(inbox.complete());
    ASSERT_TRUE(std::equal(popped.begin(), popped.end(), sent.order.begin()));
    Add(inbox, sent.messages[missing]);
    PopAll(inbox, &popped);
    EXPECT_TRUE(inbox.complete());
    EXPECT_EQ(popped, sent.order);
  }
}

class InboxOfOneLaneTest : public testing::Test {
 protected:
  const std::vector<InputSpec> inputs_ = {
      {.edge = 3, .from_stage = StageId(1), .from_tasks = 1, .port = 0}};
  Inbox inbox_{inputs_};

  DataFrame Frame(uint32_t number, size_t rows) {
    DataFrame frame;
    frame.edge = 3;
    frame.from = {StageId(1), 0};
    frame.number = number;
    frame.payload = RowsOf(number, rows);
    return frame;
  }
  EndMarker End(uint32_t frames, uint64_t checksum) {
    EndMarker end;
    end.edge = 3;
    end.from = {StageId(1), 0};
    end.frames = frames;
    end.checksum = checksum;
    return end;
  }
};

TEST_F(InboxOfOneLaneTest, AnUpstreamTaskWithoutFramesOnlyEnds) {
  EXPECT_FALSE(inbox_.complete());
  EXPECT_TRUE(inbox_.Add(End(0, 0)));
  EXPECT_FALSE(inbox_.Pop().has_value());
  EXPECT_TRUE(inbox_.complete());
}
TEST_F(InboxOfOneLaneTest, AnotherNumberOfRowsThanTheSenderAnnouncedIsDataLoss) {
  uint64_t checksum = FrameChecksum(0, Frame(0, 2));
  inbox_.Add(Frame(0, 3));
  inbox_.Add(End(1, checksum));
  inbox_.Pop();
  EXPECT_FALSE(inbox_.complete());
  EXPECT_EQ(inbox_.status().code(), StatusCode::kDataLoss) << inbox_.status();
}
TEST_F(InboxOfOneLaneTest, AFrameBehindTheAnnouncedEndIsAnErrorInEitherOrder) {
  EXPECT_TRUE(inbox_.Add(End(1, 0)));
  EXPECT_FALSE(inbox_.Add(Frame(1, 1)));
  EXPECT_FALSE(inbox_.status().ok());
  inbox_.Clear();
  EXPECT_TRUE(inbox_.Add(Frame(1, 1)));
  EXPECT_FALSE(inbox_.Add(End(1, 0)));
  EXPECT_FALSE(inbox_.status().ok());
  EXPECT_FALSE(inbox_.complete());
}
TEST_F(InboxOfOneLaneTest, ASecondEndThatSaysSomethingElseIsAnErrorARepeatIsNot) {
  uint64_t checksum = FrameChecksum(0, Frame(0, 1));
  EXPECT_TRUE(inbox_.Add(End(1, checksum)));
  EXPECT_FALSE(inbox_.Add(End(1, checksum)));
  EXPECT_TRUE(inbox_.status().ok());
  EXPECT_FALSE(inbox_.Add(End(2, checksum)));
  EXPECT_FALSE(inbox_.status().ok());
}
TEST_F(InboxOfOneLaneTest, ASenderThatThePlanDoesNotHave) {
  DataFrame stranger = Frame(0, 1);
  stranger.from.task = 1;
  EXPECT_FALSE(inbox_.Add(stranger));
  EXPECT_NE(Message(inbox_.status()).find("task 1 of stage 1"), std::string_view::npos);
  inbox_.Clear();
  stranger = Frame(0, 1);
  stranger.edge = 4;
  EXPECT_FALSE(inbox_.Add(stranger));
  EXPECT_FALSE(inbox_.status().ok());
}
TEST_F(InboxOfOneLaneTest, AFrameNumberBeyondReasonIsAnError) {
  EXPECT_FALSE(inbox_.Add(Frame(~0u, 1)));
  EXPECT_FALSE(inbox_.status().ok());
}
TEST_F(InboxOfOneLaneTest, AFrameFarAheadTakesNoMemoryForThoseBeforeIt) {
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  EXPECT_TRUE(inbox_.Add(Frame((1u << 24) - 1, 1)));
  EXPECT_TRUE(inbox_.Add(Frame(1u << 20, 1)));
  EXPECT_LT(mallinfo2().uordblks + mallinfo2().hblkhd - before, 64u << 10);
  EXPECT_FALSE(inbox_.Add(Frame(1u << 20, 1))) << "a repeat";
  EXPECT_TRUE(inbox_.status().ok());
  EXPECT_FALSE(inbox_.Pop().has_value());
}

}  // namespace
}  // namespace trident
