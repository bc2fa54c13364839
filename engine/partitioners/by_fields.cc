// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/by_fields.h"

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/partition_assignment.h"

namespace trident {
namespace {

class ByFields final : public Partitioner {
 public:
  ByFields(const std::vector<std::string>& names, uint32_t partitions) : partitions_(partitions) {
    TRIDENT_CHECK(partitions >= 1 && partitions <= kStatePartitionsMax) << partitions;
    for (const std::string& name : names) names_ += (names_.empty() ? "" : ", ") + name;
  }

  void Route(const RouteContext& context, const Slice& slice, Routing& out) const override {
    const KeyColumn* keys = slice.keys().get();
    TRIDENT_CHECK(keys != nullptr) << "no keys on slice " << slice.schema().ToString();
    TRIDENT_CHECK_EQ(keys->keys.size(), slice.rows());
    const TaskAssignment assignment(partitions_, context.tasks);
    out.kind = Routing::Kind::kByRow;
    out.task_of_row.resize(slice.rows());
    uint32_t* to = out.task_of_row.data();
    for (const HashedKey& key : keys->keys) {
      *to++ = assignment.TaskOf(PartitionOfHash(key.hash, partitions_));
    }
  }
  std::string Describe() const override { return "by fields [" + names_ + "]"; }

 private:
  std::string names_;
  const uint32_t partitions_;
};

}  // namespace

PartitionerRef ByFieldsPartitioner(std::vector<std::string> names, uint32_t partitions) {
  return std::make_shared<ByFields>(names, partitions);
}

}  // namespace trident
