// SPDX-License-Identifier: Apache-2.0
#include "engine/executor.h"
#include "base/clock.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "tests/engine/sum_operator.h"

namespace trident {
namespace {

constexpr GroupId kGroup(1);
const TaskAddress kFrom{StageId(0), 0}, kTo{StageId(1), 0};

BatchId Id(uint64_t txid) { return {kGroup, TxId(txid), {Epoch(1), 1}}; }

class StoppedClock final : public Clock {
 public:
  Nanos MonotonicNanos() const override { return now; }
  Nanos WallNanos() const override { return now; }
  Nanos now = kSecond;
};

class Events final : public ExecutorEvents {
 public:
  void OnWord(GroupId, WordToLeader word) override {
    if (const auto* told = std::get_if<word::Progressed>(&word)) progress.push_back(told->id);
  }
  void OnStaged(uint32_t, const BatchId&, std::string) override {}
  void OnApplied(uint32_t, const BatchId&) override {}

  std::vector<BatchId> progress;
};

class ExecutorTest : public testing::Test {
 protected:
  ExecutorTest() : executor_({.clock = &clock_, .events = &events_}) {
    TaskSpec spec;
    spec.address = kTo;
    spec.group = kGroup;
    spec.name = "sum";
    spec.inputs = {{.edge = 0, .from_stage = kFrom.stage, .from_tasks = 1, .port = 0}};
    spec.make_chain = [this] {
      auto chain = std::make_unique<Chain>();
      chain->AddInput(chain->Add("sum", std::make_unique<SumOperator>(&state_), {}));
      return chain;
    };
    executor_.AddTask(std::move(spec), {kGroup, TxId(0), {}});
  }
  void Deliver(uint64_t txid, uint32_t number) {
    executor_.Deliver(DataFrame{
        .id = Id(txid), .from = kFrom, .to = kTo, .number = number, .payload = ValueRow(1)});
    executor_.RunOnce();
  }

  StoppedClock clock_;
  Events events_;
  SumState state_;
  Executor executor_;
};

TEST_F(ExecutorTest, WorkOnAnAttemptIsToldAtMostOnceInAWhileForEachAttempt) {
  constexpr Nanos kWhile = kProgressToldMs * kMillisecond;
  Deliver(1, 0);
  Deliver(2, 0);
  EXPECT_TRUE(events_.progress.empty()) << "that they began is known";
  clock_.now += kWhile;
  Deliver(1, 1);
  Deliver(1, 2);
  EXPECT_EQ(events_.progress, std::vector<BatchId>{Id(1)});
  Deliver(2, 1);
  EXPECT_EQ(events_.progress, (std::vector<BatchId>{Id(1), Id(2)}));
  clock_.now += kWhile;
  Deliver(1, 3);
  EXPECT_EQ(events_.progress, (std::vector<BatchId>{Id(1), Id(2), Id(1)}));
}

TEST_F(ExecutorTest, NothingIsToldOfACancelledAttempt) {
  Deliver(1, 0);
  executor_.Post(word::Abort{{Id(1)}});
  executor_.RunOnce();
  clock_.now += 2 * kProgressToldMs * kMillisecond;
  Deliver(1, 1);
  EXPECT_TRUE(events_.progress.empty());
}

}  // namespace
}  // namespace trident
