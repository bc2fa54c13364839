// SPDX-License-Identifier: Apache-2.0
//
// GroupTimeline: which txids of a batch group can be read. Published is the newest txid that every
// executor has applied; readers see no later one, so a cut is atomic over all partitions and
// states. Oldest is the first txid whose values are still all there: the window of
// kReadableVersions, stretched by pins, shortened when previous values outgrow their share of the
// memory budget.
#ifndef TRIDENT_STATE_VIEW_GROUP_TIMELINE_H_
#define TRIDENT_STATE_VIEW_GROUP_TIMELINE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/status.h"

namespace trident {

// At which txid a reader wants to read.
struct ReadAt {
  enum class Kind : uint8_t { kLatest, kAtLeast, kExactly };
  Kind kind = Kind::kLatest;
  TxId txid;
  Nanos wait = 0;  // of kAtLeast: how long to wait for it

  static ReadAt Latest() { return {}; }
  // Read your writes: waits up to `wait` until `txid` is published.
  static ReadAt AtLeast(TxId txid, Nanos wait) { return {Kind::kAtLeast, txid, wait}; }
  static ReadAt Exactly(TxId txid) { return {Kind::kExactly, txid, 0}; }
};

// Thread-safe. Outlives its Snapshots.
class GroupTimeline {
 public:
  // `window`: how many txids up to the published one are readable without a pin; at least 1.
  GroupTimeline(GroupId group, uint64_t window) : group_(group), window_(window) {}
  GroupTimeline(const GroupTimeline&) = delete;
  GroupTimeline& operator=(const GroupTimeline&) = delete;

  GroupId group() const { return group_; }
  TxId published() const { return TxId(published_.load(std::memory_order_acquire)); }
  TxId oldest() const { return TxId(oldest_.load(std::memory_order_acquire)); }
  // Which attempt of the published txid was decided.
  Attempt published_attempt() const;

  // OutOfRange, naming the window, unless oldest <= at <= published. To be asked after the read,
  // too: what a reader saw is right only if `at` was still readable when it had seen it.
  Status CheckReadable(TxId at) const;

  // Keeps a txid readable; returns it. See Snapshot, which calls Unpin.
  // kAtLeast: DeadlineExceeded when the txid is not published in time. kExactly: OutOfRange when it
  // is not readable. ResourceExhausted at kPinnedSnapshotsMax pins.
  StatusOr<TxId> Pin(const ReadAt& at);
  void Unpin(TxId txid);

  // What a fold reads: the published txid, which stays readable until it is let go, whatever
  // happens to pins. To be held for milliseconds.
  struct Hold {
    TxId txid;
    Attempt attempt;
  };
  Hold HoldPublished();
  void ReleaseHold(TxId txid);

  // After every executor applied `t`. REQUIRES: t is published + 1.
  void Publish(TxId t, Attempt attempt);
  // At recovery: `t` is the newest applied txid, and the only one readable.
  void Start(TxId t, Attempt attempt);
  // Gives up the oldest readable txid, also if it is pinned, unless it is the published one or
  // held. What had it pinned gets OutOfRange from then on. For when previous values outgrow their
  // share.
  void Shorten();

 private:
  Status NotReadable(TxId at, TxId oldest, TxId newest) const;
  Status Await(TxId txid, Nanos wait) TRIDENT_REQUIRES(mutex_);
  void Advance() TRIDENT_REQUIRES(mutex_);
  void MoveOldest(TxId wanted) TRIDENT_REQUIRES(mutex_);

  const GroupId group_;
  const uint64_t window_;

  std::atomic<uint64_t> published_{0};
  std::atomic<uint64_t> oldest_{0};

  mutable Mutex mutex_;
  CondVar published_changed_;
  Attempt attempt_ TRIDENT_GUARDED_BY(mutex_);
  std::map<TxId, uint64_t> pins_ TRIDENT_GUARDED_BY(mutex_);
  uint64_t pin_count_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::vector<TxId> held_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_STATE_VIEW_GROUP_TIMELINE_H_
