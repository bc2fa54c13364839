// SPDX-License-Identifier: Apache-2.0
//
// Changes of the states of a directory that no process is running on. Each is one durable write, so
// a crash leaves the directory as it was, or changed.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_CHANGES_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_CHANGES_H_

#include <memory>
#include <string>

#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/rocks_store.h"
#include "state/disk/store_identity.h"

namespace trident {

// Opens a directory that is there to change it; it is locked as long as the store lives. The errors
// of RocksStore::Open.
StatusOr<std::unique_ptr<RocksStore>> OpenToChange(const std::string& dir);

// NotFound names the nearest state and those that there are.
StatusOr<StoredState> StateNamed(const DurableStore& store, const StoreIdentity& identity,
                                 const std::string& name);

// FailedPrecondition, with the reason: the state is the engine's own, for rows that it put aside.
Status CheckMayChange(const std::string& state);

// What any change of states leaves beside its own records: the counter of a store that older
// releases wrote, and nothing of what an interrupted change left in the base.
Status AddUpkeep(const DurableStore& store, const StoreIdentity& identity, WriteSet& changes);

// Deletes the state, its rows and its record; returns what it was. NotFound: there is none. Dead
// letters go only if they are meant (else FailedPrecondition), and then with the rows kept for
// them.
enum class DeadLettersToo : uint8_t { kNo, kYes };
StatusOr<StoredState> DropStateOf(DurableStore& store, const std::string& name,
                                  DeadLettersToo letters = DeadLettersToo::kNo);

// Gives the state another name; returns what it was. NotFound: there is none; AlreadyExists: `to`
// is another one; InvalidArgument: no state can have this name.
StatusOr<StoredState> RenameStateOf(DurableStore& store, const std::string& name,
                                    const std::string& to);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_STATE_CHANGES_H_
