// SPDX-License-Identifier: Apache-2.0
//
// WorkerParts: the part of a running topology that runs and remembers. It has the states with their
// maintenance, the executors with their tasks, and the worker's end of the link to the leader.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_WORKER_PARTS_H_
#define TRIDENT_TRIDENT_RUN_PARTS_WORKER_PARTS_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/transport/links.h"
#include "engine/worker.h"
#include "state/state_store.h"
#include "trident/planner/planner.h"
#include "trident/run/parts/letter_desk.h"
#include "trident/run/parts/maintenance.h"
#include "trident/run/parts/run_options.h"
#include "trident/run/parts/worker_desk.h"
#include "trident/states/commit_history.h"

namespace trident {

class WorkerParts {
 public:
  // The parts work with these objects and call these listeners. All of them outlive the parts.
  struct Seams {
    WorkerId worker;
    uint32_t workers = 1;
    Incarnation life;
    DurableStore* store = nullptr;             // of the states
    const DecidedAttempts* decided = nullptr;  // as the process starts
    const Clock* clock = &RealClock();
    // Carries frames between executors and gives them to Worker::Deliver; null: frames arrive at
    // once.
    Transport* network = nullptr;
    // Which tasks are here, and by whom they are told; null: see WorkerOptions.
    std::function<bool(const StageSpec& stage, uint32_t task)> has_task = nullptr;
    WorkMark* marks = nullptr;  // see WorkerOptions
    Maintenance::Callbacks maintenance;
  };
  // Who the worker is to its store.
  static StoreOwner OwnerOf(const Plan& plan, WorkerId worker, uint32_t workers);
  // Options of the states that follow from those of the run.
  static StateStoreOptions StatesOf(const RunOptions& options);
  // Opens and recovers the states that the plan names. `plan` outlives the parts. The errors are
  // those of the store.
  static StatusOr<std::unique_ptr<WorkerParts>> Open(const Plan& plan, const RunOptions& options,
                                                     const StateStoreOptions& states, Seams seams);
  ~WorkerParts();  // Stop()

  // The facts that the leader knows of the epoch that has begun.
  struct Epochs {
    std::set<GroupId> repeats_cuts;
    // All are asked during Build.
    std::function<CommitHistory(GroupId)> history_of;
    std::function<std::vector<SourcePosition>(GroupId, SpoutId)> positions_of;
    // See WorkerOptions.
    std::function<StatusOr<std::vector<std::string>>(SpoutId)> agreed = nullptr;
  };
  // Starts the user-defined states and makes executors, tasks and spouts. `leader` outlives the
  // parts. The errors are those of user-defined states and of the spouts.
  Status Build(const Epochs& epochs, LeaderLink* leader);

  // Gives executors their threads. Without this call they are driven by RunOnce.
  void StartExecutors();
  // Tells the leader that the worker is there. Call it once executors and leader can work.
  void Join();
  void StartMaintenance();
  void StopMaintenance();
  void Stop();

  WorkerDesk& desk() { return *desk_; }
  Worker& worker() { return *worker_; }
  const Worker& worker() const { return *worker_; }
  StateStore& states() { return *states_; }
  const StateStore& states() const { return *states_; }
  Maintenance& maintenance() { return *maintenance_; }
  const LetterDesk& letters() const { return *letters_; }

 private:
  WorkerParts(const Plan& plan, const RunOptions& options, Seams seams)
      : plan_(plan), options_(options), seams_(std::move(seams)) {}
  Status OpenStates(const StateStoreOptions& options);
  Status StartUserStates(const Epochs& epochs);

  const Plan& plan_;
  const RunOptions options_;
  const Seams seams_;
  std::unique_ptr<StateStore> states_;
  DeadLetterStates dead_letters_;
  std::unique_ptr<Maintenance> maintenance_;
  std::map<GroupId, BatchId> applied_;  // by recovery
  std::unique_ptr<WorkerDesk> desk_;
  std::unique_ptr<LetterDesk> letters_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_WORKER_PARTS_H_
