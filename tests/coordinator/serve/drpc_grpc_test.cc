// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/coordinator/serve/served_topology.h"

namespace trident {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class DrpcGrpcTest : public ::testing::Test {
 protected:
  struct Executed {
    grpc::Status status;
    v1::ExecuteResponse response;
  };
  static v1::ExecuteRequest Request(const std::string& args) {
    v1::ExecuteRequest request;
    request.set_function("words");
    request.set_args(args);
    return request;
  }
  void Start(ServedTopology::Options options = {}) {
    topology_ = std::make_unique<ServedTopology>(options);
  }
  Executed Execute(const v1::ExecuteRequest& request, int64_t ms = 60'000) {
    Executed out;
    out.status = topology_->drpc_stub->Execute(Within(ms).get(), request, &out.response);
    return out;
  }
  std::string Refusal(const v1::ExecuteRequest& request) { return Said(Execute(request).status); }
  DrpcFunctionStatus status() { return topology_->drpc.Functions().at(0); }

  std::unique_ptr<ServedTopology> topology_;
};

TEST_F(DrpcGrpcTest, AnAnswerHasRowsFieldsAndTheTxidThatItSaw) {
  Start();
  const Executed executed = Execute(Request("cat the dog"));
  ASSERT_TRUE(executed.status.ok()) << Said(executed.status);
  EXPECT_EQ(executed.response.txid(), 7u);
  EXPECT_THAT(executed.response.fields(), ElementsAre("answer"));
  ASSERT_EQ(executed.response.rows_size(), 1);
  EXPECT_EQ(executed.response.rows(0).values(0).text(), "cat the dog");
}

TEST_F(DrpcGrpcTest, AnUnknownFunctionIsRefusedWithTheNearestName) {
  Start();
  v1::ExecuteRequest request = Request("x");
  request.set_function("wrods");
  EXPECT_EQ(Refusal(request),
            "NOT_FOUND: there is no DRPC function 'wrods'; did you mean 'words'? The functions "
            "are: words");
}

TEST_F(DrpcGrpcTest, ArgumentsOverTheLimitAreRefused) {
  Start();
  EXPECT_THAT(Refusal(Request(std::string(kDrpcArgumentBytesMax + 1, 'x'))),
              AllOf(StartsWith("INVALID_ARGUMENT"), HasSubstr("at most 1048576")));
}

TEST_F(DrpcGrpcTest, AnAnswerOverTheLimitIsRefusedNotCut) {
  Start();
  topology_->handler.answer = [](std::span<const DrpcRequest>, std::vector<DrpcResult>& results) {
    results[0] = AnswerOf(std::string(kDrpcAnswerBytesMax, 'x'));
  };
  EXPECT_THAT(Refusal(Request("x")),
              AllOf(StartsWith("RESOURCE_EXHAUSTED"), HasSubstr("in 1 rows, at most 16777216")));
}

TEST_F(DrpcGrpcTest, AnAnswerUnderTheLimitArrivesWhole) {
  Start();
  topology_->handler.answer = [](std::span<const DrpcRequest>, std::vector<DrpcResult>& results) {
    results[0] = AnswerOf(std::string(kDrpcAnswerBytesMax - 100, 'x'));
  };
  EXPECT_TRUE(Execute(Request("x")).status.ok());
}

TEST_F(DrpcGrpcTest, AFunctionsFailureReachesItsCallerWithItsWords) {
  Start();
  topology_->handler.answer = [](std::span<const DrpcRequest>, std::vector<DrpcResult>& results) {
    results[0] = Aborted("step 'split' failed at txid 7: ", std::string(10'000, 'y'));
  };
  const std::string refusal = Refusal(Request("x"));
  EXPECT_THAT(refusal, StartsWith("ABORTED: step 'split' failed at txid 7: yyy"));
  EXPECT_LT(refusal.size(), 3000u) << "a trailer holds no longer message";
}

TEST_F(DrpcGrpcTest, AnIdempotencyKeyIsRefusedWhileNoFunctionWrites) {
  Start();
  v1::ExecuteRequest request = Request("x");
  request.set_idempotency_key("k");
  EXPECT_THAT(Refusal(request), StartsWith("INVALID_ARGUMENT"));
}

TEST_F(DrpcGrpcTest, TheRequestsTimeoutCountsWhenItIsTheEarlierOne) {
  Start();
  topology_->handler.Close();
  std::thread first([&] { Execute(Request("first")); });
  topology_->handler.AwaitBatches(1);
  v1::ExecuteRequest request = Request("second");
  request.set_timeout_ms(20);
  std::thread opening([&] {
    // Not before the second one waits and is past its time.
    while (status().waiting == 0) std::this_thread::yield();
    const Nanos until = RealClock().MonotonicNanos() + 30 * kMillisecond;
    while (RealClock().MonotonicNanos() < until) std::this_thread::yield();
    topology_->handler.Open();
  });
  EXPECT_EQ(Execute(request).status.error_code(), grpc::DEADLINE_EXCEEDED);
  opening.join();
  first.join();
  EXPECT_THAT(topology_->handler.batches(), ElementsAre(ElementsAre("first")));
}

TEST_F(DrpcGrpcTest, ACallPastItsDeadlineLeavesTheQueueWithoutWork) {
  Start();
  topology_->handler.Close();
  std::thread first([&] { Execute(Request("first")); });
  topology_->handler.AwaitBatches(1);
  EXPECT_EQ(Execute(Request("second"), 50).status.error_code(), grpc::DEADLINE_EXCEEDED);
  while (status().waiting > 0) std::this_thread::yield();  // the server hears of it by itself
  topology_->handler.Open();
  first.join();
  EXPECT_THAT(topology_->handler.batches(), ElementsAre(ElementsAre("first")));
  EXPECT_EQ(status().expired, 1u);
}

TEST_F(DrpcGrpcTest, ACancelledCallLeavesTheQueueWithoutWork) {
  Start();
  topology_->handler.Close();
  std::thread first([&] { Execute(Request("first")); });
  topology_->handler.AwaitBatches(1);
  auto context = Within();
  std::thread second([&] {
    v1::ExecuteResponse response;
    EXPECT_EQ(
        topology_->drpc_stub->Execute(context.get(), Request("second"), &response).error_code(),
        grpc::CANCELLED);
  });
  while (status().waiting == 0) std::this_thread::yield();
  context->TryCancel();
  second.join();
  while (status().waiting > 0) std::this_thread::yield();
  topology_->handler.Open();
  first.join();
  EXPECT_EQ(topology_->handler.batches().size(), 1u);
}

TEST_F(DrpcGrpcTest, AFloodIsBoundedAndWhatWasAdmittedIsAnswered) {
  constexpr int kQueue = 16, kCalls = 20 * kQueue;
  Start({.server = {}, .drpc = {.queue_max = kQueue}});
  topology_->handler.Close();
  // A batch takes all that wait, so how many of a flood the first batch holds is chance. Here it
  // holds this one, and no other is taken before the gate opens.
  std::thread first([&] { EXPECT_TRUE(Execute(Request("first")).status.ok()); });
  topology_->handler.AwaitBatches(1);
  std::vector<std::thread> callers;
  std::atomic<int> answered{0}, refused{0}, other{0};
  for (int i = 0; i < kCalls; ++i) {
    callers.emplace_back([&, i] {
      const Executed executed = Execute(Request(std::to_string(i)));
      if (executed.status.ok()) {
        ++answered;
        EXPECT_EQ(executed.response.rows(0).values(0).text(), std::to_string(i));
      } else {
        executed.status.error_code() == grpc::RESOURCE_EXHAUSTED ? ++refused : ++other;
      }
    });
    EXPECT_LE(status().waiting, kQueue);
  }
  // The queue is full; all others are refused while those wait.
  while (refused + other < kCalls - kQueue) {
    EXPECT_LE(status().waiting, kQueue);
    std::this_thread::yield();
  }
  topology_->handler.Open();
  first.join();
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(answered, kQueue);
  EXPECT_EQ(refused, kCalls - kQueue);
  EXPECT_EQ(other, 0);
}

TEST_F(DrpcGrpcTest, ManyClientsEachGetTheirOwnAnswer) {
  Start();
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int c = 0; c < 16; ++c) {
    callers.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i) {
        const std::string args = std::to_string(c) + "/" + std::to_string(i);
        const Executed executed = Execute(Request(args));
        right += executed.status.ok() && executed.response.rows(0).values(0).text() == args;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 16 * 50);
  EXPECT_EQ(status().answered, 16u * 50u);
}

TEST_F(DrpcGrpcTest, WaitingCallsAreToldThatTheServerStops) {
  Start();
  topology_->handler.Close();
  Executed first, second;
  std::thread running([&] { first = Execute(Request("first")); });
  topology_->handler.AwaitBatches(1);
  std::thread waiting([&] { second = Execute(Request("second")); });
  while (status().waiting == 0) std::this_thread::yield();
  std::thread stopping([&] { topology_->drpc.Shutdown(); });
  waiting.join();
  EXPECT_THAT(Said(second.status), StartsWith("UNAVAILABLE"));
  topology_->handler.Open();
  running.join();
  stopping.join();
  EXPECT_TRUE(first.status.ok());
  topology_->server->Shutdown();
}

TEST_F(DrpcGrpcTest, FunctionsAreListedWithTheirLoad) {
  Start();
  ASSERT_TRUE(Execute(Request("x")).status.ok());
  v1::ListFunctionsResponse response;
  ASSERT_TRUE(topology_->drpc_stub->ListFunctions(Within().get(), {}, &response).ok());
  ASSERT_EQ(response.functions_size(), 1);
  EXPECT_EQ(response.functions(0).name(), "words");
  EXPECT_EQ(response.functions(0).answered(), 1u);
}

}  // namespace
}  // namespace trident
