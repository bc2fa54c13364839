// SPDX-License-Identifier: Apache-2.0
//
// StoreClaim: one start's claim on a store. It compares what the start declares with what the store
// knows (state/disk/store_identity.h) and refuses with both sides named: a state must never be fed
// the txids of another topology, nor be read with other types than it was written with.
//
// A claim writes nothing. It remembers what is new, and the start writes that when nothing can
// refuse it any more; so after a start that was refused, the store is as it was.
#ifndef TRIDENT_STATE_DISK_STORE_CLAIM_H_
#define TRIDENT_STATE_DISK_STORE_CLAIM_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/store_identity.h"

namespace trident {

// Not thread-safe.
class StoreClaim {
 public:
  // `store` outlives the claim. FailedPrecondition when the store is another topology's; errors of
  // ReadIdentity.
  static StatusOr<StoreClaim> Make(const DurableStore& store, const StoreOwner& owner);

  // The state as stored, or as it will be stored, with its id. FailedPrecondition when the store
  // has it with another key, value type, combiner, kind, group or number of partitions.
  StatusOr<StoredState> Declare(const StoredState& wanted);

  // FailedPrecondition when the store holds a state that was not declared: a renamed state would
  // silently start empty, and one that is left out would miss txids for ever.
  Status CheckAllDeclared() const;

  // Adds the records of all that is new.
  void AddTo(WriteSet& changes) const;

 private:
  StoreClaim(const DurableStore& store, StoreOwner owner, StoreIdentity found)
      : store_(&store), owner_(std::move(owner)), found_(std::move(found)) {}

  const DurableStore* store_;
  StoreOwner owner_;
  StoreIdentity found_;
  std::vector<StoredState> made_;
  std::set<std::string> declared_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STORE_CLAIM_H_
