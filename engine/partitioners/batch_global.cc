// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/batch_global.h"

#include "base/hash.h"
#include "base/rng.h"

namespace trident {
namespace {

class BatchGlobal final : public Partitioner {
 public:
  void Route(const RouteContext& context, const Slice& /*slice*/, Routing& out) const override {
    out.kind = Routing::Kind::kWhole;
    out.task = PartitionOfHash(Mix64(context.id.txid.value()), context.tasks);
  }
  std::string Describe() const override { return "batch global"; }
};

}  // namespace

PartitionerRef BatchGlobalPartitioner() { return std::make_shared<BatchGlobal>(); }

}  // namespace trident
