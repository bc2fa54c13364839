// SPDX-License-Identifier: Apache-2.0
//
// ClusterControl: what the administration service of one process of several shows and does. The
// leader's process knows the batches; each process knows its own part of the states.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_CONTROL_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_CONTROL_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/cluster/leader_questions.h"
#include "coordinator/serve/topology_control.h"
#include "state/view/state_catalog.h"
#include "trident/run/cluster/cluster_leader.h"
#include "trident/run/cluster/cluster_worker.h"

namespace trident {

// Thread-safe; everything it is given must outlive it.
class ClusterControl final : public TopologyControl {
 public:
  struct Parts {
    std::string topology;
    std::string explain_text;
    std::string explain_dot;
    int32_t max_pending = 0;
    Nanos batch_age = 0;
    WorkerId self;
    std::vector<GroupId> groups;
    ClusterLeader* leader = nullptr;  // null: this process does not lead
    const ClusterWorker* worker = nullptr;
    const StateCatalog* states = nullptr;  // of all workers
    // Of a process that does not lead; it may wait.
    std::function<StatusOr<std::string>(LeaderQuestion)> ask_leader = nullptr;
  };
  explicit ClusterControl(Parts parts) : parts_(std::move(parts)) {}

  bool MayWait() const override { return parts_.leader == nullptr; }
  std::string topology() const override { return parts_.topology; }
  StatusOr<TopologyView> View() const override;
  StatusOr<std::string> Explain(ExplainFormat format) const override;
  Status Pause() override;
  Status Resume() override;
  std::string Metrics() const override;
  StatusOr<BackupFiles> NewBackup() override;
  std::vector<LetterStanding> DoWithLetters(LetterAction action,
                                            const std::vector<LetterName>& letters) override;

 private:
  const Parts parts_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_CONTROL_H_
