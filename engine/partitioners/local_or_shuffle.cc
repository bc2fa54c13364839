// SPDX-License-Identifier: Apache-2.0
#include "engine/partitioners/local_or_shuffle.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/partitioners/shuffle.h"

namespace trident {
namespace {

class LocalOrShuffle final : public Partitioner {
 public:
  explicit LocalOrShuffle(LocalTasks local)
      : local_(std::move(local)), shuffle_(ShufflePartitioner()) {
    TRIDENT_CHECK(std::is_sorted(local_.tasks.begin(), local_.tasks.end()));
  }

  void Route(const RouteContext& context, const Slice& slice, Routing& out) const override {
    if (local_.tasks.empty()) return shuffle_->Route(context, slice, out);
    TRIDENT_CHECK_LT(local_.tasks.back(), context.tasks);
    out.kind = Routing::Kind::kWhole;
    out.task = KeepsToItsOwn(context) ? context.from_task : TakeTurns(context);
  }
  std::string Describe() const override { return "local or shuffle"; }

 private:
  bool KeepsToItsOwn(const RouteContext& context) const {
    return context.tasks <= local_.senders &&
           std::binary_search(local_.tasks.begin(), local_.tasks.end(), context.from_task);
  }
  uint32_t TakeTurns(const RouteContext& context) const {
    const uint64_t turn = context.id.txid.value() + context.slice + context.from_task;
    return local_.tasks[turn % local_.tasks.size()];
  }

  const LocalTasks local_;
  const PartitionerRef shuffle_;
};

}  // namespace

PartitionerRef LocalOrShufflePartitioner(LocalTasks local) {
  return std::make_shared<LocalOrShuffle>(std::move(local));
}

}  // namespace trident
