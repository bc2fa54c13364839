// SPDX-License-Identifier: Apache-2.0
#include "engine/frame_gate.h"

#include <algorithm>
#include <utility>

namespace trident {
namespace {

constexpr char kHint[] = "; do all workers run the same topology?";

}  // namespace

void FrameGate::AddTask(const TaskAddress& task, GroupId group, std::vector<InputSpec> inputs) {
  tasks_[task] = {group, std::move(inputs)};
}

Status FrameGate::Judge(const DataMessage& message) {
  Status status =
      std::visit([this](const auto& m) { return Find(m.id, m.from, m.to, m.edge); }, message);
  const auto* frame = std::get_if<DataFrame>(&message);
  if (status.ok() && frame != nullptr && frame->payload == nullptr) {
    status = InvalidArgument("a frame along edge ", frame->edge, " has no rows");
  }
  if (!status.ok()) refused_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

Status FrameGate::Find(const BatchId& id, const TaskAddress& from, const TaskAddress& to,
                       uint32_t edge) const {
  const auto task = tasks_.find(to);
  if (task == tasks_.end()) {
    return NotFound("a frame for task ", to.task, " of stage ", to.stage.value(),
                    ", which is not here", kHint);
  }
  const auto& [group, inputs] = task->second;
  if (id.group != group) {
    return InvalidArgument("a frame of batch group ", id.group.value(), " for stage ",
                           to.stage.value(), " of batch group ", group.value(), kHint);
  }
  const bool is_expected = std::any_of(inputs.begin(), inputs.end(), [&](const InputSpec& input) {
    return input.edge == edge && input.from_stage == from.stage && from.task < input.from_tasks;
  });
  if (is_expected) return absl::OkStatus();
  return InvalidArgument("a frame along edge ", edge, " from task ", from.task, " of stage ",
                         from.stage.value(), ", from which stage ", to.stage.value(),
                         " takes nothing", kHint);
}

}  // namespace trident
