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
  // `store` outlives the claim. `drops` names states that this start gives up; those that the store
  // does not have are given up already. FailedPrecondition when the store is another topology's;
  // errors of ReadIdentity.
  static StatusOr<StoreClaim> Make(const DurableStore& store, const StoreOwner& owner,
                                   std::set<std::string> drops = {});

  // The state as stored, or as it will be stored, with its id. FailedPrecondition when the store
  // has it with another key, value type, combiner, kind, group or number of partitions;
  // InvalidArgument when the start gives it up.
  StatusOr<StoredState> Declare(const StoredState& wanted);

  // FailedPrecondition when the store holds a state that was not declared: a renamed state would
  // silently start empty, and one that is left out would miss txids for ever. But times of last
  // writes (kLastWriteSuffix) that are not declared are given up: their state's keys do not expire
  // any more.
  Status CheckAllDeclared() const;
  // The states that CheckAllDeclared refuses.
  std::vector<StoredState> Undeclared() const;
  // Those that this start deletes.
  std::vector<StoredState> GivenUp() const;

  // The states that are no more, and those that this start gives up: the redo may hold changes of
  // them, which nobody applies.
  std::set<StateId> Gone() const;

  // Adds the records of all that is new, and deletes what is given up. The errors are those of the
  // store.
  Status AddTo(WriteSet& changes) const;

 private:
  StoreClaim(const DurableStore& store, StoreOwner owner, StoreIdentity found,
             std::set<std::string> drops)
      : store_(&store),
        owner_(std::move(owner)),
        found_(std::move(found)),
        drops_(std::move(drops)),
        next_state_(found_.next_state) {}

  bool IsGivenUp(const StoredState& state) const;

  const DurableStore* store_;
  StoreOwner owner_;
  StoreIdentity found_;
  std::set<std::string> drops_;
  StateId next_state_;
  std::vector<StoredState> made_;
  std::set<std::string> declared_;
};

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STORE_CLAIM_H_
