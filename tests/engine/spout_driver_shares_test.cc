// SPDX-License-Identifier: Apache-2.0
//
// Whom a batch asks for rows, and how much.
#include "engine/spout_driver.h"

#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "tests/engine/sum_operator.h"

namespace trident {
namespace {

constexpr GroupId kGroup(1);
constexpr EmitterId kEmitter{SpoutId(1), 0};

BatchId Id(uint64_t txid, uint32_t attempt = 1) {
  return {kGroup, TxId(txid), {Epoch(1), attempt}};
}

Slice OneRow() {
  static const auto schema = std::make_shared<const Schema>(
      *Schema::Make({{"value", &TypeOf<int64_t>(), Nullability::kRequired}}));
  auto column = std::make_shared<ColumnOf<int64_t>>();
  column->Append(1);
  return Slice(schema, {column}, 1);
}

class StoppedClock final : public Clock {
 public:
  Nanos MonotonicNanos() const override { return kSecond; }
  Nanos WallNanos() const override { return kSecond; }
};

// Source partitions with so many rows, which wake whoever reads them.
class CountedSpout final : public Spout {
 public:
  struct Rows {
    uint64_t rows = 0;
    uint64_t reads = 0;
    WakeUp wake_up;
  };
  void Add(const std::string& name, uint64_t rows) {
    names_.push_back(name);
    all[name].rows = rows;
  }
  SpoutKind kind() const override { return SpoutKind::kTransactional; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override { return names_; }
  LaterPartitions PartitionsAfter(size_t known) override {
    return {{names_.begin() + static_cast<ptrdiff_t>(known), names_.end()},
            LaterPartitions::More::kPerhaps};
  }
  std::shared_ptr<const void> TellOfPartitions(WakeUp wake_up) override {
    more = std::move(wake_up);
    return nullptr;
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& name,
                                                     WakeUp wake_up) override {
    all[name].wake_up = std::move(wake_up);
    return std::make_unique<Reader>(all[name]);
  }
  std::string Describe() const override { return "counted"; }

  std::map<std::string, Rows> all;
  WakeUp more;

 private:
  class Reader final : public SourceReader {
   public:
    explicit Reader(Rows& rows) : rows_(rows) {}
    StatusOr<ReadResult> Read(const ReadRequest& request, Output& out) override {
      ++rows_.reads;
      uint64_t at = OffsetOf(request.start);
      ReadResult result{.end = request.start};
      if (at < rows_.rows) {
        TRIDENT_RETURN_IF_ERROR(out.Emit(OneRow()));
        result = {.end = std::to_string(++at), .rows = 1, .bytes = 1};
      }
      if (at == rows_.rows) result.next = ReadResult::Next::kIdle;
      return result;
    }
    StatusOr<Availability> Poll(const Position& position) override {
      const bool more = OffsetOf(position) < rows_.rows;
      return Availability{more ? Availability::State::kReady : Availability::State::kIdle, 0};
    }

   private:
    static uint64_t OffsetOf(const Position& position) {
      uint64_t at = 0;
      std::from_chars(position.data(), position.data() + position.size(), at);
      return at;
    }
    Rows& rows_;
  };
  std::vector<std::string> names_;
  const SchemaRef schema_ = OneRow().schema_ref();
};

class Events final : public ExecutorEvents {
 public:
  void OnWord(GroupId, WordToLeader word) override {
    if (const auto* emitted = std::get_if<word::Emitted>(&word)) answer = *emitted;
    if (std::holds_alternative<word::InputReady>(word)) ++ready;
  }
  void OnStaged(uint32_t, const BatchId&, std::string) override {}
  void OnApplied(uint32_t, const BatchId&) override {}
  std::optional<word::Emitted> answer;
  int ready = 0;
};

class SpoutDriverSharesTest : public testing::Test {
 protected:
  void Open() {
    TaskSpec spec;
    spec.address = {StageId(0), 0};
    spec.group = kGroup;
    spec.name = "rows";
    spec.make_chain = [this] {
      auto chain = std::make_unique<Chain>();
      chain->AddInput(chain->Add("sum", std::make_unique<SumOperator>(&state_), {}));
      return chain;
    };
    executor_.AddTask(std::move(spec), {kGroup, TxId(0), {}});
    SpoutDriver::Spec driver{.emitter = kEmitter,
                             .incarnation = Incarnation(1),
                             .spout = spout_,
                             .sources = std::make_shared<const SourceShare>(
                                 SourceShare::InTurn(*spout_->Partitions(), {0}))};
    ASSERT_TRUE(executor_.AddSpout(std::move(driver), {StageId(0), 0}).ok());
  }
  // The rows that a batch took, by partition.
  std::map<std::string, uint64_t> Batch(BatchId id, uint64_t rows) {
    word::Emit emit;
    emit.id = id;
    emit.emitter = kEmitter;
    emit.incarnation = Incarnation(1);
    emit.limits = {.rows = rows, .bytes = 1 << 20};
    for (const auto& [partition, position] : at_) emit.starts.push_back({partition, position});
    events_.answer.reset();
    executor_.Post(std::move(emit));
    while (executor_.RunOnce()) {
    }
    std::map<std::string, uint64_t> taken;
    EXPECT_TRUE(events_.answer.has_value());
    if (!events_.answer) return taken;
    for (const SourceRange& range : events_.answer->ranges) {
      taken[range.partition] = range.rows;
      ends_[range.partition] = range.end;
    }
    return taken;
  }
  void Commit() { at_ = ends_; }

