// SPDX-License-Identifier: Apache-2.0
//
// StateCatalog: which states there are and at which txids they can be read; all that a query
// service needs to know of a store.
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

// Thread-safe once the store has recovered. Outlives what it gives out.
class StateCatalog {
 public:
  virtual ~StateCatalog() = default;

  virtual std::vector<const ReadableState*> List() const = 0;
  // NotFound names the states that there are.
  virtual StatusOr<const ReadableState*> Find(std::string_view name) const = 0;
  // Newest txid that readers see; 0 before the first.
  virtual TxId Published(GroupId group) const = 0;
  // A cut over all states of `group`. Latest() reads what is published now; AtLeast() waits;
  // Exactly() fails with OutOfRange outside the readable window.
  virtual StatusOr<Snapshot> Pin(GroupId group, const ReadAt& at) const = 0;
  // Follows the changes of a key or prefix, txid by txid, beginning with the one after `after`. For
  // changes after a read, take its txid. OutOfRange when `after` is not readable any more.
  virtual StatusOr<Watch> Follow(const ReadableState& state, KeyRange range, TxId after) const = 0;
};

}  // namespace trident

#endif  // TRIDENT_STATE_VIEW_STATE_CATALOG_H_
