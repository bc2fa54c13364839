// SPDX-License-Identifier: Apache-2.0
#include "engine/task.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/engine/sum_operator.h"

namespace trident {
namespace {

using Outcome = Task::Outcome;

constexpr GroupId kGroup(1);
const TaskAddress kFrom{StageId(0), 0}, kTo{StageId(1), 0};

BatchId Id(uint64_t txid, uint32_t counter, uint64_t epoch = 1) {
  return {kGroup, TxId(txid), {Epoch(epoch), counter}};
}

class TaskTest : public testing::Test {
 protected:
  TaskTest() : task_(Spec(), Id(0, 0, 0)) {}

  TaskSpec Spec() {
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
    return spec;
  }
  DataFrame Frame(const BatchId& id, int64_t value, uint32_t number = 0) {
    DataFrame frame{
        .id = id, .from = kFrom, .to = kTo, .number = number, .payload = ValueRow(value)};
    return frame;
  }
  // Of one frame.
  EndMarker End(const BatchId& id, int64_t value) {
    EndMarker end{.id = id, .from = kFrom, .to = kTo, .frames = 1};
    end.checksum = FrameChecksum(0, Frame(id, value));
    return end;
  }
  Outcome Send(const BatchId& id, int64_t value) {
    Outcome frame = task_.OnFrame(Frame(id, value));
    if (frame != Outcome::kWaiting) return frame;
    return task_.OnEnd(End(id, value));
  }
  std::string RecordOf(const BatchId& id) {
    std::string record;
    EXPECT_TRUE(task_.AppendRecord(id, record).ok());
    return record;
  }

  SumState state_;
  Task task_;
};

TEST_F(TaskTest, StagesOnceItHasItsInputAndThePermit) {
  EXPECT_TRUE(task_.commits());
  EXPECT_EQ(Send(Id(1, 1), 5), Outcome::kWaiting);
  EXPECT_TRUE(state_.staged.empty());
  EXPECT_EQ(task_.OnPermit(Id(1, 1), {}), Outcome::kDone);
  EXPECT_EQ(RecordOf(Id(1, 1)), "5");
  EXPECT_EQ(state_.applied, 0) << "staged is not applied";
  task_.Apply(Id(1, 1));
  EXPECT_EQ(state_.applied, 5);
  EXPECT_EQ(task_.attempts_in_flight(), 0u);
}

TEST_F(TaskTest, APermitMayComeBeforeTheInput) {
  EXPECT_EQ(task_.OnPermit(Id(1, 1), {}), Outcome::kWaiting);
  EXPECT_EQ(task_.OnFrame(Frame(Id(1, 1), 5)), Outcome::kWaiting);
  EXPECT_EQ(task_.OnEnd(End(Id(1, 1), 5)), Outcome::kDone);
}

TEST_F(TaskTest, ABatchThatIsReadyEarlyWaitsForTheOneBeforeIt) {
  EXPECT_EQ(Send(Id(2, 2), 20), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(2, 2), Id(1, 1).attempt), Outcome::kWaiting);
  EXPECT_EQ(Send(Id(1, 1), 1), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(1, 1), {}), Outcome::kDone);
  BatchId next;
  EXPECT_EQ(task_.StageNext(&next), Outcome::kDone);
  EXPECT_EQ(next, Id(2, 2));
  EXPECT_EQ(RecordOf(Id(2, 2)), "21");
  EXPECT_EQ(task_.StageNext(&next), Outcome::kWaiting);
}

TEST_F(TaskTest, APermitOverAnAttemptThatIsNotTheOneStagedWaits) {
  Send(Id(1, 1), 1);
  task_.OnPermit(Id(1, 1), {});
  EXPECT_EQ(Send(Id(2, 4), 20), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(2, 4), Id(1, 3).attempt), Outcome::kWaiting) << "1.3 is not staged";
  // Now the newer attempt of txid 1 comes, and takes the place of the staged one.
  EXPECT_EQ(Send(Id(1, 3), 100), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(1, 3), {}), Outcome::kDone);
  BatchId next;
  EXPECT_EQ(task_.StageNext(&next), Outcome::kDone);
  EXPECT_EQ(RecordOf(Id(2, 4)), "120");
}

TEST_F(TaskTest, RepeatedMessagesChangeNothing) {
  EXPECT_EQ(task_.OnFrame(Frame(Id(1, 1), 5)), Outcome::kWaiting);
  EXPECT_EQ(task_.OnFrame(Frame(Id(1, 1), 5)), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(1, 1), {}), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(1, 1), {}), Outcome::kWaiting);
  EXPECT_EQ(task_.OnEnd(End(Id(1, 1), 5)), Outcome::kDone);
  EXPECT_EQ(task_.OnEnd(End(Id(1, 1), 5)), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(1, 1), {}), Outcome::kWaiting) << "done is said once";
  EXPECT_EQ(state_.stages.size(), 1u);
  task_.Apply(Id(1, 1));
  EXPECT_EQ(task_.OnFrame(Frame(Id(1, 1), 5)), Outcome::kStale);
  EXPECT_EQ(task_.OnPermit(Id(1, 1), {}), Outcome::kStale);
  EXPECT_EQ(task_.stale_messages(), 2u);
}

