// SPDX-License-Identifier: Apache-2.0
#include "state/view/watch.h"

#include <algorithm>

namespace trident {

StatusOr<WatchEvent> Watch::Next(Nanos wait) {
  const Nanos deadline = RealClock().MonotonicNanos() + std::max<Nanos>(wait, 0);
  for (;;) {
    const TxId next = position_.txid().Next();
    const Nanos left = std::max<Nanos>(0, deadline - RealClock().MonotonicNanos());
    // The newest txid is pinned while the position still is, so everything between stays readable.
    StatusOr<Snapshot> newest = Snapshot::Take(*timeline_, ReadAt::AtLeast(next, left));
    if (newest.status().code() == StatusCode::kDeadlineExceeded) {
      return WatchEvent{position_.txid(), {}};
    }
    TRIDENT_RETURN_IF_ERROR(newest.status());
    for (TxId t = next; t <= newest->txid(); t = t.Next()) {
      TRIDENT_RETURN_IF_ERROR(timeline_->CheckReadable(position_.txid()));
      TRIDENT_ASSIGN_OR_RETURN(std::vector<StateChange> changes, state_->ChangesOf(t, range_));
      TRIDENT_RETURN_IF_ERROR(timeline_->CheckReadable(position_.txid()));
      if (changes.empty()) continue;
      TRIDENT_ASSIGN_OR_RETURN(position_, Snapshot::Take(*timeline_, ReadAt::Exactly(t)));
      return WatchEvent{t, std::move(changes)};
    }
    position_ = *std::move(newest);
  }
}

}  // namespace trident
