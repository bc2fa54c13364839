// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/maintenance.h"

#include <malloc.h>

#include "state/fold.h"

namespace trident {
namespace {

// How often the need for a fold is looked at; a round is due long before memory or redo run out.
constexpr Nanos kLookEvery = 20 * kMillisecond;
// How often it is looked whether the state is where it was.
constexpr Nanos kPlaceLookEvery = 500 * kMillisecond;
// What was committed is folded after this long without a fold being due, so that a restart is
// quick.
constexpr Nanos kIdleFoldAfter = 5 * kSecond;

}  // namespace

Maintenance::Maintenance(StateStore& states, const Clock& clock, Callbacks callbacks)
    : states_(states),
      clock_(clock),
      callbacks_(std::move(callbacks)),
      quiet_since_(clock.MonotonicNanos()) {}

Maintenance::~Maintenance() { Stop(); }

void Maintenance::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Maintenance::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool Maintenance::Sleep(Nanos duration) {
  MutexLock lock(mutex_);
  if (!stopping_) changed_.WaitFor(mutex_, duration);
  return !stopping_;
}

void Maintenance::WatchPressure() {
  MutexLock lock(pressure_mutex_);
  bool full = states_.pressure() == Pressure::kStop;
  if (full == holding_) return;
  holding_ = full;
  full ? callbacks_.hold() : callbacks_.release();
}

bool Maintenance::IsDue() {
  if (!states_.fold().HasWork()) idle_fold_ = false;
  if (states_.fold().IsDue() || idle_fold_) return true;
  // Several shares, none of them used up alone, may together leave no room for a batch.
  if (states_.pressure() == Pressure::kStop && states_.fold().HasWork()) return true;
  idle_fold_ = clock_.MonotonicNanos() - quiet_since_ >= kIdleFoldAfter && states_.fold().HasWork();
  return idle_fold_;
}

Status Maintenance::CheckPlace() {
  const Nanos now = clock_.MonotonicNanos();
  if (now < place_due_) return {};
  place_due_ = now + kPlaceLookEvery;
  return states_.durable().CheckPlace();
}

bool Maintenance::Held(const Status& status) {
  if (status.ok()) return true;
  failed_ = true;
  callbacks_.failed(status);
  return false;
}

bool Maintenance::RunOnce() {
  if (failed_) return false;
  WatchPressure();
  states_.TrimIfNeeded();
  if (!Held(CheckPlace()) || !IsDue() || !Held(states_.fold().FoldSlice())) return false;
  WatchPressure();
  // A slice frees megabytes in pieces between others that stay; the C library keeps the pages (some
  // tens of megabytes with a budget of 256), and takes milliseconds to let them go.
  if (states_.budget().IsTight()) malloc_trim(0);
  callbacks_.folded();
  quiet_since_ = clock_.MonotonicNanos();
  return true;
}

void Maintenance::Run() {
  const SideMarks::Claim claim(callbacks_.marks);
  while (Sleep(kLookEvery)) {
    while (RunOnce()) {
      if (!Sleep(0)) return;
    }
  }
}

}  // namespace trident
