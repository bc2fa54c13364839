// SPDX-License-Identifier: Apache-2.0
#include "state/disk/store_claim.h"

#include <algorithm>
#include <utility>

#include "state/disk/store_layout.h"

namespace trident {
namespace {

std::string Quoted(const StoreOwner& owner) { return Concat("topology '", owner.topology, "'"); }

Status CheckOwner(const DurableStore& store, const StoreOwner& found, const StoreOwner& wanted) {
  if (found.topology != wanted.topology) {
    return FailedPrecondition(store.Where(), " belongs to ", Quoted(found), ", this program runs ",
                              Quoted(wanted), ". Give each topology a state directory of its own");
  }
  if (found.fingerprint != wanted.fingerprint && found.fingerprint != 0 &&
      wanted.fingerprint != 0) {
    return FailedPrecondition(store.Where(), " was made by another shape of ", Quoted(found),
                              " (fingerprint ", found.fingerprint, ", now ", wanted.fingerprint,
                              "). Undo the change of the topology, or start from an empty state "
                              "directory");
  }
  return {};
}

// Newest txid of the group with a decision record.
StatusOr<TxId> LastDecided(const DurableStore& store, GroupId group) {
  TxId last;
  const std::unique_ptr<Cursor> cursor = store.NewCursor(Table::kDecision);
  for (cursor->Seek(DecisionKey(group, TxId(0))); cursor->Valid(); cursor->Next()) {
    const std::optional<TxIdKey> key = ParseDecisionKey(cursor->key());
    if (!key || key->group != group) break;
    last = key->txid;
  }
  TRIDENT_RETURN_IF_ERROR(cursor->status());
  return last;
}

Status CheckState(const DurableStore& store, const StoredState& found, const StoredState& wanted) {
  StoredState comparable = wanted;
  comparable.id = found.id;
  comparable.since = found.since;
  if (comparable == found) return {};
  return FailedPrecondition("state '", found.name, "' in ", store.Where(), " was made with ",
                            ToString(found), "; this topology declares it with ", ToString(wanted),
                            ". Give the changed state another name, or start from an empty state "
                            "directory");
}

}  // namespace

StatusOr<StoreClaim> StoreClaim::Make(const DurableStore& store, const StoreOwner& owner) {
  TRIDENT_ASSIGN_OR_RETURN(StoreIdentity found, ReadIdentity(store));
  if (found.owner) TRIDENT_RETURN_IF_ERROR(CheckOwner(store, *found.owner, owner));
  return StoreClaim(store, owner, std::move(found));
}

StatusOr<StoredState> StoreClaim::Declare(const StoredState& wanted) {
  declared_.insert(wanted.name);
  StoredState made = wanted;
  made.id = StateId(1);
  for (const auto* known : {&found_.states, &made_}) {
    for (const StoredState& found : *known) {
      if (found.name == wanted.name) {
        TRIDENT_RETURN_IF_ERROR(CheckState(*store_, found, wanted));
        return found;
      }
      made.id = std::max(made.id, found.id.Next());
    }
  }
  TRIDENT_ASSIGN_OR_RETURN(made.since, LastDecided(*store_, wanted.group));
  made_.push_back(made);
  return made;
}

Status StoreClaim::CheckAllDeclared() const {
  for (const StoredState& state : found_.states) {
    if (declared_.contains(state.name)) continue;
    std::string names;
    for (const std::string& name : declared_) names += (names.empty() ? "'" : ", '") + name + "'";
    return FailedPrecondition(store_->Where(), " holds the state '", state.name,
                              "', which this topology does not declare (it declares ",
                              names.empty() ? "none" : names,
                              "). Declare it again under this name, or start from an empty state "
                              "directory");
  }
  return {};
}

void StoreClaim::AddTo(WriteSet& changes) const {
  if (!found_.owner) PutOwner(owner_, changes);
  for (const StoredState& state : made_) PutState(state, changes);
}

}  // namespace trident
