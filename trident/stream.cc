// SPDX-License-Identifier: Apache-2.0
#include "trident/stream.h"

#include "base/limits.h"
#include "base/status.h"
#include "engine/partitioners/batch_global.h"
#include "engine/partitioners/broadcast.h"
#include "engine/partitioners/by_fields.h"
#include "engine/partitioners/identity.h"
#include "engine/partitioners/local_or_shuffle.h"
#include "engine/partitioners/shuffle.h"
#include "trident/operators/project.h"
#include "trident/plan/logical_plan.h"

namespace trident {

using step_internal::At;

Stream::Stream(step_internal::At at) : at_(std::move(at)) {}
Stream::Stream(const Stream&) = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(const Stream&) = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

GroupedStream::GroupedStream(Stream stream, std::vector<SchemaField> group)
    : stream_(std::move(stream)), group_(std::move(group)) {}
GroupedStream::GroupedStream(const GroupedStream&) = default;
GroupedStream::GroupedStream(GroupedStream&&) noexcept = default;
GroupedStream& GroupedStream::operator=(const GroupedStream&) = default;
GroupedStream& GroupedStream::operator=(GroupedStream&&) noexcept = default;
GroupedStream::~GroupedStream() = default;

GroupedStream Stream::GroupByStep(std::vector<SchemaField> group) const {
  if (at_.ok()) {
    for (const SchemaField& field : group) {
      StatusOr<size_t> found = schema().Find(field);
      if (!found.ok()) step_internal::FailAt(at_, "group by " + field.name, found.status());
    }
  }
  return GroupedStream(*this, std::move(group));
}

Stream Stream::Name(std::string name) const {
  if (at_.ok()) at_.plan->node(at_.node).name = std::move(name);
  return *this;
}

Stream Stream::Parallelism(uint32_t tasks) const {
  if (!at_.ok()) return *this;
  if (tasks < 1 || tasks > static_cast<uint32_t>(kParallelismMax)) {
    step_internal::FailAt(
        at_, Concat("parallelism ", tasks),
        InvalidArgument("expected 1 to ", kParallelismMax, " tasks, found ", tasks,
                        "; leave Parallelism out for as many tasks as there are executors"));
    return *this;
  }
  at_.plan->node(at_.node).parallelism = tasks;
  return *this;
}

const Schema& Stream::schema() const {
  static const Schema kEmpty;
  return at_.ok() ? at_.plan->node(at_.node).schema : kEmpty;
}

Stream Stream::ProjectStep(const std::vector<SchemaField>& fields) const {
  step_internal::StepSpec spec("project", fields, fields);
  spec.detail = step_internal::Listed(fields);
  spec.passes = Passes::kNone;
  spec.make = [](const OperatorSite& site) {
    std::vector<size_t> indices;
    for (const SchemaField& field : site.output->fields()) {
      indices.push_back(*site.input->IndexOf(field.name));
    }
    return std::make_unique<ProjectOperator>(site.output, std::move(indices));
  };
  return Stream(AddStep(at_, std::move(spec)));
}

Stream Stream::Shuffle() const { return Stream(AddExchange(at_, "shuffle", ShufflePartitioner())); }

Stream Stream::LocalOrShuffle() const {
  At next = AddExchange(at_, "local or shuffle", nullptr);
  if (next.ok()) {
    next.plan->node(next.node).make_partitioner = [](uint32_t from_tasks, uint32_t to_tasks) {
      LocalTasks local;
      for (uint32_t task = 0; task < to_tasks; ++task) local.tasks.push_back(task);
      local.senders = from_tasks;
      return LocalOrShufflePartitioner(std::move(local));
    };
  }
  return Stream(next);
}

Stream Stream::PartitionByStep(const std::vector<SchemaField>& fields) const {
  At keyed = step_internal::AddKeyBy(at_, fields, "partition by");
  At next = step_internal::AddExchangeByKey(keyed, fields, kStatePartitionsDefault);
  if (next.ok() && next.node != keyed.node) next.plan->node(next.node).verb = "partition by";
  return Stream(next);
}

Stream Stream::Global() const { return Stream(step_internal::AddGlobalExchange(at_)); }

Stream Stream::BatchGlobal() const {
  return Stream(AddExchange(at_, "batch global", BatchGlobalPartitioner()));
}

Stream Stream::Broadcast() const {
  return Stream(AddExchange(at_, "broadcast", BroadcastPartitioner()));
}

Stream Stream::IdentityPartition() const {
  return Stream(AddExchange(at_, "identity", IdentityPartitioner()));
}

Stream Stream::Partition(PartitionerRef custom) const {
  if (custom == nullptr) {
    if (at_.ok()) FailAt(at_, "partition", InvalidArgument("there is no partitioner; give it one"));
    return Stream(At{at_.plan});
  }
  std::string verb = custom->Describe();
  At next = AddExchange(at_, std::move(verb), std::move(custom));
  // Nobody knows which fields it looks at, so all of them come to it, in the order of the schema.
  if (next.ok()) {
    LogicalNode& node = next.plan->node(next.node);
    for (const SchemaField& field : node.schema.fields()) node.reads.push_back(field.name);
  }
  return Stream(next);
}

}  // namespace trident
