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
// any thread. Must not outlive the store, or the catalog, that gave it.
class Snapshot {
 public:
  // See GroupTimeline::Pin for the errors.
  static StatusOr<Snapshot> Take(GroupTimeline& timeline, const ReadAt& at) {
    StatusOr<TxId> txid = timeline.Pin(at);
    if (!txid.ok()) return txid.status();
    return Snapshot(timeline, *txid);
  }
  // A cut that `holder` keeps readable, as far as it can, as long as it lives.
  static Snapshot HeldBy(std::shared_ptr<const void> holder, GroupId group, TxId txid) {
    return Snapshot(std::move(holder), group, txid);
  }
  ~Snapshot() {
    if (timeline_ != nullptr) timeline_->Unpin(txid_);
  }
  Snapshot(Snapshot&& other) noexcept
      : timeline_(std::exchange(other.timeline_, nullptr)),
        holder_(std::move(other.holder_)),
        group_(other.group_),
        txid_(other.txid_) {}
  Snapshot& operator=(Snapshot&& other) noexcept {
    std::swap(timeline_, other.timeline_);
    std::swap(holder_, other.holder_);
    std::swap(group_, other.group_);
    std::swap(txid_, other.txid_);
    return *this;
  }

  GroupId group() const { return group_; }
  TxId txid() const { return txid_; }
  // OutOfRange if it is known to have expired. See GroupTimeline::CheckReadable.
  Status CheckReadable() const {
    return timeline_ == nullptr ? absl::OkStatus() : timeline_->CheckReadable(txid_);
  }

 private:
  Snapshot(GroupTimeline& timeline, TxId txid)
      : timeline_(&timeline), group_(timeline.group()), txid_(txid) {}
  Snapshot(std::shared_ptr<const void> holder, GroupId group, TxId txid)
      : timeline_(nullptr), holder_(std::move(holder)), group_(group), txid_(txid) {}

  GroupTimeline* timeline_;  // which it has pinned; null: it is moved from, or has a holder
  std::shared_ptr<const void> holder_;
  GroupId group_;
  TxId txid_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_VIEW_SNAPSHOT_H_
