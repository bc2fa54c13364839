// SPDX-License-Identifier: Apache-2.0
#include "state/disk/store_claim.h"

#include <algorithm>
#include <utility>

#include "state/disk/store_layout.h"

namespace trident {
namespace {

std::string Quoted(const StoreOwner& owner) { return Concat("topology '", owner.topology, "'"); }

std::string PlaceOf(const StoreOwner& owner) {
  if (owner.workers == 1) return "all of it, as one process";
  return Concat("the part of worker ", owner.worker, " of ", owner.workers);
}

Status CheckOwner(const DurableStore& store, const StoreOwner& found, const StoreOwner& wanted) {
  if (found.topology != wanted.topology) {
    return FailedPrecondition(store.Where(), " belongs to ", Quoted(found), ", this program runs ",
                              Quoted(wanted), ". Give each topology a state directory of its own");
  }
  if (found.worker != wanted.worker || found.workers != wanted.workers) {
    return FailedPrecondition(
        store.Where(), " has ", PlaceOf(found), " of ", Quoted(found), ", this process is to run ",
        PlaceOf(wanted),
        ". Start it as what the directory was made for; the number of workers is fixed when their "
        "directories are made");
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
  StoredState parted = found;
  parted.partitions = wanted.partitions;
  if (comparable == parted) {
    return FailedPrecondition(
        "state '", found.name, "' in ", store.Where(), " was made with ", ToString(found),
        "; this topology declares it with ", ToString(wanted),
        ". Undo the change, or give the state so many: ", "`trident state repartition ",
        store.Where(), " ", found.name, " ", wanted.partitions, "`");
  }
  return FailedPrecondition(
      "state '", found.name, "' in ", store.Where(), " was made with ", ToString(found),
      "; this topology declares it with ", ToString(wanted),
      ". Give the changed state another name, or begin it anew: `trident state drop ",
      store.Where(), " ", found.name, "`");
}

}  // namespace

StatusOr<StoreClaim> StoreClaim::Make(const DurableStore& store, const StoreOwner& owner,
                                      std::set<std::string> drops) {
  TRIDENT_ASSIGN_OR_RETURN(StoreIdentity found, ReadIdentity(store));
  if (found.owner) TRIDENT_RETURN_IF_ERROR(CheckOwner(store, *found.owner, owner));
  return StoreClaim(store, owner, std::move(found), std::move(drops));
}

StatusOr<StoredState> StoreClaim::Declare(const StoredState& wanted) {
  if (drops_.contains(wanted.name)) {
    return InvalidArgument("--drop-state ", wanted.name, " gives up the state '", wanted.name,
                           "', but this topology declares it. Leave the option out; to begin the "
                           "state anew, stop the topology and run `trident state drop ",
                           store_->Where(), " ", wanted.name, "`");
  }
  declared_.insert(wanted.name);
  for (const auto* known : {&found_.states, &made_}) {
    for (const StoredState& found : *known) {
      if (found.name != wanted.name) continue;
      TRIDENT_RETURN_IF_ERROR(CheckState(*store_, found, wanted));
      return found;
    }
  }
  StoredState made = wanted;
  made.id = next_state_;
  next_state_ = next_state_.Next();
  TRIDENT_ASSIGN_OR_RETURN(made.since, LastDecided(*store_, wanted.group));
  made_.push_back(made);
  return made;
}

bool StoreClaim::IsGivenUp(const StoredState& state) const {
  if (drops_.contains(state.name)) return true;
  return state.combiner == kLastWriteCombiner && !declared_.contains(state.name);
}

std::vector<StoredState> StoreClaim::Undeclared() const {
  std::vector<StoredState> undeclared;
  for (const StoredState& state : found_.states) {
    if (!declared_.contains(state.name) && !IsGivenUp(state)) undeclared.push_back(state);
  }
  return undeclared;
}

std::vector<StoredState> StoreClaim::GivenUp() const {
  std::vector<StoredState> given_up;
  for (const StoredState& state : found_.states) {
    if (IsGivenUp(state)) given_up.push_back(state);
  }
  return given_up;
}

Status StoreClaim::CheckAllDeclared() const {
  const std::vector<StoredState> undeclared = Undeclared();
  if (undeclared.empty()) return {};
  const std::string& name = undeclared.front().name;
  std::string names;
  for (const std::string& one : declared_) names += (names.empty() ? "'" : ", '") + one + "'";
  return FailedPrecondition(
      store_->Where(), " holds the state '", name, "', which this topology does not declare ",
      "(it declares ", names.empty() ? "none" : names,
      "). Declare it again under this name. If it has another name now: `trident state rename ",
      store_->Where(), " ", name, " NEW`. To give it up: `trident state drop ", store_->Where(),
      " ", name, "`, or start once with --drop-state ", name);
}

std::set<StateId> StoreClaim::Gone() const {
  std::set<StateId> gone;
  for (const auto& [id, name] : found_.dropped) gone.insert(id);
  for (const StoredState& state : GivenUp()) gone.insert(state.id);
  return gone;
}

Status StoreClaim::AddTo(WriteSet& changes) const {
  if (!found_.owner) PutOwner(owner_, changes);
  PutNextState(next_state_, changes);
  for (const StoredState& state : GivenUp()) DropState(state, changes);
  for (const StoredState& state : made_) PutState(state, changes);
  return DeleteLeftovers(*store_, found_.dropped, changes);
}

}  // namespace trident
