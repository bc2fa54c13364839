// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/broadcast.h"

namespace trident {
namespace {

class Broadcast final : public Partitioner {
 public:
  void Route(const RouteContext& /*context*/, const Slice& /*slice*/, Routing& out) const override {
    out.kind = Routing::Kind::kBroadcast;
  }
  std::string Describe() const override { return "broadcast"; }
};

}  // namespace

PartitionerRef BroadcastPartitioner() { return std::make_shared<Broadcast>(); }

}  // namespace trident
