// SPDX-License-Identifier: Apache-2.0
//
// RestingDirectory: a state directory that no process is running on, opened to be read.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_RESTING_DIRECTORY_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_RESTING_DIRECTORY_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/key_encoding.h"
#include "base/status.h"
#include "coordinator/cli/directory/stored_type.h"
#include "state/disk/rocks_store.h"
#include "state/disk/store_identity.h"
#include "state/disk/stream_registry.h"

namespace trident {

// A state, and how its rows are read.
class RestingState {
 public:
  RestingState(StoredState stored, std::vector<KeyField> key_fields);

  const StoredState& stored() const { return stored_; }
  const std::string& name() const { return stored_.name; }
  const StoredType& value_type() const { return value_type_; }

  // DataLoss when the bytes are no key of this state.
  StatusOr<std::vector<Datum>> DecodeKey(std::string_view key) const {
    return trident::DecodeKey(key_fields_, key);
  }
  // The key as errors name it: "[the, 5]", or its bytes when they are none.
  std::string KeyText(std::string_view key) const;
  bool Owns(PartitionId partition, std::string_view key) const;
  // "state counts, partition 3".
  std::string Place(PartitionId partition) const;

 private:
  StoredState stored_;
  std::vector<KeyField> key_fields_;
  StoredType value_type_;
};

// Who asks for the content of a directory in use can ask the process that uses it.
inline constexpr std::string_view kAskWhatItHolds =
    "`trident state list` and `trident state scan` tell what it holds";

// Changes not one byte. Not thread-safe.
class RestingDirectory {
 public:
  // The files alone. The errors of RocksStore::Open with Access::kReadOnly; where a process has the
  // directory, with what can be done meanwhile.
  static StatusOr<std::unique_ptr<RocksStore>> OpenFiles(
      const std::string& dir, std::string_view while_it_runs = kAskWhatItHolds);
  // The errors of ReadIdentity and ReadStreams.
  static StatusOr<std::unique_ptr<RestingDirectory>> Read(std::unique_ptr<RocksStore> files);
  // The same, of a store that outlives it.
  static StatusOr<std::unique_ptr<RestingDirectory>> ReadFrom(const DurableStore& store);

  const DurableStore& store() const { return *store_; }
  const StoreIdentity& identity() const { return identity_; }
  // nullopt: the directory is of format 1, which does not know streams by name.
  const std::optional<StreamRegistry>& streams() const { return streams_; }
  std::string topology() const;
  const std::map<StateId, RestingState>& states() const { return states_; }
  // NotFound names the nearest state and those that there are.
  StatusOr<const RestingState*> FindState(std::string_view name) const;

 private:
  std::unique_ptr<RocksStore> files_;  // null: somebody else's
  const DurableStore* store_ = nullptr;
  StoreIdentity identity_;
  std::optional<StreamRegistry> streams_;
  std::map<StateId, RestingState> states_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_RESTING_DIRECTORY_H_
