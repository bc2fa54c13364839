// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/shuffle.h"

#include "base/hash.h"

namespace trident {
namespace {

// Two odd constants of a Weyl sequence (2^64 times the golden ratio and the plastic number, less
// their integer part): whatever steps txid, slice and sender take, the start is spread evenly.
constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;
constexpr uint64_t kPlastic = 0x5320b74eca44adad;

class Shuffle final : public Partitioner {
 public:
  void Route(const RouteContext& context, const Slice& slice, Routing& out) const override {
    const uint64_t turn =
        (context.id.txid.value() + context.slice) * kGolden + context.from_task * kPlastic;
    uint32_t task = PartitionOfHash(turn, context.tasks);
    const size_t rows = slice.rows();
    if (rows <= 1 || context.tasks == 1) {
      out.kind = Routing::Kind::kWhole;
      out.task = task;
      return;
    }
    out.kind = Routing::Kind::kByRow;
    out.task_of_row.resize(rows);
    for (uint32_t& to : out.task_of_row) {
      to = task++;
      if (task == context.tasks) task = 0;
    }
  }
  std::string Describe() const override { return "shuffle"; }
};

}  // namespace

PartitionerRef ShufflePartitioner() { return std::make_shared<Shuffle>(); }

}  // namespace trident
