// SPDX-License-Identifier: Apache-2.0
#include "state/view/watch.h"

#include <algorithm>

#include "state/view/state_catalog.h"

namespace trident {

StatusOr<WatchEvent> Watch::Next(Nanos wait) {
  const GroupId group = state_->info().spec.group;
  const Nanos deadline = RealClock().MonotonicNanos() + std::max<Nanos>(wait, 0);
  for (;;) {
    const TxId after = position_.txid();
    const Nanos left = std::max<Nanos>(0, deadline - RealClock().MonotonicNanos());
    // The newest txid is pinned while the position still is, so everything between stays readable.
    StatusOr<Snapshot> newest = catalog_->Pin(group, ReadAt::AtLeast(after.Next(), left));
    if (newest.status().code() == StatusCode::kDeadlineExceeded) return WatchEvent{after, {}};
    TRIDENT_RETURN_IF_ERROR(newest.status());
    TRIDENT_RETURN_IF_ERROR(position_.CheckReadable());
    TRIDENT_ASSIGN_OR_RETURN(ChangesAt first, state_->FirstChanges(after, newest->txid(), range_));
    TRIDENT_RETURN_IF_ERROR(position_.CheckReadable());
    if (first.changes.empty()) {
      position_ = *std::move(newest);
      continue;
    }
    TRIDENT_ASSIGN_OR_RETURN(position_, catalog_->Pin(group, ReadAt::Exactly(first.txid)));
    return WatchEvent{first.txid, std::move(first.changes)};
  }
}

}  // namespace trident
