// SPDX-License-Identifier: Apache-2.0
#include "trident/planner/planner.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/check.h"
#include "engine/partitioners/global.h"
#include "engine/partitioners/identity.h"
#include "engine/partitioners/shuffle.h"

namespace trident {
namespace {

using Kind = LogicalNode::Kind;

// ---- which fields are needed where ----

std::vector<Schema> LiveSchemas(const LogicalPlan& plan) {
  const auto& nodes = plan.nodes();
  std::vector<std::set<std::string>> live(nodes.size());
  std::vector<bool> consumed(nodes.size(), false);
  std::vector<Schema> schemas(nodes.size());
  for (size_t i = nodes.size(); i-- > 0;) {
    const LogicalNode& node = nodes[i];
    std::vector<size_t> kept;
    for (size_t f = 0; f < node.schema.size(); ++f) {
      const std::string& name = node.schema.field(f).name;
      bool added = std::find(node.adds.begin(), node.adds.end(), name) != node.adds.end();
      // The last step of a request gives the answer: all its fields.
      bool answer = !consumed[i] && plan.IsRequest(i);
      if (added || answer || name == kRequestFieldName || node.kind == Kind::kSpout ||
          node.kind == Kind::kRequest || live[i].contains(name)) {
        kept.push_back(f);
        live[i].insert(name);
      }
    }
    schemas[i] = node.schema.Project(kept);
    for (NodeId input : node.inputs) {
      consumed[input] = true;
      live[input].insert(node.reads.begin(), node.reads.end());
      if (node.passes == Passes::kNone) continue;
      for (const std::string& name : live[i]) {
        if (nodes[input].schema.IndexOf(name)) live[input].insert(name);
      }
    }
  }
  // Exchanges and merges hand on what comes to them.
  for (const LogicalNode& node : nodes) {
    if (node.make == nullptr && !node.inputs.empty()) schemas[node.id] = schemas[node.inputs[0]];
  }
  return schemas;
}

// ---- batch groups ----

// Numbers the connected parts of the graph in the order in which they begin; requests get 0.
void AssignGroups(Plan& plan) {
  const auto& nodes = plan.logical->nodes();
  std::vector<size_t> root(nodes.size());
  std::iota(root.begin(), root.end(), 0);
  auto find = [&](size_t n) {
    while (root[n] != n) n = root[n];
    return n;
  };
  for (const LogicalNode& node : nodes) {
    for (NodeId input : node.inputs) {
      size_t a = find(node.id), b = find(input);
      root[std::max(a, b)] = std::min(a, b);
    }
  }
  std::map<size_t, GroupId> numbers;
  for (const LogicalNode& node : nodes) {
    if (plan.logical->IsRequest(node.id)) {
      plan.groups.push_back(GroupId(0));
      continue;
    }
    auto [it, added] = numbers.try_emplace(
        find(node.id), GroupId(static_cast<uint32_t>(plan.group_ids.size() + 1)));
    if (added) plan.group_ids.push_back(it->second);
    plan.groups.push_back(it->second);
  }
}

// ---- stages ----

class StageCutter {
 public:
  StageCutter(Plan& plan, const PlanOptions& options)
      : plan_(plan), nodes_(plan.logical->nodes()), options_(options), stage_of_(nodes_.size()) {}

  Status Cut() {
    for (const LogicalNode& node : nodes_) {
      if (plan_.groups[node.id] != GroupId(0)) Place(node);
    }
    NameStages();
    return SetTasks();
  }

 private:
  void Place(const LogicalNode& node) {
    bool cuts = node.kind == Kind::kSpout || node.kind == Kind::kExchange;
    if (node.kind == Kind::kMerge) {
      for (NodeId input : node.inputs) cuts |= stage_of_[input] != stage_of_[node.inputs[0]];
    }
    if (!cuts) {
      stage_of_[node.id] = stage_of_[node.inputs[0]];
      plan_.stages[stage_of_[node.id]].nodes.push_back(node.id);
      return;
    }
    PlannedStage stage;
    stage.id = StageId(static_cast<uint32_t>(plan_.stages.size()));
    stage.group = plan_.groups[node.id];
    stage.nodes.push_back(node.id);
    for (NodeId input : node.inputs) {
      StageId from = plan_.stages[stage_of_[input]].id;
      stage.inputs.push_back({node.id, input, from, edges_++});
    }
    stage_of_[node.id] = plan_.stages.size();
    plan_.stages.push_back(std::move(stage));
  }

