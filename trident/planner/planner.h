// SPDX-License-Identifier: Apache-2.0
//
// Planner: from the logical plan to stages. An exchange cuts the graph; everything between two cuts
// is one stage, run as one chain by one task per partition. Fields that nobody behind a step uses
// are not carried there. A connected part of the graph with spouts is a batch group; one that
// begins with a request is one chain, run as a whole by the DRPC server.
#ifndef TRIDENT_TRIDENT_PLANNER_PLANNER_H_
#define TRIDENT_TRIDENT_PLANNER_PLANNER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "engine/worker.h"
#include "trident/plan/logical_plan.h"
#include "trident/planner/dead_letters.h"

namespace trident {

struct PlanOptions {
  uint32_t executors = 1;  // tasks of a stage whose parallelism nobody asked for
  // The plan is the same in each of several processes, although one may list other source
  // partitions than another. So a spout may have more tasks than there are partitions.
  bool several_processes = false;
  // False: another process reads what one process alone can read (Spout::ReadsInOneProcess), which
  // need not be there in this one.
  bool reads_local_sources = true;
};

// A stage: the nodes of its chain, in order, and the exchanges that it reads and writes.
struct PlannedStage {
  StageId id;
  GroupId group;
  std::string name;  // its steps' names, joined by ", "
  uint32_t tasks = 1;
  std::vector<NodeId> nodes;  // operators, in order; a spout's stage begins with the spout
  struct Input {
    NodeId node;  // where its tuples enter: an exchange or a merge
    NodeId from;  // whose output it takes
    StageId from_stage;
    uint32_t edge = 0;
  };
  std::vector<Input> inputs;
};

// A request function: a chain of all its nodes.
struct PlannedFunction {
  std::string function;
  std::vector<NodeId> nodes;    // the first is the request itself
  NodeId result = 0;            // the last step that was added
  std::vector<GroupId> groups;  // whose states it reads
};

struct Plan {
  std::shared_ptr<const LogicalPlan> logical;
  std::vector<Schema> schemas;  // per node: the fields that it really emits
  std::vector<GroupId> groups;  // per node; zero for requests
  std::vector<PlannedStage> stages;
  std::vector<PlannedFunction> functions;
  // In the order in which they begin. They are 1, 2, ... and spouts 0, 1, ... by that order, until
  // Renumber.
  std::vector<GroupId> group_ids;
  std::map<NodeId, SpoutId> spouts;
};

// InvalidArgument names the step that cannot be planned.
StatusOr<Plan> MakePlan(std::shared_ptr<const LogicalPlan> logical, const PlanOptions& options);

// Gives groups and spouts other numbers: those under which a store knows them. `groups` has every
// group of the plan.
void Renumber(const std::map<GroupId, GroupId>& groups, std::map<NodeId, SpoutId> spouts,
              Plan& plan);

// Where the rows go that a group cannot process; empty: nowhere, the group stops at them.
using DeadLetterStates = std::map<GroupId, DeadLetterState>;

// What a worker runs. Every state that the plan names must be open by the time chains are made.
std::vector<StageSpec> MakeStages(const Plan& plan, const DeadLetterStates& dead_letters);
// One chain for a function; `result` gets what its last step emits.
std::unique_ptr<Chain> MakeFunctionChain(const Plan& plan, const PlannedFunction& function,
                                         std::unique_ptr<Operator> result);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLANNER_PLANNER_H_
