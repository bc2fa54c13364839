// SPDX-License-Identifier: Apache-2.0
//
// Words between a leader and its workers over real gRPC, while both live.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "coordinator/cluster/control_client.h"
#include "coordinator/cluster/control_server.h"
#include "tests/coordinator/cluster/control_ends.h"
#include "tests/coordinator/cluster/word_samples.h"

namespace trident {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::string> Numbered(const std::string& start, uint64_t count) {
  std::vector<std::string> out;
  for (uint64_t i = 0; i < count; ++i) out.push_back(start + std::to_string(i));
  return out;
}

TEST(ControlStreamTest, WordsPassBothWaysInTheirOrder) {
  constexpr uint64_t kWords = 5'000;
  LeaderEnd leader;
  WorkerEnd worker(Dialling(leader.server->address(), 3));
  ASSERT_EQ(leader.notes.Await("open 3.1"), "open 3.1");
  ASSERT_EQ(worker.notes.Await("open"), "open");
  std::thread up([&] {
    for (uint64_t i = 0; i < kWords; ++i) worker.client->Tell(Up(3, i));
  });
  for (uint64_t i = 0; i < kWords; ++i) leader.server->Tell(WorkerId(3), Down(i));
  up.join();
  ASSERT_NE(worker.notes.Await("word ", kWords), "");
  ASSERT_NE(leader.notes.Await("word 3.1 ", kWords), "");

  std::vector<std::string> at_worker = worker.notes.all();
  at_worker.erase(at_worker.begin());  // "open"
  EXPECT_THAT(at_worker, ElementsAreArray(Numbered("word ", kWords)));
  std::vector<std::string> at_leader = leader.notes.all();
  at_leader.erase(at_leader.begin(), at_leader.begin() + 2);  // "hello 3.1", "open 3.1"
  EXPECT_THAT(at_leader, ElementsAreArray(Numbered("word 3.1 ", kWords)));
  EXPECT_EQ(leader.server->counts().open, 1);
}

TEST(ControlStreamTest, EveryWorkerHearsItsOwnWordsInTheOrderOfWhoTellsThem) {
  constexpr uint32_t kWorkers = 12;
  constexpr uint64_t kWords = 300;
  LeaderEnd leader;
  std::vector<std::unique_ptr<WorkerEnd>> workers;
  for (uint32_t w = 0; w < kWorkers; ++w) {
    workers.push_back(std::make_unique<WorkerEnd>(Dialling(leader.server->address(), w)));
  }
  for (uint32_t w = 0; w < kWorkers; ++w) {
    ASSERT_NE(leader.notes.Await("open " + std::to_string(w) + ".1"), "");
    ASSERT_NE(workers[w]->notes.Await("open"), "");
  }
  std::vector<std::thread> telling;
  for (uint32_t t = 0; t < 3; ++t) {
    telling.emplace_back([&, t] {
      for (uint64_t i = 0; i < kWords; ++i) {
        for (uint32_t w = t; w < kWorkers; w += 3) {
          leader.server->Tell(WorkerId(w), Down(1000 * w + i));
          workers[w]->client->Tell(Up(w, i));
        }
      }
    });
  }
  for (std::thread& thread : telling) thread.join();
  for (uint32_t w = 0; w < kWorkers; ++w) {
    ASSERT_NE(workers[w]->notes.Await("word ", kWords), "");
    const std::vector<std::string> notes = workers[w]->notes.all();
    ASSERT_EQ(notes.size(), 1 + kWords);
    for (uint64_t i = 0; i < kWords; ++i) {
      ASSERT_EQ(notes[1 + i], "word " + std::to_string(1000 * w + i));
    }
    ASSERT_NE(leader.notes.Await("word " + std::to_string(w) + ".1 ", kWords), "");
  }
  EXPECT_EQ(leader.server->counts().open, kWorkers);
  EXPECT_EQ(leader.server->counts().refused_messages, 0);
}

// The word as life 1 of worker 3 says it.
WorkerWord InTheNameOfWorker3(WorkerWord word) {
  const auto sign = [](auto& w) {
    if constexpr (requires { w.worker; }) w.worker = WorkerId(3);
    if constexpr (requires { w.worker, w.incarnation; }) w.incarnation = Incarnation(1);
  };
  std::visit(
      [&](auto& w) {
        sign(w);
        if constexpr (std::is_same_v<std::decay_t<decltype(w)>, GroupWordToLeader>) {
          std::visit(sign, w.word);
        }
      },
      word);
  return word;
}

TEST(ControlStreamTest, EveryKindOfWordArrivesAsItWasTold) {
  LeaderEnd leader;
  Notes at_leader, at_worker;
  leader.heard = [&](WorkerId, const std::vector<WorkerWord>& words) {
    for (const WorkerWord& word : words) at_leader.Add(TextOf(word));
  };
  WorkerEnd worker(Dialling(leader.server->address(), 3));
  ASSERT_EQ(worker.notes.Await("open"), "open");
  // The worker's thread reads this only when a word has come, which is told after.
  worker.heard = [&](const std::vector<LeaderWord>& words) {
    for (const LeaderWord& word : words) at_worker.Add(TextOf(word));
  };
  std::vector<std::string> down, up;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const LeaderWord& word : AllLeaderWords(seed)) {
      down.push_back(TextOf(word));
      leader.server->Tell(WorkerId(3), word);
    }
    for (const WorkerWord& word : AllWorkerWords(seed)) {
      const WorkerWord signed_word = InTheNameOfWorker3(word);
      up.push_back(TextOf(signed_word));
      worker.client->Tell(signed_word);
    }
  }
  ASSERT_TRUE(AwaitThat([&] { return at_worker.all().size() == down.size(); }));
  EXPECT_EQ(at_worker.all(), down);
  ASSERT_TRUE(AwaitThat([&] { return at_leader.all().size() == up.size(); }));
  EXPECT_EQ(at_leader.all(), up);
}

