// SPDX-License-Identifier: Apache-2.0
#include "trident/topology.h"

#include <optional>

#include "engine/spout.h"
#include "trident/operators/project.h"
#include "trident/plan/logical_plan.h"
#include "trident/planner/explain.h"
#include "trident/planner/planner.h"

namespace trident {
namespace {

using step_internal::At;

// Does a step of this kind have the name already?
Status CheckUnique(const LogicalPlan& plan, LogicalNode::Kind kind, const std::string& name) {
  if (name.empty()) return InvalidArgument("it has no name; give it one");
  for (const LogicalNode& node : plan.nodes()) {
    bool same = node.kind == kind &&
                (kind == LogicalNode::Kind::kRequest ? node.function == name : node.name == name);
    if (same) return InvalidArgument("the name \"", name, "\" is taken; names must be unique");
  }
  return absl::OkStatus();
}

// The same columns under the first stream's names.
At AddRename(const At& at, const Schema& names) {
  LogicalNode node;
  node.verb = "rename";
  node.inputs = {at.node};
  node.schema = names;
  for (const SchemaField& field : at.plan->node(at.node).schema.fields())
    node.reads.push_back(field.name);
  for (const SchemaField& field : names.fields()) node.adds.push_back(field.name);
  node.passes = Passes::kNone;
  node.make = [](const OperatorSite& site) {
    std::vector<size_t> indices(site.input->size());
    for (size_t i = 0; i < indices.size(); ++i) indices[i] = i;
    return std::make_unique<ProjectOperator>(site.output, std::move(indices));
  };
  return At{at.plan, at.plan->Add(std::move(node))};
}

// The request that a step belongs to; the topology's streams are of none.
std::optional<NodeId> RequestOf(const At& at) {
  if (!at.plan->IsRequest(at.node)) return std::nullopt;
  NodeId id = at.node;
  while (!at.plan->node(id).inputs.empty()) id = at.plan->node(id).inputs[0];
  return id;
}

// Do both run in one chain, or both in stages?
Status CheckTogether(const At& first, const At& other) {
  const std::optional<NodeId> a = RequestOf(first), b = RequestOf(other);
  if (a == b) return absl::OkStatus();
  if (a && b) {
    return InvalidArgument("a step answers one DRPC function, but the streams are of \"",
                           first.plan->node(*a).function, "\" and \"",
                           first.plan->node(*b).function, "\"");
  }
  return InvalidArgument("a DRPC stream cannot be merged with a spout's");
}

Status CheckMergeable(const Schema& first, const Schema& other) {
  bool same = first.size() == other.size();
  for (size_t i = 0; same && i < first.size(); ++i) {
    same = SameType(*first.field(i).type, *other.field(i).type) &&
           first.field(i).nullability == other.field(i).nullability;
  }
  if (same) return absl::OkStatus();
  return InvalidArgument("the streams have different fields: ", first.ToString(), " and ",
                         other.ToString(), "; Project or Map them to the same types first");
}

}  // namespace

Topology::Topology(std::string name) : plan_(std::make_shared<LogicalPlan>(std::move(name))) {}

Stream Topology::Failed(const std::string& step, const Status& error) {
  step_internal::FailAt(At{plan_}, step, error);
  return Stream(At{plan_});
}

const std::string& Topology::name() const { return plan_->topology(); }

Stream Topology::NewStream(std::string name, std::shared_ptr<Spout> spout) {
  Status unique = CheckUnique(*plan_, LogicalNode::Kind::kSpout, name);
  if (!unique.ok()) return Failed("stream " + name, unique);
  if (spout == nullptr) {
    return Failed("stream " + name, InvalidArgument("there is no spout; give it one"));
  }
  LogicalNode node;
  node.kind = LogicalNode::Kind::kSpout;
  node.verb = "stream";
  node.detail = spout->Describe();
  node.name = std::move(name);
  node.schema = *spout->schema();
  node.spout = std::move(spout);
  return Stream(At{plan_, plan_->Add(std::move(node))});
}

Stream Topology::NewDrpcStream(std::string function) {
  Status unique = CheckUnique(*plan_, LogicalNode::Kind::kRequest, function);
  if (!unique.ok()) return Failed("drpc " + function, unique);
  LogicalNode node;
  node.kind = LogicalNode::Kind::kRequest;
  node.verb = "drpc";
  node.detail = function;
  node.function = std::move(function);
  node.schema = *Schema::Make(
      {{kRequestFieldName, &TypeOf<int64_t>(), Nullability::kRequired}, kArgs.Describe()});
  return Stream(At{plan_, plan_->Add(std::move(node))});
}

Stream Topology::Merge(const std::vector<Stream>& streams) {
  if (streams.empty()) return Failed("merge", InvalidArgument("there is no stream to merge"));
  LogicalNode merge;
  merge.kind = LogicalNode::Kind::kMerge;
  merge.verb = "merge";
  for (const Stream& stream : streams) {
    if (stream.at_.plan != plan_) {
      return Failed("merge",
                    InvalidArgument("a stream is of topology \"", stream.at_.plan->topology(),
                                    "\"; streams of one topology can be merged"));
    }
    if (!stream.at_.ok()) return Stream(At{plan_});
    Status status = CheckTogether(streams[0].at_, stream.at_);
    if (status.ok()) status = CheckMergeable(streams[0].schema(), stream.schema());
    if (!status.ok()) return Failed("merge", status);
    // A copy, since adding nodes moves them.
    Schema names = streams[0].schema();
    merge.inputs.push_back(AddRename(stream.at_, names).node);
    merge.schema = names;
  }
  return Stream(At{plan_, plan_->Add(std::move(merge))});
}

StatusOr<std::shared_ptr<const LogicalPlan>> Topology::Build() const {
  if (!plan_->error().ok()) return plan_->error();
  bool any = false;
  for (const LogicalNode& node : plan_->nodes()) any |= node.kind == LogicalNode::Kind::kSpout;
  if (!any) {
    return InvalidArgument("topology \"", name(), "\" has no stream; begin one with NewStream");
  }
  return std::shared_ptr<const LogicalPlan>(plan_);
}

StatusOr<std::string> Topology::Explain() const {
  TRIDENT_ASSIGN_OR_RETURN(auto logical, Build());
  TRIDENT_ASSIGN_OR_RETURN(Plan plan, MakePlan(logical, {}));
  return ExplainText(plan);
}

StatusOr<std::string> Topology::ExplainDot() const {
  TRIDENT_ASSIGN_OR_RETURN(auto logical, Build());
  TRIDENT_ASSIGN_OR_RETURN(Plan plan, MakePlan(logical, {}));
  return ExplainGraphviz(plan);
}

}  // namespace trident
