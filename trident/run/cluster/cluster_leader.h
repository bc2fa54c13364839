// SPDX-License-Identifier: Apache-2.0
//
// ClusterLeader: one life of the leader of a cluster. It begins an epoch, has Takeover settle it,
// and then leads batches by BatchCoordinator, until a worker is lost or starts again: that begins
// the next epoch. It remembers nothing but the record of the epoch; what was decided stands with
// the workers.
//
// Whoever runs it gives a thread to it, or steps it by RunOnce.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_LEADER_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_LEADER_H_

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordinator/batch_coordinator.h"
#include "coordinator/cluster/control_words.h"
#include "coordinator/protocol/takeover.h"
#include "trident/planner/planner.h"
#include "trident/run/cluster/epoch_store.h"
#include "trident/run/cluster/placement.h"
#include "trident/run/parts/run_options.h"

namespace trident {

class ClusterLeader {
 public:
  // The leader works with these objects and calls these listeners. All of them outlive it.
  struct Seams {
    uint32_t workers = 1;
    Incarnation life;
    EpochStore* epochs = nullptr;
    const Clock* clock = &RealClock();
    // Says something to a worker. Called on any thread, also with locks held: it must not wait.
    std::function<void(WorkerId, LeaderWord)> tell;
    CoordinatorEvents* events = nullptr;
    std::function<void()> changed;  // the end may have come nearer; any thread
    // No epoch of this leader can lead any more: a later leader has begun one, or something that
    // was decided is not there.
    std::function<void(const Status&)> failed;
  };
  // `plan` has the numbers of the leader's store (NumberByName).
  ClusterLeader(Plan plan, const RunOptions& options, Seams seams);
  ~ClusterLeader();  // Stop()

  // A life of a worker can be reached, or cannot be reached any more. Any thread.
  struct Life {
    Incarnation incarnation;
    std::string exchange_address;  // where it takes rows of other workers
  };
  void OnConnected(WorkerId worker, const Life& life);
  void OnGone(WorkerId worker, Incarnation life);
  // A worker says something. Any thread.
  void Hear(WorkerId worker, WorkerWord says);

  void Start();
  void Stop();
  // Does what there is to do now, without threads. False: nothing.
  bool RunOnce();
  // When RunOnce has work that waits for a time; nullopt: none.
  std::optional<Nanos> NextTick() const;

  // True if every source has ended and all of it is committed.
  bool Ended() const;
  // Tells the workers that this is so.
  void SayFarewell() const;
  // nullopt: it leads no epoch at the moment.
  std::optional<GroupStatus> StatusOf(GroupId group) const;
  std::optional<GroupCounters> CountersOf(GroupId group) const;
  // Rows that were put aside in the epochs of this leader.
  uint64_t RowsAside() const;
  // See Run::Pause. They hold for all epochs that this leader leads. Any thread.
  void Pause();
  void Resume();
  // The epoch that it leads; zero: none at the moment.
  Epoch leading() const;
  // Whom the beginning of an epoch waits for.
  std::vector<WorkerId> awaited() const;

 private:
  class Leading;
  struct Connected {
    WorkerId worker;
    Life life;
  };
  struct Gone {
    WorkerId worker;
    Incarnation life;
  };
  struct Said {
    WorkerId worker;
    WorkerWord says;
  };
  using Event = std::variant<Connected, Gone, Said>;

  bool MaySay(WorkerId worker, const WordToLeader& word) const;
  void Post(Event event);
  void TakeIn(const Connected& event);
  void TakeIn(const Gone& event);
  void TakeIn(Said& event);
  Status CheckGroups(const EpochRecord& last) const;
  void BeginEpoch();
  void EndEpoch();
  Welcome WelcomeTo(Epoch epoch) const;
  void Step(const TakeoverEvent& event);
  void Perform(const TakeoverAction& action);
  void Lead(const takeover_action::Lead& lead);
  // The source partitions that the epoch reads, of spouts that several workers may read.
  StatusOr<std::vector<Welcome::Spout>> ListSourcesOf(const takeover_action::Lead& lead) const;
  // Says it once.
  void TellOfDeaths(GroupId group, const std::optional<EarlierDeaths>& deaths);
  GroupConfig ConfigOf(GroupId group) const;
  std::shared_ptr<Leading> FindLeading() const;
  void Fail(const Status& cause);
  void Run();
  void AskAgain();

  const Plan plan_;
  const RunOptions options_;
  const Seams seams_;
  const Placement placement_;
  std::vector<WorkerId> workers_;

  // Of the thread that runs the leader.
  std::map<WorkerId, Life> lives_;
  std::unique_ptr<Takeover> takeover_;
  EpochRecord mine_;
  std::vector<Welcome::Spout> sources_;  // of the epoch that has started
  std::map<GroupId, uint32_t> told_deaths_;
  bool must_begin_ = true;
  std::deque<TakeoverEvent> to_step_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Event> events_ TRIDENT_GUARDED_BY(mutex_);
  std::shared_ptr<Leading> leading_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<WorkerId> awaited_ TRIDENT_GUARDED_BY(mutex_);
  bool stops_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool failed_ TRIDENT_GUARDED_BY(mutex_) = false;
  bool paused_ TRIDENT_GUARDED_BY(mutex_) = false;
  uint64_t rows_aside_before_ TRIDENT_GUARDED_BY(mutex_) = 0;  // in epochs that are over

  std::atomic<bool> has_threads_ = false;
  mutable std::atomic<bool> has_said_farewell_ = false;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_LEADER_H_
