// SPDX-License-Identifier: Apache-2.0
#include "trident/plan/logical_plan.h"

namespace trident {

NodeId LogicalPlan::Add(LogicalNode node) {
  node.id = nodes_.size();
  nodes_.push_back(std::move(node));
  return nodes_.back().id;
}

std::string LogicalPlan::StepName(const LogicalNode& node) {
  if (!node.name.empty()) return node.name;
  return node.detail.empty() ? node.verb : node.verb + " " + node.detail;
}

std::string LogicalPlan::PathTo(NodeId id) const {
  const LogicalNode& node = nodes_[id];
  std::string own = StepName(node);
  return node.inputs.empty() ? own : PathTo(node.inputs[0]) + " > " + own;
}

bool LogicalPlan::IsRequest(NodeId id) const {
  const LogicalNode& node = nodes_[id];
  if (node.kind == LogicalNode::Kind::kRequest) return true;
  return !node.inputs.empty() && IsRequest(node.inputs[0]);
}

Status LogicalPlan::DeclareState(const std::shared_ptr<StateDeclaration>& state) {
  const std::string& name = state->spec().name;
  if (name.empty()) {
    return InvalidArgument(
        "a step that keeps state has no name; its data could not be found again "
        "after a restart: give it one, as in {.name = \"counts\"}");
  }
  if (IsDeadLetterName(name)) {
    return InvalidArgument("the name \"", name,
                           "\" is the engine's own: rows that cannot be "
                           "processed are kept under it; give the state another name");
  }
  for (const auto& other : states_) {
    if (other->spec().name == name) {
      return InvalidArgument("two states are called \"", name,
                             "\"; a name is where the data is "
                             "stored: give one of them another name");
    }
  }
  TRIDENT_RETURN_IF_ERROR(ValidateSpec(state->spec()));
  states_.push_back(state);
  return absl::OkStatus();
}

}  // namespace trident
