// SPDX-License-Identifier: Apache-2.0
//
// Workers of one process that exchange messages over real streams, for tests: what each hears, and
// their links.
#ifndef TRIDENT_TESTS_ENGINE_LINKS_PEERS_H_
#define TRIDENT_TESTS_ENGINE_LINKS_PEERS_H_

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "engine/links/peer_links.h"
#include "tests/engine/links/random_messages.h"

namespace trident {

inline constexpr Epoch kEpoch(5);
inline constexpr Nanos kPatience = 60 * kSecond;

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
            .port = 0,
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

}  // namespace trident

#endif  // TRIDENT_TESTS_ENGINE_LINKS_PEERS_H_
