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

#include "coordinator/cluster/process_questions.h"
#include "coordinator/serve/topology_control.h"
#include "state/view/state_catalog.h"
#include "trident/run/cluster/cluster_leader.h"
#include "trident/run/cluster/cluster_worker.h"
#include "trident/run/parts/process_facts.h"

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
    uint32_t workers = 1;
    uint32_t executors = 1;
    uint32_t tasks = 0;  // of this worker
    std::vector<WorkerView::StatePart> parts_here = {};
    ProcessFacts* facts = nullptr;
    // Where a worker was reached last; "": it was not heard of.
    std::function<std::string(WorkerId)> address_of = nullptr;
    // Asks another process; it may wait.
    std::function<StatusOr<std::string>(WorkerId, ProcessQuestion)> ask = nullptr;
  };
  explicit ClusterControl(Parts parts) : parts_(std::move(parts)) {}

  bool MayWait() const override { return parts_.workers > 1; }
  std::string topology() const override { return parts_.topology; }
  StatusOr<TopologyView> View() const override;
  std::vector<WorkerView> Workers() const override;
  // This process alone; does not wait.
  WorkerView About() const;
  StatusOr<std::string> Explain(ExplainFormat format) const override;
  Status Pause() override;
  Status Resume() override;
  std::string Metrics() const override;
  StatusOr<BackupFiles> NewBackup() override;
  std::vector<LetterStanding> DoWithLetters(LetterAction action,
                                            const std::vector<LetterName>& letters) override;

 private:
  StatusOr<std::string> AskLeader(ProcessQuestion question) const {
    return parts_.ask(WorkerId(0), question);
  }
  StatusOr<WorkerView> AboutOther(WorkerId worker) const;

  const Parts parts_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_CONTROL_H_
