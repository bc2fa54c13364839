// SPDX-License-Identifier: Apache-2.0
//
// GroupTimeline: the txids of a batch group that can be read. The published txid is the newest one
// that every executor has applied. Readers see no later one, so a cut is atomic over all partitions
// and states. The oldest txid is the first one whose values are all still there. From the oldest to
// the published one there are kReadableVersions txids; pins add older ones, and there are fewer
// when previous values outgrow their share of the memory budget.
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

// The txid at which a reader wants to read.
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
  // The attempt of the published txid that was decided.
  Attempt published_attempt() const;

  // OutOfRange, naming the window, unless oldest <= at <= published. Ask again after the read: its
  // result is right only if `at` is still readable then.
  Status CheckReadable(TxId at) const;

  // Keeps a txid readable until Unpin, and returns it. Snapshot calls both. kAtLeast:
  // DeadlineExceeded if the txid is not published in time. kExactly: OutOfRange if it is not
  // readable. ResourceExhausted at kPinnedSnapshotsMax pins.
  StatusOr<TxId> Pin(const ReadAt& at);
  void Unpin(TxId txid);

  // The txid that a fold reads: the published one. It stays readable until ReleaseHold, whatever
  // happens to pins. Hold it for milliseconds only.
  struct Hold {
    TxId txid;
    Attempt attempt;
  };
  Hold HoldPublished();
  void ReleaseHold(TxId txid);

  // Makes `t` readable, once every executor has applied it. REQUIRES: t is published + 1.
  void Publish(TxId t, Attempt attempt);
  // Begins after recovery. `t` is the newest applied txid, and the only one readable.
  void Start(TxId t, Attempt attempt);
  // Gives up the oldest readable txid, even if it is pinned, but not if it is the published one or
  // held. Readers that pinned it get OutOfRange from then on. Called when previous values outgrow
  // their share of the memory budget.
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
