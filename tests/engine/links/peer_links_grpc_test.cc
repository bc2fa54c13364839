// SPDX-License-Identifier: Apache-2.0
//
// Workers of one process that exchange messages over real streams.
#include "engine/links/peer_links.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/engine/links/peers.h"
#include "tests/engine/links/random_messages.h"

namespace trident {
namespace {

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
  options.port = links(0).port();
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

// A worker whose program is damaged or hostile: it says what it likes.
class AnyPeer final : public StreamEvents {
 public:
  AnyPeer()
      : streams_(*GrpcStreams::Start({.port = 0, .token = std::string("a\0secret", 8)}, this)) {}
  ~AnyPeer() override { streams_.reset(); }

  void Open(const std::string& address, std::string first) {
    streams_->Open(++stream_, address, std::move(first));
  }
  // Writes when it may.
  void Say(std::string bytes) {
    MutexLock lock(mutex_);
    while (!may_write_ && ended_.ok()) changed_.Wait(mutex_);
    may_write_ = false;
    streams_->Write(stream_, {.head = std::move(bytes), .frames = {}});
  }
  Status AwaitEnd() {
    MutexLock lock(mutex_);
    while (ended_.ok()) changed_.Wait(mutex_);
    may_write_ = false;
    return std::exchange(ended_, absl::OkStatus());
  }

 private:
  Status OnMessage(StreamId, std::string_view, const BufferRef&) override {
    return absl::OkStatus();
  }
  void OnIncomingEnded(StreamId, const Status&) override {}
  void OnAccepted(StreamId) override {}
  void OnWritable(StreamId) override {
    MutexLock lock(mutex_);
    may_write_ = true;
    changed_.NotifyAll();
  }
  void OnOutgoingEnded(StreamId, const Status& status) override {
    MutexLock lock(mutex_);
    ended_ = status;
    changed_.NotifyAll();
  }

  Mutex mutex_;
  CondVar changed_;
  bool may_write_ = false;
  Status ended_;
  StreamId stream_ = 0;
  std::unique_ptr<GrpcStreams> streams_;
};

std::string BundleBytesOf(Epoch epoch, WorkerId from, const MessageGroup& messages) {
  BundleWriter writer(epoch, from, [](StageId) { return std::span<const uint32_t>(); });
  for (const DataMessage& message : messages) writer.Append(message);
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

// Stands between two workers like a network: carries bytes until it is cut. Then nobody hears that
// a connection has ended.
class Network {
 public:
  explicit Network(uint16_t to)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), to_(to) {
    sockaddr_in address = Loopback(0);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Carry(); });
  }
  ~Network() {
    Cut();
    close(listener_);
    close(left_);
    close(right_);
  }
  std::string address() const { return Concat("127.0.0.1:", port_); }
  void Cut() {
    cut_ = true;
    shutdown(listener_, SHUT_RDWR);  // nobody may have come
    if (thread_.joinable()) thread_.join();
  }

 private:
  static sockaddr_in Loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }
  void Carry() {
    left_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    right_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(to_);
    connect(right_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    while (!cut_) {
      pollfd both[] = {{left_, POLLIN, 0}, {right_, POLLIN, 0}};
      if (poll(both, 2, 10) <= 0) continue;
      if (both[0].revents != 0) Copy(left_, right_);
      if (both[1].revents != 0) Copy(right_, left_);
    }
  }
  static void Copy(int from, int to) {
    char bytes[65536];
    const ssize_t n = read(from, bytes, sizeof bytes);
    for (ssize_t at = 0; at < n;) {
      const ssize_t wrote = write(to, bytes + at, static_cast<size_t>(n - at));
      if (wrote <= 0) return;
      at += wrote;
    }
  }

  const int listener_;
  const uint16_t to_;
  uint16_t port_ = 0;
  int left_ = -1, right_ = -1;
  std::atomic<bool> cut_ = false;
  std::thread thread_;
};

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

// A worker that lives, takes links and never reads them.
class SilentPeer {
 public:
  SilentPeer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterAsyncGenericService(&service_);
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    service_.RequestCall(&context_, &call_, queue_.get(), queue_.get(), this);
    thread_ = std::thread([this] {
      void* tag = nullptr;
      bool ok = false;
      while (queue_->Next(&tag, &ok)) {
      }
    });
  }
  ~SilentPeer() {
    server_->Shutdown(gpr_now(GPR_CLOCK_REALTIME));
    queue_->Shutdown();
    thread_.join();
  }
  std::string address() const { return Concat("127.0.0.1:", port_); }

 private:
  int port_ = 0;
  grpc::AsyncGenericService service_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter call_{&context_};
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::thread thread_;
};

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
  EXPECT_EQ(heard(0).AwaitBroken().code(), StatusCode::kUnavailable) << heard(0).AwaitBroken();
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
