// SPDX-License-Identifier: Apache-2.0
//
// What a run of redo does to one key.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_KEY_CHANGE_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_KEY_CHANGE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/cli/directory/stored_type.h"
#include "state/map/change_rows.h"

namespace trident {

// A value that is there, encoded; with deltas on top of it that only the topology can combine.
struct StoredValue {
  std::optional<std::string> value;
  std::vector<std::string> deltas;

  bool exists() const { return value.has_value() || !deltas.empty(); }
  friend bool operator==(const StoredValue&, const StoredValue&) = default;
};

// How the values of a state are combined.
struct Combining {
  const StoredType& type;
  std::string_view combiner;
};

// What the base has for a key: a value with what was appended to it (state/map/appended_values.h).
// Bytes that are no values count as one.
StoredValue ReadBaseValue(std::string_view encoded, const Combining& by);

class KeyChange {
 public:
  // The next row of the key. `value` is encoded, and read only where the operation has one.
  void Add(RowOperation operation, std::string_view value, const Combining& by);
  // The value after the rows, where it was `before`.
  StoredValue Over(StoredValue before, const Combining& by) const;
  // Whether the rows say what the value is, whatever it was before.
  bool is_whole() const { return replaces_ && over_.deltas.empty(); }

 private:
  bool replaces_ = false;  // what was before does not count
  StoredValue over_;       // the value that replaces it, and the deltas since
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_KEY_CHANGE_H_
