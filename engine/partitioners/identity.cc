// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/identity.h"

#include "base/check.h"

namespace trident {
namespace {

class Identity final : public Partitioner {
 public:
  void Route(const RouteContext& context, const Slice& /*slice*/, Routing& out) const override {
    TRIDENT_CHECK_LT(context.from_task, context.tasks) << "identity between unequal stages";
    out.kind = Routing::Kind::kWhole;
    out.task = context.from_task;
  }
  std::string Describe() const override { return "identity"; }
};

}  // namespace

PartitionerRef IdentityPartitioner() { return std::make_shared<Identity>(); }

}  // namespace trident
