// SPDX-License-Identifier: Apache-2.0
#include "trident/run/maintenance.h"

#include "state/fold.h"

namespace trident {
namespace {

// How often the need for a fold is looked at; a round is due long before memory or redo run out.
constexpr Nanos kLookEvery = 20 * kMillisecond;
// What was committed is folded after this long without a fold being due, so that a restart is
// quick.
constexpr Nanos kIdleFoldAfter = 5 * kSecond;

}  // namespace

Maintenance::Maintenance(StateStore& states, Callbacks callbacks)
    : states_(states), callbacks_(std::move(callbacks)), thread_([this] { Run(); }) {}

Maintenance::~Maintenance() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

bool Maintenance::Sleep(Nanos duration) {
  MutexLock lock(mutex_);
  if (!stopping_) changed_.WaitFor(mutex_, duration);
  return !stopping_;
}

void Maintenance::WatchPressure() {
  bool full = states_.pressure() == Pressure::kStop;
  if (full == holding_) return;
  holding_ = full;
  full ? callbacks_.hold() : callbacks_.release();
}

void Maintenance::Run() {
  Nanos quiet = 0;
  while (Sleep(kLookEvery)) {
    quiet += kLookEvery;
    WatchPressure();
    bool idle_fold = quiet >= kIdleFoldAfter && states_.fold().HasWork();
    while (states_.fold().IsDue() || idle_fold) {
      Status status = states_.fold().FoldSlice();
      if (!status.ok()) return callbacks_.failed(status);
      WatchPressure();
      callbacks_.folded();
      quiet = 0;
      if (!Sleep(0)) return;
      if (idle_fold) idle_fold = states_.fold().HasWork();
    }
  }
}

}  // namespace trident
