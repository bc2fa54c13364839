// SPDX-License-Identifier: Apache-2.0
//
// Frames between processes: made by the ExchangeWriter of a task, taken as bytes by another task.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/codec.h"
#include "base/limits.h"
#include "engine/data/field.h"
#include "engine/exchange_writer.h"
#include "engine/frames/slice_payload.h"
#include "engine/partitioners/global.h"
#include "engine/task.h"

namespace trident {

// A value of a program: text that its decoder may refuse by an exception.
struct Label {
  std::string text;
};
template <>
struct UserCodec<Label> {
  static constexpr std::string_view kName = "label";
  static void Encode(const Label& label, std::string& out) {
    if (label.text == "never written") throw std::domain_error("this label has no bytes");
    out = label.text;
  }
  static bool Decode(std::string_view in, Label& out) {
    if (in == "never read") throw std::domain_error("this label cannot be read");
    out.text = std::string(in);
    return true;
  }
  static size_t MemoryBytes(const Label& label) { return label.text.capacity(); }
};

namespace {

constexpr GroupId kGroup(1);
const TaskAddress kFrom{StageId(0), 0};
const BatchId kId{kGroup, TxId(1), {Epoch(1), 1}};

const Field<Text> kText("text");
const Field<Label> kLabel("label");
const Field<List<Text>> kList("list");

SchemaRef TheSchema() {
  static const SchemaRef* const schema = new SchemaRef(
      std::make_shared<const Schema>(*Schema::Make(Fields(kText, kLabel).Describe())));
  return *schema;
}

// Rows of a text and a label; the text stands in the vector.
Slice RowsOf(const std::vector<std::string>& texts) {
  auto text = std::make_shared<ColumnOf<Text>>();
  auto label = std::make_shared<ColumnOf<Label>>();
  for (const std::string& t : texts) {
    text->Append(t);
    label->Append(Label{t});
  }
  return Slice(TheSchema(), {text, label}, texts.size());
}

// Sends each text to the task that its length says, or each slice to all tasks.
class ByLength final : public Partitioner {
 public:
  explicit ByLength(Routing::Kind kind) : kind_(kind) {}
  void Route(const RouteContext& context, const Slice& slice, Routing& out) const override {
    out.kind = kind_;
    out.task_of_row.clear();
    for (size_t i = 0; i < slice.rows(); ++i) {
      const size_t length = As<Text>(slice.column(0)).values()[slice.RowAt(i)].size();
      out.task_of_row.push_back(static_cast<uint32_t>(length % context.tasks));
    }
  }
  std::string Describe() const override { return "by length"; }

 private:
  const Routing::Kind kind_;
};

// Takes what a writer sends, and says which tasks are in another process.
class Recorder final : public FrameSender {
 public:
  void Send(DataMessage message) override { sent.push_back(std::move(message)); }
  void SendTogether(std::vector<DataMessage> messages) override {
    together.push_back(messages.size());
    FrameSender::SendTogether(std::move(messages));
  }
  std::optional<WorkerId> FarWorkerOf(const TaskAddress& to) const override {
    if (to.task < first_far) return std::nullopt;
    return WorkerId(to.task % far_workers);
  }

  uint32_t first_far = 0;
  uint32_t far_workers = 1;
  std::vector<DataMessage> sent;
  std::vector<size_t> together;  // how many messages were given at once
};

// Keeps the texts that come.
class Keeper final : public Operator {
 public:
  explicit Keeper(std::vector<std::string>* texts) : texts_(texts) {}
  Status Process(const Slice& slice, Output&) override {
    for (size_t i = 0; i < slice.rows(); ++i) {
      const uint32_t row = slice.RowAt(i);
      texts_->push_back(std::string(As<Text>(slice.column(0)).values()[row]));
      EXPECT_EQ(As<Label>(slice.column(1)).values()[row].text, texts_->back());
    }
    return absl::OkStatus();
  }

