// SPDX-License-Identifier: Apache-2.0
//
// MapAccess: a map state as an updater sees it during one batch. It reads and writes the values of
// many keys at once. It is the same for our own map states and for user-defined ones. Source of the
// interface: Trident's MapState and RemovableMapState.
#ifndef TRIDENT_TRIDENT_STATES_MAP_ACCESS_H_
#define TRIDENT_TRIDENT_STATES_MAP_ACCESS_H_

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace trident {

// Keys are canonical encodings, as PersistRows::key gives them. Only keys of the partitions at hand
// may be named, as the keys of the updater's rows are; others give InvalidArgument. Valid during
// the updater's call only.
template <class V>
class MapAccess {
 public:
  virtual ~MapAccess() = default;
  // The newest values: those that earlier batches left, with the changes of this one so far.
  // Aborted if the program's combiner or codec throws for one of them.
  virtual StatusOr<std::vector<std::optional<V>>> MultiGet(
      std::span<const std::string_view> keys) = 0;
  // If a key repeats, the last value stays. In our own states neither call asks for the old value,
  // so each replaces also one that cannot be read. REQUIRES: as many values as keys.
  virtual Status MultiPut(std::span<const std::string_view> keys, std::span<const V> values) = 0;
  virtual Status MultiRemove(std::span<const std::string_view> keys) = 0;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATES_MAP_ACCESS_H_
