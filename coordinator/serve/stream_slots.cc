// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/stream_slots.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace trident {

StreamSlots::Slot::Slot(Slot&& other) noexcept
    : slots_(std::exchange(other.slots_, nullptr)), entry_(other.entry_) {}

StreamSlots::Slot& StreamSlots::Slot::operator=(Slot&& other) noexcept {
  std::swap(slots_, other.slots_);
  std::swap(entry_, other.entry_);
  return *this;
}

void StreamSlots::Slot::WriteBegins() {
  MutexLock lock(slots_->mutex_);
  entry_->write_began = std::max<Nanos>(slots_->clock_.MonotonicNanos(), 1);
}

void StreamSlots::Slot::WriteEnds() {
  MutexLock lock(slots_->mutex_);
  entry_->write_began = 0;
}

void StreamSlots::Slot::Leave() {
  if (slots_ == nullptr) return;
  MutexLock lock(slots_->mutex_);
  slots_->entries_.erase(entry_);
  slots_ = nullptr;
}

StreamSlots::StreamSlots(const Clock& clock, Options options)
    : clock_(clock), options_(std::move(options)), sweeper_([this] { Sweep(); }) {}

StreamSlots::~StreamSlots() {
  {
    MutexLock lock(mutex_);
    TRIDENT_CHECK(entries_.empty()) << options_.noun << " are still open";
    stopped_ = true;
    changed_.NotifyAll();
  }
  sweeper_.join();
}

StatusOr<StreamSlots::Slot> StreamSlots::Enter(std::function<void()> cut_off) {
  MutexLock lock(mutex_);
  if (static_cast<int64_t>(entries_.size()) >= options_.streams_max) {
    return ResourceExhausted(options_.streams_max, " ", options_.noun,
                             " are open, the limit of this server; close one, or try again later");
  }
  Slot slot;
  slot.slots_ = this;
  slot.entry_ = entries_.insert(entries_.end(), {std::move(cut_off), 0});
  if (entries_.size() == 1) changed_.NotifyAll();
  return slot;
}

int64_t StreamSlots::open() const {
  MutexLock lock(mutex_);
  return static_cast<int64_t>(entries_.size());
}

void StreamSlots::Sweep() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    if (entries_.empty()) {
      changed_.Wait(mutex_);
      continue;
    }
    // So that a stall is noticed at most a quarter of its time late.
    changed_.WaitFor(mutex_, options_.stall_max / 4);
    CutOffStalled();
  }
}

void StreamSlots::CutOffStalled() {
  const Nanos now = clock_.MonotonicNanos();
  for (Slot::Entry& entry : entries_) {
    if (entry.write_began == 0 || now - entry.write_began <= options_.stall_max) continue;
    entry.write_began = 0;
    entry.cut_off();
  }
}

}  // namespace trident
