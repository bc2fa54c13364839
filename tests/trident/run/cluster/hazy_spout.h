// SPDX-License-Identifier: Apache-2.0
//
// HazySpout: another spout's rows, seen as by a process that lists source partitions in an order of
// its own, knows only some of them at first, and sees the others come up later.
#ifndef TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_HAZY_SPOUT_H_
#define TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_HAZY_SPOUT_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/rng.h"
#include "engine/spout.h"

namespace trident {

class HazySpout final : public Spout {
 public:
  // `view` says what this process sees, and when.
  HazySpout(std::shared_ptr<Spout> spout, uint64_t view) : spout_(std::move(spout)), rng_(view) {}

  SpoutKind kind() const override { return spout_->kind(); }
  const SchemaRef& schema() const override { return spout_->schema(); }
  Status Resume(const std::vector<SourcePosition>& committed) override {
    return spout_->Resume(committed);
  }
  StatusOr<std::vector<std::string>> Partitions() override {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<std::string> all, spout_->Partitions());
    MutexLock lock(mutex_);
    if (order_.empty()) {
      for (size_t left = all.size(); left > 0; --left) {
        std::swap(all[rng_.Below(left)], all[left - 1]);
      }
      order_ = std::move(all);
    }
    // Who looks often sees all.
    const auto seen = ++looks_ % 3 == 0 ? order_.size() : 1 + rng_.Below(order_.size());
    shown_ = std::max(shown_, static_cast<ptrdiff_t>(seen));
    return std::vector<std::string>(order_.begin(), order_.begin() + shown_);
  }
  LaterPartitions PartitionsAfter(size_t known) override {
    MutexLock lock(mutex_);
    const auto all = static_cast<ptrdiff_t>(order_.size());
    if (shown_ < all && rng_.Chance(0.2)) ++shown_;
    if (shown_ < all) {
      for (const WakeUp& wake_up : wake_ups_) wake_up();
    }
    return {{order_.begin() + static_cast<ptrdiff_t>(known), order_.begin() + shown_},
            shown_ < all ? LaterPartitions::More::kPerhaps : LaterPartitions::More::kNever};
  }
  std::shared_ptr<const void> TellOfPartitions(WakeUp wake_up) override {
    MutexLock lock(mutex_);
    wake_ups_.push_back(std::move(wake_up));
    return nullptr;
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override {
    return spout_->OpenReader(partition, std::move(wake_up));
  }
  std::string Describe() const override { return spout_->Describe(); }

 private:
  const std::shared_ptr<Spout> spout_;
  Mutex mutex_;
  Rng rng_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::string> order_ TRIDENT_GUARDED_BY(mutex_);  // of all that there are
  ptrdiff_t shown_ TRIDENT_GUARDED_BY(mutex_) = 0;             // of them
  uint32_t looks_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::vector<WakeUp> wake_ups_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_TESTS_TRIDENT_RUN_CLUSTER_HAZY_SPOUT_H_
