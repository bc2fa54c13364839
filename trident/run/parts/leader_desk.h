// SPDX-License-Identifier: Apache-2.0
//
// LeaderDesk: the leader's end of the links to its workers. The protocol's words pass here on their
// way to the workers, and theirs on their way to the protocol; so the desk learns what the protocol
// has no use for: which sources have ended, and when the last worker has applied a batch, which it
// then has published.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_LEADER_DESK_H_
#define TRIDENT_TRIDENT_RUN_PARTS_LEADER_DESK_H_

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "coordinator/batch_coordinator.h"
#include "engine/transport/links.h"

namespace trident {

// Thread-safe once it is connected.
class LeaderDesk final : public WorkerLink, public LeaderLink {
 public:
  struct Options {
    std::vector<WorkerId> workers;
    size_t emitters = 0;  // of all groups
    // Called on any thread after a source ended, and after a batch was published when all have.
    std::function<void()> changed;
  };
  explicit LeaderDesk(Options options) : options_(std::move(options)) {}

  // Before anything starts. Both outlive the desk.
  void Connect(BatchCoordinator* coordinator, WorkerLink* workers);

  // Every source of every group has ended.
  bool AllEnded() const;

  // ---- WorkerLink: what the protocol says, on the coordinator's thread ----
  void Tell(WordToWorker word) override;

  // ---- LeaderLink: what a worker says ----
  void Tell(GroupId group, WordToLeader word) override;

 private:
  struct Group {
    std::map<WorkerId, TxId> applied;
    std::deque<BatchId> unpublished;  // decided, in txid order
  };
  void SetEnded(EmitterId emitter);
  void SetReady(EmitterId emitter);
  void PublishWhatAllApplied(GroupId group, WorkerId worker, TxId applied);
  std::vector<BatchId> TakeWhatAllApplied(GroupId group, WorkerId worker, TxId applied);

  const Options options_;
  BatchCoordinator* coordinator_ = nullptr;
  WorkerLink* workers_ = nullptr;

  Mutex publishing_;  // held while batches are published, so that they come in txid order
  mutable Mutex mutex_;
  std::map<GroupId, Group> groups_ TRIDENT_GUARDED_BY(mutex_);
  std::set<EmitterId> ended_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_LEADER_DESK_H_
