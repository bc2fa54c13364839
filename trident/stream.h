// SPDX-License-Identifier: Apache-2.0
//
// Stream, GroupedStream and StateHandle: what a program builds a topology of. Each call adds a step
// and gives the stream behind it; streams are small values, and several steps may take the same
// one. What the compiler cannot know (is the field there, is it there twice, has it this type) is
// checked at the call and reported by Topology::Build with the step, the fields there are and the
// nearest spelling. Names and semantics are Storm Trident's.
//
// Functions are copied to every task and called as const objects; anything with operator() will do.
#ifndef TRIDENT_TRIDENT_STREAM_H_
#define TRIDENT_TRIDENT_STREAM_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "engine/partitioner.h"
#include "trident/logical_plan.h"
#include "trident/operators/aggregate.h"
#include "trident/operators/each.h"
#include "trident/operators/filter.h"
#include "trident/operators/persistent_aggregate.h"
#include "trident/operators/state_query.h"
#include "trident/step.h"

namespace trident {

class GroupedStream;
template <class V>
class StateHandle;

// How a step keeps state. The name is where the data is: it must be unique, and stay.
struct StateOptions {
  std::string name = {};
  StateKind kind = StateKind::kOpaque;
  uint32_t partitions = kStatePartitionsDefault;  // fixed when the state is made
};

class Stream {
 public:
  Stream(std::shared_ptr<LogicalPlan> plan, NodeId node) : at_{std::move(plan), node} {}

  // Names the last step, for Explain, errors and metrics.
  Stream Name(std::string name) const;
  // Tasks for the stage that the last step is in; the greatest wish in a stage counts.
  Stream Parallelism(uint32_t tasks) const;
  const Schema& schema() const;

  // ---- row by row ----

  // Adds the fields `out`: function(in..., Emit<out...>&) emits any number of rows, or
  // function(in...) returns the one value (a std::tuple for several fields).
  template <class In, class Fn, class Out>
  Stream Each(const In& in, Fn function, const Out& out) const {
    return EachStep<In, Fn, Out>("each", LogicalNode::Passes::kAll, in, std::move(function), out);
  }
  // As Each, but the fields `out` replace all others. Exactly one row for each.
  template <class In, class Fn, class Out>
  Stream Map(const In& in, Fn function, const Out& out) const {
    return EachStep<In, Fn, Out>("map", LogicalNode::Passes::kNone, in, std::move(function), out);
  }
  // As Each, but the fields `out` replace all others.
  template <class In, class Fn, class Out>
  Stream FlatMap(const In& in, Fn function, const Out& out) const {
    return EachStep<In, Fn, Out>("flat map", LogicalNode::Passes::kNone, in, std::move(function),
                                 out);
  }
  // Keeps the rows for which predicate(in...) is true.
  template <class In, class Fn>
  Stream Filter(const In& in, Fn predicate) const {
    static_assert(PredicateFits<step_internal::ListOf<In>, Fn>::value,
                  "Filter: the predicate must be callable, as const, with exactly the types of the "
                  "input fields, and return bool");
    return FilterStep<In, Fn>("filter", in, std::move(predicate));
  }
  // Calls consumer(in...) for each row, which passes unchanged. Replays show rows again.
  template <class In, class Fn>
  Stream Peek(const In& in, Fn consumer) const {
    static_assert(ConsumerFits<step_internal::ListOf<In>, Fn>::value,
                  "Peek: the consumer must be callable, as const, with exactly the types of the "
                  "input fields, and return nothing");
    return FilterStep<In, Fn>("peek", in, std::move(consumer));
  }
  // Only these fields, in this order.
  template <class In>
  Stream Project(const In& fields) const {
    return ProjectStep(step_internal::AsList(fields).Describe());
  }
  // A reusable piece of a topology: assembly(stream) -> stream.
  template <class Assembly>
  auto Apply(Assembly&& assembly) const {
    return assembly(*this);
  }

  // ---- repartitioning: where the next steps run ----

  Stream Shuffle() const;
  Stream LocalOrShuffle() const;
  // Rows that agree in the fields come to the same task.
  template <class In>
  Stream PartitionBy(const In& fields) const {
    return PartitionByStep(step_internal::AsList(fields).Describe());
  }
  Stream Global() const;             // everything to one task
  Stream BatchGlobal() const;        // all of a batch to one task, another one for each batch
  Stream Broadcast() const;          // everything to every task
  Stream IdentityPartition() const;  // task i to task i; both stages must have as many tasks
  Stream Partition(PartitionerRef custom) const;

  // ---- aggregation within a batch ----

  // Aggregates what each task has of each batch; the result replaces the row. A task without rows
  // gives Zero() (Combiner) or Init() (Reducer).
  template <class In, class A, class Out>
  Stream PartitionAggregate(const In& in, A aggregator, const Out& out) const {
    return WholeStep<In, A, Out>({}, in, std::move(aggregator), out);
  }
  template <class A, class Out>
  Stream PartitionAggregate(A aggregator, const Out& out) const {
    return PartitionAggregate(FieldList<>{}, std::move(aggregator), out);
  }
  // Aggregates the whole batch: exactly one completion a batch, also for an empty one.
  template <class In, class A, class Out>
  Stream Aggregate(const In& in, A aggregator, const Out& out) const;
  template <class A, class Out>
  Stream Aggregate(A aggregator, const Out& out) const {
    return Aggregate(FieldList<>{}, std::move(aggregator), out);
  }
  template <class In>
  GroupedStream GroupBy(const In& fields) const;

