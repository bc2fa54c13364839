// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/global.h"

namespace trident {
namespace {

class Global final : public Partitioner {
 public:
  void Route(const RouteContext& /*context*/, const Slice& /*slice*/, Routing& out) const override {
    out.kind = Routing::Kind::kWhole;
    out.task = 0;
  }
  std::string Describe() const override { return "global"; }
};

}  // namespace

PartitionerRef GlobalPartitioner() { return std::make_shared<Global>(); }

}  // namespace trident