TEST_F(TaskTest, AbortTakesTheLaterBatchesAlong) {
  for (uint64_t txid : {1, 2, 3}) {
    Send(Id(txid, static_cast<uint32_t>(txid)), static_cast<int64_t>(txid));
    Attempt prev = txid == 1 ? Attempt{} : Id(0, static_cast<uint32_t>(txid - 1)).attempt;
    EXPECT_EQ(task_.OnPermit(Id(txid, static_cast<uint32_t>(txid)), prev), Outcome::kDone);
  }
  task_.Abort(TxId(2), Id(0, 4).attempt);
  EXPECT_EQ(state_.staged, (std::map<TxId, int64_t>{{TxId(1), 1}}));
  EXPECT_EQ(task_.attempts_in_flight(), 1u);
  for (BatchId stale : {Id(2, 2), Id(2, 3), Id(3, 3), Id(3, 2)}) {
    EXPECT_EQ(task_.OnFrame(Frame(stale, 7)), Outcome::kStale);
    EXPECT_EQ(task_.OnEnd(End(stale, 7)), Outcome::kStale);
    EXPECT_EQ(task_.OnPermit(stale, {}), Outcome::kStale);
    EXPECT_FALSE(task_.Begin(stale, 0));
  }
  EXPECT_EQ(Send(Id(2, 4), 10), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(2, 4), Id(1, 1).attempt), Outcome::kDone);
  EXPECT_EQ(RecordOf(Id(2, 4)), "11");
}

TEST_F(TaskTest, ALateAbortLeavesTheNewerAttemptAlone) {
  Send(Id(1, 1), 1);
  EXPECT_EQ(Send(Id(1, 2), 50), Outcome::kWaiting) << "replaces 1.1";
  EXPECT_EQ(task_.OnFrame(Frame(Id(1, 1), 1)), Outcome::kStale);
  EXPECT_EQ(task_.OnPermit(Id(1, 2), {}), Outcome::kDone);
  task_.Abort(TxId(1), Id(0, 2).attempt);
  EXPECT_EQ(RecordOf(Id(1, 2)), "50");
  task_.Apply(Id(1, 2));
  EXPECT_EQ(state_.applied, 50);
}

TEST_F(TaskTest, ANewerEpochBeatsAnyCounterOfTheOlder) {
  Send(Id(1, 900, 1), 1);
  EXPECT_EQ(Send(Id(1, 1, 2), 5), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(1, 900, 1), {}), Outcome::kStale);
  EXPECT_EQ(task_.OnPermit(Id(1, 1, 2), {}), Outcome::kDone);
  EXPECT_EQ(RecordOf(Id(1, 1, 2)), "5");
}

TEST_F(TaskTest, AFailureNamesTheStageThePartitionAndTheTxidAndTheNextAttemptWorks) {
  EXPECT_EQ(task_.OnFrame(Frame(Id(1, 1), -1)), Outcome::kFailed);
  std::string_view message = Message(task_.failure());
  for (const char* part :
       {"stage \"sum\"", "partition 0", "txid 1", "attempt 1.1", "a negative value"}) {
    EXPECT_NE(message.find(part), std::string_view::npos) << part << " in " << message;
  }
  EXPECT_EQ(task_.OnEnd(End(Id(1, 1), -1)), Outcome::kWaiting) << "failed is said once";
  EXPECT_EQ(task_.OnPermit(Id(1, 1), {}), Outcome::kWaiting);
  EXPECT_EQ(Send(Id(1, 2), 3), Outcome::kWaiting);
  EXPECT_EQ(task_.OnPermit(Id(1, 2), {}), Outcome::kDone);
  EXPECT_EQ(RecordOf(Id(1, 2)), "3");
}

TEST_F(TaskTest, ACancellationBindsNoOtherTxid) {
  task_.Abort(TxId(1), Id(0, 10).attempt);
  EXPECT_EQ(task_.OnFrame(Frame(Id(1, 9), 5)), Outcome::kStale);
  EXPECT_EQ(Send(Id(1, 10), 1), Outcome::kWaiting);
  EXPECT_EQ(Send(Id(2, 1), 5), Outcome::kWaiting) << "attempts are numbered txid by txid";
  EXPECT_EQ(task_.OnPermit(Id(1, 10), {}), Outcome::kDone);
  EXPECT_EQ(task_.OnPermit(Id(2, 1), Id(1, 10).attempt), Outcome::kDone);
  EXPECT_EQ(RecordOf(Id(2, 1)), "6");
}

TEST_F(TaskTest, StartsBehindWhatRecoveryHasLeft) {
  SumState state;
  state.applied = 40;
  state.applied_txid = TxId(7);
  state_ = state;
  Task recovered(Spec(), Id(7, 3));
  EXPECT_EQ(recovered.OnFrame(Frame(Id(7, 3), 1)), Outcome::kStale);
  EXPECT_EQ(recovered.OnFrame(Frame(Id(8, 1, 2), 2)), Outcome::kWaiting);
  EXPECT_EQ(recovered.OnEnd(End(Id(8, 1, 2), 2)), Outcome::kWaiting);
  EXPECT_EQ(recovered.OnPermit(Id(8, 1, 2), Id(0, 3).attempt), Outcome::kDone);
  recovered.Apply(Id(8, 1, 2));
  EXPECT_EQ(state_.applied, 42);
}

}  // namespace
}  // namespace trident
