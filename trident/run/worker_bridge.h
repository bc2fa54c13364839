// SPDX-License-Identifier: Apache-2.0
//
// WorkerBridge: joins "who decides" and "what runs" inside one process. Passes the
// words of both on; keeps each attempt's redo fragments from staging until its decision is written.
#ifndef TRIDENT_TRIDENT_RUN_WORKER_BRIDGE_H_
#define TRIDENT_TRIDENT_RUN_WORKER_BRIDGE_H_

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "coordinator/batch_coordinator.h"
#include "engine/worker.h"
#include "state/state_store.h"

namespace trident {

class WorkerBridge final : public WorkerLink, public ExecutorEvents {
 public:
  struct Options {
    StateStore* states = nullptr;
    WorkerId worker{0};
    Incarnation incarnation{1};
    // Called on any thread after something ended or was published.
    std::function<void()> changed;
  };
  explicit WorkerBridge(Options options) : options_(std::move(options)) {}

  // Both before anything starts.
  void Connect(Worker* worker, BatchCoordinator* coordinator);
  // Tells the protocol who is there.
  void Announce(GroupId group, TxId applied);
  // Every source of every group has ended.
  bool AllEnded() const;

  // ---- WorkerLink: on the coordinator's threads ----
  void Tell(WordToWorker word) override;
  Status AddRedo(const BatchId& id, WriteSet& changes) override;

  // ---- ExecutorEvents: on executor threads ----
  void OnWord(GroupId group, WordToLeader word) override;
  void OnStaged(uint32_t executor, const BatchId& id, std::string record) override;
  void OnApplied(uint32_t executor, const BatchId& id) override;

 private:
  // What is known of one attempt on all executors.
  struct AttemptRecord {
    std::map<uint32_t, std::string> fragments;  // by executor
    Attempt prev;
    uint32_t applied = 0;  // executors
    uint64_t redo_bytes = 0;
  };

  const Options options_;
  Worker* worker_ = nullptr;
  BatchCoordinator* coordinator_ = nullptr;
  std::map<EmitterId, GroupId> group_of_;     // constant after Connect
  std::map<GroupId, uint32_t> executors_of_;  // constant after Connect

  mutable Mutex mutex_;
  std::map<BatchId, AttemptRecord> attempts_ TRIDENT_GUARDED_BY(mutex_);
  std::set<EmitterId> ended_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_WORKER_BRIDGE_H_
