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
#include "trident/operators/aggregate.h"
#include "trident/operators/each.h"
#include "trident/operators/filter.h"
#include "trident/operators/partition_persist.h"
#include "trident/operators/persistent_aggregate.h"
#include "trident/operators/state_query.h"
#include "trident/operators/user_state_query.h"
#include "trident/plan/logical_plan.h"
#include "trident/step.h"

namespace trident {

class GroupedStream;
template <class V>
class StateHandle;
template <class S>
class UserStateHandle;

// How a step keeps state. The name is where the data is: it must be unique, and stay. What each
// kind promises with which spout stands in the table of trident/states/README.md; in the topology's
// own store every kind is exactly-once.
struct StateOptions {
  std::string name = {};
  StateKind kind = StateKind::kOpaque;
  uint32_t partitions = kStatePartitionsDefault;  // fixed when the state is made
};
// The same for a step that does not tell the type of the values itself. States of a program's own
// are described by UserMapOptions and UserStateOptions (trident/states/).
template <class V>
struct MapStateOptions {
  std::string name = {};
  StateKind kind = StateKind::kOpaque;
  uint32_t partitions = kStatePartitionsDefault;
};

class Stream {
 public:
  Stream(std::shared_ptr<LogicalPlan> plan, NodeId node) : at_{std::move(plan), node} {}

  // Names the last step, for Explain, errors and metrics.
  Stream Name(std::string name) const;
  // Tasks for the stage that the last step is in, 1 to kParallelismMax; the greatest wish in a
  // stage counts. Without one it has a task per executor, as far as it can use them.
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
  // The same in a state of the program's own. An empty batch writes Zero() there, too.
  template <class Stored, class In, class A, class T>
  StateHandle<typename A::Value> PersistentAggregate(const UserMapOptions<Stored>& state,
                                                     const In& in, A aggregator,
                                                     Field<T> out) const {
    return PersistUserStep(state, {}, in, std::move(aggregator), out);
  }
  template <class Stored, class A, class T>
  StateHandle<typename A::Value> PersistentAggregate(const UserMapOptions<Stored>& state,
                                                     A aggregator, Field<T> out) const {
    return PersistentAggregate(state, FieldList<>{}, std::move(aggregator), out);
  }
  // Gives the rows of each batch to updater(state, const PersistRows<in...>&, Emit<out...>&), or
  // without the Emit if there is no `out`; it returns nothing or a Status. `options` tells what the
  // updater gets as `state`: MapStateOptions<V> and UserMapOptions<Stored> a MapAccess<V>&,
  // UserStateOptions<S> an S&. What it emits is the handle's NewValuesStream. Called in the stage
  // phase, in txid order, for every batch, also an empty one. One partition: GroupBy for more.
  template <class Options, class In, class Fn, class Out>
  auto PartitionPersist(const Options& options, const In& in, Fn updater, const Out& out) const {
    return UpdateStep(options, {}, in, std::move(updater), out);
  }
  template <class Options, class In, class Fn>
  auto PartitionPersist(const Options& options, const In& in, Fn updater) const {
    return PartitionPersist(options, in, std::move(updater), FieldList<>{});
  }
  // Looks up the key made of `in` in the state, and adds what query(const V* value, Emit<out...>&)
  // emits; MapGet adds the value. In a request topology it reads the cut of the request batch.
  template <class V, class In, class Query, class Out>
  Stream StateQuery(const StateHandle<V>& state, const In& in, Query query, const Out& out) const;
  // Adds what query(S&, in..., Emit<out...>&) emits, with the object of the partition that the key
  // made of `in` belongs to.
  template <class S, class In, class Query, class Out>
  Stream StateQuery(const UserStateHandle<S>& state, const In& in, Query query,
                    const Out& out) const;

 private:
  friend class GroupedStream;
  friend class Topology;
  template <class V>
  friend class StateHandle;
  template <class S>
  friend class UserStateHandle;

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
  template <class Stored, class In, class A, class T>
  StateHandle<typename A::Value> PersistUserStep(const UserMapOptions<Stored>& state,
                                                 const std::vector<SchemaField>& group,
                                                 const In& in, A aggregator, Field<T> out) const;
  // Both of them, into a declared state.
  template <class D, class In, class A, class T>
  StateHandle<typename A::Value> AggregateInto(std::shared_ptr<D> state,
                                               const std::vector<SchemaField>& group, const In& in,
                                               A aggregator, Field<T> out) const;
  template <class Options, class In, class Fn, class Out>
  auto UpdateStep(const Options& options, const std::vector<SchemaField>& group, const In& in,
                  Fn updater, const Out& out) const;

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
  template <class Stored, class In, class A, class T>
  StateHandle<typename A::Value> PersistentAggregate(const UserMapOptions<Stored>& state,
                                                     const In& in, A aggregator,
                                                     Field<T> out) const {
    return stream_.PersistUserStep(state, group_, in, std::move(aggregator), out);
  }
  template <class Stored, class A, class T>
  StateHandle<typename A::Value> PersistentAggregate(const UserMapOptions<Stored>& state,
                                                     A aggregator, Field<T> out) const {
    return PersistentAggregate(state, FieldList<>{}, std::move(aggregator), out);
  }
  // As Stream::PartitionPersist, with the rows of a group always at the same partition, and with
  // the group's fields as the key of the state.
  template <class Options, class In, class Fn, class Out>
  auto PartitionPersist(const Options& options, const In& in, Fn updater, const Out& out) const {
    return stream_.UpdateStep(options, group_, in, std::move(updater), out);
  }
  template <class Options, class In, class Fn>
  auto PartitionPersist(const Options& options, const In& in, Fn updater) const {
    return PartitionPersist(options, in, std::move(updater), FieldList<>{});
  }
  template <class Handle, class In, class Query, class Out>
  Stream StateQuery(const Handle& state, const In& in, Query query, const Out& out) const {
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

// A map state that the topology keeps: to query, and to follow.
template <class V>
class StateHandle {
 public:
  // In the batch's stage phase: of an aggregate, [group fields, new value] of each key that a batch
  // changed; of a PartitionPersist, what its updater emits.
  Stream NewValuesStream() const { return Stream(at_); }
  StateHandle Parallelism(uint32_t tasks) const {
    Stream(at_).Parallelism(tasks);
    return *this;
  }
  const std::string& name() const { return state_->spec().name; }

 private:
  friend class Stream;
  StateHandle(step_internal::At at, std::shared_ptr<MapDeclaration<V>> state)
      : at_(std::move(at)), state_(std::move(state)) {}

  step_internal::At at_;
  std::shared_ptr<MapDeclaration<V>> state_;
};

// The same of a state of the program's own class.
template <class S>
class UserStateHandle {
 public:
  Stream NewValuesStream() const { return Stream(at_); }  // what the updater emits
  UserStateHandle Parallelism(uint32_t tasks) const {
    Stream(at_).Parallelism(tasks);
    return *this;
  }
  const std::string& name() const { return state_->spec().name; }

 private:
  friend class Stream;
  UserStateHandle(step_internal::At at, std::shared_ptr<UserStateDeclaration<S>> state)
      : at_(std::move(at)), state_(std::move(state)) {}

  step_internal::At at_;
  std::shared_ptr<UserStateDeclaration<S>> state_;
};

}  // namespace trident

#include "trident/stream_steps.h"  // the bodies of the templates above
#include "trident/user_state_steps.h"

#endif  // TRIDENT_TRIDENT_STREAM_H_
