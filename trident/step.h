// SPDX-License-Identifier: Apache-2.0
//
// Adding steps to a logical plan: the part of Stream's methods that does not depend on types.
#ifndef TRIDENT_TRIDENT_STEP_H_
#define TRIDENT_TRIDENT_STEP_H_

#include <memory>
#include <string>
#include <vector>

#include "engine/data/field.h"
#include "engine/partitioner.h"
#include "trident/functions/row_function.h"
#include "trident/plan/logical_plan.h"

namespace trident {

// Is Fn a predicate, or a consumer, of values of these fields?
template <class List, class Fn>
struct PredicateFits;
template <class... Ins, class Fn>
struct PredicateFits<FieldList<Ins...>, Fn> {
  static constexpr bool Check() {
    if constexpr (row_internal::kTakes<Fn, Ins...>) {
      return std::is_same_v<std::invoke_result_t<const Fn&, const Ins&...>, bool>;
    } else {
      return false;
    }
  }
  static constexpr bool value = Check();
};
template <class List, class Fn>
struct ConsumerFits;
template <class... Ins, class Fn>
struct ConsumerFits<FieldList<Ins...>, Fn> {
  static constexpr bool Check() {
    if constexpr (row_internal::kTakes<Fn, Ins...>) {
      return std::is_void_v<std::invoke_result_t<const Fn&, const Ins&...>>;
    } else {
      return false;
    }
  }
  static constexpr bool value = Check();
};

namespace step_internal {

inline constexpr NodeId kNoNode = ~size_t{0};

// A place in a plan; kNoNode behind a step that failed.
struct At {
  std::shared_ptr<LogicalPlan> plan;
  NodeId node = kNoNode;
  bool ok() const { return node != kNoNode; }
};

template <class T>
constexpr FieldList<T> AsList(const Field<T>& field) {
  return {{field}};
}
template <class... Ts>
constexpr const FieldList<Ts...>& AsList(const FieldList<Ts...>& list) {
  return list;
}
template <class F>
using ListOf = std::remove_cvref_t<decltype(AsList(std::declval<const F&>()))>;

// A step to be added behind a node.
struct StepSpec {
  std::string verb;
  std::string detail;
  std::vector<SchemaField> reads;
  std::vector<SchemaField> group;  // of an aggregate: the input fields that come out again, first
  std::vector<SchemaField> adds;
  LogicalNode::Passes passes = LogicalNode::Passes::kAll;
  OperatorFactory make;
};

// The new place; on an error kNoNode, and the plan has the error.
At AddStep(const At& at, StepSpec spec);
// An exchange by the attached keys over `partitions` state partitions, after the step that attaches
// them. In a request topology, which runs in one task, nothing is added.
At AddExchangeByKey(const At& at, const std::vector<SchemaField>& group, uint32_t partitions);
At AddKeyBy(const At& at, const std::vector<SchemaField>& group, std::string verb = "key by");
At AddGlobalExchange(const At& at);
At AddExchange(const At& at, std::string verb, PartitionerRef partitioner);

// The step at `at` updates the state; declares it.
void AttachState(const At& at, const std::shared_ptr<StateDeclaration>& state);

std::vector<std::string> Names(const std::vector<SchemaField>& fields);
// "word, count"
std::string Listed(const std::vector<SchemaField>& fields);
// "sentence -> word"
std::string Arrow(const std::vector<SchemaField>& in, const std::vector<SchemaField>& out);
bool IsRequest(const At& at);
void FailAt(const At& at, const std::string& step, const Status& error);

// A spec for a map state keyed by `group`.
StateSpec MapSpec(const std::string& name, StateKind kind, uint32_t partitions,
                  const std::vector<SchemaField>& group);
// Is the state, written at `writer`, one of the topology that queries it at `at`?
Status CheckOwner(const At& at, const At& writer, const StateSpec& state);
// Do the fields have the types of the state's key? Else an error that names both.
Status CheckKey(const StateSpec& state, const std::vector<SchemaField>& in);

}  // namespace step_internal
}  // namespace trident

#endif  // TRIDENT_TRIDENT_STEP_H_