 private:
  std::vector<std::string>* const texts_;
};

class FarFramesTest : public testing::Test {
 protected:
  // What a task sends of the texts, to `tasks` tasks.
  std::vector<DataMessage> Sent(const std::vector<std::string>& texts, uint32_t tasks = 1,
                                const PartitionerRef& partitioner = GlobalPartitioner()) {
    ExchangeWriter writer({0, StageId(1), tasks, partitioner}, kFrom, &recorder_);
    static_cast<Operator&>(writer).Begin(Context());
    Nowhere nowhere;
    EXPECT_TRUE(writer.Process(RowsOf(texts), nowhere).ok());
    EXPECT_TRUE(writer.Finish(nowhere).ok());
    return std::move(recorder_.sent);
  }
  static BatchContext Context() {
    BatchContext context;
    context.id = kId;
    return context;
  }
  // As a link would bring the message: the bytes stand elsewhere.
  static DataMessage Carried(const DataMessage& message) {
    const auto* frame = std::get_if<DataFrame>(&message);
    if (frame == nullptr) return message;
    auto bytes = std::make_shared<std::string>(BytesOf(*frame));
    return WithBytes(*frame, std::move(bytes));
  }
  static std::string BytesOf(const DataFrame& frame) {
    return std::string(dynamic_cast<const FramePayload&>(*frame.payload).frame()->bytes());
  }
  static DataFrame WithBytes(DataFrame frame, std::shared_ptr<std::string> bytes) {
    const auto& sent = dynamic_cast<const FramePayload&>(*frame.payload);
    const std::string_view view = *bytes;
    frame.payload = std::make_shared<FramePayload>(*EncodedFrame::Parse(view, std::move(bytes)),
                                                   sent.first(), sent.rows());
    return frame;
  }
  Task::Outcome Take(Task& task, const DataMessage& message) {
    if (const auto* frame = std::get_if<DataFrame>(&message)) return task.OnFrame(*frame);
    return task.OnEnd(std::get<EndMarker>(message));
  }
  TaskSpec Spec(SchemaRef schema = TheSchema()) {
    TaskSpec spec;
    spec.address = {StageId(1), 0};
    spec.group = kGroup;
    spec.name = "keep";
    spec.inputs = {{.edge = 0,
                    .from_stage = kFrom.stage,
                    .from_tasks = 1,
                    .port = 0,
                    .schema = std::move(schema)}};
    spec.make_chain = [this] {
      auto chain = std::make_unique<Chain>();
      chain->AddInput(chain->Add("keep", std::make_unique<Keeper>(&texts_), {}));
      return chain;
    };
    return spec;
  }

  class Nowhere final : public Output {
   public:
    Status Emit(const Slice&) override { return absl::OkStatus(); }
  };

