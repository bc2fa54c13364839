// SPDX-License-Identifier: Apache-2.0
//
// Stream, GroupedStream and StateHandle: what a program builds a topology of. Names and semantics
// are Storm Trident's.
//
// Each call adds a step and gives the stream behind it. Streams are small values; several steps may
// take the same one, and each of them sees all its rows.
//
// Functions. Whatever has operator() will do. It is copied to every task and called there as a
// const object, on the task's thread; copies for other tasks run at the same time. It must not keep
// a Text, Bytes or List that it is given: they point into the batch. A function that throws fails
// the attempt of its batch, with the step and the row in the message; the batch is made again, so
// a function may see a row more than once.
//
// Errors. The compiler checks a function against the field tokens; its messages begin with the
// verb. The compiler cannot know whether a field is there, twice, or of another type: that is
// checked at the call, and Topology::Build returns the first error, with the step, the fields there
// are and the nearest spelling. Behind a step that failed, further steps do nothing.
#ifndef TRIDENT_TRIDENT_STREAM_H_
#define TRIDENT_TRIDENT_STREAM_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "trident/functions/aggregators.h"
#include "trident/plan/state_declaration.h"
#include "trident/step.h"

namespace trident {

class GroupedStream;
template <class V>
class StateHandle;
template <class S>
class UserStateHandle;

namespace step_internal {
// Adds a PartitionPersist. Complete in trident/partition_persist.h.
template <class Fn>
struct UpdaterStep;
template <class Fn>
concept UpdaterStepIsIncluded = requires {
  sizeof(UpdaterStep<Fn>);
};
}  // namespace step_internal

class Stream {
 public:
  Stream(const Stream&);
  Stream(Stream&&) noexcept;
  Stream& operator=(const Stream&);
  Stream& operator=(Stream&&) noexcept;
  ~Stream();

  // ---- the step that was added last ----

  // Names it in Explain, in errors and in metrics.
  Stream Name(std::string name) const;
  // Gives the stage that it is in so many tasks, 1 to 256; the greatest wish in a stage counts.
  // Without a wish a stage has a task per executor, as far as it can use them.
  Stream Parallelism(uint32_t tasks) const;
  // The fields of the rows that come out of it; none behind a step that failed.
  const Schema& schema() const;

  // ---- row by row ----

  // Adds the fields `out` to each row. The function takes the values of `in` and either returns the
  // value of `out` (a std::tuple for several fields) or takes an Emit<out...>& as well and emits
  // any number of rows: with none the row goes, with several it is repeated.
  //
  //   lines.Each(kLine, [](Text line) { return int64_t(line.size()); }, kLength)
  template <class In, class Fn, class Out>
  Stream Each(const In& in, Fn function, const Out& out) const {
    return EachStep<In, Fn, Out>("each", Passes::kAll, in, std::move(function), out);
  }
  // As Each, but the fields `out` replace all others.
  //
  //   words.Map(kWord, [](Text word) { return word.substr(0, 1); }, kInitial)
  template <class In, class Fn, class Out>
  Stream Map(const In& in, Fn function, const Out& out) const {
    return EachStep<In, Fn, Out>("map", Passes::kNone, in, std::move(function), out);
  }
  // The same under the name that says that the function may emit several rows.
  template <class In, class Fn, class Out>
  Stream FlatMap(const In& in, Fn function, const Out& out) const {
    return EachStep<In, Fn, Out>("flat map", Passes::kNone, in, std::move(function), out);
  }
  // Keeps the rows for which predicate(in...) is true, with all their fields. Copies no values.
  //
  //   words.Filter(kWord, [](Text word) { return word.size() > 3; })
  template <class In, class Fn>
  Stream Filter(const In& in, Fn predicate) const;
  // Calls consumer(in...) for each row and passes the rows on unchanged. When a batch is made again
  // it shows the rows again.
  template <class In, class Fn>
  Stream Peek(const In& in, Fn consumer) const;
  // Keeps these fields, in this order, and all rows. Copies no values.
  //
  //   words.Project(Fields(kWord, kCount))
  template <class In>
  Stream Project(const In& fields) const {
    return ProjectStep(step_internal::AsList(fields).Describe());
  }
  // assembly(*this): a piece of a topology that several streams use.
  template <class Assembly>
  auto Apply(Assembly&& assembly) const {
    return assembly(*this);
  }

