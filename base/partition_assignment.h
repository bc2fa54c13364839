// SPDX-License-Identifier: Apache-2.0
//
// The one law by which partitions belong to tasks: contiguous, even ranges. The sender of a tuple
// and the owner of a state's partition both ask here, so they cannot disagree.
//
//     hash --PartitionOfHash--> partition --TaskOfPartition--> task
//
// The first step never changes (the number of partitions is part of a state's format). The second
// may change with each start.
#ifndef TRIDENT_BASE_PARTITION_ASSIGNMENT_H_
#define TRIDENT_BASE_PARTITION_ASSIGNMENT_H_

#include <cstdint>

#include "base/check.h"

namespace trident {

// The task that owns `partition`. REQUIRES: partition < partitions, tasks >= 1.
inline uint32_t TaskOfPartition(uint32_t partition, uint32_t partitions, uint32_t tasks) {
  return static_cast<uint32_t>(uint64_t{partition} * tasks / partitions);
}

// Partitions [begin, end).
struct PartitionRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t size() const { return end - begin; }
  bool Contains(uint32_t partition) const { return begin <= partition && partition < end; }
  friend bool operator==(const PartitionRange&, const PartitionRange&) = default;
};

// The partitions of `task`: exactly those that TaskOfPartition gives to it. There are none for some
// tasks when there are more tasks than partitions. REQUIRES: task < tasks.
inline PartitionRange PartitionsOfTask(uint32_t task, uint32_t partitions, uint32_t tasks) {
  const auto first_of = [&](uint64_t t) {
    return static_cast<uint32_t>((t * partitions + tasks - 1) / tasks);
  };
  return {first_of(task), first_of(uint64_t{task} + 1)};
}

// TaskOfPartition for one pair of counts, with the division replaced by a multiplication.
class TaskAssignment {
 public:
  // REQUIRES: 1 <= partitions <= 2^12, 1 <= tasks <= 2^16. Within these the result is exact: the
  // reciprocal is at most 2^-40 too large, so a product below 2^28 is off by less than 1 / 2^12.
  TaskAssignment(uint32_t partitions, uint32_t tasks) : tasks_(tasks) {
    TRIDENT_CHECK(partitions >= 1 && partitions <= (1u << 12)) << partitions << " partitions";
    TRIDENT_CHECK(tasks >= 1 && tasks <= (1u << 16)) << tasks << " tasks";
    reciprocal_ = ((uint64_t{1} << kShift) + partitions - 1) / partitions;
  }
  uint32_t TaskOf(uint32_t partition) const {
    return static_cast<uint32_t>((uint64_t{partition} * tasks_ * reciprocal_) >> kShift);
  }

 private:
  static constexpr int kShift = 40;
  uint64_t tasks_;
  uint64_t reciprocal_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_BASE_PARTITION_ASSIGNMENT_H_
