// SPDX-License-Identifier: Apache-2.0
//
// Watch: the changes of a key or a range of keys, txid by txid.
#ifndef TRIDENT_STATE_VIEW_WATCH_H_
#define TRIDENT_STATE_VIEW_WATCH_H_

#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "state/view/readable_state.h"
#include "state/view/snapshot.h"

namespace trident {

class StateCatalog;

// The changes that one txid made to the watched keys.
struct WatchEvent {
  TxId txid;
  std::vector<StateChange> changes;  // in key order; never empty, except in a time-out event
};

// Keeps its place by a snapshot, so a watcher that keeps up misses nothing. One that falls too far
// behind gets OutOfRange: it should read the state anew and follow from there. One thread at a
// time.
class Watch {
 public:
  // `catalog` and `state`, which is one of its states, outlive the watch.
  Watch(const StateCatalog& catalog, const ReadableState& state, KeyRange range, Snapshot position)
      : catalog_(&catalog),
        state_(&state),
        range_(std::move(range)),
        position_(std::move(position)) {}

  // Waits up to `wait` for the next txid that changed a watched key, and returns its changes. After
  // a time-out returns no changes and the newest txid up to which there were none; another watch
  // may go on from it.
  StatusOr<WatchEvent> Next(Nanos wait);
  // The txid up to which this watch has delivered.
  TxId position() const { return position_.txid(); }

 private:
  const StateCatalog* catalog_;
  const ReadableState* state_;
  KeyRange range_;
  Snapshot position_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_VIEW_WATCH_H_