  void NameStages() {
    for (PlannedStage& stage : plan_.stages) {
      for (NodeId id : stage.nodes) {
        const LogicalNode& node = nodes_[id];
        if (node.kind == Kind::kExchange && stage.nodes.size() > 1) continue;
        if (!stage.name.empty()) stage.name += ", ";
        stage.name += LogicalPlan::StepName(node);
      }
    }
  }

  Status SetTasks() {
    for (PlannedStage& stage : plan_.stages) {
      uint32_t asked = 0;
      uint32_t most = ~0u;
      for (NodeId id : stage.nodes) {
        const LogicalNode& node = nodes_[id];
        asked = std::max(asked, node.parallelism);
        if (node.writes != nullptr) most = std::min(most, node.writes->spec().partitions);
        if (node.kind == Kind::kExchange && node.one_task) most = 1;
        if (node.kind == Kind::kSpout) {
          TRIDENT_ASSIGN_OR_RETURN(const uint32_t useful, UsefulTasks(node));
          most = std::min(most, useful);
        }
      }
      if (asked == 0) asked = IdentityTasks(stage);
      stage.tasks = std::max(1u, std::min(asked == 0 ? options_.executors : asked, most));
    }
    return CheckIdentity();
  }

  // How many tasks of a spout have a partition to read.
  StatusOr<uint32_t> UsefulTasks(const LogicalNode& node) const {
    constexpr uint32_t kAny = ~uint32_t{0};
    Spout& spout = *node.spout;
    const bool is_local = spout.ReadsInOneProcess();
    const auto grows_after = [&](size_t known) {
      return spout.PartitionsAfter(known).more == LaterPartitions::More::kPerhaps;
    };
    if (is_local && !options_.reads_local_sources && grows_after(0)) return kAny;
    const auto partitions = spout.Partitions();
    if (!partitions.ok()) {
      return Annotate(partitions.status(), "stream \"" + node.name + "\"");
    }
    const bool is_alike = is_local || !options_.several_processes;
    if (!is_alike || grows_after(partitions->size())) return kAny;
    return static_cast<uint32_t>(std::max<size_t>(1, partitions->size()));
  }

  // A stage behind an identity exchange has as many tasks as the one before it, unless asked
  // otherwise.
  uint32_t IdentityTasks(const PlannedStage& stage) const {
    for (const PlannedStage::Input& input : stage.inputs) {
      if (nodes_[input.node].verb == "identity")
        return plan_.stages[input.from_stage.value()].tasks;
    }
    return 0;
  }

  Status CheckIdentity() const {
    for (const PlannedStage& stage : plan_.stages) {
      for (const PlannedStage::Input& input : stage.inputs) {
        uint32_t from = plan_.stages[input.from_stage.value()].tasks;
        if (nodes_[input.node].verb == "identity" && from != stage.tasks) {
          return InvalidArgument(
              "topology \"", plan_.logical->topology(), "\", identity partition behind \"",
              plan_.logical->PathTo(input.from), "\": ", from, " tasks before it, but ",
              stage.tasks, " behind it; give both sides the same Parallelism");
        }
      }
    }
    return absl::OkStatus();
  }

