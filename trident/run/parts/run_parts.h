// SPDX-License-Identifier: Apache-2.0
//
// RunParts: everything of a running topology, over a store, a clock and a network that it is given:
// a leader's half, which decides, and a worker's half, which runs and remembers, joined inside one
// process. A Run gives it threads; a simulation steps the same parts in one thread.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_RUN_PARTS_H_
#define TRIDENT_TRIDENT_RUN_PARTS_RUN_PARTS_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "trident/planner/planner.h"
#include "trident/run/parts/leader_parts.h"
#include "trident/run/parts/mark_file.h"
#include "trident/run/parts/request_chain.h"
#include "trident/run/parts/run_options.h"
#include "trident/run/parts/worker_parts.h"

namespace trident {

// The parts work with these objects and call these listeners. All of them outlive the parts.
struct RunSeams {
  DurableStore* store = nullptr;
  CoordinatorEvents* events = nullptr;
  std::function<void()> changed;  // the end may have come nearer; any thread
  const Clock* clock = &RealClock();
  // Carries frames between executors and gives them to Worker::Deliver; null: frames arrive at
  // once.
  Transport* network = nullptr;
  // Tells what the last process was doing when it ended, and keeps what this one does. Null: nobody
  // looks for rows that end their process.
  MarkFile* marks = nullptr;
  // Options of the state store; its other options follow from those of the run. 0 state bytes:
  // their share of memory_bytes.
  uint64_t state_bytes = 0;
  uint64_t fold_redo_bytes = kFoldRedoBytesDefault;
  uint64_t fold_commits = kFoldCommitsDefault;
  FoldDeltas fold_deltas = FoldDeltas::kWhateverIsCheaper;
};

class RunParts final : private CoordinatorEvents {
 public:
  // Opens and recovers the store's data of the plan's topology, and writes nothing. The errors are
  // those of the store and of the spouts.
  static StatusOr<std::unique_ptr<RunParts>> Open(Plan plan, const RunOptions& options,
                                                  RunSeams seams);
  ~RunParts() override;  // Stop()

  // Writes, at once and durably, all that this start is to leave in the store: its epoch, and its
  // owner and states if they are new. Call it once, before Start, when nothing else can refuse the
  // start any more; until then the store is as the last process left it.
  Status Settle();
  // Gives every part its thread, and begins.
  void Start();
  // Ends the threads, if there are any. Undecided batches are forgotten.
  void Stop();
  // Begins without threads: the caller drives coordinator(), the executors of worker() and
  // maintenance() by their RunOnce.
  void StartStepped() { worker_->Join(); }

  // True if every source has ended and all of it is committed.
  bool Ended() const { return leader_->Ended(); }
  // The input that waits in the sources of `group` after the last committed batch. Thread-safe;
  // asks the spouts.
  Lag LagOf(GroupId group) const;
  // What the sources of `group` left out or mended since the start. Thread-safe; asks the spouts.
  SpoutCounts CountsOf(GroupId group) const;
  // Rows of `group` that failed attempts took along, because their spouts cannot go back.
  uint64_t RowsLost(GroupId group) const;
  // What was left out, for people, of all sources.
  std::vector<std::string> LeftOut() const;

  const Plan& plan() const { return plan_; }
  Epoch epoch() const { return leader_->epoch(); }
  const std::vector<GroupId>& groups() const { return leader_->groups(); }
  const std::vector<Worker::Source>& sources() const {
    return std::as_const(*worker_).worker().sources();
  }
  BatchCoordinator& coordinator() { return leader_->coordinator(); }
  const BatchCoordinator& coordinator() const { return leader_->coordinator(); }
  Worker& worker() { return worker_->worker(); }
  StateStore& states() { return worker_->states(); }
  const StateStore& states() const { return worker_->states(); }
  Maintenance& maintenance() { return worker_->maintenance(); }
  const LetterDesk& letters() const { return std::as_const(*worker_).letters(); }
  // Makes the chain of steps that answers a request function. Its server owns it.
  std::unique_ptr<RequestChain> MakeRequestChain(const PlannedFunction& function) const;

 private:
  RunParts(Plan plan, CoordinatorEvents* events) : plan_(std::move(plan)), events_(events) {}
  Status OpenHalves(const RunOptions& options, const RunSeams& seams);
  Maintenance::Callbacks MaintenanceTells();
  void TellSources(GroupId group, const Status& cause) const;
  void TellOfSourcesThatChanged() const;

  // Before the owner of the parts hears of it, the spouts of the group do.
  void OnHalted(GroupId group, const Status& cause) override;
  void OnDrained(GroupId group, TxId last) override { events_->OnDrained(group, last); }
  void OnIdle(GroupId group) override { events_->OnIdle(group); }

  Plan plan_;       // constant after Open
  WriteSet names_;  // of streams, until Settle
  DurableStore* store_ = nullptr;
  MarkFile* marks_ = nullptr;
  CoordinatorEvents* const events_;
  std::unique_ptr<LeaderParts> leader_;
  std::unique_ptr<WorkerParts> worker_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_RUN_PARTS_H_
