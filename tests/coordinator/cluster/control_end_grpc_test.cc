// SPDX-License-Identifier: Apache-2.0
//
// Ends of control streams: processes that die, that stand still, that do not read; networks that
// break.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "coordinator/cluster/control_client.h"
#include "coordinator/cluster/control_codec.h"
#include "coordinator/cluster/control_server.h"
#include "tests/coordinator/cluster/control_ends.h"
#include "tests/coordinator/cluster/raw_worker.h"
#include "tests/coordinator/cluster/socket_relay.h"

namespace trident {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Nanos Now() { return RealClock().MonotonicNanos(); }

// Both ends with the times of the product, and a network between them.
struct Pair {
  explicit Pair(ControlTiming timing = {})
      : leader({.timing = timing}), relay(leader.server->address()) {
    ControlClientOptions options = Dialling(relay.address(), 3);
    options.timing = timing;
    worker = std::make_unique<WorkerEnd>(options);
    EXPECT_EQ(worker->notes.Await("open"), "open");
    EXPECT_EQ(leader.notes.Await("open 3.1"), "open 3.1");
  }

  LeaderEnd leader;
  SocketRelay relay;
  std::unique_ptr<WorkerEnd> worker;
};

TEST(ControlEndTest, ALeaderHearsWithinOneAndAHalfSecondsThatAWorkerHasGone) {
  Pair pair;
  const Nanos start = Now();
  pair.worker = nullptr;
  EXPECT_THAT(pair.leader.notes.Await("gone 3.1"), StartsWith("gone 3.1 UNAVAILABLE"));
  EXPECT_LT(Now() - start, 1'500 * kMillisecond);
  EXPECT_EQ(pair.leader.server->counts().open, 0);
}

TEST(ControlEndTest, AWorkerDialsAgainWhenItsLeaderComesBackAtTheSamePort) {
  auto leader = std::make_unique<LeaderEnd>();
  const std::string address = leader->server->address();
  std::vector<std::unique_ptr<WorkerEnd>> workers;
  for (uint32_t w = 0; w < 4; ++w) {
    workers.push_back(std::make_unique<WorkerEnd>(Dialling(address, w)));
    ASSERT_EQ(workers[w]->notes.Await("open"), "open");
  }
  leader = nullptr;
  for (const auto& worker : workers) {
    EXPECT_THAT(worker->notes.Await("gone"), StartsWith("gone UNAVAILABLE"));
  }
  leader = std::make_unique<LeaderEnd>(
      ControlServerOptions{.address = address, .timing = PatientTiming()});
  for (uint32_t w = 0; w < 4; ++w) {
    ASSERT_EQ(workers[w]->notes.Await("open", 2), "open");
    leader->server->Tell(WorkerId(w), Down(w));
    EXPECT_EQ(workers[w]->notes.Await("word"), "word " + std::to_string(w));
    workers[w]->client->Tell(Up(w, 7));
    EXPECT_NE(leader->notes.Await("word " + std::to_string(w) + ".1 7"), "");
  }
}

TEST(ControlEndTest, BothEndsHearOfAConnectionThatBreaksAndMeetAgain) {
  Pair pair;
  pair.relay.Cut();
  EXPECT_NE(pair.worker->notes.Await("gone"), "");
  EXPECT_NE(pair.leader.notes.Await("gone 3.1"), "");
  EXPECT_EQ(pair.worker->notes.Await("open", 2), "open");
  EXPECT_EQ(pair.leader.notes.Await("open 3.1", 2), "open 3.1");
  pair.leader.server->Tell(WorkerId(3), Down(5));
  EXPECT_EQ(pair.worker->notes.Await("word"), "word 5");
}

TEST(ControlEndTest, BothEndsHearOfAPeerThatStandsStillWithItsConnectionOpen) {
  // gRPC's pings are off, so that this is about heartbeats.
  Pair pair({.keepalive = 60 * kSecond});
  const Nanos start = Now();
  pair.relay.StandStill();
  EXPECT_EQ(pair.leader.notes.Await("gone 3.1"),
            "gone 3.1 DEADLINE_EXCEEDED: nothing was heard from the other end of the control "
            "stream for 1000 ms");
  EXPECT_THAT(pair.worker->notes.Await("gone"), StartsWith("gone DEADLINE_EXCEEDED"));
  // A second and a look; the rest is for machines that are busy.
  EXPECT_GE(Now() - start, 800 * kMillisecond);
  EXPECT_LT(Now() - start, 3 * kSecond);
  EXPECT_EQ(pair.leader.server->counts().silent, 1);

  pair.relay.GoOn();
  EXPECT_EQ(pair.worker->notes.Await("open", 2), "open");
  pair.worker->client->Tell(Up(3, 8));
  EXPECT_EQ(pair.leader.notes.Await("word 3.1"), "word 3.1 8");
}

TEST(ControlEndTest, PingsAloneFindANetworkThatStandsStill) {
  Pair pair({.silence_max = 60 * kSecond});
  const Nanos start = Now();
  pair.relay.StandStill();
  EXPECT_THAT(pair.leader.notes.Await("gone 3.1"), StartsWith("gone 3.1 UNAVAILABLE"));
  EXPECT_NE(pair.worker->notes.Await("gone"), "");
  EXPECT_LT(Now() - start, 5 * kSecond);
}

TEST(ControlEndTest, AStreamWithoutAHelloIsCutAfterTheSameSilence) {
  LeaderEnd leader({.timing = {.heartbeat = 20 * kMillisecond,
                               .silence_max = 200 * kMillisecond,
                               .keepalive = 30 * kSecond}});
  RawWorker worker(leader.server->address());
  EXPECT_EQ(worker.AwaitEnd().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(AwaitThat([&] { return leader.server->counts().silent == 1; }));
  EXPECT_TRUE(leader.notes.all().empty());
}

// Lines of the log while it lives.
class LogLines {
 public:
  LogLines() {
    SetLogSink([this](LogLevel, std::string_view line) { notes.Add(std::string(line)); });
  }
  ~LogLines() { SetLogSink(nullptr); }

  Notes notes;
};

TEST(ControlEndTest, AWorkerThatNobodyAnswersSaysForWhomItWaits) {
  const Listener nobody;  // the kernel takes the connection, and nobody ever reads it
  LogLines lines;
  WorkerEnd worker(Dialling(nobody.address(), 3));
  ControlClientOptions options = Dialling(nobody.address(), 4);
  options.timing = {};
  WorkerEnd impatient(options);
  ASSERT_TRUE(AwaitThat([&] { return !lines.notes.all().empty(); }));
  EXPECT_THAT(lines.notes.all()[0],
              HasSubstr("worker 4 waits for the leader of topology wordcount at " +
                        nobody.address() + ": "));
  worker.client->Stop();
  impatient.client->Stop();
  EXPECT_TRUE(worker.notes.all().empty());
  EXPECT_TRUE(impatient.notes.all().empty()) << "nobody refused it either";
}

TEST(ControlEndTest, AWorkerWithoutALeaderStopsAtOnce) {
  std::string address;
  {
    const Listener listener;
    address = listener.address();
  }
  const Nanos start = Now();
  {
    WorkerEnd worker(Dialling(address, 3));
    worker.client->Tell(Up(3, 1));
  }
  EXPECT_LT(Now() - start, 2 * kSecond);
}

// An event that does not return until it is let go.
class Gate {
 public:
  void Pass() {
    MutexLock lock(mutex_);
    while (!is_open_) opened_.Wait(mutex_);
  }
  void Open() {
    MutexLock lock(mutex_);
    is_open_ = true;
    opened_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar opened_;
  bool is_open_ TRIDENT_GUARDED_BY(mutex_) = false;
};

// Opens it at the latest when a test ends, so that a test that fails also ends.
class OpensGate {
 public:
  explicit OpensGate(Gate& gate) : gate_(gate) {}
  ~OpensGate() { gate_.Open(); }
  OpensGate(const OpensGate&) = delete;
  OpensGate& operator=(const OpensGate&) = delete;

 private:
  Gate& gate_;
};

Welcome LargeWord() {
  return {.epoch = Epoch(1), .workers = {}, .spouts = {{SpoutId(0), {std::string(100'000, 'p')}}}};
}

TEST(ControlEndTest, AStreamWhoseWorkerDoesNotReadEndsAtTheBoundOfWhatWaits) {
  LeaderEnd leader({.timing = PatientTiming(), .queue_bytes_max = 1'000'000});
  Gate gate;
  WorkerEnd worker(Dialling(leader.server->address(), 3));
  const OpensGate opens(gate);
  ASSERT_EQ(worker.notes.Await("open"), "open");
  worker.heard = [&](const std::vector<LeaderWord>&) { gate.Pass(); };
  int told = 0;
  ASSERT_TRUE(AwaitThat([&] {
    leader.server->Tell(WorkerId(3), LargeWord());
    ++told;
    return leader.notes.Count("gone 3.1") > 0;
  }));
  EXPECT_THAT(leader.notes.Await("gone 3.1"),
              StartsWith("gone 3.1 RESOURCE_EXHAUSTED: the other end of the control stream does "
                         "not read: "));
  EXPECT_GE(told, 10);
  EXPECT_EQ(leader.server->counts().overflowed, 1);
  gate.Open();
  EXPECT_NE(worker.notes.Await("gone"), "");
  EXPECT_EQ(worker.notes.Await("open", 2), "open");
}

TEST(ControlEndTest, AStreamWhoseLeaderDoesNotReadEndsAtTheBoundOfWhatWaits) {
  LeaderEnd leader;
  Gate gate;
  leader.heard = [&](WorkerId, const std::vector<WorkerWord>&) { gate.Pass(); };
  ControlClientOptions options = Dialling(leader.server->address(), 3);
  options.queue_bytes_max = 1'000'000;
  WorkerEnd worker(options);
  const OpensGate opens(gate);
  ASSERT_EQ(worker.notes.Await("open"), "open");
  word::Promised word{Epoch(1), WorkerId(3), Incarnation(1), {}};
  word.groups.resize(1);
  word.groups[0].last_life.emplace().process.cause = std::string(100'000, 'c');
  ASSERT_TRUE(AwaitThat([&] {
    worker.client->Tell(word);
    return worker.notes.Count("gone") > 0;
  }));
  EXPECT_THAT(worker.notes.Await("gone"), StartsWith("gone RESOURCE_EXHAUSTED"));
  gate.Open();
  EXPECT_NE(leader.notes.Await("gone 3.1"), "");
  EXPECT_EQ(worker.notes.Await("open", 2), "open");
}

TEST(ControlEndTest, AWordThatIsTooLongEndsTheStreamAndSaysSo) {
  LeaderEnd leader;
  WorkerEnd worker(Dialling(leader.server->address(), 3));
  ASSERT_EQ(worker.notes.Await("open"), "open");
  leader.server->Tell(WorkerId(3), Welcome{.epoch = Epoch(1),
                                           .workers = {},
                                           .spouts = {{SpoutId(0), {std::string(33 << 20, 'p')}}}});
  EXPECT_THAT(leader.notes.Await("gone 3.1"), HasSubstr("is too long for a control stream"));
}

TEST(ControlEndTest, WordsThatAreToldWhileStreamsBreakHarmNobody) {
  Pair pair(PatientTiming());
  std::atomic<bool> is_over = false;
  std::vector<std::thread> telling;
  for (int t = 0; t < 2; ++t) {
    telling.emplace_back([&] {
      while (!is_over) {
        pair.leader.server->Tell(WorkerId(3), Down(1));
        pair.worker->client->Tell(Up(3, 1));
        std::this_thread::yield();
      }
    });
  }
  for (size_t round = 1; round <= 8; ++round) {
    pair.relay.Cut();
    EXPECT_NE(pair.worker->notes.Await("gone", round), "");
    // The worker is let in after the leader has let it in, so both are open.
    EXPECT_NE(pair.worker->notes.Await("open", round + 1), "");
  }
  is_over = true;
  for (std::thread& thread : telling) thread.join();
  pair.leader.server->Tell(WorkerId(3), Down(2));
  EXPECT_EQ(pair.worker->notes.Await("word 2"), "word 2");
  pair.worker->client->Tell(Up(3, 2));
  EXPECT_EQ(pair.leader.notes.Await("word 3.1 2"), "word 3.1 2");
  EXPECT_EQ(pair.leader.server->counts().refused_messages, 0);
}

TEST(ControlEndTest, ALeaderStopsWhileWorkersTalk) {
  for (int round = 0; round < 5; ++round) {
    LeaderEnd leader;
    std::vector<std::unique_ptr<WorkerEnd>> workers;
    for (uint32_t w = 0; w < 3; ++w) {
      workers.push_back(std::make_unique<WorkerEnd>(Dialling(leader.server->address(), w)));
      ASSERT_EQ(workers[w]->notes.Await("open"), "open");
    }
    std::thread telling([&] {
      for (uint64_t i = 0; i < 2'000; ++i) {
        for (uint32_t w = 0; w < 3; ++w) {
          workers[w]->client->Tell(Up(w, i));
          leader.server->Tell(WorkerId(w), Down(i));
        }
      }
    });
    ASSERT_NE(leader.notes.Await("word "), "");
    leader.server->Stop();
    const size_t notes = leader.notes.all().size();
    for (const auto& worker : workers) EXPECT_NE(worker->notes.Await("gone"), "");
    telling.join();
    EXPECT_EQ(leader.notes.all().size(), notes) << "nothing comes after Stop";
    EXPECT_EQ(leader.notes.Count("gone"), 0U);
  }
}

}  // namespace
}  // namespace trident