  Plan& plan_;
  const std::vector<LogicalNode>& nodes_;
  const PlanOptions& options_;
  std::vector<size_t> stage_of_;
  uint32_t edges_ = 0;
};

// ---- request functions ----

void CollectFunctions(Plan& plan) {
  const auto& nodes = plan.logical->nodes();
  std::vector<size_t> function_of(nodes.size(), ~size_t{0});
  for (const LogicalNode& node : nodes) {
    if (!plan.logical->IsRequest(node.id)) continue;
    if (node.kind == Kind::kRequest) {
      function_of[node.id] = plan.functions.size();
      plan.functions.push_back({node.function, {}, node.id, {}});
    } else {
      function_of[node.id] = function_of[node.inputs[0]];
    }
    PlannedFunction& function = plan.functions[function_of[node.id]];
    function.nodes.push_back(node.id);
    function.result = node.id;
  }
  for (PlannedFunction& function : plan.functions) {
    for (NodeId id : function.nodes) {
      if (nodes[id].queries == nullptr) continue;
      for (const LogicalNode& writer : nodes) {
        if (writer.writes != nodes[id].queries) continue;
        GroupId group = plan.groups[writer.id];
        auto& groups = function.groups;
        if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
      }
    }
  }
}

// ---- chains ----

// Takes slices in and hands them on: where tuples enter a chain.
class PassOperator final : public Operator {
 public:
  Status Process(const Slice& slice, Output& out) override { return out.Emit(slice); }
  bool row_wise() const override { return true; }
};

bool HasConsumers(const LogicalPlan& plan, NodeId id) {
  for (const LogicalNode& node : plan.nodes()) {
    for (NodeId input : node.inputs) {
      if (input == id) return true;
    }
  }
  return false;
}

// What the operators of one task share, by node.
using SharedSlots = std::map<NodeId, std::shared_ptr<std::shared_ptr<void>>>;

std::unique_ptr<Operator> MakeOperator(const Plan& plan, NodeId id, SharedSlots& slots,
                                       OperatorSite site) {
  const LogicalNode& node = plan.logical->node(id);
  if (node.make == nullptr) return std::make_unique<PassOperator>();
  auto& slot = slots[id];
  if (slot == nullptr) slot = std::make_shared<std::shared_ptr<void>>();
  site.step = LogicalPlan::StepName(node);
  site.input = &plan.schemas[node.inputs[0]];
  site.output = std::make_shared<const Schema>(plan.schemas[id]);
  site.consumers = HasConsumers(*plan.logical, id) ? OperatorSite::Consumers::kSome
                                                   : OperatorSite::Consumers::kNone;
  site.shared = slot;
  return node.make(site);
}

PartitionerRef PartitionerOf(const LogicalNode& node, uint32_t from_tasks, uint32_t to_tasks) {
  if (node.make_partitioner != nullptr) return node.make_partitioner(from_tasks, to_tasks);
  return from_tasks == to_tasks ? IdentityPartitioner() : ShufflePartitioner();  // into a merge
}

std::unique_ptr<Chain> MakeChain(const Plan& plan, const PlannedStage& stage, SharedSlots& slots,
                                 TaskAddress address, FrameSender* sender) {
  auto chain = std::make_unique<Chain>();
  std::map<NodeId, Chain::NodeIndex> index;
  OperatorSite site;
  site.partition = address.task;
  site.partitions = stage.tasks;
  for (NodeId id : stage.nodes) {
    const LogicalNode& node = plan.logical->node(id);
    std::vector<Chain::NodeIndex> inputs;
    bool enters = id == stage.nodes[0];
    if (!enters) {
      for (NodeId input : node.inputs) inputs.push_back(index.at(input));
    }
    index[id] =
        chain->Add(LogicalPlan::StepName(node), MakeOperator(plan, id, slots, site), inputs);
    if (!enters) continue;
    for (size_t port = 0; port < std::max<size_t>(1, stage.inputs.size()); ++port) {
      chain->AddInput(index[id]);
    }
  }
  for (const PlannedStage& target : plan.stages) {
    for (const PlannedStage::Input& input : target.inputs) {
      if (input.from_stage != stage.id) continue;
      ExchangeSpec spec{input.edge, target.id, target.tasks,
                        PartitionerOf(plan.logical->node(input.node), stage.tasks, target.tasks)};
      chain->Add("exchange", std::make_unique<ExchangeWriter>(std::move(spec), address, sender),
                 {index.at(input.from)});
    }
  }
  return chain;
}

// Adds a stage of one task that keeps what the group's spouts divert, and to each spout's chain a
// second input for that. Each spout gets a place for requests about its letters.
void AddDeadLetterStage(GroupId group, const DeadLetterState& state,
                        std::vector<StageSpec>& specs) {
  uint32_t edge = 0;
  for (const StageSpec& spec : specs) {
    for (const InputSpec& input : spec.inputs) edge = std::max(edge, input.edge + 1);
  }
  StageSpec letters;
  letters.id = StageId(static_cast<uint32_t>(specs.size()));
  letters.group = group;
  letters.name = "dead letters";
  for (StageSpec& spec : specs) {
    if (spec.group != group || spec.spout == nullptr) continue;
    letters.inputs.push_back({edge, spec.id, spec.tasks, letters.inputs.size(), LetterSchema()});
    spec.throwing = SpoutDriver::Spec::Throwing::kPutAside;
    spec.letters = std::make_shared<LetterRequests>();
    spec.make_chain = [make = spec.make_chain, edge, to = letters.id, stream = spec.stream,
                       tasks = spec.tasks](TaskAddress address, FrameSender* sender) {
      std::unique_ptr<Chain> chain = make(address, sender);
      Chain::NodeIndex divert =
          chain->Add("divert", MakeDivertOperator({stream, address.task, tasks}), {});
      chain->AddInput(divert);
      ExchangeSpec exchange{edge, to, 1, GlobalPartitioner()};
      chain->Add("exchange", std::make_unique<ExchangeWriter>(std::move(exchange), address, sender),
                 {divert});
      return chain;
    };
    ++edge;
  }
  const LetterSlots slots{std::make_shared<std::shared_ptr<void>>(),
                          std::make_shared<std::shared_ptr<void>>()};
  letters.make_chain = [state, ports = letters.inputs.size(), slots](TaskAddress, FrameSender*) {
    return MakeDeadLetterChain(state, ports, slots);
  };
  specs.push_back(std::move(letters));
}

}  // namespace

StatusOr<Plan> MakePlan(std::shared_ptr<const LogicalPlan> logical, const PlanOptions& options) {
  Plan plan;
  plan.logical = std::move(logical);
  plan.schemas = LiveSchemas(*plan.logical);
  AssignGroups(plan);
  TRIDENT_RETURN_IF_ERROR(StageCutter(plan, options).Cut());
  CollectFunctions(plan);
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (node.kind != Kind::kSpout) continue;
    plan.spouts[node.id] = SpoutId(static_cast<uint32_t>(plan.spouts.size()));
  }
  return plan;
}