  // ---- repartitioning: where the next steps run; fields and rows stay as they are ----

  // Rows go to the tasks in turn, so that each gets about as many.
  Stream Shuffle() const;
  // Rows go to a task of this process if there is one, else in turn.
  Stream LocalOrShuffle() const;
  // Rows that agree in the fields go to the same task.
  template <class In>
  Stream PartitionBy(const In& fields) const {
    return PartitionByStep(step_internal::AsList(fields).Describe());
  }
  // All rows go to one task.
  Stream Global() const;
  // All rows of a batch go to one task, those of another batch perhaps to another.
  Stream BatchGlobal() const;
  // Each row goes to every task.
  Stream Broadcast() const;
  // Rows of task i go to task i; both stages must have as many tasks.
  Stream IdentityPartition() const;
  // Rows go where the partitioner says (engine/partitioners/).
  Stream Partition(PartitionerRef custom) const;

  // ---- aggregation within a batch; the result replaces the rows ----

  // Aggregates what each task has of each batch. The aggregator is a Combiner, a Reducer or a full
  // aggregator of the fields `in` (trident/functions/aggregators.h). A task without rows gives
  // Zero() (Combiner), Init() (Reducer) or what Finish emits of Begin().
  //
  //   sales.PartitionAggregate(kAmount, Sum(), kTotal)
  template <class In, class A, class Out>
  Stream PartitionAggregate(const In& in, A aggregator, const Out& out) const {
    return AggregateTaskStep<In, A, Out>({}, in, std::move(aggregator), out);
  }
  template <class A, class Out>
  Stream PartitionAggregate(A aggregator, const Out& out) const {
    return PartitionAggregate(FieldList<>{}, std::move(aggregator), out);
  }
  // Aggregates the whole batch, in one task; a Combiner combines at each task first. An empty batch
  // has a result, too. In a request topology it aggregates the rows of each request.
  //
  //   sales.Aggregate(kAmount, Sum(), kTotal)
  template <class In, class A, class Out>
  Stream Aggregate(const In& in, A aggregator, const Out& out) const;
  template <class A, class Out>
  Stream Aggregate(A aggregator, const Out& out) const {
    return Aggregate(FieldList<>{}, std::move(aggregator), out);
  }
  // Lets the aggregation that follows be per group: rows that agree in the fields. A group field is
  // a bool, int64, double, text, bytes or timestamp.
  //
  //   words.GroupBy(kWord).Aggregate(Count(), kCount)
  template <class In>
  GroupedStream GroupBy(const In& fields) const;

  // ---- state; changed in txid order, exactly once as the guarantee table of README.md says ----

