// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/state_changes.h"

#include <optional>
#include <vector>

#include "base/limits.h"
#include "base/spelling.h"
#include "state/disk/rocks_directory.h"
#include "state/disk/state_spec.h"
#include "state/disk/stored_expiry.h"

namespace trident {
namespace {

constexpr uint64_t kCacheBytes = 32 * kMiB;

StatusOr<std::unique_ptr<RocksStore>> OpenAs(const std::string& dir,
                                             RocksStoreOptions::Access access) {
  StatusOr<std::unique_ptr<RocksStore>> store =
      RocksStore::Open({.dir = dir,
                        .access = access,
                        .cache_bytes = kCacheBytes,
                        .write_buffer_bytes = kCacheBytes});
  if (!store.ok()) {
    return InUseAdvice(store.status(), "; nothing was changed. Stop it first");
  }
  return store;
}

// The times of the state's keys, if they expire.
std::optional<StoredState> LastWritesOf(const StoreIdentity& identity, const std::string& name) {
  for (const StoredState& state : identity.states) {
    const bool is_of = state.name == name + std::string(kLastWriteSuffix);
    if (is_of && state.combiner == kLastWriteCombiner) return state;
  }
  return std::nullopt;
}

}  // namespace

StatusOr<std::unique_ptr<RocksStore>> OpenToLook(const std::string& dir) {
  return OpenAs(dir, RocksStoreOptions::Access::kReadOnly);
}

// Who opens to write would make a directory where there is none.
StatusOr<std::unique_ptr<RocksStore>> OpenToChange(const std::string& dir) {
  TRIDENT_RETURN_IF_ERROR(OpenToLook(dir).status());
  return OpenAs(dir, RocksStoreOptions::Access::kReadWrite);
}

StatusOr<StoredState> StateNamed(const DurableStore& store, const StoreIdentity& identity,
                                 const std::string& name) {
  std::vector<std::string> names;
  for (const StoredState& state : identity.states) {
    if (state.name == name) return state;
    names.push_back(state.name);
  }
  return NotFound("there is no state '", name, "' in ", store.Where(),
                  SpellingHint(name, "states", names));
}

Status CheckMayChange(const std::string& state) {
  if (!IsDeadLetterName(state)) return absl::OkStatus();
  return FailedPrecondition(
      "the name ", state,
      " is of a state of the engine's own, for rows that it put aside. Every "
      "start looks for it under this name, with one partition; nothing was changed");
}

Status AddUpkeep(const DurableStore& store, const StoreIdentity& identity, WriteSet& changes) {
  PutNextState(identity.next_state, changes);
  return DeleteLeftovers(store, identity.dropped, changes);
}

StatusOr<std::vector<StoredState>> StatesDroppedWith(const StoreIdentity& identity,
                                                     const DurableStore& store,
                                                     const std::string& name) {
  TRIDENT_ASSIGN_OR_RETURN(const StoredState state, StateNamed(store, identity, name));
  std::vector<StoredState> all = {state};
  for (const StoredState& other : identity.states) {
    const bool goes_too = IsDeadLetterName(name) && IsDeadLetterName(other.name) &&
                          other.group == state.group && other.name != name;
    if (goes_too) all.push_back(other);
  }
  if (const auto times = LastWritesOf(identity, name)) all.push_back(*times);
  return all;
}

Status CheckHoldsNoLetters(const std::string& name) {
  if (!IsDeadLetterName(name)) return absl::OkStatus();
  return FailedPrecondition("the state ", name,
                            " holds rows that were put aside, which are nowhere else; `trident "
                            "deadletters list --from DIR` counts them, and a running topology "
                            "can have them tried again "
                            "(`trident deadletters retry`). To give them all up, say --yes");
}

StatusOr<StoredState> DropStateOf(DurableStore& store, const std::string& name) {
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(store));
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<StoredState> all,
                           StatesDroppedWith(identity, store, name));
  WriteSet changes;
  TRIDENT_RETURN_IF_ERROR(AddUpkeep(store, identity, changes));
  for (const StoredState& state : all) DropState(state, changes);
  TRIDENT_RETURN_IF_ERROR(store.Write(changes, Durability::kSynced));
  return all.front();
}

StatusOr<StoredState> RenameStateOf(DurableStore& store, const std::string& name,
                                    const std::string& to) {
  TRIDENT_RETURN_IF_ERROR(ValidateStateName(to));
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(store));
  TRIDENT_ASSIGN_OR_RETURN(StoredState state, StateNamed(store, identity, name));
  TRIDENT_RETURN_IF_ERROR(CheckMayChange(name));
  TRIDENT_RETURN_IF_ERROR(CheckMayChange(to));
  if (StateNamed(store, identity, to).ok()) {
    return AlreadyExists(store.Where(), " has a state '", to, "' already; nothing was changed");
  }
  WriteSet changes;
  TRIDENT_RETURN_IF_ERROR(AddUpkeep(store, identity, changes));
  RenameState(state, to, changes);
  TRIDENT_ASSIGN_OR_RETURN(const int64_t expiry_micros, ReadExpiry(store, name));
  PutExpiry(name, 0, changes);
  PutExpiry(to, expiry_micros, changes);
  if (const auto times = LastWritesOf(identity, name)) {
    const std::string times_to = to + std::string(kLastWriteSuffix);
    TRIDENT_RETURN_IF_ERROR(ValidateStateName(times_to));
    RenameState(*times, times_to, changes);
  }
  TRIDENT_RETURN_IF_ERROR(store.Write(changes, Durability::kSynced));
  return state;
}

}  // namespace trident