void Renumber(const std::map<GroupId, GroupId>& groups, std::map<NodeId, SpoutId> spouts,
              Plan& plan) {
  const auto renumber = [&](GroupId& group) {
    if (group != GroupId(0)) group = groups.at(group);
  };
  for (GroupId& group : plan.groups) renumber(group);
  for (GroupId& group : plan.group_ids) renumber(group);
  for (PlannedStage& stage : plan.stages) renumber(stage.group);
  for (PlannedFunction& function : plan.functions) {
    for (GroupId& group : function.groups) renumber(group);
  }
  plan.spouts = std::move(spouts);
}

std::vector<StageSpec> MakeStages(const Plan& plan, const DeadLetterStates& dead_letters) {
  std::vector<StageSpec> specs;
  auto shared_plan = std::make_shared<const Plan>(plan);
  for (const PlannedStage& stage : plan.stages) {
    StageSpec spec;
    spec.id = stage.id;
    spec.group = stage.group;
    spec.name = stage.name;
    spec.tasks = stage.tasks;
    for (size_t port = 0; port < stage.inputs.size(); ++port) {
      const PlannedStage::Input& input = stage.inputs[port];
      spec.inputs.push_back({.edge = input.edge,
                             .from_stage = input.from_stage,
                             .from_tasks = plan.stages[input.from_stage.value()].tasks,
                             .port = port,
                             .schema = std::make_shared<const Schema>(plan.schemas[input.from])});
    }
    const LogicalNode& first = plan.logical->node(stage.nodes[0]);
    if (first.kind == Kind::kSpout) {
      spec.stream = first.name;
      spec.spout = first.spout;
      spec.spout_id = plan.spouts.at(first.id);
    }
    // Tasks build their chains one after the other, then each on its own executor: slots per task.
    auto slots = std::make_shared<std::vector<SharedSlots>>(stage.tasks);
    spec.make_chain = [shared_plan, at = stage.id.value(), slots](TaskAddress address,
                                                                  FrameSender* sender) {
      return MakeChain(*shared_plan, shared_plan->stages[at], (*slots)[address.task], address,
                       sender);
    };
    specs.push_back(std::move(spec));
  }
  for (const auto& [group, state] : dead_letters) AddDeadLetterStage(group, state, specs);
  return specs;
}

std::unique_ptr<Chain> MakeFunctionChain(const Plan& plan, const PlannedFunction& function,
                                         std::unique_ptr<Operator> result) {
  auto chain = std::make_unique<Chain>();
  std::map<NodeId, Chain::NodeIndex> index;
  SharedSlots slots;
  OperatorSite site;
  site.mode = SiteMode::kRequest;
  for (NodeId id : function.nodes) {
    const LogicalNode& node = plan.logical->node(id);
    std::vector<Chain::NodeIndex> inputs;
    for (NodeId input : node.inputs) inputs.push_back(index.at(input));
    index[id] =
        chain->Add(LogicalPlan::StepName(node), MakeOperator(plan, id, slots, site), inputs);
  }
  chain->AddInput(index.at(function.nodes[0]));
  chain->Add("answer", std::move(result), {index.at(function.result)});
  return chain;
}

}  // namespace trident
