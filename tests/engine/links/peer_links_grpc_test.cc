// SPDX-License-Identifier: Apache-2.0
//
// Workers of one process that exchange messages over real streams.
#include "engine/links/peer_links.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/engine/links/random_messages.h"
#include "tests/engine/links/strange_peers.h"

namespace trident {
namespace {

constexpr Epoch kEpoch(5);
constexpr Nanos kPatience = 60 * kSecond;

// What one worker hears.
class Heard {
 public:
  // A sender and a receiver along an edge.
  using Way = std::tuple<TaskAddress, TaskAddress, uint32_t>;

  Status Deliver(const DataMessage& message) {
    const Way way = std::visit([](const auto& m) { return Way(m.from, m.to, m.edge); }, message);
    MutexLock lock(mutex_);
    ++messages_;
    changed_.NotifyAll();
    if (unknown_.contains(std::get<1>(way))) return NotFound("no such task");
    ways_[way].push_back(Described(message));
    return absl::OkStatus();
  }
  void Broken(WorkerId worker, const Status& status) {
    MutexLock lock(mutex_);
    broken_.emplace_back(worker, status);
    changed_.NotifyAll();
  }
  void Refuse(const TaskAddress& task) {
    MutexLock lock(mutex_);
    unknown_.insert(task);
  }

  bool AwaitMessages(uint64_t messages) {
    return Await([&]() TRIDENT_NO_THREAD_SAFETY_ANALYSIS { return messages_ >= messages; });
  }
  // Waits until so many ends of links were told, and returns what was said of the last one.
  Status AwaitBroken(size_t links = 1) {
    Await([&]() TRIDENT_NO_THREAD_SAFETY_ANALYSIS { return broken_.size() >= links; });
    MutexLock lock(mutex_);
    return broken_.size() < links ? absl::OkStatus() : broken_.back().second;
  }
  // False: `done` was not true in all this time.
  bool Await(const std::function<bool()>& done) {
    const Nanos until = RealClock().MonotonicNanos() + kPatience;
    MutexLock lock(mutex_);
    while (!done()) {
      if (RealClock().MonotonicNanos() > until) return false;
      changed_.WaitFor(mutex_, 20 * kMillisecond);
    }
    return true;
  }
  std::map<Way, std::vector<std::string>> ways() const {
    MutexLock lock(mutex_);
    return ways_;
  }
  uint64_t messages() const {
    MutexLock lock(mutex_);
    return messages_;
  }
  std::vector<std::pair<WorkerId, Status>> broken() const {
    MutexLock lock(mutex_);
    return broken_;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  uint64_t messages_ = 0;
  std::map<Way, std::vector<std::string>> ways_;
  std::set<TaskAddress> unknown_;
  std::vector<std::pair<WorkerId, Status>> broken_;
};

// Tasks are dealt to the workers in turn; stages 1 and 2 have 20 each.
constexpr uint32_t kTasks = 20;
constexpr uint32_t kStages = 2;

struct Peer {
  Heard heard;
  std::unique_ptr<PeerLinks> links;
};

class PeerLinksTest : public testing::Test {
 protected:
  WorkerId WorkerOf(const TaskAddress& to) const { return WorkerId(to.task % workers_); }
  std::vector<uint32_t> TasksOf(uint32_t worker) const {
    std::vector<uint32_t> tasks;
    for (uint32_t task = worker; task < kTasks; task += workers_) tasks.push_back(task);
    return tasks;
  }
  PeerLinks::Options OptionsOf(uint32_t worker, Peer& peer) {
    return {.self = {kEpoch, WorkerId(worker), Incarnation(1)},
            .token = std::string("a\0secret", 8),
            .worker_of = [this](const TaskAddress& to) { return WorkerOf(to); },
            .tasks_of = [](StageId s) { return s.value() - 1 < kStages ? kTasks : 0; },
            .accept =
                [](const PeerLife& life) {
                  if (life.epoch == kEpoch) return absl::OkStatus();
                  return FailedPrecondition("epoch ", life.epoch.value(), " is over");
                },
            .deliver = [&peer](const DataMessage& m) { return peer.heard.Deliver(m); },
            .on_broken = [&peer](WorkerId w, const Status& s) { peer.heard.Broken(w, s); }};
  }
  void Start(uint32_t worker, const std::function<void(PeerLinks::Options&)>& change = {}) {
    auto peer = std::make_unique<Peer>();
    PeerLinks::Options options = OptionsOf(worker, *peer);
    if (change) change(options);
    auto links = PeerLinks::Start(std::move(options));
    ASSERT_TRUE(links.ok()) << links.status();
    peer->links = *std::move(links);
    peers_[worker] = std::move(peer);
  }
  void StartAll(uint32_t workers) {
    workers_ = workers;
    for (uint32_t worker = 0; worker < workers; ++worker) Start(worker);
  }
  std::string AddressOf(uint32_t worker) {
    return Concat("127.0.0.1:", peers_.at(worker)->links->port());
  }
  void Connect(uint32_t from, uint32_t to) {
    peers_.at(from)->links->Connect(WorkerId(to), AddressOf(to));
  }
  PeerLinks& links(uint32_t worker) { return *peers_.at(worker)->links; }
  Heard& heard(uint32_t worker) { return peers_.at(worker)->heard; }

