// SPDX-License-Identifier: Apache-2.0
#include "trident/step.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/limits.h"
#include "engine/data/key_reader.h"
#include "engine/partitioners/by_fields.h"
#include "engine/partitioners/global.h"
#include "trident/operators/grouping.h"
#include "trident/plan/logical_plan.h"

namespace trident::step_internal {
namespace {

Status CheckName(const SchemaField& field) {
  if (!field.name.empty() && field.name[0] != '$') return absl::OkStatus();
  return InvalidArgument("\"", field.name,
                         "\" is no field name; a name is not empty and does not start with $");
}

// Looks the fields up in `schema`; the first that is not there is the error.
Status FindAll(const Schema& schema, const std::vector<SchemaField>& fields) {
  for (const SchemaField& field : fields) {
    TRIDENT_RETURN_IF_ERROR(CheckName(field));
    StatusOr<size_t> found = schema.Find(field);
    if (!found.ok()) return found.status();
  }
  return absl::OkStatus();
}

StatusOr<Schema> OutputOf(const Schema& input, const StepSpec& spec) {
  for (const SchemaField& field : spec.adds) TRIDENT_RETURN_IF_ERROR(CheckName(field));
  if (spec.passes == Passes::kAll) return input.Append(spec.adds);
  std::vector<SchemaField> fields;
  if (auto request = input.IndexOf(kRequestFieldName)) fields.push_back(input.field(*request));
  fields.insert(fields.end(), spec.group.begin(), spec.group.end());
  fields.insert(fields.end(), spec.adds.begin(), spec.adds.end());
  return Schema::Make(std::move(fields));
}

// Partitions of a state outside that does not say how many it has.
constexpr uint32_t kOutsidePartitionsDefault = 4;

Status CheckGroup(const std::vector<SchemaField>& group) {
  for (const SchemaField& field : group) {
    if (!CanBeKey(*field.type)) {
      return InvalidArgument("field \"", field.name, "\" of type ", field.type->name,
                             " cannot be grouped by; a key is made of bool, int64, double, text, "
                             "bytes and timestamp fields");
    }
  }
  return absl::OkStatus();
}

// Why keys of this state cannot expire; empty if they can.
std::string WhyNoExpiry(const StateOptions& options, const std::vector<SchemaField>& group) {
  if (options.expire_after < kSecond) {
    return Concat("expected at least a second, found ", options.expire_after, " ns");
  }
  if (options.where != nullptr) {
    return Concat("keys expire in the topology's own store only, and `where` is ",
                  options.where->Describe());
  }
  if (group.empty()) return "without GroupBy the state has one value and no keys";
  if (ValidateStateName(options.name + std::string(kLastWriteSuffix)).ok()) return {};
  return Concat("the times of its keys are a state, too, which cannot have the name ", options.name,
                kLastWriteSuffix, "; give it a shorter one");
}

}  // namespace

// Out of line: a program's source, which has many of them, compiles faster so.
At::At() = default;
At::At(std::shared_ptr<LogicalPlan> plan, NodeId node) : plan(std::move(plan)), node(node) {}
At::At(const At&) = default;
At::At(At&&) noexcept = default;
At& At::operator=(const At&) = default;
At& At::operator=(At&&) noexcept = default;
At::~At() = default;

StepSpec::StepSpec(const char* verb, std::vector<SchemaField> reads, std::vector<SchemaField> adds,
                   const std::string& subject)
    : verb(verb),
      detail(subject.empty() ? Arrow(reads, adds) : subject + " " + Arrow(reads, adds)),
      reads(std::move(reads)),
      adds(std::move(adds)) {}
StepSpec::StepSpec(StepSpec&&) noexcept = default;
StepSpec::~StepSpec() = default;
void StepSpec::AggregatesBy(const std::vector<SchemaField>& fields) {
  reads.insert(reads.end(), fields.begin(), fields.end());
  PersistsBy(fields);
}
void StepSpec::PersistsBy(const std::vector<SchemaField>& fields) {
  group = fields;
  passes = Passes::kNone;
}

void FailAt(const At& at, const std::string& step, const Status& error) {
  std::string where = at.ok() ? at.plan->PathTo(at.node) : std::string();
  at.plan->Fail(InvalidArgument("topology \"", at.plan->topology(), "\", step \"", step, "\"",
                                where.empty() ? "" : " behind \"" + where + "\"", ": ",
                                Message(error)));
}

At AddStep(const At& at, StepSpec spec) {
  if (!at.ok()) return at;
  const Schema& input = at.plan->node(at.node).schema;
  Status status = FindAll(input, spec.reads);
  if (status.ok()) status = FindAll(input, spec.group);
  if (status.ok()) status = CheckGroup(spec.group);
  StatusOr<Schema> output = status.ok() ? OutputOf(input, spec) : StatusOr<Schema>(status);
  if (!output.ok()) {
    FailAt(at, spec.detail.empty() ? spec.verb : spec.verb + " " + spec.detail, output.status());
    return At{at.plan};
  }
  LogicalNode node;
  node.kind = LogicalNode::Kind::kOperator;
  node.verb = std::move(spec.verb);
  node.detail = std::move(spec.detail);
  node.inputs = {at.node};
  node.schema = *std::move(output);
  node.reads = Names(spec.reads);
  node.adds = Names(spec.adds);
  node.passes = spec.passes;
  node.make = std::move(spec.make);
  return At{at.plan, at.plan->Add(std::move(node))};
}

At AddExchange(const At& at, std::string verb, PartitionerRef partitioner) {
  if (!at.ok()) return at;
  LogicalNode node;
  node.kind = LogicalNode::Kind::kExchange;
  node.verb = std::move(verb);
  node.inputs = {at.node};
  node.schema = at.plan->node(at.node).schema;
  node.make_partitioner = [partitioner](uint32_t, uint32_t) { return partitioner; };
  return At{at.plan, at.plan->Add(std::move(node))};
}

At AddGlobalExchange(const At& at) {
  At next = AddExchange(at, "global", GlobalPartitioner());
  if (next.ok()) next.plan->node(next.node).one_task = true;
  return next;
}

At AddKeyBy(const At& at, const std::vector<SchemaField>& group, std::string verb) {
  StepSpec spec(verb.c_str(), group, {});
  spec.detail = Listed(group);
  spec.make = [names = Names(group)](const OperatorSite& site) {
    return std::make_unique<KeyByOperator>(site, names);
  };
  return AddStep(at, std::move(spec));
}

At AddExchangeByKey(const At& at, const std::vector<SchemaField>& group, uint32_t partitions) {
  if (!at.ok() || IsRequest(at)) return at;
  // A number that no state can have is refused where the state is attached.
  const uint32_t possible = std::clamp<uint32_t>(partitions, 1, kStatePartitionsMax);
  At next = AddExchange(at, "by key", ByFieldsPartitioner(Names(group), possible));
  next.plan->node(next.node).detail = Listed(group);
  return next;
}

namespace {

// The spouts whose rows come to a node, each once, by however many ways.
std::vector<const LogicalNode*> SpoutsOf(const LogicalPlan& plan, NodeId id) {
  std::vector<const LogicalNode*> spouts;
  std::set<NodeId> ahead = {id};  // inputs are older than what takes them
  while (!ahead.empty()) {
    const LogicalNode& node = plan.node(*ahead.rbegin());
    ahead.erase(node.id);
    if (node.kind == LogicalNode::Kind::kSpout) spouts.push_back(&node);
    ahead.insert(node.inputs.begin(), node.inputs.end());
  }
  return spouts;
}

std::string_view NameOf(SpoutKind kind) {
  return kind == SpoutKind::kOpaque ? "opaque" : "non-transactional";
}

// A user-defined transactional state takes each txid once, so a txid must hold the same rows
// whenever it comes again.
Status CheckGuarantee(const LogicalPlan& plan, NodeId id, const StateDeclaration& state) {
  if (!state.user_defined() || state.spec().kind != StateKind::kTransactional) return {};
  for (const LogicalNode* spout : SpoutsOf(plan, id)) {
    if (spout->spout->kind() == SpoutKind::kTransactional) continue;
    return InvalidArgument(
        "state \"", state.spec().name, "\" is user-defined and transactional, but stream \"",
        spout->name, "\" is ", NameOf(spout->spout->kind()),
        ": a batch that is made again may hold other rows, and the state, which takes a txid only "
        "once, would lose the new ones and keep the old ones. Store OpaqueValue instead of "
        "TransactionalValue (an opaque state), or use a transactional spout");
  }
  return {};
}

// The step at `at` updates the state; declares it.
void AttachState(const At& at, const std::shared_ptr<StateDeclaration>& state) {
  if (!at.ok()) return;
  LogicalNode& node = at.plan->node(at.node);
  if (node.name.empty()) node.name = state->spec().name;
  Status status = IsRequest(at) ? InvalidArgument(
                                      "a request topology cannot keep state; persist from "
                                      "a stream, and query the state here")
                                : at.plan->DeclareState(state);
  if (status.ok()) status = CheckGuarantee(*at.plan, at.node, *state);
  if (!status.ok()) FailAt(At{at.plan, node.inputs[0]}, LogicalPlan::StepName(node), status);
  node.writes = state;
}

Status CheckOwner(const At& at, const At& writer, const StateSpec& state) {
  if (at.plan == writer.plan) return absl::OkStatus();
  return InvalidArgument("state \"", state.name, "\" is kept by topology \"",
                         writer.plan->topology(),
                         "\"; a topology queries its own states, so keep it here");
}

Status CheckKey(const StateSpec& state, const std::vector<SchemaField>& in) {
  bool same = in.size() == state.key_fields.size();
  for (size_t i = 0; same && i < in.size(); ++i) {
    same = SameType(*in[i].type, *state.key_fields[i].type) &&
           in[i].nullability == state.key_fields[i].nullability;
  }
  if (same) return absl::OkStatus();
  std::string key, given;
  for (const KeyField& field : state.key_fields) {
    key += (key.empty() ? "" : ", ") + field.name + ":" + field.type->name;
  }
  for (const SchemaField& field : in) {
    given += (given.empty() ? "" : ", ") + field.name + ":" + field.type->name;
  }
  return InvalidArgument("the key of state \"", state.name, "\" is [", key,
                         "], but it is queried by [", given,
                         "]; query by fields of the key's types, in its order");
}

}  // namespace

At AddUpdate(const At& before, const std::vector<SchemaField>& group, StepSpec spec,
             const std::shared_ptr<StateDeclaration>& state) {
  if (state == nullptr) return At{before.plan};
  At at = AddStep(AddExchangeByKey(before, group, state->spec().partitions), std::move(spec));
  AttachState(at, state);
  return at;
}

At AddQuery(const At& at, const At& writer, const std::shared_ptr<StateDeclaration>& state,
            QueryKey key, StepSpec spec) {
  if (!at.ok()) return at;
  if (state == nullptr) return At{at.plan};
  Status queryable = CheckOwner(at, writer, state->spec());
  const bool has_key = key == QueryKey::kAlways || !state->spec().key_fields.empty();
  if (queryable.ok() && has_key) queryable = CheckKey(state->spec(), spec.reads);
  if (!queryable.ok()) {
    FailAt(at, spec.verb + " " + spec.detail, queryable);
    return At{at.plan};
  }
  At next = AddStep(at, std::move(spec));
  if (next.ok()) next.plan->node(next.node).queries = state;
  return next;
}

std::vector<std::string> Names(const std::vector<SchemaField>& fields) {
  std::vector<std::string> names;
  for (const SchemaField& field : fields) names.push_back(field.name);
  return names;
}

std::string Listed(const std::vector<SchemaField>& fields) {
  std::string out;
  for (const SchemaField& field : fields) {
    if (!out.empty()) out += ", ";
    out += field.name;
  }
  return out;
}

std::string Arrow(const std::vector<SchemaField>& in, const std::vector<SchemaField>& out) {
  return in.empty() ? "-> " + Listed(out) : Listed(in) + " -> " + Listed(out);
}

bool IsRequest(const At& at) { return at.ok() && at.plan->IsRequest(at.node); }

void SetVerb(const At& at, std::string verb) {
  if (at.ok()) at.plan->node(at.node).verb = std::move(verb);
}

void FailExpiry(const At& at, const StateOptions& options, const std::string& why) {
  FailAt(at, "state " + options.name, InvalidArgument("`expire_after`: ", why));
}

std::optional<StateSpec> SpecOf(const At& at, const StateOptions& options,
                                const std::vector<SchemaField>& group) {
  const StateHome* where = options.where.get();
  const std::optional<StateKind> fixed = where == nullptr ? std::nullopt : where->kind();
  if (fixed.has_value() && options.kind.has_value() && *fixed != *options.kind) {
    FailAt(at, "state " + options.name,
           InvalidArgument("`kind` says ", ToString(*options.kind), ", but ", where->Describe(),
                           " is ", ToString(*fixed), "; leave `kind` out"));
    return std::nullopt;
  }
  StateSpec spec;
  spec.name = options.name;
  spec.kind = fixed.value_or(
      options.kind.value_or(where == nullptr ? StateKind::kOpaque : StateKind::kNonTransactional));
  const uint32_t usual = where == nullptr ? kStatePartitionsDefault : kOutsidePartitionsDefault;
  spec.partitions = options.partitions == 0 ? usual : options.partitions;
  if (group.empty()) spec.partitions = 1;
  if (options.expire_after != 0) {
    if (const std::string why = WhyNoExpiry(options, group); !why.empty()) {
      FailExpiry(at, options, why);
      return std::nullopt;
    }
    spec.expire_after_micros = options.expire_after / kMicrosecond;
  }
  for (const SchemaField& field : group) {
    spec.key_fields.push_back({field.name, field.type, field.nullability});
  }
  if (where == nullptr) return spec;
  if (Status key = where->CheckKey(spec.key_fields); !key.ok()) {
    FailAt(at, "state " + options.name,
           InvalidArgument("`where` is ", where->Describe(), "; ", Message(key)));
    return std::nullopt;
  }
  return spec;
}

void FailHome(const At& at, const StateOptions& options, const std::string& wanted) {
  FailAt(
      at, "state " + options.name,
      InvalidArgument("the step keeps ", wanted, ", but `where` is ", options.where->Describe()));
}

}  // namespace trident::step_internal
