// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/drpc_server.h"
#include "base/clock.h"
#include "base/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "base/rng.h"
#include "tests/coordinator/serve/drpc_handlers.h"

namespace trident {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Nanos kLong = 3600 * kSecond;

// A server with the one function "words", whose time stands still.
class DrpcServerTest : public ::testing::Test {
 protected:
  void Start(DrpcOptions options = {}) {
    server_ = std::make_unique<DrpcServer>(clock_, options);
    ASSERT_TRUE(server_->Register("words", std::make_unique<HeldHandler>(control_)).ok());
  }
  ~DrpcServerTest() override { control_.Open(); }

  Nanos In(Nanos time) const { return clock_.MonotonicNanos() + time; }
  DrpcTicket CallAsync(const std::string& args, Nanos time = kLong) {
    return server_->CallAsync("words", args, In(time), answers_.Slot());
  }
  // Occupies the handler with one request, args "first", until control_.Open(). REQUIRES: the first
  // call, so that the function's own thread executes it.
  void Occupy() {
    control_.Close();
    CallAsync("first");
    control_.AwaitBatches(1);
  }
  DrpcFunctionStatus status() const { return server_->Functions().at(0); }

  SteppedClock clock_;
  HandlerControl control_;
  Answers answers_;
  std::unique_ptr<DrpcServer> server_;
};

TEST_F(DrpcServerTest, AnAnswerHasItsRowsFieldsAndTxid) {
  Start();
  const DrpcResult result = server_->Call("words", "cat the dog", In(kLong));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(TextOf(result), "cat the dog");
  EXPECT_THAT(*result->fields, ElementsAre("answer"));
  EXPECT_EQ(result->txid, TxId(7));
}

TEST_F(DrpcServerTest, ALoneCallIsExecutedByItsOwnThread) {
  Start();
  ASSERT_TRUE(server_->Call("words", "x", In(kLong)).ok());
  EXPECT_THAT(control_.threads(), ElementsAre(std::this_thread::get_id()));
}

// A handler that has others, all behind one gate.
class TwinHandler final : public RequestHandler {
 public:
  explicit TwinHandler(HandlerControl& control) : control_(control), held_(control) {}
  std::unique_ptr<RequestHandler> Another() const override {
    return std::make_unique<TwinHandler>(control_);
  }
  void Execute(std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results) override {
    if (requests[0].args == "slow") return held_.Execute(requests, results);
    for (size_t i = 0; i < requests.size(); ++i) results[i] = AnswerOf("quick");
  }

