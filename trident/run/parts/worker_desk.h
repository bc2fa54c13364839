// SPDX-License-Identifier: Apache-2.0
//
// WorkerDesk: the worker's end of its link to the leader. The leader's words pass here on their way
// to the executors; what every executor reports of an attempt becomes one word of the worker. Keeps
// the fragments of an attempt's redo from the vote until it is decided.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_WORKER_DESK_H_
#define TRIDENT_TRIDENT_RUN_PARTS_WORKER_DESK_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "coordinator/batch_coordinator.h"
#include "engine/transport/links.h"
#include "engine/worker.h"
#include "state/state_store.h"

namespace trident {

// Thread-safe once it is connected.
class WorkerDesk final : public WorkerLink, public ExecutorEvents, public RedoAtHand {
 public:
  struct Options {
    StateStore* states = nullptr;
    WorkerId worker{0};
    Incarnation incarnation{1};
    std::vector<GroupId> groups;  // of the topology
    // Called on any thread after a batch was published.
    std::function<void()> published;
  };
  explicit WorkerDesk(Options options) : options_(std::move(options)) {}

  // Before anything starts. Both outlive the desk.
  void Connect(Worker* worker, LeaderLink* leader);
  // Tells the leader who is there of the group, and what it has applied.
  void Join(GroupId group, TxId applied);
  // There is no room for more work, and there is room again. Any thread, with or without a lock.
  void Hold(GroupId group);
  void Release(GroupId group);

  // Whether all executors have applied this attempt, and it was not published yet.
  bool HasApplied(const BatchId& id);
  // The newest txid of the group that this worker has told its leader it has applied; zero: none so
  // far. Only after that may it be published, anywhere. Any thread.
  TxId ToldApplied(GroupId group) const;

  // ---- WorkerLink: what the leader says ----
  void Tell(WordToWorker word) override;

  // ---- ExecutorEvents: on executor threads ----
  void OnWord(GroupId group, WordToLeader word) override;
  void OnStaged(uint32_t executor, const BatchId& id, std::string record) override;
  void OnApplied(uint32_t executor, const BatchId& id) override;

  // ---- RedoAtHand: on the committing thread ----
  VoteRecord AddRedo(const BatchId& id, WriteSet& changes) override;
  // The same for an attempt that may have been aborted since its vote: nullopt then. Once an
  // attempt.
  std::optional<VoteRecord> TakeRedo(const BatchId& id, WriteSet& changes);

 private:
  // What is known of one attempt on all executors.
  struct AttemptRecord {
    Attempt prev;
    std::map<uint32_t, std::string> fragments;  // of the redo, by executor
    uint64_t redo_bytes = 0;                    // of the record that was made of them
    uint32_t applied = 0;                       // executors
  };
  bool HasTasks(GroupId group) const { return executors_of_.at(group) > 0; }
  void SayApplied(const BatchId& id);
  void AnswerForNobody(const WordToWorker& word);
  void Begin(const word::Begin& begin);
  void Abort(const word::Abort& abort);
  void Publish(const BatchId& id);

  const Options options_;
  Worker* worker_ = nullptr;
  LeaderLink* leader_ = nullptr;
  std::map<GroupId, uint32_t> executors_of_;  // constant after Connect

  mutable Mutex mutex_;
  std::map<BatchId, AttemptRecord> attempts_ TRIDENT_GUARDED_BY(mutex_);
  std::map<GroupId, TxId> told_applied_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_WORKER_DESK_H_
