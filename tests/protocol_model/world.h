// SPDX-License-Identifier: Apache-2.0
//
// One simulated group: coordinators that drive the real BatchProtocol, spout tasks, workers, the
// durable store, the network between them, and the faults. Plays a history from its seed and says
// whether an invariant broke.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_WORLD_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_WORLD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/protocol/batch_protocol_events.h"
#include "coordinator/protocol/earlier_deaths.h"
#include "tests/protocol_model/decision_store.h"
#include "tests/protocol_model/options.h"
#include "tests/protocol_model/oracle.h"
#include "tests/protocol_model/spout_task.h"
#include "tests/protocol_model/timeline.h"

namespace trident::model {

class Coordinator;
class Worker;

// How a history ended.
struct Outcome {
  std::string violation;  // "" = none
  uint64_t txids = 0;
  uint64_t attempts = 0;
  uint64_t failures = 0;
  uint64_t halts = 0;
  uint64_t stale = 0;
  uint64_t diverted = 0;
  uint64_t deaths = 0;  // of the process
  uint64_t steps = 0;   // of protocols
  uint64_t digest = 0;  // over all events and actions: equal seeds have equal digests
};

class World : public SpoutSurroundings {
 public:
  explicit World(const Options& options);
  ~World() override;

  Outcome Run();

  // For those who take part.
  const Options& options() const override { return options_; }
  BatchId IdOf(TxId txid, Attempt attempt) const { return {options_.config.group, txid, attempt}; }
  Timeline& time() override { return time_; }
  Oracle& oracle() override { return oracle_; }
  DecisionStore& store() { return store_; }
  Outcome& outcome() { return outcome_; }
  std::vector<std::unique_ptr<Worker>>& workers() { return workers_; }
  std::vector<std::unique_ptr<SpoutTask>>& spout_tasks() { return spout_tasks_; }
  void SendToCoordinators(BatchEvent event) override;
  void SendData(const BatchId& id, EmitterId from,
                std::shared_ptr<const Emission> emission) override;
  void OnHalt(const Coordinator& coordinator, const Status& cause);
  // All that takes part is one process. It ends while `step` works, and starts again a little
  // later.
  void EndProcess(const std::string& step);

 private:
  void PlanFaults();
  void Plan(uint32_t times, void (World::*fault)());
  void CrashCoordinator();
  void ForkCoordinator();
  void CrashWorker();
  void SuspectWorker();
  void CrashSpout();
  void PauseGroup();
  void KillProcess();
  void StartProcess(const Coordinator* leader);
  void StartCoordinator();
  void EndOfFaults();
  bool Finished() const;
  void CheckEnd();

  const Options options_;
  Timeline time_;
  Oracle oracle_;
  DecisionStore store_;
  Outcome outcome_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<SpoutTask>> spout_tasks_;
  std::vector<std::unique_ptr<Coordinator>> coordinators_;  // the last one leads
  bool stopped_ = false;  // by a row that no retry helps, as the stop policy promises
  uint64_t calm_halts_ = 0;
  // What the next start finds of the processes before it.
  std::optional<EarlierDeaths> deaths_;
  LastProcess last_;
  bool is_down_ = false;
};

// Plays the history of `seed`.
Outcome Play(uint64_t seed);

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_WORLD_H_