 private:
  HandlerControl& control_;
  HeldHandler held_;
};

TEST_F(DrpcServerTest, ASlowCallHoldsUpNoOtherOfItsFunction) {
  server_ = std::make_unique<DrpcServer>(clock_);
  ASSERT_TRUE(server_->Register("words", std::make_unique<TwinHandler>(control_)).ok());
  control_.Close();
  for (size_t slow = 1; slow < kDrpcBatchesAtOnceMax; ++slow) {
    CallAsync("slow");
    control_.AwaitBatches(slow);
    clock_.Advance(kDrpcSlowMicros * kMicrosecond);
  }
  CallAsync("quick");
  answers_.Await(1);
  EXPECT_EQ(TextOf(answers_.Get(kDrpcBatchesAtOnceMax - 1)), "quick");
  EXPECT_EQ(server_->UnderWayFor(0).size(), 1u);
  control_.Open();
  answers_.Await(kDrpcBatchesAtOnceMax);
  EXPECT_EQ(status().batches, static_cast<uint64_t>(kDrpcBatchesAtOnceMax));
}

TEST_F(DrpcServerTest, ABatchIsAbandonedWhenNoneOfItsRequestsIsWaitedFor) {
  Start();
  Occupy();
  clock_.Advance(kSecond);
  EXPECT_EQ(server_->UnderWayFor(0).size(), 1u);
  EXPECT_EQ(server_->AbandonedFor(0).size(), 0u) << "somebody waits for it";
  clock_.Advance(kLong);
  ASSERT_EQ(server_->AbandonedFor(kLong).size(), 1u) << "its deadline is over";
  EXPECT_EQ(server_->AbandonedFor(0)[0], std::make_pair(std::string("words"), kLong + kSecond));
  control_.Open();
  answers_.Await(1);
}

TEST_F(DrpcServerTest, AtTheLimitWhatWaitsBeginsWhenABatchEnds) {
  server_ = std::make_unique<DrpcServer>(clock_);
  ASSERT_TRUE(server_->Register("words", std::make_unique<TwinHandler>(control_)).ok());
  control_.Close();
  for (size_t slow = 1; slow <= kDrpcBatchesAtOnceMax; ++slow) {
    CallAsync("slow");
    control_.AwaitBatches(slow);
    clock_.Advance(kDrpcSlowMicros * kMicrosecond);
  }
  CallAsync("quick");
  EXPECT_EQ(status().waiting, 1);
  control_.Open();
  answers_.Await(kDrpcBatchesAtOnceMax + 1);
  EXPECT_EQ(status().waiting, 0);
}

TEST_F(DrpcServerTest, StopTellsWhatIsExecutedThatNobodyWaits) {
  control_.answer = [&](std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results) {
    EXPECT_TRUE(NobodyWaits(requests, clock_.MonotonicNanos()));
    results[0] = absl::CancelledError("given up");
  };
  Start();
  Occupy();
  server_->Stop();
  control_.Open();
  answers_.Await(1);
  EXPECT_EQ(answers_.CountOf(StatusCode::kCancelled), 1u);
}

TEST_F(DrpcServerTest, TheNetworksThreadExecutesOnlyWhatIsKnownToBeShort) {
  bool slow = false;
  control_.answer = [&](std::span<const DrpcRequest>, std::vector<DrpcResult>& results) {
    if (slow) clock_.Advance((kDrpcInlineMicrosMax + 1) * kMicrosecond);
    results[0] = AnswerOf("ok");
  };
  Start();
  const auto executed_here = [&] {
    const size_t before = answers_.count();
    CallAsync("x");
    answers_.Await(before + 1);
    return control_.threads().back() == std::this_thread::get_id();
  };
  EXPECT_FALSE(executed_here()) << "nothing is known of it yet";
  EXPECT_TRUE(executed_here());
  EXPECT_TRUE(executed_here());
  slow = true;
  EXPECT_TRUE(executed_here()) << "it was short so far";
  slow = false;
  EXPECT_FALSE(executed_here()) << "it was slow just now";
}

TEST_F(DrpcServerTest, WhatWaitsIsTakenTogetherInOrder) {
  Start();
  Occupy();
  for (const char* args : {"a", "b", "c"}) CallAsync(args);
  EXPECT_EQ(status().waiting, 3);
  control_.Open();
  answers_.Await(4);
  EXPECT_THAT(control_.batches(), ElementsAre(ElementsAre("first"), ElementsAre("a", "b", "c")));
  EXPECT_EQ(TextOf(answers_.Get(3)), "c");
  EXPECT_EQ(status().answered, 4u);
  EXPECT_EQ(status().batches, 2u);
  EXPECT_EQ(status().waiting, 0);
}

TEST_F(DrpcServerTest, ABatchHasAtMostItsLimit) {
  Start({.batch_max = 2});
  Occupy();
  for (const char* args : {"a", "b", "c"}) CallAsync(args);
  control_.Open();
  answers_.Await(4);
  EXPECT_THAT(control_.batches(),
              ElementsAre(ElementsAre("first"), ElementsAre("a", "b"), ElementsAre("c")));
}

TEST_F(DrpcServerTest, AFloodIsRefusedAtTheQueuesLimitAndWhatWasAdmittedIsAnswered) {
  constexpr int64_t kQueue = 32;
  Start({.queue_max = kQueue});
  Occupy();
  for (int64_t i = 0; i < 20 * kQueue; ++i) {
    CallAsync("x" + std::to_string(i));
    ASSERT_LE(status().waiting, kQueue);
  }
  EXPECT_EQ(answers_.CountOf(StatusCode::kResourceExhausted), 19u * kQueue);
  EXPECT_THAT(answers_.Get(kQueue + 1).status().ToString(),
              HasSubstr("queue of DRPC function 'words' is full: 32 requests"));
  EXPECT_EQ(status().refused, 19u * kQueue);
  control_.Open();
  answers_.Await(20 * kQueue + 1);
  EXPECT_EQ(answers_.CountOf(StatusCode::kOk), kQueue + 1u);
}

TEST_F(DrpcServerTest, LargeArgumentsFillTheQueueByTheirBytes) {
  Start({.queue_bytes_max = 100});
  Occupy();
  CallAsync(std::string(200, 'a'));  // an empty queue takes any single request
  CallAsync("b");
  EXPECT_EQ(answers_.CountOf(StatusCode::kResourceExhausted), 1u);
  control_.Open();
  answers_.Await(3);
  EXPECT_TRUE(answers_.Get(1).ok());
}

TEST_F(DrpcServerTest, ARequestPastItsDeadlineIsDroppedBeforeWork) {
  Start();
  Occupy();
  CallAsync("short", kSecond);
  CallAsync("long");
  clock_.Advance(2 * kSecond);
  control_.Open();
  answers_.Await(3);
  EXPECT_THAT(control_.batches(), ElementsAre(ElementsAre("first"), ElementsAre("long")));
  EXPECT_EQ(answers_.Get(1).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_THAT(answers_.Get(1).status().ToString(), HasSubstr("1000 ms ago"));
  EXPECT_EQ(status().expired, 1u);
}

TEST_F(DrpcServerTest, ARequestThatComesTooLateIsNotQueued) {
  Start();
  EXPECT_EQ(server_->Call("words", "x", In(0)).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server_->Call("words", "x", In(-kLong)).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(control_.batches().empty());
}

// Batches take 1 s here, so a request with 0.5 s left would be work for nobody.
TEST_F(DrpcServerTest, UnderLoadWorkGoesOnlyIntoAnswersThatCanBeInTime) {
  control_.answer = [&](std::span<const DrpcRequest>, std::vector<DrpcResult>& results) {
    clock_.Advance(kSecond);
    for (DrpcResult& result : results) result = AnswerOf("ok");
  };
  Start();
  ASSERT_TRUE(server_->Call("words", "measures", In(kLong)).ok());
  control_.Close();
  CallAsync("first");
  control_.AwaitBatches(2);
  CallAsync("hopeless", kSecond + kSecond / 2);
  CallAsync("patient", 10 * kSecond);
  control_.Open();
  answers_.Await(3);
  EXPECT_THAT(control_.batches().back(), ElementsAre("patient"));
  EXPECT_THAT(answers_.Get(1).status().ToString(), HasSubstr("too busy to answer in the 500 ms"));
}

TEST_F(DrpcServerTest, WhenAllAreLateTheNewestAreTried) {
  control_.answer = [&](std::span<const DrpcRequest>, std::vector<DrpcResult>& results) {
    clock_.Advance(kSecond);
    for (DrpcResult& result : results) result = AnswerOf("ok");
  };
  Start({.batch_max = 1});
  ASSERT_TRUE(server_->Call("words", "measures", In(kLong)).ok());
  control_.Close();
  CallAsync("first");
  control_.AwaitBatches(2);
  CallAsync("older", kSecond + kSecond / 4);
  CallAsync("newer", kSecond + kSecond / 2);
  control_.Open();
  answers_.Await(3);
  EXPECT_THAT(control_.batches().back(), ElementsAre("newer"));
  EXPECT_EQ(answers_.Get(1).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(answers_.Get(2).ok());
}

TEST_F(DrpcServerTest, ACancelledRequestLeavesTheQueueAtOnce) {
  Start({.queue_max = 1});
  Occupy();
  DrpcTicket ticket = CallAsync("gone");
  ticket.Cancel();
  EXPECT_EQ(answers_.Calls(1), 1u);
  EXPECT_EQ(answers_.Get(1).status().code(), StatusCode::kCancelled);
  EXPECT_EQ(status().waiting, 0);
  CallAsync("kept");  // its place is free again
  ticket.Cancel();    // again: nothing
  control_.Open();
  answers_.Await(3);
  EXPECT_THAT(control_.batches(), ElementsAre(ElementsAre("first"), ElementsAre("kept")));
  EXPECT_EQ(answers_.Calls(1), 1u);
  EXPECT_TRUE(answers_.Get(2).ok());
}

TEST_F(DrpcServerTest, ARunningRequestHearsOfItsCancellation) {
  std::atomic<bool> heard{false};
  control_.answer = [&](std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results) {
    heard = requests[0].cancelled->load();
    results[0] = AnswerOf("done anyway");
  };
  Start();
  control_.Close();
  DrpcTicket ticket = CallAsync("x");
  control_.AwaitBatches(1);
  ticket.Cancel();
  EXPECT_EQ(answers_.count(), 0u);
  control_.Open();
  answers_.Await(1);
  EXPECT_TRUE(heard);
  EXPECT_EQ(TextOf(answers_.Get(0)), "done anyway");
}

TEST_F(DrpcServerTest, ATicketMayOutliveTheServer) {
  Start();
  DrpcTicket ticket = CallAsync("x");
  answers_.Await(1);
  server_.reset();
  ticket.Cancel();
  EXPECT_EQ(answers_.Calls(0), 1u);
  DrpcTicket().Cancel();
}

TEST_F(DrpcServerTest, AnUnknownFunctionIsRefusedWithTheNearestName) {
  Start();
  ASSERT_TRUE(server_->Register("reach", std::make_unique<HeldHandler>(control_)).ok());
  const Status status = server_->Call("word", "x", In(kLong)).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_EQ(Message(status),
            "there is no DRPC function 'word'; did you mean 'words'? The functions are: reach, "
            "words");
  const Status huge = server_->Call(std::string(1 << 20, 'w'), "x", In(kLong)).status();
  EXPECT_LT(Message(huge).size(), 1000u);
}

TEST_F(DrpcServerTest, FunctionsAreRegisteredOnceByAUsableName) {
  Start();
  const auto add = [&](std::string name) {
    return server_->Register(std::move(name), std::make_unique<HeldHandler>(control_)).code();
  };
  EXPECT_EQ(add("words"), StatusCode::kAlreadyExists);
  EXPECT_EQ(add(""), StatusCode::kInvalidArgument);
  EXPECT_EQ(add(std::string(256, 'f')), StatusCode::kInvalidArgument);
  EXPECT_EQ(add("other"), StatusCode::kOk);
  server_->Shutdown();
  EXPECT_EQ(add("late"), StatusCode::kFailedPrecondition);
}

TEST_F(DrpcServerTest, ArgumentsOverTheLimitAreRefused) {
  Start();
  const std::string most(kDrpcArgumentBytesMax, 'x');
  EXPECT_TRUE(server_->Call("words", most, In(kLong)).ok());
  const Status status = server_->Call("words", most + "x", In(kLong)).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.ToString(), HasSubstr("1048577 bytes, at most 1048576"));
}

TEST_F(DrpcServerTest, OneBadRequestDoesNotFailItsNeighbours) {
  control_.answer = [&](std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results) {
    for (size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].args == "poison") throw std::runtime_error("step count: bad word");
      results[i] = AnswerOf(std::string(requests[i].args));
    }
  };
  Start();
  Occupy();
  for (const char* args : {"a", "poison", "c"}) CallAsync(args);
  control_.Open();
  answers_.Await(4);
  EXPECT_EQ(TextOf(answers_.Get(1)), "a");
  EXPECT_EQ(TextOf(answers_.Get(2)), "ABORTED: DRPC function 'words' failed: step count: bad word");
  EXPECT_EQ(TextOf(answers_.Get(3)), "c");
}

TEST_F(DrpcServerTest, ABatchAnsweredWithAbortedIsExecutedOneByOne) {
  control_.answer = [&](std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results) {
    bool bad = false;
    for (const DrpcRequest& request : requests) bad |= request.args == "poison";
    for (size_t i = 0; i < requests.size(); ++i) {
      results[i] = bad ? DrpcResult(Aborted("the batch failed"))
                       : DrpcResult(AnswerOf(std::string(requests[i].args)));
    }
  };
  Start();
  Occupy();
  for (const char* args : {"poison", "b"}) CallAsync(args);
  control_.Open();
  answers_.Await(3);
  EXPECT_EQ(answers_.Get(1).status().code(), StatusCode::kAborted);
  EXPECT_EQ(TextOf(answers_.Get(2)), "b");
}

TEST_F(DrpcServerTest, AHandlerThatMiscountsIsNotBelieved) {
  control_.answer = [&](std::span<const DrpcRequest>, std::vector<DrpcResult>& results) {
    results.pop_back();
  };
  Start();
  const Status status = server_->Call("words", "x", In(kLong)).status();
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_THAT(status.ToString(), HasSubstr("0 answers to 1 requests"));
}

TEST_F(DrpcServerTest, ARequestThatTheHandlerLeavesOutIsAnErrorNotSilence) {
  control_.answer = [](std::span<const DrpcRequest>, std::vector<DrpcResult>&) {};
  Start();
  EXPECT_EQ(server_->Call("words", "x", In(kLong)).status().code(), StatusCode::kInternal);
}

TEST_F(DrpcServerTest, ShutdownAnswersWhatWaitsAndRefusesWhatComes) {
  Start();
  Occupy();
  CallAsync("waits");
  std::thread stopping([&] { server_->Shutdown(); });
  answers_.Await(1);
  EXPECT_EQ(answers_.Get(1).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(server_->Call("words", "late", In(kLong)).status().code(), StatusCode::kUnavailable);
  control_.Open();
  stopping.join();
  EXPECT_EQ(TextOf(answers_.Get(0)), "first") << "what was begun is finished";
}

TEST(DrpcServerRealTimeTest, ACallReturnsAtItsDeadlineThoughTheHandlerDoesNot) {
  HandlerControl control;
  Answers answers;
  DrpcServer server(RealClock());
  ASSERT_TRUE(server.Register("words", std::make_unique<HeldHandler>(control)).ok());
  control.Close();
  server.CallAsync("words", "first", RealClock().MonotonicNanos() + kLong, answers.Slot());
  control.AwaitBatches(1);
  const DrpcResult result =
      server.Call("words", "x", RealClock().MonotonicNanos() + 5 * kMillisecond);
  EXPECT_EQ(result.status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(server.Functions().at(0).waiting, 0) << "nobody waits for it any more";
  control.Open();
  answers.Await(1);
}

TEST(DrpcServerRealTimeTest, CallsCancellationsAndShutdownFromManyThreadsAnswerEachOnce) {
  HandlerControl control;
  DrpcServer server(RealClock(), {.queue_max = 16, .batch_max = 4});
  ASSERT_TRUE(server.Register("words", std::make_unique<HeldHandler>(control)).ok());
  constexpr int kThreads = 4, kCalls = 500;
  std::vector<Answers> answers(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Rng rng(t);
      for (int i = 0; i < kCalls; ++i) {
        const Nanos deadline = RealClock().MonotonicNanos() + kLong;
        if (rng.Chance(0.3)) {
          EXPECT_NE(server.Call("words", "sync", deadline).status().code(), StatusCode::kInternal);
        }
        DrpcTicket ticket = server.CallAsync("words", "x", deadline, answers[t].Slot());
        if (rng.Chance(0.3)) ticket.Cancel();
      }
    });
  }
  answers[0].Await(kCalls / 2);
  server.Shutdown();
  for (std::thread& thread : threads) thread.join();
  for (const Answers& each : answers) {
    for (size_t i = 0; i < kCalls; ++i) EXPECT_EQ(each.Calls(i), 1u);
  }
}

}  // namespace
}  // namespace trident
