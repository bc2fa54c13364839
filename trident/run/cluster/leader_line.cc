// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/leader_line.h"

#include "base/clock.h"
#include "base/logging.h"

namespace trident {
namespace {

// After a link broke: most often its other end is gone, and the leader, who sees that too, begins a
// new epoch within this time.
constexpr Nanos kBrokenLinkPatience = 300 * kMillisecond;
constexpr Nanos kLineLookEvery = 20 * kMillisecond;

}  // namespace

LeaderLine::~LeaderLine() { Stop(); }

void LeaderLine::Open(ControlClientOptions options) {
  options_ = std::move(options);
  Dial();
  keeper_ = std::thread([this] { RunKeeper(); });
}

// What is answered by a thread of the client waits for the lock, until the client is there.
void LeaderLine::Dial() {
  MutexLock lock(mutex_);
  if (stops_) return;
  client_ = std::make_shared<ControlClient>(
      options_, ControlClientEvents{.on_words = listeners_.hear, .on_gone = [](const Status&) {}});
}

void LeaderLine::HangUp() {
  std::shared_ptr<ControlClient> client;
  {
    MutexLock lock(mutex_);
    client.swap(client_);
  }
  if (client != nullptr) client->Stop();
}

void LeaderLine::Tell(const WorkerWord& word) {
  std::shared_ptr<ControlClient> client;
  {
    MutexLock lock(mutex_);
    client = client_;
  }
  if (client != nullptr) client->Tell(word);
}

void LeaderLine::LinkBroke(Epoch epoch, const Status& cause) {
  MutexLock lock(mutex_);
  broken_ = Broken{epoch, cause};
  changed_.NotifyAll();
}

void LeaderLine::RunKeeper() {
  for (;;) {
    Broken broken;
    {
      MutexLock lock(mutex_);
      while (!broken_ && !stops_) changed_.Wait(mutex_);
      if (stops_) return;
      broken = *std::exchange(broken_, std::nullopt);
    }
    if (!IsInForLong(broken.epoch)) continue;
    TRIDENT_LOG(WARN) << "epoch " << broken.epoch.value()
                      << " cannot go on: " << Message(broken.cause);
    HangUp();
    Dial();
  }
}

// Waits a while for the end of the epoch. False: it has ended, or the line does.
bool LeaderLine::IsInForLong(Epoch epoch) {
  const Nanos deadline = RealClock().MonotonicNanos() + kBrokenLinkPatience;
  while (listeners_.joined() == epoch) {
    if (RealClock().MonotonicNanos() >= deadline) return true;
    MutexLock lock(mutex_);
    if (stops_) return false;
    changed_.WaitFor(mutex_, kLineLookEvery);
  }
  return false;
}

void LeaderLine::Stop() {
  {
    MutexLock lock(mutex_);
    stops_ = true;
    changed_.NotifyAll();
  }
  if (keeper_.joinable()) keeper_.join();
  HangUp();
}

}  // namespace trident
