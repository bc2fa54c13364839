// SPDX-License-Identifier: Apache-2.0
//
// One simulated cluster: workers, leaders one after another and side by side, the record of the
// epoch, the network between them, and the faults. Plays a history from its seed and says whether
// an invariant broke.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_WORLD_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_WORLD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "tests/protocol_model/cluster_leader.h"
#include "tests/protocol_model/cluster_options.h"
#include "tests/protocol_model/cluster_worker.h"
#include "tests/protocol_model/epoch_store.h"
#include "tests/protocol_model/oracle.h"
#include "tests/protocol_model/spout_task.h"
#include "tests/protocol_model/timeline.h"
#include "tests/protocol_model/world.h"

namespace trident::model {

class ClusterWorld : public SpoutSurroundings {
 public:
  explicit ClusterWorld(const ClusterOptions& options);
  ~ClusterWorld() override;

  Outcome Run();

  // For those who take part.
  const Options& options() const override { return options_.group; }
  const ClusterOptions& cluster() const { return options_; }
  // A clock of the host of this leader: they differ by a second and run at different rates.
  int64_t WallMicros(uint64_t leader) const;
  BatchId IdOf(TxId txid, Attempt attempt) const { return {options().config.group, txid, attempt}; }
  Timeline& time() override { return time_; }
  Oracle& oracle() override { return oracle_; }
  EpochStore& epochs() { return epochs_; }
  Outcome& outcome() { return outcome_; }
  std::vector<std::unique_ptr<ClusterWorker>>& workers() { return workers_; }
  ClusterWorker& worker(WorkerId id) { return *workers_.at(id.value()); }
  std::vector<std::unique_ptr<SpoutTask>>& spout_tasks() { return spout_tasks_; }

  void Send(Wire kind, std::function<void()> deliver);
  void SendToCoordinators(BatchEvent event) override;
  void SendData(const BatchId& id, EmitterId from,
                std::shared_ptr<const Emission> emission) override;
  // To whoever leads that epoch, or believes so.
  void SendToLeader(Wire kind, Epoch epoch, BatchEvent event);
  void SendToTakeover(Wire kind, Epoch epoch, TakeoverEvent event);
  // To every leader.
  void SendConnected(WorkerId worker, Incarnation incarnation);

  // The scribes of an epoch that begins, when those were the last.
  std::vector<WorkerId> ChooseScribes(std::vector<WorkerId> last);
  // Every scribe of an epoch has the cut: it may be staged.
  void OnCutLogged(TxId txid) { logged_cuts_.insert(txid); }
  // A leader has all votes.
  void OnDecided(const DecisionRecord& record);
  void OnEpochRecord(const EpochRecord& record);
  void OnStagedOutside(uint32_t worker, TxId txid, Attempt attempt);
  void OnHalt(const ClusterLeader& leader, const Status& cause);
  void CrashWorker(ClusterWorker& worker);

 private:
  void Plan(uint32_t times, void (ClusterWorld::*fault)());
  void BeginEpoch();
  void CrashLeader();
  void TakeOver() { BeginEpoch(); }
  void CrashAnyWorker();
  void LosePower();
  void CrashSpout();
  void EnsureLeader();
  void CheckOutside();
  void CheckScribes(const EpochRecord& record);
  bool Finished() const;
  void CheckEnd();

  const ClusterOptions options_;
  Timeline time_;
  Oracle oracle_;
  EpochStore epochs_;
  Outcome outcome_;
  std::vector<std::unique_ptr<ClusterWorker>> workers_;
  std::vector<std::unique_ptr<SpoutTask>> spout_tasks_;
  std::vector<std::unique_ptr<ClusterLeader>> leaders_;
  std::set<TxId> logged_cuts_;
  bool stopped_ = false;  // by a row that no retry helps, as the stop policy promises
  uint64_t calm_halts_ = 0;
};

// Plays the history of `seed`.
Outcome PlayCluster(uint64_t seed);

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_CLUSTER_WORLD_H_