  Recorder recorder_;
  std::vector<std::string> texts_;
};

TEST_F(FarFramesTest, RowsComeOutAsTheyWentIn) {
  const std::vector<std::string> texts = {"", "a", std::string(5000, 'b')};
  Task task(Spec(), {kGroup, TxId(0), {}});
  for (const DataMessage& message : Sent(texts)) Take(task, Carried(message));
  EXPECT_EQ(texts_, texts);
}

TEST_F(FarFramesTest, WhatStaysInTheProcessIsNotEncoded) {
  recorder_.first_far = 1;
  const std::vector<DataMessage> sent = Sent({"a", "b"}, 2);
  EXPECT_NE(dynamic_cast<const SlicePayload*>(std::get<DataFrame>(sent[0]).payload.get()), nullptr);
}

TEST_F(FarFramesTest, ManyBytesGoInSeveralFrames) {
  std::vector<std::string> texts;
  for (int i = 0; i < 37; ++i) texts.push_back(std::string(300'000, static_cast<char>('a' + i)));
  const std::vector<DataMessage> sent = Sent(texts);
  EXPECT_GT(sent.size(), 20u);
  Task task(Spec(), {kGroup, TxId(0), {}});
  for (const DataMessage& message : sent) {
    if (const auto* frame = std::get_if<DataFrame>(&message)) {
      EXPECT_LE(frame->payload->bytes(), kFarFrameBytes + 1000);
    }
    Take(task, Carried(message));
  }
  EXPECT_EQ(texts_, texts);
}

// Whatever stands where: each task gets its rows in the order in which they were sent, and a slice
// is encoded once for each process.
TEST_F(FarFramesTest, EachTaskGetsItsRowsAndAProcessGetsOneFrame) {
  constexpr uint32_t kTasks = 7;
  std::vector<std::string> texts;
  for (size_t i = 0; i < 50; ++i) texts.push_back(std::string(i * i % 23, 'a' + i % 26));
  for (const Routing::Kind kind : {Routing::Kind::kByRow, Routing::Kind::kBroadcast}) {
    for (recorder_.first_far = 0; recorder_.first_far <= kTasks; ++recorder_.first_far) {
      for (recorder_.far_workers = 1; recorder_.far_workers <= 3; ++recorder_.far_workers) {
        SCOPED_TRACE(recorder_.first_far * 10 + recorder_.far_workers);
        const auto sent = Sent(texts, kTasks, std::make_shared<ByLength>(kind));
        std::set<const EncodedFrame*> frames;
        for (uint32_t to = 0; to < kTasks; ++to) {
          texts_.clear();
          Task task(Spec(), {kGroup, TxId(0), {}});
          Task::Outcome outcome = Task::Outcome::kWaiting;
          for (const DataMessage& message : sent) {
            if (std::visit([](const auto& m) { return m.to.task; }, message) != to) continue;
            if (const auto* frame = std::get_if<DataFrame>(&message)) {
              const auto* far = dynamic_cast<const FramePayload*>(frame->payload.get());
              EXPECT_EQ(far != nullptr, to >= recorder_.first_far);
              if (far != nullptr) frames.insert(far->frame().get());
            }
            outcome = Take(task, message);
          }
          EXPECT_EQ(outcome, Task::Outcome::kDone) << task.failure();
          std::vector<std::string> expected = texts;
          if (kind == Routing::Kind::kByRow) {
            std::erase_if(expected, [&](const std::string& t) { return t.size() % kTasks != to; });
          }
          EXPECT_EQ(texts_, expected) << "task " << to;
        }
        const size_t far_tasks = kTasks - recorder_.first_far;
        const size_t processes = std::min<size_t>(recorder_.far_workers, far_tasks);
        EXPECT_EQ(frames.size(), kind == Routing::Kind::kByRow ? processes : far_tasks > 0);
      }
    }
  }
}

TEST_F(FarFramesTest, PartsOfAFrameAreSentTogetherAndSoAreEndMarkers) {
  recorder_.first_far = 2;
  recorder_.far_workers = 2;
  const std::vector<std::string> texts = {"", "1", "22", "333", "4444", "55555", "4444"};
  const auto sent = Sent(texts, 6, std::make_shared<ByLength>(Routing::Kind::kByRow));
  EXPECT_EQ(sent.size(), 6u + 6u);
  EXPECT_EQ(recorder_.together, (std::vector<size_t>{2, 2, 4}));
}

TEST_F(FarFramesTest, OneRowThatIsTooLongIsNotCut) {
  const std::string text(3 * kFarFrameBytes, 'x');
  const std::vector<DataMessage> sent = Sent({text});
  ASSERT_EQ(sent.size(), 2u);
  Task task(Spec(), {kGroup, TxId(0), {}});
  for (const DataMessage& message : sent) Take(task, Carried(message));
  EXPECT_EQ(texts_, std::vector<std::string>{text});
}

TEST_F(FarFramesTest, EveryChangedByteFailsTheAttemptWithItsPlace) {
  const std::vector<DataMessage> sent = Sent({"some", "rows"});
  const std::string bytes = BytesOf(std::get<DataFrame>(sent[0]));
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto changed = std::make_shared<std::string>(bytes);
    (*changed)[i] ^= 0x40;
    const std::string_view view = *changed;
    auto parsed = EncodedFrame::Parse(view, changed);
    if (!parsed.ok()) continue;
    DataFrame frame = std::get<DataFrame>(sent[0]);
    frame.payload = std::make_shared<FramePayload>(*std::move(parsed), 0, 2);
    Task task(Spec(), {kGroup, TxId(0), {}});
    ASSERT_EQ(Take(task, frame), Task::Outcome::kFailed) << i;
    EXPECT_EQ(task.failure().code(), StatusCode::kDataLoss);
    EXPECT_NE(Message(task.failure()).find("stage \"keep\""), std::string_view::npos);
  }
  EXPECT_TRUE(texts_.empty());
}

// Both are whole frames of one row; only the checksum of the edge tells them apart.
TEST_F(FarFramesTest, AFrameOfOtherRowsIsNotTakenForTheOneThatWasSent) {
  const std::vector<DataMessage> sent = Sent({"mine"});
  const std::vector<DataMessage> others = Sent({"your"});
  Task task(Spec(), {kGroup, TxId(0), {}});
  Take(task, others[0]);
  EXPECT_EQ(Take(task, sent[1]), Task::Outcome::kFailed);
  EXPECT_EQ(task.failure().code(), StatusCode::kDataLoss) << task.failure();
}

TEST_F(FarFramesTest, AFrameOfAnotherTopologyIsRefused) {
  const auto other = std::make_shared<const Schema>(*Schema::Make(Fields(kText).Describe()));
  Task task(Spec(other), {kGroup, TxId(0), {}});
  EXPECT_EQ(Take(task, Sent({"a"})[0]), Task::Outcome::kFailed);
  EXPECT_EQ(task.failure().code(), StatusCode::kFailedPrecondition) << task.failure();
}

TEST_F(FarFramesTest, AnExceptionOfADecoderFailsTheAttempt) {
  Task task(Spec(), {kGroup, TxId(0), {}});
  EXPECT_EQ(Take(task, Sent({"never read"})[0]), Task::Outcome::kFailed);
  EXPECT_NE(Message(task.failure()).find("this label cannot be read"), std::string_view::npos)
      << task.failure();
}

TEST_F(FarFramesTest, AnExceptionOfAnEncoderIsTheStepsError) {
  Chain chain;
  ExchangeSpec spec{0, StageId(1), 1, GlobalPartitioner()};
  chain.AddInput(chain.Add(
      "exchange", std::make_unique<ExchangeWriter>(std::move(spec), kFrom, &recorder_), {}));
  chain.Begin(Context());
  const Status status = chain.Process(0, RowsOf({"never written"}));
  EXPECT_EQ(status.code(), StatusCode::kAborted) << status;
}

TEST_F(FarFramesTest, AFrameHoldsTheMemoryOfItsTextsListsAndOwnValues) {
  const Slice texts = RowsOf({std::string(1000, 'a'), std::string(2000, 'b')});
  EXPECT_GE(SlicePayload(texts).bytes(), 2 * 3000u) << "a text and a label of a row are as long";
  EXPECT_LT(SlicePayload(texts).bytes(), 2 * 3000u + 200);

  const std::vector<Text> words(100, Text("twelve bytes"));
  auto lists = std::make_shared<ColumnOf<List<Text>>>();
  lists->Append(words);
  const auto schema = std::make_shared<const Schema>(*Schema::Make(Fields(kList).Describe()));
  EXPECT_GE(SlicePayload(Slice(schema, {lists}, 1)).bytes(), 100 * (sizeof(Text) + 12));
}

TEST_F(FarFramesTest, NobodysBatchTakesNoChain) {
  Task task(Spec(), {kGroup, TxId(7), {Epoch(1), 1}});
  const std::vector<DataMessage> sent = Sent({"a"});
  DataFrame frame = std::get<DataFrame>(sent[0]);
  for (uint64_t ahead = kTxidsAheadMax + 1; ahead < kTxidsAheadMax + 1000; ++ahead) {
    frame.id.txid = TxId(7 + ahead);
    EXPECT_EQ(Take(task, frame), Task::Outcome::kStale);
  }
  EXPECT_EQ(task.attempts_in_flight(), 0u);
  frame.id.txid = TxId(7 + kTxidsAheadMax);
  EXPECT_EQ(Take(task, frame), Task::Outcome::kWaiting);
}

}  // namespace
}  // namespace trident