  SumState state_;
  StoppedClock clock_;
  Events events_;
  const std::shared_ptr<CountedSpout> spout_ = std::make_shared<CountedSpout>();
  Executor executor_{Executor::Options{.clock = &clock_, .events = &events_}};
  std::map<std::string, Position> at_;
  std::map<std::string, Position> ends_;
};

// Wherever the large partition stands among the small ones.
TEST_F(SpoutDriverSharesTest, ABatchFillsFromWhateverHasInput) {
  for (const char* name : {"a", "b", "c", "d"}) spout_->Add(name, 1);
  spout_->Add("large", 100);
  for (const char* name : {"x", "y", "z"}) spout_->Add(name, 0);
  Open();
  uint64_t sum = 0;
  for (const auto& [partition, rows] : Batch(Id(1), 50)) sum += rows;
  EXPECT_EQ(sum, 50u);
}

TEST_F(SpoutDriverSharesTest, PartitionsWithInputShareABatchEvenly) {
  for (const char* name : {"a", "b", "c"}) spout_->Add(name, 100);
  spout_->Add("small", 2);
  Open();
  auto taken = Batch(Id(1), 32);
  EXPECT_EQ(taken["small"], 2u);
  for (const char* name : {"a", "b", "c"}) EXPECT_GE(taken[name], 8u) << name;
  EXPECT_EQ(taken["a"] + taken["b"] + taken["c"], 30u);
}

TEST_F(SpoutDriverSharesTest, ASilentPartitionIsNotAskedUntilItIsWoken) {
  spout_->Add("silent", 1);
  spout_->Add("loud", 100);
  Open();
  Batch(Id(1), 10);
  Commit();
  Batch(Id(2), 10);  // whether input came while it was read
  Commit();
  const uint64_t reads = spout_->all["silent"].reads;
  Batch(Id(3), 10);
  Commit();
  EXPECT_EQ(spout_->all["silent"].reads, reads);
  spout_->all["silent"].rows = 2;
  spout_->all["silent"].wake_up();
  EXPECT_EQ(Batch(Id(4), 10)["silent"], 1u);
}

TEST_F(SpoutDriverSharesTest, WhatAnAbortedBatchTookIsReadAgain) {
  spout_->Add("a", 1);
  Open();
  EXPECT_EQ(Batch(Id(1), 10)["a"], 1u);
  executor_.Post(word::Abort{{Id(1)}});
  while (executor_.RunOnce()) {
  }
  EXPECT_EQ(Batch(Id(1, 2), 10)["a"], 1u);
}

TEST_F(SpoutDriverSharesTest, APartitionThatComesUpLaterIsTold) {
  Open();
  EXPECT_TRUE(Batch(Id(1), 10).empty());
  EXPECT_EQ(events_.ready, 0);
  spout_->Add("later", 3);
  spout_->more();
  while (executor_.RunOnce()) {
  }
  EXPECT_EQ(events_.ready, 1);
  EXPECT_EQ(Batch(Id(1, 2), 10)["later"], 3u);
}

}  // namespace
}  // namespace trident
