// SPDX-License-Identifier: Apache-2.0
#include "state/view/group_timeline.h"

#include <algorithm>

#include "base/check.h"

namespace trident {

Attempt GroupTimeline::published_attempt() const {
  MutexLock lock(mutex_);
  return attempt_;
}

Status GroupTimeline::CheckReadable(TxId at) const {
  // Oldest is read first: it only grows, so the window that is reported has existed.
  const TxId oldest_now = oldest();
  const TxId newest = published();
  if (at >= oldest_now && at <= newest) return absl::OkStatus();
  return NotReadable(at, oldest_now, newest);
}

Status GroupTimeline::NotReadable(TxId at, TxId oldest, TxId newest) const {
  const bool too_old = at < oldest;
  return OutOfRange("txid ", at.value(), " of group ", group_.value(),
                    too_old ? " is not readable any more" : " is not committed yet",
                    ": readable are ", oldest.value(), " to ", newest.value(),
                    too_old ? "; read at a newer txid, or hold a snapshot for as long as you read"
                            : "; wait for it by reading at least at that txid");
}

StatusOr<TxId> GroupTimeline::Pin(const ReadAt& at) {
  MutexLock lock(mutex_);
  if (at.kind == ReadAt::Kind::kAtLeast) TRIDENT_RETURN_IF_ERROR(Await(at.txid, at.wait));
  const TxId txid = at.kind == ReadAt::Kind::kExactly ? at.txid : published();
  if (txid < oldest() || txid > published()) return NotReadable(txid, oldest(), published());
  if (pin_count_ >= static_cast<uint64_t>(kPinnedSnapshotsMax)) {
    return ResourceExhausted("group ", group_.value(), " has ", pin_count_,
                             " snapshots held, the limit: release some, or "
                             "try again later");
  }
  ++pins_[txid];
  ++pin_count_;
  return txid;
}

Status GroupTimeline::Await(TxId txid, Nanos wait) {
  // Steady clock: only how long a reader waits depends on it.
  const Nanos deadline = RealClock().MonotonicNanos() + std::max<Nanos>(wait, 0);
  while (published() < txid) {
    const Nanos left = deadline - RealClock().MonotonicNanos();
    if (left <= 0) {
      return DeadlineExceeded("txid ", txid.value(), " of group ", group_.value(),
                              " was not committed in time: the newest is ", published().value());
    }
    published_changed_.WaitFor(mutex_, left);
  }
  return absl::OkStatus();
}

void GroupTimeline::Unpin(TxId txid) {
  MutexLock lock(mutex_);
  auto pin = pins_.find(txid);
  TRIDENT_CHECK(pin != pins_.end());
  if (--pin->second == 0) pins_.erase(pin);
  --pin_count_;
  Advance();
}

GroupTimeline::Hold GroupTimeline::HoldPublished() {
  MutexLock lock(mutex_);
  held_.push_back(published());
  return {published(), attempt_};
}

void GroupTimeline::ReleaseHold(TxId txid) {
  MutexLock lock(mutex_);
  auto held = std::find(held_.begin(), held_.end(), txid);
  TRIDENT_CHECK(held != held_.end());
  held_.erase(held);
  Advance();
}

void GroupTimeline::Publish(TxId t, Attempt attempt) {
  {
    MutexLock lock(mutex_);
    TRIDENT_CHECK_EQ(t, published().Next()) << "group " << group_.value() << ": txid " << t.value()
                                            << " is published after " << published().value();
    attempt_ = attempt;
    published_.store(t.value(), std::memory_order_release);
    Advance();
  }
  published_changed_.NotifyAll();
}

void GroupTimeline::Start(TxId t, Attempt attempt) {
  MutexLock lock(mutex_);
  attempt_ = attempt;
  published_.store(t.value(), std::memory_order_release);
  oldest_.store(t.value(), std::memory_order_release);
}

void GroupTimeline::Shorten() {
  MutexLock lock(mutex_);
  MoveOldest(std::min(TxId(oldest().value() + 1), published()));
}

void GroupTimeline::Advance() {
  const uint64_t newest = published().value();
  TxId wanted(newest < window_ ? 0 : newest - window_ + 1);
  if (!pins_.empty()) wanted = std::min(wanted, pins_.begin()->first);
  MoveOldest(wanted);
}

void GroupTimeline::MoveOldest(TxId wanted) {
  for (TxId held : held_) wanted = std::min(wanted, held);
  if (wanted > oldest()) oldest_.store(wanted.value(), std::memory_order_release);
}

}  // namespace trident
