// SPDX-License-Identifier: Apache-2.0
//
// BatchCoordinator: the shell around the batch protocol. It takes facts in, steps the protocol of
// the group that they concern, and passes its actions on. One thread at a time steps: mostly the
// one that brings a fact, because a step takes microseconds and a change of threads takes more;
// else the coordinator's own thread, which also keeps the timers. Another thread writes decisions,
// so that a batch is on its way to the disk while the next ones are cut. Several decisions that are
// ready together share one write.
#ifndef TRIDENT_COORDINATOR_BATCH_COORDINATOR_H_
#define TRIDENT_COORDINATOR_BATCH_COORDINATOR_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordinator/decision_log.h"
#include "coordinator/latency_window.h"
#include "coordinator/protocol/batch_protocol.h"
#include "engine/transport/links.h"
#include "state/disk/durable_store.h"

namespace trident {

// Redo that is not durable when its worker votes, because the worker's state and the decisions
// share a store: it becomes durable in one write with the decision. Called on the committing
// thread.
class RedoAtHand {
 public:
  virtual ~RedoAtHand() = default;
  // Makes and adds the redo record of an attempt that is about to be decided. What it returns takes
  // the place of the worker's vote, which could not tell of the record yet.
  virtual VoteRecord AddRedo(const BatchId& id, WriteSet& changes) = 0;
};

// What the owner of the topology wants to know. Called by whoever steps, one thread at a time.
class CoordinatorEvents {
 public:
  virtual ~CoordinatorEvents() = default;
  virtual void OnHalted(GroupId group, const Status& cause) = 0;
  virtual void OnDrained(GroupId group, TxId last_decided) = 0;
  // GroupStatus::idle has become true. The group may have work again when this is heard.
  virtual void OnIdle(GroupId group) = 0;
};

struct GroupCounters {
  uint64_t rows_committed = 0;   // of the sources
  uint64_t letters_retried = 0;  // rows of dead letters that came in again; committed, too
  uint64_t batches_committed = 0;
  // From the begin of the attempt that committed to its decision being durable, over the last
  // commits; 0: none yet.
  Nanos commit_p50 = 0;
  Nanos commit_p99 = 0;
};

class BatchCoordinator {
 public:
  struct Options {
    const Clock* clock = &RealClock();
    DurableStore* store = nullptr;
    DecisionLog* log = nullptr;
    CoordinatorEvents* events = nullptr;
    Durability durability = Durability::kSynced;
  };
  explicit BatchCoordinator(const Options& options);
  ~BatchCoordinator();

  // Before Start. Both must outlive the coordinator; `redo` is null where workers write their redo
  // before they vote. Words are told by one thread at a time: the coordinator's, the one that
  // writes, or one that calls PostAndStep.
  void Connect(WorkerLink* workers, RedoAtHand* redo) {
    workers_ = workers;
    redo_ = redo;
  }
  Status AddGroup(GroupConfig config, Epoch epoch);
  void Start();
  void Stop();

  // A fact about a group. Any thread.
  void Post(GroupId group, BatchEvent event);
  // The same, from a thread that holds no lock: unless another one steps the groups at this moment,
  // it does so itself. So the fact costs no change of threads. Words may be told before it returns.
  void PostAndStep(GroupId group, BatchEvent event);
  // To every group. Any thread.
  void PostAll(const BatchEvent& event);

  // Drive the coordinator without its threads: each does what one of them would do now, on the
  // calling thread. False when there was nothing. StepOnce may be called while CommitOnce writes.
  bool StepOnce() { return StepAll(); }
  bool CommitOnce() { return CommitAll(); }
  bool RunOnce();
  // When the next Tick is due; nullopt: no group asked for one.
  std::optional<Nanos> NextTick() const;

  std::vector<GroupId> groups() const;
  GroupStatus StatusOf(GroupId group) const;
  GroupCounters CountersOf(GroupId group) const;

 private:
  struct Group {
    std::unique_ptr<BatchProtocol> protocol;
    Nanos tick_at = 0;                // 0: none
    bool idle = false;                // and said so
    int64_t time_micros = 0;          // batch time of the attempt that began last
    std::map<TxId, int64_t> time_of;  // of attempts that are not decided
    std::map<TxId, Nanos> begun_at;
    struct Rows {
      uint64_t of_sources = 0;
      uint64_t of_letters = 0;
    };
    std::map<TxId, Rows> rows_deciding;
    LatencyWindow latencies;
    GroupCounters counters;
  };
  struct Write {  // for the committing thread
    GroupId group;
    std::vector<DecisionRecord> decisions;
    std::optional<batch_action::LogCut> cut;
  };

  void RunCoordinator();
  void RunCommitter();
  bool StepAll() TRIDENT_EXCLUDES(mutex_);
  // Lets others step. True, and goes on stepping, if something has come meanwhile.
  bool MustStepOn() TRIDENT_EXCLUDES(mutex_);
  void Step(GroupId id, const BatchEvent& event);
  void Carry(GroupId id, Group& group, BatchAction& action);
  void TellIdle(GroupId id, Group& group);
  void CountDecision(Group& group, TxId txid);
  bool CommitAll();
  void Commit(std::vector<Write>& writes);

  const Options options_;
  WorkerLink* workers_ = nullptr;
  RedoAtHand* redo_ = nullptr;

  // Constant after Start. Each group is stepped under state_mutex_.
  mutable Mutex state_mutex_;
  std::map<GroupId, Group> groups_;
  std::vector<BatchAction> actions_;  // scratch of Step

  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<std::pair<GroupId, BatchEvent>> inbox_ TRIDENT_GUARDED_BY(mutex_);
  bool has_threads_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool stopping_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool stepping_ TRIDENT_GUARDED_BY(mutex_) = false;  // one thread steps, and takes what comes
  // The coordinator's thread sleeps: until this time, or nullopt: until nobody steps.
  bool sleeping_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::optional<Nanos> sleeps_until_ TRIDENT_GUARDED_BY(mutex_);

  Mutex write_mutex_;
  CondVar write_changed_;
  std::vector<Write> writes_ TRIDENT_GUARDED_BY(write_mutex_);
  bool writer_waits_ TRIDENT_GUARDED_BY(write_mutex_) = false;
  bool writer_stopping_ TRIDENT_GUARDED_BY(write_mutex_) = false;

  std::thread coordinator_thread_;
  std::thread committer_thread_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_BATCH_COORDINATOR_H_
