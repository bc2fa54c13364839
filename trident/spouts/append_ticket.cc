// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/append_ticket.h"

#include <utility>

namespace trident {

StatusOr<TxId> AppendTicket::Wait() const {
  MutexLock lock(outcome_->mutex);
  while (!outcome_->result) outcome_->settled.Wait(outcome_->mutex);
  return *outcome_->result;
}

std::optional<StatusOr<TxId>> AppendTicket::WaitAtMost(Nanos timeout) const {
  const Nanos deadline = RealClock().MonotonicNanos() + timeout;
  MutexLock lock(outcome_->mutex);
  while (!outcome_->result) {
    const Nanos left = deadline - RealClock().MonotonicNanos();
    if (left <= 0) return std::nullopt;
    outcome_->settled.WaitFor(outcome_->mutex, left);
  }
  return outcome_->result;
}

void AppendTicket::Settle(StatusOr<TxId> outcome) const {
  {
    MutexLock lock(outcome_->mutex);
    if (outcome_->result) return;
    outcome_->result = std::move(outcome);
  }
  outcome_->settled.NotifyAll();
}

}  // namespace trident
