// SPDX-License-Identifier: Apache-2.0
//
// Whose store it is and what it was made for: the kMeta table.
//
//   "format"         version of everything that state/disk/store_layout.h and this file describe
//   "owner"          topology and fingerprint; of a worker of several, also which one it is
//   "epoch"          of the newest coordinator that started here
//   "state/" name    id, kind, key, value type, combiner, partitions, group of a state
//   "states"         the id of the next state that is made; no id is given twice
//   "dropped/" id    the name of a state that is no more, unless a state has the id: it was not
//   made
//                    whole before. The redo may hold its changes, which nobody applies.
//
// The record "format" is 3. In format 2 there was no "states", and a new state got the id after the
// greatest; in format 1 no names of streams either (state/disk/stream_registry.h). What starts on
// such a store, or changes its states, makes it one of format 3.
//
// Each value is sealed (Seal in state/disk/store_layout.h). The first topology that starts owns the
// store; every later start is compared with it (state/disk/store_claim.h).
#ifndef TRIDENT_STATE_DISK_STORE_IDENTITY_H_
#define TRIDENT_STATE_DISK_STORE_IDENTITY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "state/disk/durable_store.h"
#include "state/disk/state_spec.h"

namespace trident {

inline constexpr uint32_t kStoreFormat = 1;  // of the files; see state/disk/rocks_directory.h
inline constexpr uint64_t kCountedStatesFormat = 3;

struct StoreOwner {
  std::string topology;
  // Of what else must stay the same from run to run, as the topology defines it; 0: nothing.
  uint64_t fingerprint = 0;
  // Which of the topology's workers remembers here. Each has a part of every state, so a store can
  // be no other's.
  uint32_t worker = 0;
  uint32_t workers = 1;
  friend bool operator==(const StoreOwner&, const StoreOwner&) = default;
};

// A state as the store knows it; types by name, because a dump may not know a user's types.
struct StoredState {
  struct KeyPart {
    std::string name;
    std::string type;
    Nullability nullability = Nullability::kRequired;
    friend bool operator==(const KeyPart&, const KeyPart&) = default;
  };
  StateId id;  // given by StoreClaim::Declare
  std::string name;
  StateKind kind = StateKind::kOpaque;
  GroupId group;
  uint32_t partitions = 0;
  std::vector<KeyPart> key;
  std::string value_type;
  std::string combiner;  // see StateSpec
  // Newest decided txid when the state was made: it knows of none up to this one. A partition
  // without a marker stands here.
  TxId since;

  friend bool operator==(const StoredState&, const StoredState&) = default;
};
StoredState Describe(const StateSpec& spec, const TypeInfo& value_type);
// "key (word text), value int64 (sum), 64 partitions, opaque, group 0"
std::string ToString(const StoredState& state);

struct StoreIdentity {
  std::optional<StoreOwner> owner;  // nullopt: not claimed yet
  Epoch epoch;
  std::vector<StoredState> states;  // by id
  StateId next_state{1};
  std::map<StateId, std::string> dropped;  // the names of states that are no more
};

// DataLoss when a record is damaged, or when the store has content but no owner; FailedPrecondition
// when a newer release wrote it.
StatusOr<StoreIdentity> ReadIdentity(const DurableStore& store);

// The records of a store that has no owner yet, of a state, and of an epoch that has begun.
void PutOwner(const StoreOwner& owner, WriteSet& changes);
void PutState(const StoredState& state, WriteSet& changes);
void PutEpoch(Epoch epoch, WriteSet& changes);
// The id of the next state, and the format that this record needs.
void PutNextState(StateId next, WriteSet& changes);
// Keeps an id from being read: whatever the base and the redo hold of it is nothing's. `name` is
// for messages.
void PutDropped(StateId id, std::string_view name, WriteSet& changes);
// A state under another name.
void RenameState(const StoredState& state, const std::string& name, WriteSet& changes);
// Deletes a state with its rows in the base, and keeps in mind that there was one.
void DropState(const StoredState& state, WriteSet& changes);
// Deletes what the base still holds of `dropped`: rows of a state that was never made whole.
Status DeleteLeftovers(const DurableStore& store, const std::map<StateId, std::string>& dropped,
                       WriteSet& changes);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STORE_IDENTITY_H_
