// SPDX-License-Identifier: Apache-2.0
//
// BackingMap: the interface that a program implements to keep a map state in a store of its own:
// get many, put many. The type of a stored value says what the state promises
// (trident/states/stored_value.h):
//
//   class Table : public BackingMap<OpaqueValue<int64_t>> { ... };
//   stream.GroupBy(kWord).PersistentAggregate(
//       {.name = "counts", .where = OutsideMap<OpaqueValue<int64_t>>(OpenTable)}, Count(), kCount)
//
// Source of the interface: Trident's IBackingMap.
#ifndef TRIDENT_TRIDENT_STATES_BACKING_MAP_H_
#define TRIDENT_TRIDENT_STATES_BACKING_MAP_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trident/states/state.h"
#include "trident/states/stored_value.h"

namespace trident {

// One partition of the map. A key is the canonical encoding of its fields (base/key_encoding.h);
// for one text field that is the text itself. Calls to one object never overlap. Those for a batch
// come from an executor thread, those for queries from any thread.
template <class Stored>
class BackingMap {
 public:
  virtual ~BackingMap() = default;
  // One answer per key, in their order; nullopt: the store has no such key. Keys do not repeat.
  virtual StatusOr<std::vector<std::optional<Stored>>> MultiGet(
      std::span<const std::string_view> keys) = 0;
  // Stores values[i] under keys[i]; nullopt: forgets the key. Called at most once per batch. Values
  // that a failed call left stored are made right when the batch is made again.
  virtual Status MultiPut(std::span<const std::string_view> keys,
                          std::span<const std::optional<Stored>> values) = 0;
  // Called for every txid when all of it is stored here, even if it brought nothing. A store that
  // wants to tell how far it is remembers the txid.
  virtual Status Record(TxId /*txid*/) { return absl::OkStatus(); }
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATES_BACKING_MAP_H_
