// SPDX-License-Identifier: Apache-2.0
//
// CommitWaiters: tells many readers when a txid is committed, without a thread for each.
#ifndef TRIDENT_COORDINATOR_SERVE_COMMIT_WAITERS_H_
#define TRIDENT_COORDINATOR_SERVE_COMMIT_WAITERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/status.h"
#include "state/view/state_catalog.h"

namespace trident {

// Thread-safe. Has one thread for each group that was ever waited in.
class CommitWaiters {
 public:
  using Callback = std::function<void(Status)>;
  // Names one wait.
  struct Ticket {
    GroupId group;
    TxId txid;
    uint64_t number = 0;
    friend auto operator<=>(const Ticket&, const Ticket&) = default;
  };

  // Both must outlive this.
  CommitWaiters(const StateCatalog& catalog, const Clock& clock);
  ~CommitWaiters();  // Stop()
  CommitWaiters(const CommitWaiters&) = delete;
  CommitWaiters& operator=(const CommitWaiters&) = delete;

  // Calls `done` once, on a thread of this object: with ok when `txid` of `group` is committed,
  // with DeadlineExceeded soon after `deadline` (monotonic), with Unavailable at Stop(). `done`
  // must not block. Fails at kAwaitedReadsMax waiters (ResourceExhausted) and after Stop()
  // (Unavailable); then `done` is not called.
  StatusOr<Ticket> Await(GroupId group, TxId txid, Nanos deadline, Callback done);
  // True: the callback was not called and never will be.
  bool Cancel(Ticket ticket);
  // Answers all waiters. Idempotent.
  void Stop();

 private:
  struct Waiter {
    Nanos deadline;
    Callback done;
  };
  struct Group {
    std::map<Ticket, Waiter> waiting;  // the earliest txid first
    CondVar arrived;                   // somebody waits, or it is over
    std::thread thread;
  };
  using Due = std::vector<std::pair<Callback, Status>>;

  void Serve(GroupId id, Group& group);
  // Moves whoever's wait is over at `published` and `now` to `due`.
  void TakeDue(GroupId id, Group& group, TxId published, Due& due) TRIDENT_REQUIRES(mutex_);
  // Returns when a txid after `published` is committed, or after a slice of time.
  Status AwaitNext(GroupId id, TxId published) const;
  void FailAll(Group& group, const Status& why, Due& due) TRIDENT_REQUIRES(mutex_);

  const StateCatalog& catalog_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<GroupId, Group> groups_ TRIDENT_GUARDED_BY(mutex_);  // only grows
  int64_t waiting_ TRIDENT_GUARDED_BY(mutex_) = 0;              // over all groups
  uint64_t next_number_ TRIDENT_GUARDED_BY(mutex_) = 1;
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
};

// The waits of one owner, one after the other, which somebody else may cancel at any moment.
class CancellableWait {
 public:
  // See CommitWaiters::Await; also fails, with kCancelled, after Cancel(). `done` may destroy this.
  // REQUIRES: the wait before, if any, has called back.
  Status Start(CommitWaiters& waiters, GroupId group, TxId txid, Nanos deadline,
               CommitWaiters::Callback done);
  // True: a wait was under way, and its callback will not come.
  bool Cancel();
  bool cancelled() const;

 private:
  mutable Mutex mutex_;
  bool cancelled_ TRIDENT_GUARDED_BY(mutex_) = false;
  CommitWaiters* waiters_ TRIDENT_GUARDED_BY(mutex_) = nullptr;
  CommitWaiters::Ticket ticket_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_COMMIT_WAITERS_H_