  // ---- state ----

  // One value, updated by every batch.
  template <class In, class A, class T>
  StateHandle<typename A::Value> PersistentAggregate(const StateOptions& state, const In& in,
                                                     A aggregator, Field<T> out) const;
  template <class A, class T>
  StateHandle<typename A::Value> PersistentAggregate(const StateOptions& state, A aggregator,
                                                     Field<T> out) const {
    return PersistentAggregate(state, FieldList<>{}, std::move(aggregator), out);
  }
  // Looks up the key made of `in` in the state, and adds what query(const V* value, Emit<out...>&)
  // emits; MapGet adds the value. In a request topology it reads the cut of the request batch.
  template <class V, class In, class Query, class Out>
  Stream StateQuery(const StateHandle<V>& state, const In& in, Query query, const Out& out) const;

 private:
  friend class GroupedStream;
  friend class Topology;
  template <class V>
  friend class StateHandle;

  explicit Stream(step_internal::At at) : at_(std::move(at)) {}

  template <class In, class Fn, class Out>
  Stream EachStep(const char* verb, LogicalNode::Passes passes, const In& in, Fn function,
                  const Out& out) const;
  template <class In, class Fn>
  Stream FilterStep(const char* verb, const In& in, Fn function) const;
  Stream ProjectStep(const std::vector<SchemaField>& fields) const;
  Stream PartitionByStep(const std::vector<SchemaField>& fields) const;
  // Aggregates at the task, without an exchange.
  template <class In, class A, class Out>
  Stream WholeStep(const std::vector<SchemaField>& group, const In& in, A aggregator,
                   const Out& out) const;
  template <class In, class A, class Out>
  Stream AggregateStep(const std::vector<SchemaField>& group, const In& in, A aggregator,
                       const Out& out) const;
  template <class In, class A, class T>
  StateHandle<typename A::Value> PersistStep(const StateOptions& state,
                                             const std::vector<SchemaField>& group, const In& in,
                                             A aggregator, Field<T> out) const;

  step_internal::At at_;
};

// A stream whose aggregations are per group.
class GroupedStream {
 public:
  // Groups of each batch: one row per group; nothing for an empty batch.
  template <class In, class A, class Out>
  Stream Aggregate(const In& in, A aggregator, const Out& out) const {
    return stream_.AggregateStep<In, A, Out>(group_, in, std::move(aggregator), out);
  }
  template <class A, class Out>
  Stream Aggregate(A aggregator, const Out& out) const {
    return Aggregate(FieldList<>{}, std::move(aggregator), out);
  }
  // Groups of what each task has of each batch.
  template <class In, class A, class Out>
  Stream PartitionAggregate(const In& in, A aggregator, const Out& out) const {
    return stream_.WholeStep<In, A, Out>(group_, in, std::move(aggregator), out);
  }
  template <class A, class Out>
  Stream PartitionAggregate(A aggregator, const Out& out) const {
    return PartitionAggregate(FieldList<>{}, std::move(aggregator), out);
  }
  // Groups over all batches, in a map state whose key is the group's fields.
  template <class In, class A, class T>
  StateHandle<typename A::Value> PersistentAggregate(const StateOptions& state, const In& in,
                                                     A aggregator, Field<T> out) const;
  template <class A, class T>
  StateHandle<typename A::Value> PersistentAggregate(const StateOptions& state, A aggregator,
                                                     Field<T> out) const;
  template <class V, class In, class Query, class Out>
  Stream StateQuery(const StateHandle<V>& state, const In& in, Query query, const Out& out) const {
    return stream_.StateQuery(state, in, std::move(query), out);
  }
  template <class In, class Fn, class Out>
  GroupedStream Each(const In& in, Fn function, const Out& out) const {
    return GroupedStream(stream_.Each(in, std::move(function), out), group_);
  }
  Stream ToStream() const { return stream_; }

 private:
  friend class Stream;
  GroupedStream(Stream stream, std::vector<SchemaField> group)
      : stream_(std::move(stream)), group_(std::move(group)) {}

  Stream stream_;
  std::vector<SchemaField> group_;
};

// A state that the topology keeps: to query, and to follow.
template <class V>
class StateHandle {
 public:
  // [group fields, new value] of each key that a batch changed, in the batch's stage phase.
  Stream NewValuesStream() const { return Stream(at_); }
  StateHandle Parallelism(uint32_t tasks) const {
    Stream(at_).Parallelism(tasks);
    return *this;
  }
  const std::string& name() const { return state_->spec().name; }

 private:
  friend class Stream;
  StateHandle(step_internal::At at, std::shared_ptr<MapStateDeclaration<V>> state)
      : at_(std::move(at)), state_(std::move(state)) {}

  step_internal::At at_;
  std::shared_ptr<MapStateDeclaration<V>> state_;
};

}  // namespace trident

#include "trident/stream_steps.h"  // the bodies of the templates above

#endif  // TRIDENT_TRIDENT_STREAM_H_
