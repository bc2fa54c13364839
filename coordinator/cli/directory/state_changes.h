// SPDX-License-Identifier: Apache-2.0
//
// Changes of the states of a directory that no process is running on. Each is one durable write, so
// a crash leaves the directory as it was, or changed.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_CHANGES_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_CHANGES_H_

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/rocks_store.h"
#include "state/disk/store_identity.h"

namespace trident {

// Opens a directory that is there to change it; it is locked as long as the store lives. The errors
// of RocksStore::Open.
StatusOr<std::unique_ptr<RocksStore>> OpenToChange(const std::string& dir);
// The same, but only to look at what a change would find; nothing of the directory changes.
StatusOr<std::unique_ptr<RocksStore>> OpenToLook(const std::string& dir);

// NotFound names the nearest state and those that there are.
StatusOr<StoredState> StateNamed(const DurableStore& store, const StoreIdentity& identity,
                                 const std::string& name);

// FailedPrecondition, with the reason: the state is the engine's own, for rows that it put aside.
Status CheckMayChange(const std::string& state);

// What any change of states leaves beside its own records: the counter of a store that older
// releases wrote, and nothing of what an interrupted change left in the base.
Status AddUpkeep(const DurableStore& store, const StoreIdentity& identity, WriteSet& changes);

// The state, and those that go with it: the times of its keys; of dead letters all that the group
// keeps of them. NotFound: there is none.
StatusOr<std::vector<StoredState>> StatesDroppedWith(const StoreIdentity& identity,
                                                     const DurableStore& store,
                                                     const std::string& name);

// FailedPrecondition, with what to do instead: the state holds dead letters, which are nowhere
// else.
Status CheckHoldsNoLetters(const std::string& name);

// Deletes the state, its rows and its record, and what goes with it; returns what it was. NotFound:
// there is none.
StatusOr<StoredState> DropStateOf(DurableStore& store, const std::string& name);

// Gives the state another name; returns what it was. NotFound: there is none; AlreadyExists: `to`
// is another one; InvalidArgument: no state can have this name.
StatusOr<StoredState> RenameStateOf(DurableStore& store, const std::string& name,
                                    const std::string& to);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_CHANGES_H_