  // Keeps one value over all batches: the aggregator, a Combiner or a Reducer of `in`, updates it
  // with the rows of each batch. An empty batch writes Zero() (Combiner) or nothing (Reducer). The
  // field `out` has the value in the handle's NewValuesStream and must have the aggregator's type.
  // If that is a std::optional, nothing removes the key. Then a Field<std::optional<T>> is null for
  // the keys that the batch removed, and for a Field<T> they have no row.
  //
  //   sales.PersistentAggregate({.name = "revenue"}, kAmount, Sum(), kTotal)
  //
  // Errors: a name that is taken or malformed; `where` keeps values of another type.
  template <class In, class A, class T>
  StateHandle<KeptValue<A>> PersistentAggregate(const StateOptions& state, const In& in,
                                                A aggregator, Field<T> out) const;
  template <class A, class T>
  StateHandle<KeptValue<A>> PersistentAggregate(const StateOptions& state, A aggregator,
                                                Field<T> out) const {
    return PersistentAggregate(state, FieldList<>{}, std::move(aggregator), out);
  }
  // Gives the rows of each batch to updater(state, const PersistRows<in...>& rows, Emit<out...>&),
  // or without the Emit if there is no `out`; it returns nothing or a Status, which fails the
  // attempt. The type of its first parameter says what the state is: MapAccess<V>& a map of V,
  // S& objects of the program's class S (then `where` is an OutsideState<S>). Its emitted rows are
  // the handle's NewValuesStream. It is called in the stage phase, in txid order, for every batch,
  // also an empty one. The state has one partition: GroupBy for more.
  //
  // The body is in trident/partition_persist.h: include that, too.
  template <class In, class Fn, class Out>
  auto PartitionPersist(const StateOptions& state, const In& in, Fn updater, const Out& out) const {
    return UpdateStep(state, {}, in, std::move(updater), out);
  }
  template <class In, class Fn>
  auto PartitionPersist(const StateOptions& state, const In& in, Fn updater) const {
    return UpdateStep(state, {}, in, std::move(updater), FieldList<>{});
  }
  // Looks up the key made of `in` and adds the fields `out`, which query(const V* value,
  // Emit<out...>&) emits; `value` is null where the state has no such key. MapGet() adds the value
  // itself and drops rows without one, or gives null if `out` may be null. A batch of a stream
  // reads the newest committed cut; a batch of requests one cut for all of it.
  //
  //   requests.Each(kArgs, Split(), kWord).StateQuery(counts, kWord, MapGet(), kCount)
  //
  // Errors: `in` has not the types of the state's key; the state is another topology's.
  template <class V, class In, class Query, class Out>
  Stream StateQuery(const StateHandle<V>& state, const In& in, Query query, const Out& out) const;
  // Adds what query(S&, in..., Emit<out...>&) emits, with the object of the partition that the key
  // made of `in` belongs to. The body is in trident/partition_persist.h.
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

  explicit Stream(step_internal::At at);

  template <class In, class Fn, class Out>
  Stream EachStep(const char* verb, Passes passes, const In& in, Fn function, const Out& out) const;
  template <class In, class Fn>
  Stream FilterStep(const char* verb, const In& in, Fn function) const;
  Stream ProjectStep(const std::vector<SchemaField>& fields) const;
  GroupedStream GroupByStep(std::vector<SchemaField> group) const;
  Stream PartitionByStep(const std::vector<SchemaField>& fields) const;
  // Aggregates what each task has, without an exchange.
  template <class In, class A, class Out>
  Stream AggregateTaskStep(const std::vector<SchemaField>& group, const In& in, A aggregator,
                           const Out& out) const;
  template <class In, class A, class Out>
  Stream AggregateStep(const std::vector<SchemaField>& group, const In& in, A aggregator,
                       const Out& out) const;
  template <class In, class A, class T>
  StateHandle<KeptValue<A>> PersistStep(const StateOptions& options,
                                        const std::vector<SchemaField>& group, const In& in,
                                        A aggregator, Field<T> out) const;
  template <class In, class Fn, class Out>
  auto UpdateStep(const StateOptions& options, const std::vector<SchemaField>& group, const In& in,
                  Fn updater, const Out& out) const {
    static_assert(step_internal::UpdaterStepIsIncluded<Fn>,
                  "PartitionPersist: include trident/partition_persist.h");
    if constexpr (step_internal::UpdaterStepIsIncluded<Fn>) {
      return step_internal::UpdaterStep<Fn>::Add(at_, options, group, in, std::move(updater), out);
    }
  }

  step_internal::At at_;
};

// A stream whose aggregations are per group: rows that agree in the fields of GroupBy.
class GroupedStream {
 public:
  GroupedStream(const GroupedStream&);
  GroupedStream(GroupedStream&&) noexcept;
  GroupedStream& operator=(const GroupedStream&);
  GroupedStream& operator=(GroupedStream&&) noexcept;
  ~GroupedStream();

