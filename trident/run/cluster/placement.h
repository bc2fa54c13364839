// SPDX-License-Identifier: Apache-2.0
//
// Placement: which worker of a cluster runs a task. Tasks are dealt out to workers by the law by
// which partitions are dealt out to tasks (base/partition_assignment.h). So a stage with as many
// tasks for each worker has the same partitions there, however many tasks these are.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_PLACEMENT_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_PLACEMENT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/partition_assignment.h"
#include "engine/transport/message.h"
#include "engine/worker.h"

namespace trident {

// Immutable, so any thread may use it.
class Placement {
 public:
  // REQUIRES: at least one worker.
  Placement(uint32_t workers, const std::vector<StageSpec>& stages) : workers_(workers) {
    for (const StageSpec& stage : stages) {
      tasks_[stage.id] = stage.tasks;
      if (stage.spout != nullptr) spouts_[stage.spout_id] = stage.tasks;
    }
  }

  // A stage that was not among them has one task: that of dead letters.
  WorkerId WorkerOf(const TaskAddress& task) const {
    const auto tasks = tasks_.find(task.stage);
    return tasks == tasks_.end() ? WorkerId(0) : Of(task.task, tasks->second);
  }
  // nullopt: there is no such spout task.
  std::optional<WorkerId> WorkerOf(EmitterId emitter) const {
    const auto tasks = spouts_.find(emitter.spout);
    if (tasks == spouts_.end() || emitter.task >= tasks->second) return std::nullopt;
    return Of(emitter.task, tasks->second);
  }

 private:
  // REQUIRES: task < tasks.
  WorkerId Of(uint32_t task, uint32_t tasks) const {
    return WorkerId(TaskOfPartition(task, tasks, workers_));
  }

  const uint32_t workers_;
  std::map<StageId, uint32_t> tasks_;
  std::map<SpoutId, uint32_t> spouts_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_PLACEMENT_H_
