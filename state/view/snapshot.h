// SPDX-License-Identifier: Apache-2.0
//
// Snapshot: a committed cut over all states of a batch group that stays readable while it is held.
#ifndef TRIDENT_STATE_VIEW_SNAPSHOT_H_
#define TRIDENT_STATE_VIEW_SNAPSHOT_H_

#include <memory>
#include <utility>

#include "base/ids.h"
#include "base/status.h"
#include "state/view/group_timeline.h"

namespace trident {

// Every read under a snapshot is answered at exactly txid(). Hold it for the length of a request:
// the previous values that it needs stay in memory, and when they outgrow their share of the memory
// budget the oldest snapshots expire (reads then fail with OutOfRange). Movable; may be released on
// any thread. Must not outlive the store that gave it.
class Snapshot {
 public:
  // See GroupTimeline::Pin for the errors.
  static StatusOr<Snapshot> Take(GroupTimeline& timeline, const ReadAt& at) {
    StatusOr<TxId> txid = timeline.Pin(at);
    if (!txid.ok()) return txid.status();
    return Snapshot(timeline, *txid);
  }
  ~Snapshot() {
    if (timeline_ != nullptr) timeline_->Unpin(txid_);
  }
  Snapshot(Snapshot&& other) noexcept
      : timeline_(std::exchange(other.timeline_, nullptr)),
        txid_(other.txid_),
        keeps_(std::move(other.keeps_)) {}
  Snapshot& operator=(Snapshot&& other) noexcept {
    std::swap(timeline_, other.timeline_);
    std::swap(txid_, other.txid_);
    std::swap(keeps_, other.keeps_);
    return *this;
  }
  // Keeps `object` alive until the cut is released, and lets go of it then.
  void Keep(std::shared_ptr<const void> object) { keeps_ = std::move(object); }

  GroupId group() const { return timeline_->group(); }
  TxId txid() const { return txid_; }
  // OutOfRange if the cut has expired. See GroupTimeline::CheckReadable.
  Status CheckReadable() const { return timeline_->CheckReadable(txid_); }

 private:
  Snapshot(GroupTimeline& timeline, TxId txid) : timeline_(&timeline), txid_(txid) {}

  GroupTimeline* timeline_;
  TxId txid_;
  std::shared_ptr<const void> keeps_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_VIEW_SNAPSHOT_H_
