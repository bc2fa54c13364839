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
  // `stages` are those of the plan. Behind them stand `letter_stages` of dead letters, of one task
  // each. REQUIRES: at least one worker.
  Placement(uint32_t workers, const std::vector<StageSpec>& stages, uint32_t letter_stages)
      : workers_(workers) {
    for (const StageSpec& stage : stages) {
      tasks_[stage.id] = stage.tasks;
      if (stage.spout != nullptr) spouts_[stage.spout_id] = stage.tasks;
    }
    const auto first = static_cast<uint32_t>(stages.size());
    for (uint32_t i = 0; i < letter_stages; ++i) tasks_[StageId(first + i)] = 1;
  }

  // Of all workers; 0: there is no such stage.
  uint32_t TasksOf(StageId stage) const {
    const auto tasks = tasks_.find(stage);
    return tasks == tasks_.end() ? 0 : tasks->second;
  }
  // Of one worker, in all stages.
  uint32_t TasksOf(WorkerId worker) const {
    uint32_t n = 0;
    for (const auto& [stage, tasks] : tasks_) {
      for (uint32_t task = 0; task < tasks; ++task) n += Of(task, tasks) == worker ? 1 : 0;
    }
    return n;
  }
  // REQUIRES: there is such a task.
  WorkerId WorkerOf(const TaskAddress& task) const { return Of(task.task, tasks_.at(task.stage)); }
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
