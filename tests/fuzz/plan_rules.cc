// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/plan_rules.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "base/check.h"
#include "base/limits.h"

namespace trident {
namespace {

using Kind = LogicalNode::Kind;

bool Contains(const std::vector<NodeId>& nodes, NodeId id) {
  return std::find(nodes.begin(), nodes.end(), id) != nodes.end();
}

// ---- groups: what is connected is numbered together, requests are in none ----

void CheckGroups(const Plan& plan) {
  const auto& nodes = plan.logical->nodes();
  TRIDENT_CHECK_EQ(plan.groups.size(), nodes.size());
  std::vector<std::set<NodeId>> near(nodes.size());
  for (const LogicalNode& node : nodes) {
    for (NodeId input : node.inputs) {
      TRIDENT_CHECK(input < node.id) << "step " << node.id << " takes what comes later";
      near[node.id].insert(input);
      near[input].insert(node.id);
    }
  }
  std::vector<bool> seen(nodes.size(), false);
  uint32_t parts = 0;
  for (const LogicalNode& node : nodes) {
    if (seen[node.id]) continue;
    const GroupId group = plan.groups[node.id];
    TRIDENT_CHECK((group == GroupId(0)) == (node.kind == Kind::kRequest)) << "step " << node.id;
    if (group != GroupId(0)) TRIDENT_CHECK_EQ(group.value(), ++parts);
    std::vector<NodeId> open = {node.id};
    while (!open.empty()) {
      const NodeId at = open.back();
      open.pop_back();
      if (seen[at]) continue;
      seen[at] = true;
      TRIDENT_CHECK_EQ(plan.groups[at].value(), group.value());
      open.insert(open.end(), near[at].begin(), near[at].end());
    }
  }
  TRIDENT_CHECK_EQ(parts, plan.group_ids.size());
}

// ---- stages: each step is in one, and gets its rows there or through an exchange ----

void CheckInputs(const Plan& plan, const PlannedStage& stage, std::set<uint32_t>& edges) {
  const LogicalNode& first = plan.logical->node(stage.nodes[0]);
  TRIDENT_CHECK_EQ(stage.inputs.size(), first.inputs.size());
  for (size_t i = 0; i < stage.inputs.size(); ++i) {
    const PlannedStage::Input& input = stage.inputs[i];
    TRIDENT_CHECK_EQ(input.node, first.id);
    TRIDENT_CHECK_EQ(input.from, first.inputs[i]);
    TRIDENT_CHECK(input.from_stage < stage.id) << "stage " << stage.id.value();
    const PlannedStage& from = plan.stages[input.from_stage.value()];
    TRIDENT_CHECK(Contains(from.nodes, input.from)) << "stage " << stage.id.value();
    TRIDENT_CHECK(from.group == stage.group);
    TRIDENT_CHECK(edges.insert(input.edge).second) << "two exchanges share edge " << input.edge;
  }
}

void CheckTasks(const Plan& plan, const PlannedStage& stage) {
  TRIDENT_CHECK(stage.tasks >= 1 && stage.tasks <= static_cast<uint32_t>(kParallelismMax));
  for (NodeId id : stage.nodes) {
    const LogicalNode& node = plan.logical->node(id);
    if (node.writes != nullptr) TRIDENT_CHECK(stage.tasks <= node.writes->spec().partitions);
    if (node.one_task) TRIDENT_CHECK_EQ(stage.tasks, 1u);
    if (node.verb != "identity") continue;
    TRIDENT_CHECK_EQ(stage.tasks, plan.stages[stage.inputs.at(0).from_stage.value()].tasks);
  }
}

void CheckStages(const Plan& plan) {
  std::vector<size_t> times(plan.logical->nodes().size(), 0);
  std::set<uint32_t> edges;
  for (size_t i = 0; i < plan.stages.size(); ++i) {
    const PlannedStage& stage = plan.stages[i];
    TRIDENT_CHECK_EQ(stage.id.value(), i);
    TRIDENT_CHECK(!stage.nodes.empty());
    CheckInputs(plan, stage, edges);
    CheckTasks(plan, stage);
    for (size_t k = 0; k < stage.nodes.size(); ++k) {
      const LogicalNode& node = plan.logical->node(stage.nodes[k]);
      ++times[node.id];
      TRIDENT_CHECK(plan.groups[node.id] == stage.group);
      if (k == 0) continue;
      TRIDENT_CHECK(node.kind != Kind::kExchange && node.kind != Kind::kSpout);
      for (NodeId input : node.inputs) TRIDENT_CHECK(Contains(stage.nodes, input));
    }
  }
  for (NodeId id = 0; id < times.size(); ++id) {
    TRIDENT_CHECK_EQ(times[id], plan.groups[id] == GroupId(0) ? 0u : 1u);
  }
}

// ---- fields: what a step uses comes to it, what it hands on it has ----

// A state gives the key of what it changed, and needs no field for that.
bool MadeHere(const LogicalNode& node, const std::string& name) {
  if (std::find(node.adds.begin(), node.adds.end(), name) != node.adds.end()) return true;
  if (node.writes == nullptr) return false;
  const std::vector<KeyField>& key = node.writes->spec().key_fields;
  return std::any_of(key.begin(), key.end(), [&](const KeyField& k) { return k.name == name; });
}

void CheckFields(const Plan& plan) {
  for (const LogicalNode& node : plan.logical->nodes()) {
    const Schema& schema = plan.schemas[node.id];
    for (const SchemaField& field : schema.fields()) {
      TRIDENT_CHECK(node.schema.Find(field).ok()) << field.name;
      const bool made = MadeHere(node, field.name);
      for (NodeId input : node.inputs) {
        TRIDENT_CHECK(made || plan.schemas[input].Find(field).ok()) << field.name;
      }
    }
    for (NodeId input : node.inputs) {
      for (const std::string& name : node.reads) {
        TRIDENT_CHECK(plan.schemas[input].IndexOf(name)) << name << " of step " << node.id;
      }
    }
  }
}

// ---- states: each has a name and one writer, to which rows come by its key ----

void CheckStates(const Plan& plan) {
  std::map<const StateDeclaration*, size_t> writers;
  std::set<std::string> names;
  for (const auto& state : plan.logical->states()) {
    writers[state.get()] = 0;
    TRIDENT_CHECK(!state->spec().name.empty());
    TRIDENT_CHECK(names.insert(state->spec().name).second) << state->spec().name;
  }
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (node.queries != nullptr) {
      TRIDENT_CHECK(writers.contains(node.queries.get())) << "a query of an unknown state";
    }
    if (node.writes == nullptr) continue;
    TRIDENT_CHECK(writers.contains(node.writes.get()));
    ++writers[node.writes.get()];
    const LogicalNode& exchange = plan.logical->node(node.inputs.at(0));
    TRIDENT_CHECK(exchange.kind == Kind::kExchange);
    // The step before the exchange makes the keys that travel with the rows.
    const LogicalNode& keyed = plan.logical->node(exchange.inputs.at(0));
    std::string key;
    for (const KeyField& field : node.writes->spec().key_fields) {
      key += (key.empty() ? "" : ", ") + field.name;
      TRIDENT_CHECK(std::find(keyed.reads.begin(), keyed.reads.end(), field.name) !=
                    keyed.reads.end())
          << field.name;
    }
    TRIDENT_CHECK(exchange.detail == key) << "exchange by [" << exchange.detail << "], key " << key;
  }
  for (const auto& [state, count] : writers) TRIDENT_CHECK_EQ(count, 1u);
}

// ---- functions: each is whole, and ends in its last step ----

void CheckFunctions(const Plan& plan) {
  std::vector<size_t> times(plan.logical->nodes().size(), 0);
  for (const PlannedFunction& function : plan.functions) {
    TRIDENT_CHECK(!function.function.empty());
    TRIDENT_CHECK(plan.logical->node(function.nodes.at(0)).kind == Kind::kRequest);
    TRIDENT_CHECK_EQ(function.result, function.nodes.back());
    for (size_t k = 0; k < function.nodes.size(); ++k) {
      const LogicalNode& node = plan.logical->node(function.nodes[k]);
      ++times[node.id];
      TRIDENT_CHECK((node.kind == Kind::kRequest) == (k == 0));
      TRIDENT_CHECK(node.writes == nullptr);
      for (NodeId input : node.inputs) {
        TRIDENT_CHECK(Contains(function.nodes, input)) << "of another function";
      }
    }
  }
  for (NodeId id = 0; id < times.size(); ++id) {
    TRIDENT_CHECK_EQ(times[id], plan.groups[id] == GroupId(0) ? 1u : 0u);
  }
}

// ---- texts ----

// The strings of a graph, as they are shown. What stands between them must be of its language.
std::vector<std::string> DotStrings(const std::string& dot) {
  constexpr std::string_view kBetween = "abcdefghijklmnopqrstuvwxyz0123456789 \n{}[]=,;->";
  std::vector<std::string> strings;
  bool inside = false;
  for (size_t i = 0; i < dot.size(); ++i) {
    if (dot[i] == '"') {
      inside = !inside;
      if (inside) strings.emplace_back();
    } else if (!inside) {
      TRIDENT_CHECK(kBetween.find(dot[i]) != std::string_view::npos) << dot;
    } else if (dot[i] == '\\') {
      TRIDENT_CHECK(++i < dot.size());
      strings.back() += dot[i] == 'n' ? '\n' : dot[i];
    } else {
      strings.back() += dot[i];
    }
  }
  TRIDENT_CHECK(!inside) << dot;
  return strings;
}

}  // namespace

void CheckPlan(const Plan& plan) {
  CheckGroups(plan);
  CheckStages(plan);
  CheckFields(plan);
  CheckStates(plan);
  CheckFunctions(plan);
}

void CheckExplained(const Plan& plan, const std::string& text, const std::string& dot) {
  const std::vector<std::string> shown = DotStrings(dot);
  const auto in_graph = [&](const std::string& what) {
    return std::any_of(shown.begin(), shown.end(), [&](const std::string& label) {
      return label.find(what) != std::string::npos;
    });
  };
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (node.kind == Kind::kRequest) {
      TRIDENT_CHECK(text.find("drpc function \"" + node.function + "\"") != std::string::npos)
          << text;
      TRIDENT_CHECK(in_graph(node.function)) << dot;
    }
    const bool step = node.kind == Kind::kOperator || node.kind == Kind::kSpout;
    if (!step) continue;
    TRIDENT_CHECK(in_graph(node.name.empty() ? node.verb : node.name)) << dot;
    TRIDENT_CHECK(text.find(node.verb) != std::string::npos) << text;
    if (node.name.empty()) continue;
    TRIDENT_CHECK(text.find(" \"" + node.name + "\"") != std::string::npos) << text;
  }
}

}  // namespace trident
