// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/read_lease.h"

#include <algorithm>

namespace trident {

LeaseRounds::LeaseRounds(Epoch epoch, const std::vector<WorkerId>& workers, LeaseConfig config)
    : epoch_(epoch), workers_(workers), config_(config) {}

Nanos LeaseRounds::Tick(Nanos now, std::vector<std::pair<WorkerId, word::LeaseRound>>& out) {
  if (has_begun_ && now < told_at_ + config_.round_every) return told_at_ + config_.round_every;
  has_begun_ = true;
  told_at_ = now;
  if (awaited_.empty()) {
    ++round_;
    awaited_.insert(workers_.begin(), workers_.end());
  }
  for (WorkerId worker : awaited_) out.push_back({worker, {epoch_, round_}});
  return told_at_ + config_.round_every;
}

void LeaseRounds::Hear(const word::LeaseAcknowledged& word) {
  if (word.epoch == epoch_ && word.round == round_) awaited_.erase(word.worker);
}

ReadLease::ReadLease(Epoch epoch, WorkerId worker, LeaseConfig config)
    : epoch_(epoch), worker_(worker), config_(config) {}

std::vector<word::LeaseAcknowledged> ReadLease::Hear(const word::LeaseRound& word, Nanos now) {
  const bool is_late = !acknowledged_at_.empty() && word.round < acknowledged_at_.rbegin()->first;
  if (word.epoch != epoch_ || has_promised_ || is_late) return {};
  acknowledged_at_.try_emplace(word.round, now);
  const auto before = acknowledged_at_.find(word.round - 2);
  if (before != acknowledged_at_.end()) {
    valid_until_ = std::max(valid_until_, before->second + config_.lease);
    acknowledged_at_.erase(acknowledged_at_.begin(), before);
  }
  return {{epoch_, word.round, worker_}};
}

bool ReadLease::IsValid(Nanos now) const { return !has_promised_ && now < valid_until_; }

Nanos ReadLease::Left(Nanos now) const {
  if (acknowledged_at_.empty()) return 0;
  return std::max<Nanos>(acknowledged_at_.rbegin()->second + config_.lease_max - now, 0);
}

}  // namespace trident
