// SPDX-License-Identifier: Apache-2.0
//
// StateCatalog: the states of a store, and the txids at which they can be read. A query service
// needs to know no more of a store.
#ifndef TRIDENT_STATE_VIEW_STATE_CATALOG_H_
#define TRIDENT_STATE_VIEW_STATE_CATALOG_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "state/view/readable_state.h"
#include "state/view/snapshot.h"
#include "state/view/watch.h"

namespace trident {

// Thread-safe once the store has recovered. Must outlive everything that it gives out.
class StateCatalog {
 public:
  virtual ~StateCatalog() = default;

  virtual std::vector<const ReadableState*> List() const = 0;
  // NotFound names the states that there are.
  virtual StatusOr<const ReadableState*> Find(std::string_view name) const = 0;
  // Newest txid that readers see; 0 before the first.
  virtual TxId Published(GroupId group) const = 0;
  // Newest txid that any reader of the topology may have seen, through whatever process: who reads
  // the latest waits until it is published here. In one process nobody can be ahead.
  virtual TxId Newest(GroupId group) const { return Published(group); }
  // True if reads may wait for other processes. They are not for a thread that must not wait.
  virtual bool MayWait() const { return false; }
  // A cut over all states of `group`. Latest() reads what is published now; AtLeast() waits;
  // Exactly() fails with OutOfRange outside the readable window.
  virtual StatusOr<Snapshot> Pin(GroupId group, const ReadAt& at) const = 0;
  // The same for a read of many steps: wherever states are, they keep the cut as long as it is
  // held. After Pin, states in other processes do so from the first read of them on.
  virtual StatusOr<Snapshot> PinEverywhere(GroupId group, const ReadAt& at) const {
    return Pin(group, at);
  }
  // Follows the changes of a key or prefix, txid by txid, beginning with the txid after `after`. To
  // see the changes after a read, pass the txid of the read. OutOfRange if `after` is not readable
  // any more.
  virtual StatusOr<Watch> Follow(const ReadableState& state, KeyRange range, TxId after) const = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_VIEW_STATE_CATALOG_H_