  uint32_t workers_ = 2;
  std::map<uint32_t, std::unique_ptr<Peer>> peers_;
};

// One thread of a worker that sends: as a task whose number nobody else has.
class Sender {
 public:
  Sender(uint64_t seed, TaskAddress from, std::vector<std::vector<uint32_t>> tasks) : from_(from) {
    for (uint64_t worker = 0; worker < tasks.size(); ++worker) {
      to_worker_.emplace_back(seed * 10 + worker, kStages, std::move(tasks[worker]));
    }
  }
  // What goes out together: messages to one worker or to all of them, those to each side by side.
  MessageGroup Next() {
    MessageGroup group;
    if (to_worker_[0].rng().Chance(0.5)) {
      for (RandomMessages& random : to_worker_) Append(random.Next(), group);
    } else {
      Append(to_worker_[to_worker_[0].rng().Below(to_worker_.size())].Next(), group);
    }
    return group;
  }

 private:
  void Append(MessageGroup messages, MessageGroup& group) {
    for (DataMessage& message : messages) {
      std::visit([this](auto& m) { m.from = from_; }, message);
      group.push_back(std::move(message));
    }
  }

  const TaskAddress from_;
  std::vector<RandomMessages> to_worker_;
};

class PeerLinksManyTest : public PeerLinksTest, public testing::WithParamInterface<uint32_t> {};

TEST_P(PeerLinksManyTest, MessagesOfManyTasksArriveEqualAndInOrder) {
  constexpr int kThreads = 2;
  StartAll(GetParam());
  for (uint32_t from = 0; from < workers_; ++from) {
    for (uint32_t to = 0; to < workers_; ++to) {
      if (from != to) Connect(from, to);
    }
  }
  std::vector<std::vector<uint32_t>> tasks;
  for (uint32_t worker = 0; worker < workers_; ++worker) tasks.push_back(TasksOf(worker));

  Heard expected;  // in all workers together
  std::vector<std::thread> threads;
  std::map<uint32_t, uint64_t> sent_to;
  Mutex mutex;
  for (uint32_t worker = 0; worker < workers_; ++worker) {
    for (uint32_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, worker, thread] {
        Sender sender(worker * kThreads + thread, {StageId(9), worker * kThreads + thread}, tasks);
        for (int i = 0; i < 400; ++i) {
          MessageGroup group = sender.Next();
          for (const DataMessage& message : group) {
            ASSERT_TRUE(expected.Deliver(message).ok());
            MutexLock lock(mutex);
            ++sent_to[WorkerOf(std::visit([](const auto& m) { return m.to; }, message)).value()];
          }
          if (i % 7 == 0) {
            for (DataMessage& message : group) links(worker).Send(std::move(message));
          } else {
            links(worker).SendTogether(std::move(group));
          }
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();

  std::map<Heard::Way, std::vector<std::string>> all;
  for (uint32_t worker = 0; worker < workers_; ++worker) {
    ASSERT_TRUE(heard(worker).AwaitMessages(sent_to[worker]))
        << heard(worker).messages() << " of " << sent_to[worker] << " came";
    EXPECT_EQ(heard(worker).messages(), sent_to[worker]);
    EXPECT_TRUE(heard(worker).broken().empty());
    for (auto& [way, messages] : heard(worker).ways()) {
      EXPECT_EQ(WorkerOf(std::get<1>(way)).value(), worker);
      all[way] = messages;
    }
    const LinkCounts counts = links(worker).counts();
    EXPECT_GT(counts.bundles_sent, 0u);
    EXPECT_GT(counts.bundles_taken, 0u);
    EXPECT_EQ(counts.messages_unsent + counts.messages_refused + counts.bundles_strange, 0u);
  }
  // When all have heard all.
  for (uint32_t worker = 0; worker < workers_; ++worker) {
    for (uint32_t to = 0; to < workers_; ++to) {
      EXPECT_EQ(links(worker).QueuedBytes(WorkerId(to)), 0u);
    }
  }
  EXPECT_EQ(all, expected.ways());
}

INSTANTIATE_TEST_SUITE_P(Workers, PeerLinksManyTest, testing::Values(2, 3));

MessageGroup To(const std::vector<uint32_t>& tasks, uint64_t seed, size_t rows = 30) {
  RandomMessages random(seed, kStages, tasks);
  MessageGroup parts;
  while (parts.empty()) parts = random.Frame(rows);
  return parts;
}

TEST_F(PeerLinksTest, FarIsWhatAnotherWorkerHas) {
  StartAll(2);
  EXPECT_EQ(links(0).FarWorkerOf({StageId(1), 2}), std::nullopt);
  EXPECT_EQ(links(0).FarWorkerOf({StageId(1), 3}), WorkerId(1));
}

TEST_F(PeerLinksTest, APeerThatEndsAmidAStreamIsNoticedAndMayComeAgain) {
  StartAll(2);
  Connect(0, 1);
  Connect(1, 0);
  links(0).SendTogether(To(TasksOf(1), 1));
  links(1).SendTogether(To(TasksOf(0), 1));
  ASSERT_TRUE(heard(1).AwaitMessages(1));
  ASSERT_TRUE(heard(0).AwaitMessages(1));

  peers_.at(1)->links.reset();
  EXPECT_TRUE(heard(1).broken().empty()) << "who ends its own links knows";
  EXPECT_FALSE(heard(0).AwaitBroken(2).ok());
  ASSERT_EQ(heard(0).broken().size(), 2u) << "the link to it, and the one from it";
  for (const auto& [worker, status] : heard(0).broken()) {
    EXPECT_EQ(worker, WorkerId(1));
    EXPECT_FALSE(status.ok());
  }
  const uint64_t unsent = links(0).counts().messages_unsent;
  links(0).SendTogether(To(TasksOf(1), 3));
  EXPECT_GT(links(0).counts().messages_unsent, unsent);

  Start(1);
  Connect(0, 1);
  Connect(1, 0);
  MessageGroup last = To(TasksOf(1), 4);
  const size_t messages = last.size();
  links(0).SendTogether(std::move(last));
  ASSERT_TRUE(heard(1).AwaitMessages(messages));
  EXPECT_EQ(heard(1).messages(), messages) << "nothing of what was lost is sent again";
}

TEST_F(PeerLinksTest, APeerWithAnotherTokenIsRefusedUnread) {
  StartAll(2);
  for (const std::string& token : {std::string(), std::string("a"), std::string("a\0secres", 8),
                                   std::string("a\0secret0", 9)}) {
    Start(0, [&](PeerLinks::Options& options) { options.token = token; });
    Connect(0, 1);
    links(0).SendTogether(To(TasksOf(1), 1));
    EXPECT_EQ(heard(0).AwaitBroken().code(), StatusCode::kUnauthenticated)
        << heard(0).AwaitBroken();
  }
  EXPECT_EQ(links(1).counts().peers_refused, 0u);
  EXPECT_EQ(heard(1).messages(), 0u);
}

TEST_F(PeerLinksTest, APeerOfAnOlderEpochIsRefused) {
  StartAll(2);
  Start(0, [](PeerLinks::Options& options) { options.self.epoch = Epoch(4); });
  Connect(0, 1);
  links(0).SendTogether(To(TasksOf(1), 1));
  const Status status = heard(0).AwaitBroken();
  EXPECT_EQ(status, FailedPrecondition("the link to worker 1: epoch 4 is over"));
  EXPECT_EQ(links(1).counts().peers_refused, 1u);
  EXPECT_EQ(heard(1).messages(), 0u);
  EXPECT_TRUE(heard(1).broken().empty());
}

TEST_F(PeerLinksTest, APeerThatIsNotThereIsSoon) {
  StartAll(1);
  workers_ = 2;
  // It takes connections and never says a word.
  const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(silent, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(silent, 8), 0);
  socklen_t length = sizeof address;
  ASSERT_EQ(getsockname(silent, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const Nanos start = RealClock().MonotonicNanos();
  links(0).Connect(WorkerId(1), Concat("127.0.0.1:", ntohs(address.sin_port)));
  links(0).SendTogether(To(TasksOf(1), 1));
  EXPECT_EQ(heard(0).AwaitBroken().code(), StatusCode::kUnavailable) << heard(0).AwaitBroken();
  EXPECT_LT(RealClock().MonotonicNanos() - start, 15 * kSecond);
  EXPECT_EQ(links(0).QueuedBytes(WorkerId(1)), 0u);
  EXPECT_GT(links(0).counts().messages_unsent, 0u);
  close(silent);
  // Nor does anybody listen now.
  links(0).Connect(WorkerId(1), Concat("127.0.0.1:", ntohs(address.sin_port)));
  EXPECT_EQ(heard(0).AwaitBroken(2).code(), StatusCode::kUnavailable);
}

TEST_F(PeerLinksTest, APortThatIsTakenIsAnError) {
  StartAll(1);
  Peer other;
  PeerLinks::Options options = OptionsOf(1, other);
  options.address.port = links(0).port();
  const Status status = PeerLinks::Start(std::move(options)).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_NE(Message(status).find("another process may have the port"), std::string_view::npos);
}

TEST_F(PeerLinksTest, WhatTheGateRefusesIsCountedAndTheRestPasses) {
  StartAll(2);
  Connect(0, 1);
  const MessageGroup parts = To(TasksOf(1), 1, 300);
  ASSERT_GT(parts.size(), 1u);
  heard(1).Refuse(std::get<DataFrame>(parts[0]).to);
  links(0).SendTogether(parts);
  ASSERT_TRUE(heard(1).AwaitMessages(parts.size()));
  ASSERT_TRUE(heard(1).Await([&] { return links(1).counts().messages_refused == 1; }));
  EXPECT_EQ(heard(1).ways().size(), parts.size() - 1);
  EXPECT_TRUE(heard(1).broken().empty());
}

std::string BundleBytesOf(Epoch epoch, WorkerId from, const MessageGroup& messages) {
  BundleWriter writer(epoch, from, [](StageId) { return std::span<const uint32_t>(); });
  for (const DataMessage& message : messages) EXPECT_TRUE(writer.TryAppend(message));
  return writer.Finish().Joined();
}

TEST_F(PeerLinksTest, BundlesOfAnotherEpochOrWorkerAreDroppedAndDamagedOnesEndTheLink) {
  StartAll(1);
  workers_ = 2;
  const MessageGroup rows = To(TasksOf(0), 1);
  const WorkerId peer(1);
  AnyPeer any;
  any.Open(AddressOf(0), EncodeHello({kEpoch, peer, Incarnation(1)}));
  any.Say(BundleBytesOf(Epoch(4), peer, rows));
  any.Say(BundleBytesOf(Epoch(6), peer, rows));
  any.Say(BundleBytesOf(kEpoch, WorkerId(2), rows));
  any.Say(BundleBytesOf(kEpoch, peer, rows));
  ASSERT_TRUE(heard(0).AwaitMessages(rows.size()));
  EXPECT_EQ(heard(0).messages(), rows.size());
  EXPECT_EQ(links(0).counts().bundles_strange, 3u);
  EXPECT_TRUE(heard(0).broken().empty());

  std::string damaged = BundleBytesOf(kEpoch, peer, rows);
  damaged[30] ^= 1;
  any.Say(damaged);
  EXPECT_EQ(any.AwaitEnd().code(), StatusCode::kDataLoss);
  EXPECT_EQ(heard(0).AwaitBroken().code(), StatusCode::kDataLoss);
  EXPECT_EQ(heard(0).broken().front().first, peer);
  EXPECT_EQ(links(0).counts().bundles_damaged, 1u);
  EXPECT_EQ(heard(0).messages(), rows.size());
}

TEST_F(PeerLinksTest, WhoDoesNotSayWhoItIsIsRefused) {
  StartAll(1);
  AnyPeer any;
  for (const std::string& first : {std::string(), std::string("hello"), std::string(1 << 20, 'x'),
                                   BundleBytesOf(kEpoch, WorkerId(1), {})}) {
    any.Open(AddressOf(0), first);
    EXPECT_EQ(any.AwaitEnd().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(links(0).counts().peers_refused, 4u);
  EXPECT_TRUE(heard(0).broken().empty());
}

// Its old link may still seem to live.
TEST_F(PeerLinksTest, AWorkerThatComesAgainTakesThePlaceOfItsOldLink) {
  StartAll(1);
  workers_ = 2;
  const MessageGroup rows = To(TasksOf(0), 1);
  const std::string hello = EncodeHello({kEpoch, WorkerId(1), Incarnation(1)});
  auto before = std::make_unique<AnyPeer>();
  before->Open(AddressOf(0), hello);
  before->Say(BundleBytesOf(kEpoch, WorkerId(1), rows));
  ASSERT_TRUE(heard(0).AwaitMessages(rows.size()));
  auto after = std::make_unique<AnyPeer>();
  after->Open(AddressOf(0), hello);
  after->Say(BundleBytesOf(kEpoch, WorkerId(1), rows));
  ASSERT_TRUE(heard(0).AwaitMessages(2 * rows.size()));
  before->Say(BundleBytesOf(kEpoch, WorkerId(1), rows));
  EXPECT_FALSE(before->AwaitEnd().ok());
  EXPECT_TRUE(heard(0).broken().empty());
  after.reset();
  EXPECT_FALSE(heard(0).AwaitBroken().ok());
  EXPECT_EQ(heard(0).messages(), 2 * rows.size());
}

TEST_F(PeerLinksTest, ANetworkThatIsCutIsNoticedAtBothEnds) {
  StartAll(2);
  Network network(links(1).port());
  links(0).Connect(WorkerId(1), network.address());
  MessageGroup rows = To(TasksOf(1), 1);
  const size_t messages = rows.size();
  links(0).SendTogether(std::move(rows));
  ASSERT_TRUE(heard(1).AwaitMessages(messages));
  network.Cut();
  const Nanos start = RealClock().MonotonicNanos();
  EXPECT_FALSE(heard(0).AwaitBroken().ok());
  EXPECT_FALSE(heard(1).AwaitBroken().ok());
  EXPECT_EQ(heard(1).broken().front().first, WorkerId(0));
  EXPECT_LT(RealClock().MonotonicNanos() - start, 15 * kSecond);
}

TEST_F(PeerLinksTest, APeerThatDoesNotReadBlocksNoSender) {
  StartAll(1);
  workers_ = 2;
  auto silent = std::make_unique<SilentPeer>();
  links(0).Connect(WorkerId(1), silent->address());
  uint64_t sent = 0;
  const std::vector<MessageGroup> rows = {To(TasksOf(1), 1, 50'000), To(TasksOf(1), 2, 50'000)};
  for (size_t i = 0; sent < 100'000'000; ++i) {
    const MessageGroup& group = rows[i % rows.size()];
    sent += EncodedRows(std::get<DataFrame>(group[0])).frame()->bytes().size();
    links(0).SendTogether(group);
  }
  EXPECT_GT(links(0).QueuedBytes(WorkerId(1)), sent / 2);
  EXPECT_LE(links(0).QueuedBytes(WorkerId(1)), 2 * sent);
  EXPECT_TRUE(heard(0).broken().empty()) << heard(0).broken().front().second;
  // The other way, and within the worker, all goes on.
  const MessageGroup near = To(TasksOf(0), 1);
  links(0).SendTogether(near);
  EXPECT_EQ(heard(0).messages(), near.size());
  silent.reset();
  EXPECT_FALSE(heard(0).AwaitBroken().ok());
  EXPECT_EQ(links(0).QueuedBytes(WorkerId(1)), 0u);
  EXPECT_GT(links(0).counts().messages_unsent, 0u);
}

TEST_F(PeerLinksTest, WhatIsSentWithoutALinkIsCounted) {
  StartAll(2);
  MessageGroup rows = To(TasksOf(1), 1);
  const size_t messages = rows.size();
  links(0).SendTogether(std::move(rows));
  EXPECT_EQ(links(0).counts().messages_unsent, messages);
  EXPECT_EQ(links(0).QueuedBytes(WorkerId(1)), 0u);
}

}  // namespace
}  // namespace trident
