// SPDX-License-Identifier: Apache-2.0
//
// Partitioner: decides to which task of the next stage each tuple goes. One law: the answer depends
// only on the batch's id and content and on the number of tasks, never on time, memory addresses or
// thread interleaving, so that a replay of the same tuples goes the same ways.
#ifndef TRIDENT_ENGINE_PARTITIONER_H_
#define TRIDENT_ENGINE_PARTITIONER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "engine/data/slice.h"

namespace trident {

// The destinations of the rows of one slice.
struct Routing {
  enum class Kind : uint8_t {
    kWhole,      // all rows to `task`
    kBroadcast,  // all rows to every task
    kByRow,      // the i-th selected row to task_of_row[i]
  };
  Kind kind = Kind::kWhole;
  uint32_t task = 0;
  std::vector<uint32_t> task_of_row;
};

// The facts that a route may depend on besides the rows.
struct RouteContext {
  BatchId id;
  uint32_t slice = 0;  // number of the slice within the batch, at this sender
  uint32_t from_task = 0;
  uint32_t tasks = 1;
};

// Stateless after construction, so one object serves all tasks of a stage.
class Partitioner {
 public:
  virtual ~Partitioner() = default;
  // Fills `out`, which is reused from call to call. REQUIRES: context.tasks >= 1.
  virtual void Route(const RouteContext& context, const Slice& slice, Routing& out) const = 0;
  // The text that Explain shows, such as "by fields [word]".
  virtual std::string Describe() const = 0;
};
using PartitionerRef = std::shared_ptr<const Partitioner>;

}  // namespace trident

#endif  // TRIDENT_ENGINE_PARTITIONER_H_
