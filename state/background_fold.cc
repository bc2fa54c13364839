// SPDX-License-Identifier: Apache-2.0
#include "state/background_fold.h"

#include <utility>

namespace trident {
namespace {

// How soon a round starts that nobody asked for, and how long commits must have stopped for
// everything to be folded.
constexpr Nanos kLookEvery = 20 * kMillisecond;
constexpr Nanos kIdleAfter = 2 * kSecond;

}  // namespace

BackgroundFold::BackgroundFold(StateStore& store, std::function<void(const Status&)> on_error)
    : store_(store), on_error_(std::move(on_error)), thread_([this] { Run(); }) {}

BackgroundFold::~BackgroundFold() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  thread_.join();
}

void BackgroundFold::Wake() {
  {
    MutexLock lock(mutex_);
    if (woken_) return;
    woken_ = true;
  }
  changed_.NotifyOne();
}

void BackgroundFold::Run() {
  while (WaitForWork()) {
    if (Status status = Work(); !status.ok()) {
      on_error_(status);
      return;
    }
  }
}

bool BackgroundFold::WaitForWork() {
  MutexLock lock(mutex_);
  if (!stopping_ && !woken_ && !store_.fold().IsDue()) changed_.WaitFor(mutex_, kLookEvery);
  woken_ = false;
  return !stopping_;
}

Status BackgroundFold::Work() {
  store_.TrimIfNeeded();
  if (store_.fold().IsDue()) return store_.fold().FoldSlice();
  const uint64_t commits = store_.fold().Commits();
  const Nanos now = RealClock().MonotonicNanos();
  if (commits != commits_seen_) {
    commits_seen_ = commits;
    quiet_since_ = now;
  } else if (now - quiet_since_ >= kIdleAfter && store_.fold().HasWork()) {
    return store_.fold().FoldSlice();
  }
  return absl::OkStatus();
}

}  // namespace trident
