// SPDX-License-Identifier: Apache-2.0
//
// FrameGate: the door for messages of other processes. A task may take whatever comes from a task
// of its own process, because one planner has made both; what comes over a network is looked at
// first. So no message from there can end the process or make a task wait for what never comes.
#ifndef TRIDENT_ENGINE_FRAME_GATE_H_
#define TRIDENT_ENGINE_FRAME_GATE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <vector>

#include "base/status.h"
#include "engine/inbox.h"

namespace trident {

// Thread-safe once all tasks are added.
class FrameGate {
 public:
  void AddTask(const TaskAddress& task, GroupId group, std::vector<InputSpec> inputs);

  // Not ok: no task here expects such a message, so it must go no further. It is counted. Errors:
  // NotFound: no such task here. InvalidArgument: it has no such edge, or another sender or group.
  Status Judge(const DataMessage& message);

  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Expected {
    GroupId group;
    std::vector<InputSpec> inputs;
  };
  Status Find(const BatchId& id, const TaskAddress& from, const TaskAddress& to,
              uint32_t edge) const;

  std::map<TaskAddress, Expected> tasks_;
  std::atomic<uint64_t> refused_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_FRAME_GATE_H_