  // Aggregates each group of the batch: one row [group fields, out] per group (a full aggregator
  // may emit any number); nothing for an empty batch.
  template <class In, class A, class Out>
  Stream Aggregate(const In& in, A aggregator, const Out& out) const {
    return stream_.AggregateStep<In, A, Out>(group_, in, std::move(aggregator), out);
  }
  template <class A, class Out>
  Stream Aggregate(A aggregator, const Out& out) const {
    return Aggregate(FieldList<>{}, std::move(aggregator), out);
  }
  // The same for what each task has of the batch, without an exchange.
  template <class In, class A, class Out>
  Stream PartitionAggregate(const In& in, A aggregator, const Out& out) const {
    return stream_.AggregateTaskStep<In, A, Out>(group_, in, std::move(aggregator), out);
  }
  template <class A, class Out>
  Stream PartitionAggregate(A aggregator, const Out& out) const {
    return PartitionAggregate(FieldList<>{}, std::move(aggregator), out);
  }
  // Keeps a value per group over all batches: a map whose key is the group's fields. An empty batch
  // writes nothing. Else as Stream::PersistentAggregate.
  //
  //   words.GroupBy(kWord).PersistentAggregate({.name = "counts"}, Count(), kCount)
  template <class In, class A, class T>
  StateHandle<KeptValue<A>> PersistentAggregate(const StateOptions& state, const In& in,
                                                A aggregator, Field<T> out) const;
  template <class A, class T>
  StateHandle<KeptValue<A>> PersistentAggregate(const StateOptions& state, A aggregator,
                                                Field<T> out) const {
    return PersistentAggregate(state, FieldList<>{}, std::move(aggregator), out);
  }
  // As Stream::PartitionPersist, with the group's fields as the key of the state, and the rows of a
  // group always at the same partition.
  template <class In, class Fn, class Out>
  auto PartitionPersist(const StateOptions& state, const In& in, Fn updater, const Out& out) const {
    return stream_.UpdateStep(state, group_, in, std::move(updater), out);
  }
  template <class In, class Fn>
  auto PartitionPersist(const StateOptions& state, const In& in, Fn updater) const {
    return stream_.UpdateStep(state, group_, in, std::move(updater), FieldList<>{});
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
  GroupedStream(Stream stream, std::vector<SchemaField> group);

  Stream stream_;
  std::vector<SchemaField> group_;
};

// A map state that the topology keeps: to query, to follow, and to read while it runs
// (trident/run/state_reader.h).
template <class V>
class StateHandle {
 public:
  // A stream of what each batch did to the state, in its stage phase: of an aggregate [group
  // fields, new value] for each key that the batch changed; of a PartitionPersist what its updater
  // emits.
  Stream NewValuesStream() const { return Stream(at_); }
  // As Stream::Parallelism, for the stage that writes the state.
  StateHandle Parallelism(uint32_t tasks) const {
    Stream(at_).Parallelism(tasks);
    return *this;
  }
  const std::string& name() const { return name_; }

 private:
  friend class Stream;
  template <class Fn>
  friend struct step_internal::UpdaterStep;
  StateHandle(step_internal::At at, std::string name, std::shared_ptr<MapDeclaration<V>> state)
      : at_(std::move(at)), name_(std::move(name)), state_(std::move(state)) {}

  step_internal::At at_;
  std::string name_;
  std::shared_ptr<MapDeclaration<V>> state_;  // null behind a step that failed
};

// The same of a state of the program's own class.
template <class S>
class UserStateHandle {
 public:
  Stream NewValuesStream() const { return Stream(at_); }
  UserStateHandle Parallelism(uint32_t tasks) const {
    Stream(at_).Parallelism(tasks);
    return *this;
  }
  const std::string& name() const { return name_; }

 private:
  friend class Stream;
  template <class Fn>
  friend struct step_internal::UpdaterStep;
  UserStateHandle(step_internal::At at, std::string name,
                  std::shared_ptr<ObjectDeclaration<S>> state)
      : at_(std::move(at)), name_(std::move(name)), state_(std::move(state)) {}

  step_internal::At at_;
  std::string name_;
  std::shared_ptr<ObjectDeclaration<S>> state_;
};

}  // namespace trident

#include "trident/stream_steps.h"  // the bodies of the templates above

#endif  // TRIDENT_TRIDENT_STREAM_H_
