// SPDX-License-Identifier: Apache-2.0
//
// World: one schedule. A process made of the real parts lives on a simulated disk, clock and
// network; the seed says who works next, and what fails. When faults have stopped, all input must
// be committed.
#ifndef TRIDENT_TESTS_SIM_WORLD_H_
#define TRIDENT_TESTS_SIM_WORLD_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/disk.h"
#include "tests/sim/history.h"
#include "tests/sim/network.h"
#include "tests/sim/readers.h"
#include "trident/run/parts/run_parts.h"

namespace trident::sim {

// What became of a schedule, and how much happened in it.
struct Outcome {
  std::string violation;  // empty: all invariants held
  uint64_t digest = 0;
  uint64_t steps = 0;
  uint64_t txids = 0;
  uint64_t crashes = 0;
  uint64_t halts = 0;
  uint64_t strikes = 0;
  uint64_t letters = 0;
  uint64_t folds = 0;
};

Outcome Play(const Options& options);

class World final : private CoordinatorEvents {
 public:
  explicit World(const Options& options);
  ~World() override;

  Outcome Play();

 private:
  // Who can work.
  enum class Actor : uint8_t { kCoordinator, kCommitter, kMaintenance, kNetwork, kExecutors };

  void PlayWithFaults();
  void PlayToTheEnd();
  void CheckTheEnd();

  // A life of the process.
  bool StartProcess();
  void EndProcess(SimDisk::Death death);
  Status OpenParts();
  void CheckFailures();
  bool Dead() const { return parts_ == nullptr || disk_.crashed(); }

  void Step();
  bool Work(size_t actor);
  bool Commit();
  bool Maintain();
  size_t actors() const;
  size_t ChooseActor();
  void LetTimePass();
  void Command();
  void MayCrash();
  void OthersGoOn();

  void OnHalted(GroupId group, const Status& cause) override;
  void OnDrained(GroupId, TxId) override {}
  void OnIdle(GroupId) override {}

  Trial trial_;
  const std::unique_ptr<Workload> workload_;
  std::vector<std::unique_ptr<Source>> sources_;
  History history_;
  SimDisk disk_;
  Readers readers_;

  // Of this life.
  std::unique_ptr<SimNetwork> network_;
  std::unique_ptr<RunParts> parts_;
  Status halted_;
  uint64_t strikes_before_ = 0;  // this life
  bool committing_ = false;      // within the store's Write
  bool maintaining_ = false;
  uint32_t idle_ = 0;  // steps in which nobody had work

  Outcome outcome_;
};

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_WORLD_H_
