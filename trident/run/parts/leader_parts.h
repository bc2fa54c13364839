// SPDX-License-Identifier: Apache-2.0
//
// LeaderParts: the part of a running topology that decides. It has the log of the decisions, the
// protocol of each batch group with the threads around it, and the leader's end of the links to the
// workers.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_LEADER_PARTS_H_
#define TRIDENT_TRIDENT_RUN_PARTS_LEADER_PARTS_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "coordinator/batch_coordinator.h"
#include "coordinator/decision_log.h"
#include "engine/transport/links.h"
#include "trident/planner/planner.h"
#include "trident/run/parts/leader_desk.h"
#include "trident/run/parts/mark_file.h"
#include "trident/run/parts/run_options.h"
#include "trident/states/commit_history.h"

namespace trident {

class LeaderParts {
 public:
  // The parts work with these objects and call these listeners. All of them outlive the parts.
  struct Seams {
    DurableStore* store = nullptr;  // of the decisions
    CoordinatorEvents* events = nullptr;
    std::function<void()> changed;  // the end may have come nearer; any thread
    const Clock* clock = &RealClock();
    std::vector<WorkerId> workers;
    const MarkFile* marks = nullptr;  // what the last process was doing; null: nobody knows
  };
  // Reads the decisions that the store has. `plan` outlives the parts.
  static StatusOr<std::unique_ptr<LeaderParts>> Open(const Plan& plan, const RunOptions& options,
                                                     Seams seams);
  ~LeaderParts();  // Stop()

  // Gives the start its epoch and makes the groups' protocols, which start where the decisions end.
  Status Begin();
  // What is known of processes that ended in a batch of a group.
  const std::map<GroupId, EarlierDeaths>& deaths() const { return deaths_; }
  // The records of the epoch, for the one write with which the start begins.
  WriteSet TakeBeginning() { return std::exchange(beginning_, {}); }
  // Call it between Begin and Start. `workers` gets all words; `redo` is as in BatchCoordinator.
  void Connect(WorkerLink* workers, RedoAtHand* redo);
  void Start();
  void Stop();

  // True if every source has ended and all of it is committed.
  bool Ended() const;
  // How far the decisions of the group had come when each epoch began, including this one.
  CommitHistory HistoryOf(GroupId group);
  // Where the source partitions of a spout stand.
  std::vector<SourcePosition> PositionsOf(GroupId group, SpoutId spout) const;
  // Drops the decisions before `folded`, which are not needed any more. An error goes to `events`.
  void TrimDecisions(GroupId group, TxId folded);

  Epoch epoch() const { return epoch_; }
  const std::vector<GroupId>& groups() const { return groups_; }
  // Groups whose logged cuts are repeated.
  const std::set<GroupId>& repeats_cuts() const { return repeats_cuts_; }
  DecisionLog& log() { return log_; }
  const DecisionLog& log() const { return log_; }
  BatchCoordinator& coordinator() { return *coordinator_; }
  const BatchCoordinator& coordinator() const { return *coordinator_; }
  LeaderLink* link() { return desk_.get(); }

 private:
  LeaderParts(const Plan& plan, const RunOptions& options, Seams seams)
      : plan_(plan), options_(options), seams_(std::move(seams)), log_(*seams_.store) {}

  void Judge(GroupConfig& config, Epoch last_epoch);

  const Plan& plan_;
  const RunOptions options_;
  const Seams seams_;
  DecisionLog log_;
  Epoch epoch_;
  WriteSet beginning_;
  std::vector<GroupId> groups_;
  std::set<GroupId> repeats_cuts_;
  std::map<GroupId, EarlierDeaths> deaths_;
  std::unique_ptr<BatchCoordinator> coordinator_;
  std::unique_ptr<LeaderDesk> desk_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_LEADER_PARTS_H_
