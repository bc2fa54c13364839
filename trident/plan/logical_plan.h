// SPDX-License-Identifier: Apache-2.0
//
// The logical plan: what a program said, as a graph of nodes in the order in which they were said.
// The planner (trident/planner/planner.h) cuts it into stages; Explain prints it.
#ifndef TRIDENT_TRIDENT_PLAN_LOGICAL_PLAN_H_
#define TRIDENT_TRIDENT_PLAN_LOGICAL_PLAN_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/data/schema.h"
#include "engine/partitioner.h"
#include "engine/spout.h"
#include "trident/plan/operator_site.h"
#include "trident/plan/state_declaration.h"

namespace trident {

struct LogicalNode {
  enum class Kind : uint8_t {
    kSpout,     // where a stream begins
    kRequest,   // where a request topology begins
    kOperator,  // one input
    kExchange,  // tuples change tasks here
    kMerge,     // several inputs of one schema
  };
  NodeId id = 0;
  Kind kind = Kind::kOperator;
  std::string verb;    // "each", "group by", ...
  std::string detail;  // "sentence -> word"
  std::string name;    // what the user called it; "" if nothing
  std::vector<NodeId> inputs;

  Schema schema;                   // of the output
  std::vector<std::string> reads;  // fields of the input that the step itself uses
  std::vector<std::string> adds;   // fields of the output that it makes
  Passes passes = Passes::kAll;

  OperatorFactory make;                      // of operators
  std::shared_ptr<StateDeclaration> writes;  // a state that this step updates
  std::shared_ptr<StateDeclaration> queries;
  std::shared_ptr<Spout> spout;
  std::string function;  // of a request topology

  // Of an exchange. `one_task` sends everything to task 0.
  std::function<PartitionerRef(uint32_t from_tasks, uint32_t to_tasks)> make_partitioner;
  bool one_task = false;
  uint32_t parallelism = 0;  // asked for by the user; 0: not
};

// Not thread-safe. The error of a step is kept, and later steps of that stream do nothing.
class LogicalPlan {
 public:
  explicit LogicalPlan(std::string topology) : topology_(std::move(topology)) {}

  const std::string& topology() const { return topology_; }
  const std::vector<LogicalNode>& nodes() const { return nodes_; }
  LogicalNode& node(NodeId id) { return nodes_[id]; }
  const LogicalNode& node(NodeId id) const { return nodes_[id]; }
  NodeId Add(LogicalNode node);

  // How errors and Explain call a step: its name, or its verb and detail.
  static std::string StepName(const LogicalNode& node);
  // "spout sentences > each sentence -> word": the way to a node.
  std::string PathTo(NodeId id) const;
  bool IsRequest(NodeId id) const;

  // InvalidArgument if the name is taken, empty, malformed or one of the engine's own.
  Status DeclareState(const std::shared_ptr<StateDeclaration>& state);
  const std::vector<std::shared_ptr<StateDeclaration>>& states() const { return states_; }

  void Fail(const Status& error) {
    error_ =
        error_.ok() ? error : Status(error_.code(), Concat(Message(error_), "\n", Message(error)));
  }
  // All errors of steps, one a line; ok: there is none.
  const Status& error() const { return error_; }

 private:
  const std::string topology_;
  std::vector<LogicalNode> nodes_;
  std::vector<std::shared_ptr<StateDeclaration>> states_;
  Status error_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_PLAN_LOGICAL_PLAN_H_
