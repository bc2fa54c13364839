// SPDX-License-Identifier: Apache-2.0
//
// Adding steps to a logical plan: the part of Stream's methods that does not depend on types.
#ifndef TRIDENT_TRIDENT_STEP_H_
#define TRIDENT_TRIDENT_STEP_H_

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/data/field.h"
#include "trident/functions/row_function.h"
#include "trident/plan/operator_site.h"
#include "trident/plan/state_declaration.h"

namespace trident {

class LogicalPlan;
class Partitioner;
using PartitionerRef = std::shared_ptr<const Partitioner>;

// How a step keeps a state.
struct StateOptions {
  // Where the data is found again: unique in the topology, [A-Za-z0-9_-], 1 to 64 characters. It
  // must stay the same from start to start.
  std::string name = {};
  // The promise of the state with each spout; see the table of README.md. Without one: opaque in
  // the topology's own store, where every kind is exactly-once; elsewhere what `where` says.
  std::optional<StateKind> kind = {};
  // By the key of the grouped stream; fixed when the state is made. 0: 64 in the topology's own
  // store, else 4. A state of a stream without groups has one.
  uint32_t partitions = 0;
  // A key that no batch has written for so many nanoseconds (kSecond of base/clock.h) is removed,
  // at exactly the txid whose batch time (when it was cut, which never goes back) is so much later;
  // 0: never. At least a second. For a grouped PersistentAggregate in the topology's own store.
  // "Keep state" in trident/README.md says what it costs, and what turning it on and off does.
  int64_t expire_after = 0;
  // The topology's own store if null; else OutsideTable<T>(open) (trident/outside_table.h),
  // OutsideMap<Stored>(open) or OutsideState<S>(open) (trident/outside_state.h).
  std::shared_ptr<const StateHome> where = {};
};

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

inline constexpr NodeId kNoNode = ~NodeId{0};

// A place in a plan; kNoNode behind a step that failed.
struct At {
  At();
  explicit At(std::shared_ptr<LogicalPlan> plan, NodeId node = kNoNode);
  At(const At&);
  At(At&&) noexcept;
  At& operator=(const At&);
  At& operator=(At&&) noexcept;
  ~At();

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
template <class Other>
constexpr FieldList<> AsList(const Other& /*other*/) {
  static_assert(std::is_void_v<Other>,
                "fields are named by tokens: give a constexpr Field<T> kName{\"name\"}, or several "
                "by Fields(kOne, kTwo)");
  return {};
}
template <class F>
using ListOf = std::remove_cvref_t<decltype(AsList(std::declval<const F&>()))>;

// A step to be added behind a node.
struct StepSpec {
  // With the detail "reads -> adds", behind `subject` if there is one.
  StepSpec(const char* verb, std::vector<SchemaField> reads, std::vector<SchemaField> adds,
           const std::string& subject = {});
  StepSpec(StepSpec&&) noexcept;
  ~StepSpec();
  // The group's fields are read as well, and come out again, first; nothing else is handed on.
  void AggregatesBy(const std::vector<SchemaField>& fields);
  // The same, but the group's fields come as the keys that are attached.
  void PersistsBy(const std::vector<SchemaField>& fields);

  std::string verb;
  std::string detail;
  std::vector<SchemaField> reads;
  std::vector<SchemaField> group;  // of an aggregate: the input fields that come out again, first
  std::vector<SchemaField> adds;
  Passes passes = Passes::kAll;
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

// Changes how Explain calls the step at `at`.
void SetVerb(const At& at, std::string verb);

std::vector<std::string> Names(const std::vector<SchemaField>& fields);
// "word, count"
std::string Listed(const std::vector<SchemaField>& fields);
// "sentence -> word"
std::string Arrow(const std::vector<SchemaField>& in, const std::vector<SchemaField>& out);
bool IsRequest(const At& at);
void FailAt(const At& at, const std::string& step, const Status& error);

// The state that the options describe, keyed by `group`. nullopt on an error, which the plan has.
std::optional<StateSpec> SpecOf(const At& at, const StateOptions& options,
                                const std::vector<SchemaField>& group);
// The plan gets the error: keys of this state cannot expire.
void FailExpiry(const At& at, const StateOptions& options, const std::string& why);
// The plan gets the error: `where` keeps something else than `wanted`.
void FailHome(const At& at, const StateOptions& options, const std::string& wanted);
// The step behind an exchange by the group's key, which updates the state. Declares the state.
At AddUpdate(const At& before, const std::vector<SchemaField>& group, StepSpec spec,
             const std::shared_ptr<StateDeclaration>& state);
// Does the query have a key?
enum class QueryKey : uint8_t { kAlways, kIfTheStateHasOne };
// The step that queries the state which the step at `writer` updates. `state` may be null, when
// that step failed.
At AddQuery(const At& at, const At& writer, const std::shared_ptr<StateDeclaration>& state,
            QueryKey key, StepSpec spec);

// The state that the options describe, as a `Declaration`: in the program's store or, if they name
// none, what in_store(spec) gives. Null on an error, which the plan has.
template <class Declaration, class InStore>
std::shared_ptr<Declaration> Declare(const At& at, const StateOptions& options,
                                     const std::vector<SchemaField>& group,
                                     const std::string& wanted, InStore&& in_store) {
  std::optional<StateSpec> spec = SpecOf(at, options, group);
  if (!spec.has_value()) return nullptr;
  if (options.where == nullptr) return in_store(*std::move(spec));
  auto declared = std::dynamic_pointer_cast<Declaration>(options.where->Declare(*std::move(spec)));
  if (declared == nullptr) FailHome(at, options, wanted);
  return declared;
}

}  // namespace step_internal
}  // namespace trident

#endif  // TRIDENT_TRIDENT_STEP_H_
