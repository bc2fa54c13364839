// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/commit_waiters.h"

namespace trident {
namespace {

// How long a group's thread waits for a commit before it looks at deadlines and at Stop().
constexpr Nanos kSlice = 20 * kMillisecond;

}  // namespace

CommitWaiters::CommitWaiters(const StateCatalog& catalog, const Clock& clock)
    : catalog_(catalog), clock_(clock) {}

CommitWaiters::~CommitWaiters() { Stop(); }

StatusOr<CommitWaiters::Ticket> CommitWaiters::Await(GroupId id, TxId txid, Nanos deadline,
                                                     Callback done) {
  MutexLock lock(mutex_);
  if (stopped_) return Unavailable("the topology is stopping; no read waits for a txid any more");
  if (waiting_ >= kAwaitedReadsMax) {
    return ResourceExhausted(waiting_, " readers wait for a txid to be committed, the limit; read ",
                             "at `latest`, or try again in a moment");
  }
  Group& group = groups_[id];
  if (!group.thread.joinable())
    group.thread = std::thread([this, id, &group] { Serve(id, group); });
  const Ticket ticket{id, txid, next_number_++};
  group.waiting.emplace(ticket, Waiter{deadline, std::move(done)});
  ++waiting_;
  group.arrived.NotifyOne();
  return ticket;
}

bool CommitWaiters::Cancel(Ticket ticket) {
  MutexLock lock(mutex_);
  auto group = groups_.find(ticket.group);
  if (group == groups_.end() || group->second.waiting.erase(ticket) == 0) return false;
  --waiting_;
  return true;
}

void CommitWaiters::Stop() {
  Due due;
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    for (auto& [id, group] : groups_) {
      FailAll(group, Unavailable("the topology is stopping; the read waits no longer"), due);
      if (group.thread.joinable()) threads.push_back(std::move(group.thread));
      group.arrived.NotifyOne();
    }
  }
  for (auto& [done, status] : due) done(std::move(status));
  for (std::thread& thread : threads) thread.join();
}

void CommitWaiters::Serve(GroupId id, Group& group) {
  while (true) {
    Due due;
    TxId published;
    {
      MutexLock lock(mutex_);
      while (!stopped_ && group.waiting.empty()) group.arrived.Wait(mutex_);
      if (stopped_) return;
      published = catalog_.Published(id);
      TakeDue(id, group, published, due);
    }
    for (auto& [done, status] : due) done(std::move(status));
    if (!due.empty()) continue;
    if (Status failed = AwaitNext(id, published); !failed.ok()) {
      MutexLock lock(mutex_);
      FailAll(group, failed, due);
    }
    for (auto& [done, status] : due) done(std::move(status));
  }
}

void CommitWaiters::TakeDue(GroupId id, Group& group, TxId published, Due& due) {
  const Nanos now = clock_.MonotonicNanos();
  for (auto it = group.waiting.begin(); it != group.waiting.end();) {
    const TxId txid = it->first.txid;
    if (txid > published && now < it->second.deadline) {
      ++it;
      continue;
    }
    Status status;
    if (txid > published) {
      status = DeadlineExceeded("txid ", txid.value(), " of batch group ", id.value(),
                                " was not committed in time: the newest is ", published.value(),
                                "; allow more time, or see `trident batches` for what holds it");
    }
    due.emplace_back(std::move(it->second.done), std::move(status));
    it = group.waiting.erase(it);
    --waiting_;
  }
}

Status CommitWaiters::AwaitNext(GroupId id, TxId published) const {
  const StatusOr<Snapshot> next = catalog_.Pin(id, ReadAt::AtLeast(published.Next(), kSlice));
  // Nothing is read here: not in time, and no room for another snapshot, are both no failure.
  if (next.ok() || absl::IsDeadlineExceeded(next.status()) ||
      absl::IsResourceExhausted(next.status())) {
    return {};
  }
  return next.status();
}

void CommitWaiters::FailAll(Group& group, const Status& why, Due& due) {
  waiting_ -= static_cast<int64_t>(group.waiting.size());
  for (auto& [ticket, waiter] : group.waiting) due.emplace_back(std::move(waiter.done), why);
  group.waiting.clear();
}

Status CancellableWait::Start(CommitWaiters& waiters, GroupId group, TxId txid, Nanos deadline,
                              CommitWaiters::Callback done) {
  MutexLock lock(mutex_);
  if (cancelled_) return absl::CancelledError("the read was cancelled");
  // The callback may end the life of this object, so it must not come before Start is done with it.
  auto after_start = [this, done = std::move(done)](Status status) {
    { MutexLock started(mutex_); }
    done(std::move(status));
  };
  TRIDENT_ASSIGN_OR_RETURN(ticket_, waiters.Await(group, txid, deadline, std::move(after_start)));
  waiters_ = &waiters;
  return {};
}

bool CancellableWait::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  return waiters_ != nullptr && waiters_->Cancel(ticket_);
}

bool CancellableWait::cancelled() const {
  MutexLock lock(mutex_);
  return cancelled_;
}

}  // namespace trident
