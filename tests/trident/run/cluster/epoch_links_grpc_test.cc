// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/epoch_links.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"

namespace trident {
namespace {

constexpr Epoch kEpoch{4};
constexpr Incarnation kLife{1};
constexpr Nanos kLong = 10 * kSecond;

// What the others have of links. They carry nothing here.
class Others {
 public:
  // Listens as this worker, and takes links while `takes`.
  std::unique_ptr<PeerLinks> Listen(uint32_t worker, std::atomic<bool>& takes) {
    PeerLinks::Options options = OptionsOf(worker);
    options.accept = [this, &takes](const PeerLife&) -> Status {
      if (!takes) return Unavailable("not yet");
      Note(taken_);
      return absl::OkStatus();
    };
    return *PeerLinks::Start(std::move(options));
  }
  // Opens the link of this worker to an address. It ends with what is returned.
  std::unique_ptr<PeerLinks> Open(uint32_t worker, const std::string& address) {
    PeerLinks::Options options = OptionsOf(worker);
    options.accept = [](const PeerLife&) -> Status { return Unavailable("does not listen"); };
    options.on_connected = [this](WorkerId) { Note(opened_); };
    auto links = *PeerLinks::Start(std::move(options));
    links->Connect(WorkerId(0), address);
    return links;
  }
  bool AwaitTaken() { return Await(taken_); }
  bool AwaitOpened() { return Await(opened_); }

 private:
  static PeerLinks::Options OptionsOf(uint32_t worker) {
    PeerLinks::Options options;
    options.self = {kEpoch, WorkerId(worker), kLife};
    options.token = "a secret";
    options.worker_of = [](const TaskAddress&) { return WorkerId(0); };
    options.tasks_of = [](StageId) { return 0U; };
    options.deliver = [](DataMessage) { return absl::OkStatus(); };
    options.on_broken = [](WorkerId, const Status&) {};
    return options;
  }
  void Note(bool& what) {
    MutexLock lock(mutex_);
    what = true;
    changed_.NotifyAll();
  }
  bool Await(bool& what) {
    const Nanos deadline = RealClock().MonotonicNanos() + kLong;
    MutexLock lock(mutex_);
    while (!what && RealClock().MonotonicNanos() < deadline) {
      changed_.WaitFor(mutex_, 10 * kMillisecond);
    }
    return std::exchange(what, false);
  }

  Mutex mutex_;
  CondVar changed_;
  bool taken_ = false;
  bool opened_ = false;
};

TEST(EpochLinksTest, ALinkFromAWorkerThatBreaksDoesNotCountForTheLinkToIt) {
  Others others;
  std::atomic<bool> first_takes = true;
  std::atomic<bool> second_takes = false;
  const auto first = others.Listen(1, first_takes);
  const auto second = others.Listen(2, second_takes);
  std::atomic<int> broken = 0;
  auto links = *EpochLinks::Start({.worker = WorkerId(0),
                                   .life = kLife,
                                   .token = "a secret",
                                   .placement = Placement(3, {}, 0),
                                   .deliver = [](DataMessage) { return absl::OkStatus(); },
                                   .on_broken = [&](Epoch, const Status&) { ++broken; }});
  const auto at = [](const PeerLinks& peer) { return Concat("127.0.0.1:", peer.port()); };
  Welcome welcome;
  welcome.epoch = kEpoch;
  welcome.workers = {{WorkerId(0), kLife, links->address()},
                     {WorkerId(1), kLife, at(*first)},
                     {WorkerId(2), kLife, at(*second)}};
  links->Welcomed(welcome);
  const Nanos deadline = RealClock().MonotonicNanos() + kLong;
  Status connected = Unavailable("not yet");
  std::thread connects([&] {
    connected = links->Connect(kEpoch, [&] { return RealClock().MonotonicNanos() < deadline; });
  });
  EXPECT_TRUE(others.AwaitTaken());
  auto link_from_first = others.Open(1, links->address());
  EXPECT_TRUE(others.AwaitOpened());
  link_from_first.reset();
  // Comes after that, so its end has been heard.
  const auto link_from_second = others.Open(2, links->address());
  EXPECT_TRUE(others.AwaitOpened());
  second_takes = true;
  connects.join();
  EXPECT_TRUE(connected.ok()) << connected;
  EXPECT_EQ(broken, 0);
}

}  // namespace
}  // namespace trident