TEST(ControlStreamTest, AWordOfSeveralMegabytesArrivesWhole) {
  LeaderEnd leader;
  WorkerEnd worker(Dialling(leader.server->address(), 3));
  ASSERT_EQ(worker.notes.Await("open"), "open");
  std::atomic<size_t> size = 0;
  worker.heard = [&](const std::vector<LeaderWord>& words) {
    if (const auto* welcome = std::get_if<Welcome>(&words[0])) {
      size = welcome->spouts.at(0).partitions.at(0).size();
    }
  };
  constexpr size_t kSize = 9'000'000;
  leader.server->Tell(WorkerId(3), Welcome{.epoch = Epoch(1),
                                           .workers = {},
                                           .spouts = {{SpoutId(0), {std::string(kSize, 'p')}}}});
  leader.server->Tell(WorkerId(3), Down(1));
  EXPECT_EQ(worker.notes.Await("word 1"), "word 1");
  EXPECT_EQ(size, kSize);
}

TEST(ControlStreamTest, WordsArriveWhileEventsTellOthers) {
  // A word down, its answer up, and so on, all told by the events' threads.
  constexpr uint64_t kRounds = 500;
  LeaderEnd leader;
  leader.heard = [&](WorkerId worker, const std::vector<WorkerWord>& words) {
    for (const WorkerWord& word : words) {
      const uint64_t round = std::get<word::LeaseAcknowledged>(word).round;
      if (round < kRounds) leader.server->Tell(worker, Down(round + 1));
    }
  };
  WorkerEnd worker(Dialling(leader.server->address(), 3));
  ASSERT_EQ(worker.notes.Await("open"), "open");
  worker.heard = [&](const std::vector<LeaderWord>& words) {
    for (const LeaderWord& word : words) {
      worker.client->Tell(Up(3, std::get<word::LeaseRound>(word).round));
    }
  };
  leader.server->Tell(WorkerId(3), Down(1));
  EXPECT_NE(leader.notes.Await("word 3.1 " + std::to_string(kRounds)), "");
}

TEST(ControlStreamTest, WordsThatAreToldWithoutAStreamAreDropped) {
  std::string address;
  {
    LeaderEnd leader;
    address = leader.server->address();
    leader.server->Tell(WorkerId(3), Down(1));  // nobody has dialled
  }
  WorkerEnd worker(Dialling(address, 3));
  worker.client->Tell(Up(3, 1));  // nobody is there
  LeaderEnd leader({.address = address, .timing = PatientTiming()});
  ASSERT_EQ(worker.notes.Await("open"), "open");
  worker.client->Tell(Up(3, 2));
  ASSERT_NE(leader.notes.Await("word 3.1 "), "");
  EXPECT_EQ(leader.notes.all().back(), "word 3.1 2");
  leader.server->Tell(WorkerId(3), Down(2));
  EXPECT_EQ(worker.notes.Await("word "), "word 2");
}

TEST(ControlStreamTest, HeartbeatsKeepAQuietStreamOpen) {
  const ControlTiming timing{
      .heartbeat = 20 * kMillisecond, .silence_max = 1 * kSecond, .keepalive = 30 * kSecond};
  LeaderEnd leader({.timing = timing});
  ControlClientOptions options = Dialling(leader.server->address(), 3);
  options.timing = timing;
  WorkerEnd worker(options);
  ASSERT_EQ(worker.notes.Await("open"), "open");
  const Nanos until = RealClock().MonotonicNanos() + 5 * kSecond / 2;
  ASSERT_TRUE(AwaitThat([&] { return RealClock().MonotonicNanos() > until; }));
  EXPECT_EQ(worker.notes.all(), std::vector<std::string>{"open"});
  EXPECT_EQ(leader.server->counts().open, 1);
  EXPECT_EQ(leader.server->counts().silent, 0);
}

TEST(ControlStreamTest, ATakenPortIsRefusedNotShared) {
  LeaderEnd leader;
  const auto second =
      ControlServer::Start({.address = leader.server->address()},
                           {.on_hello = [](WorkerId, const WorkerHello&) { return Status(); },
                            .on_words = [](WorkerId, Incarnation, std::vector<WorkerWord>) {},
                            .on_gone = [](WorkerId, Incarnation, const Status&) {}});
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(std::string(Message(second.status())),
              StartsWith("cannot listen for workers on 127.0.0.1:"));
}

TEST(ControlStreamTest, BothEndsStopTwiceAndInEitherOrder) {
  for (const bool leader_first : {true, false}) {
    LeaderEnd leader;
    WorkerEnd worker(Dialling(leader.server->address(), 3));
    ASSERT_EQ(worker.notes.Await("open"), "open");
    if (leader_first) leader.server->Stop();
    worker.client->Stop();
    leader.server->Stop();
    worker.client->Stop();
    leader.server->Stop();
    const size_t notes = worker.notes.all().size() + leader.notes.all().size();
    worker.client->Tell(Up(3, 1));
    leader.server->Tell(WorkerId(3), Down(1));
    worker.client = nullptr;
    leader.server = nullptr;
    EXPECT_EQ(worker.notes.all().size() + leader.notes.all().size(), notes);
  }
}

}  // namespace
}  // namespace trident
