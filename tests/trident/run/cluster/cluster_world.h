// SPDX-License-Identifier: Apache-2.0
//
// ClusterWorld: the worker processes of one topology, and its leader, on simulated disks, links and
// time. The seed says who works next, which message arrives, and who dies. What runs is what ships,
// but for the links.
#ifndef TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_CLUSTER_WORLD_H_
#define TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_CLUSTER_WORLD_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "state/disk/memory_store.h"
#include "tests/sim/trial.h"
#include "trident/run/cluster/cluster_leader.h"
#include "trident/run/cluster/cluster_worker.h"
#include "trident/topology.h"

namespace trident {

// How likely something is in a step.
struct ClusterFaults {
  double process_dies = 0;
  double machine_dies = 0;
  double write_fails = 0;
  double link_breaks = 0;
  double frame_is_lost = 0;  // of those that arrive
  // How likely somebody who could work rests, drawn anew for each kind of work at each host. So
  // what is told, written and carried comes late beside everything else.
  double rests_max = 0;
};

class ClusterWorld final : private CoordinatorEvents {
 public:
  struct Options {
    uint64_t seed = 1;
    uint32_t workers = 2;
    RunOptions run;
    ClusterFaults faults;
    uint64_t fault_steps = 0;
    // Declares the streams; called for each process.
    std::function<void(Topology&)> declare;
    std::vector<std::string> states;  // that are read
  };
  explicit ClusterWorld(const Options& options);
  ~ClusterWorld() override;

  // Plays until all input is committed and all is published everywhere. "" or what went wrong.
  std::string Play();

  // After Play: every key and value of a state, over all workers, at the newest txid.
  using Content = std::map<std::string, std::string>;
  Content ContentOf(const std::string& state);
  uint64_t steps() const { return steps_; }
  uint64_t deaths() const { return deaths_; }
  uint64_t epochs() const { return epochs_; }

 private:
  // Who may rest.
  enum Doing : uint8_t { kWriter, kEpochs, kMaintenance, kExecutor, kHears, kSays, kWorks };
  struct Host {
    std::unique_ptr<MemoryStore> disk;
    Incarnation life;
    std::unique_ptr<Transport> network;
    std::unique_ptr<ClusterWorker> worker;
    std::weak_ptr<WorkerParts> last_parts;  // of its newest epoch
    bool is_connected = false;              // words reach the leader and come from there
    bool must_die = false;
    uint64_t starts_at = 0;    // a step
    uint64_t connects_at = 0;  // likewise
    std::array<double, kWorks> rests = {};
    std::map<GroupId, TxId> read_up_to;
  };
  struct StreamEnds {
    Incarnation life;
  };
  using FromWorker = std::variant<WorkerWord, StreamEnds>;
  class Network;
  void Step();
  bool Work();
  bool WorkAt(Host& host);
  void MayFail();
  enum class Death : uint8_t { kOfTheProcess, kOfTheMachine };
  void Kill(uint32_t host, Death death);
  void StartHost(uint32_t host);
  void StartLeader();
  void Connect(uint32_t host);
  void Disconnect(uint32_t host);
  bool DeliverToWorker();
  bool DeliverToLeader();
  bool DeliverFrame();
  bool Rests(const Host& host, Doing what);
  uint64_t DecidedByAll() const;
  bool AllIsDone();
  void CheckReads();
  void CheckReads(GroupId group);
  // nullopt: it cannot be read any more.
  std::optional<uint64_t> DigestOf(GroupId group, TxId at);
  void CheckDisks();
  void CheckDisk(const Host& host, std::map<GroupId, LogReport>& logs);
  Placement PlacementOf(const Plan& plan) const;
  void Violated(std::string what);
  StatusOr<Plan> MakeClusterPlan() const;

  void OnHalted(GroupId group, const Status& cause) override;
  void OnDrained(GroupId, TxId) override {}
  void OnIdle(GroupId) override {}

  struct Frame {
    uint32_t from;
    uint32_t to;
    DataMessage message;
  };

  const Options options_;
  Rng rng_;
  sim::SimClock clock_;
  std::vector<Host> hosts_;
  std::unique_ptr<StoredEpoch> epoch_store_;
  std::unique_ptr<ClusterLeader> leader_;
  // By worker: in order, as one stream each way.
  std::vector<std::deque<LeaderWord>> to_worker_;
  std::vector<std::deque<FromWorker>> to_leader_;
  std::vector<Frame> frames_;
  bool faults_on_ = true;
  uint64_t steps_ = 0;
  uint64_t idle_ = 0;
  uint64_t deaths_ = 0;
  uint64_t epochs_ = 0;
  Epoch last_epoch_;
  std::vector<GroupId> groups_;
  std::map<std::pair<GroupId, TxId>, uint64_t> was_read_;  // digests
  std::map<std::pair<GroupId, TxId>, Attempt> was_decided_;
  std::map<GroupId, TxId> committed_;
  std::string violation_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_CLUSTER_WORLD_H_
