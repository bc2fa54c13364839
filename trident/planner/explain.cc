// SPDX-License-Identifier: Apache-2.0
#include "trident/planner/explain.h"

namespace trident {
namespace {

std::string Counted(uint32_t n, const char* noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

using Kind = LogicalNode::Kind;

enum class Sources : uint8_t { kWhereTheyAre, kWhatTheyAre };

std::string StepLine(const Plan& plan, NodeId id, Sources sources) {
  const LogicalNode& node = plan.logical->node(id);
  std::string line = node.verb;
  if (node.kind == Kind::kSpout && sources == Sources::kWhatTheyAre) {
    line += " of kind " + std::to_string(static_cast<int>(node.spout->kind())) +
            (node.spout->ReadsInOneProcess() ? ", in one process" : "") + ", " +
            node.spout->Rules();
  } else if (!node.detail.empty()) {
    line += " " + node.detail;
  }
  if (!node.name.empty()) line += " \"" + node.name + "\"";
  if (node.writes != nullptr) {
    line += ", " + std::string(ToString(node.writes->spec().kind)) + " state of " +
            Counted(node.writes->spec().partitions, "partition");
  }
  return line + "  " + plan.schemas[id].ToString();
}

std::string Route(const Plan& plan, NodeId exchange) {
  const LogicalNode& node = plan.logical->node(exchange);
  if (node.kind == Kind::kMerge) return "merge";
  return node.detail.empty() ? node.verb : node.verb + " [" + node.detail + "]";
}

std::string Escape(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string Explained(const Plan& plan, Sources sources) {
  std::string out = "topology \"" + plan.logical->topology() + "\"\n";
  for (GroupId group : plan.group_ids) {
    out += "batch group " + std::to_string(group.value()) + "\n";
    for (const PlannedStage& stage : plan.stages) {
      if (stage.group != group) continue;
      out += "  stage " + std::to_string(stage.id.value()) + ", " + Counted(stage.tasks, "task") +
             "\n";
      for (const PlannedStage::Input& input : stage.inputs) {
        out += "    <- stage " + std::to_string(input.from_stage.value()) + ": " +
               Route(plan, input.node) + "\n";
      }
      for (NodeId id : stage.nodes) {
        if (plan.logical->node(id).kind == Kind::kExchange) continue;
        out += "    " + StepLine(plan, id, sources) + "\n";
      }
    }
  }
  for (const PlannedFunction& function : plan.functions) {
    out += "drpc function \"" + function.function + "\"\n";
    for (NodeId id : function.nodes) {
      if (plan.logical->node(id).kind == Kind::kExchange) continue;
      out += "    " + StepLine(plan, id, sources) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string ExplainText(const Plan& plan) { return Explained(plan, Sources::kWhereTheyAre); }

std::string ExplainShape(const Plan& plan) { return Explained(plan, Sources::kWhatTheyAre); }

std::string ExplainGraphviz(const Plan& plan) {
  std::string out = "digraph \"" + Escape(plan.logical->topology()) + "\" {\n  node [shape=box];\n";
  for (const PlannedStage& stage : plan.stages) {
    out += "  s" + std::to_string(stage.id.value()) + " [label=\"" + Escape(stage.name) + "\\n" +
           Counted(stage.tasks, "task") + "\"];\n";
    for (const PlannedStage::Input& input : stage.inputs) {
      out += "  s" + std::to_string(input.from_stage.value()) + " -> s" +
             std::to_string(stage.id.value()) + " [label=\"" + Escape(Route(plan, input.node)) +
             "\"];\n";
    }
  }
  size_t number = 0;
  for (const PlannedFunction& function : plan.functions) {
    std::string label = "drpc " + Escape(function.function);
    for (NodeId id : function.nodes) {
      const LogicalNode& node = plan.logical->node(id);
      if (node.kind == Kind::kOperator) label += "\\n" + Escape(LogicalPlan::StepName(node));
    }
    out += "  f" + std::to_string(number++) + " [label=\"" + label + "\", style=rounded];\n";
  }
  return out + "}\n";
}

}  // namespace trident
