// SPDX-License-Identifier: Apache-2.0
//
// RunParts: everything of a running topology that decides, runs and remembers, in the order in
// which the parts depend on each other, over a store, a clock and a network that it is given. A Run
// gives it threads; a simulation steps the same parts in one thread.
#ifndef TRIDENT_TRIDENT_RUN_RUN_PARTS_H_
#define TRIDENT_TRIDENT_RUN_RUN_PARTS_H_

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "coordinator/batch_coordinator.h"
#include "coordinator/decision_log.h"
#include "engine/worker.h"
#include "state/state_store.h"
#include "trident/planner/planner.h"
#include "trident/run/maintenance.h"
#include "trident/run/request_chain.h"
#include "trident/run/run.h"
#include "trident/run/worker_bridge.h"

namespace trident {

// What the parts stand on and whom they tell. All of it outlives them.
struct RunSeams {
  DurableStore* store = nullptr;
  CoordinatorEvents* events = nullptr;
  std::function<void()> changed;  // a source ended or a batch was published; any thread
  const Clock* clock = &RealClock();
  // Carries frames between executors, and gives them to Worker::Deliver; null: at once.
  Transport* network = nullptr;
  // Of the state store; the rest follows from the options of the run. 0 state bytes: their share of
  // memory_bytes.
  uint64_t state_bytes = 0;
  uint64_t fold_redo_bytes = kFoldRedoBytesDefault;
  uint64_t fold_commits = kFoldCommitsDefault;
  FoldDeltas fold_deltas = FoldDeltas::kWhateverIsCheaper;
};

class RunParts {
 public:
  // Opens and recovers what the store holds of the plan's topology. The errors of the store and of
  // the spouts.
  static StatusOr<std::unique_ptr<RunParts>> Open(Plan plan, const RunOptions& options,
                                                  RunSeams seams);
  ~RunParts();  // Stop()

  // Gives every part its thread, and begins.
  void Start();
  // Ends the threads, if there are any. What is undecided is forgotten.
  void Stop();
  // Begins without threads: the caller drives coordinator(), the executors of worker() and
  // maintenance() by their RunOnce.
  void StartStepped();

  // Every source has ended and all of it is committed.
  bool Ended() const;
  // What waits in the sources of `group` behind what is committed. Thread-safe; asks the spouts.
  Lag LagOf(GroupId group) const;

  const Plan& plan() const { return plan_; }
  Epoch epoch() const { return epoch_; }
  const std::vector<GroupId>& groups() const { return groups_; }
  BatchCoordinator& coordinator() { return *coordinator_; }
  const BatchCoordinator& coordinator() const { return *coordinator_; }
  Worker& worker() { return *worker_; }
  StateStore& states() { return *states_; }
  const StateStore& states() const { return *states_; }
  DecisionLog& log() { return *log_; }
  Maintenance& maintenance() { return *maintenance_; }
  // What answers a request function; to be owned by whoever serves it.
  std::unique_ptr<RequestChain> MakeRequestChain(const PlannedFunction& function) const;

 private:
  RunParts(Plan plan, const RunOptions& options, RunSeams seams)
      : options_(options), seams_(std::move(seams)), plan_(std::move(plan)) {}
  Status OpenStates();
  Status StartUserStates();
  Status BuildWorker();
  void MakeMaintenance();
  void Announce();
  void TrimDecisions();

  const RunOptions options_;
  const RunSeams seams_;
  const Plan plan_;
  std::unique_ptr<DecisionLog> log_;
  std::unique_ptr<StateStore> states_;
  DeadLetterStates dead_letters_;
  std::unique_ptr<BatchCoordinator> coordinator_;
  std::unique_ptr<WorkerBridge> bridge_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Maintenance> maintenance_;
  std::vector<GroupId> groups_;
  Epoch epoch_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_RUN_PARTS_H_
