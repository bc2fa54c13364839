// SPDX-License-Identifier: Apache-2.0
//
// What a state is called, what it holds, and how it is cut into partitions. All of it is written
// into the state directory when the state is made, and compared at every later open.
#ifndef TRIDENT_STATE_DISK_STATE_SPEC_H_
#define TRIDENT_STATE_DISK_STATE_SPEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "base/types.h"

namespace trident {

// Trident's names for what a state promises. With our own store each of them is exactly-once for
// every spout that can say where it stood; user-defined and external states follow the table in
// README.md.
enum class StateKind : uint8_t {
  kNonTransactional = 1,
  kTransactional = 2,
  kOpaque = 3,
};
// "non-transactional", "transactional", "opaque".
std::string_view ToString(StateKind kind);

// Enough for the parallelism of a machine, few enough to cost nothing.
inline constexpr uint32_t kStatePartitionsDefault = 64;

struct StateSpec {
  std::string name;  // unique in the store: [A-Za-z0-9_-], 1 to 64
  StateKind kind = StateKind::kOpaque;
  GroupId group;                     // whose txids change it
  std::vector<KeyField> key_fields;  // none: a single value
  uint32_t partitions = kStatePartitionsDefault;
  // By what name deltas are combined with values, such as "sum"; empty: the state takes no deltas,
  // or nobody named it. Whoever reads the redo without the topology knows "sum", "min" and "max".
  std::string combiner = {};
};

// A state of an open store.
struct StateInfo {
  StateId id;
  StateSpec spec;
  const TypeInfo* value_type = nullptr;
};

// InvalidArgument when the name, the key fields or the number of partitions cannot be.
Status ValidateSpec(const StateSpec& spec);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STATE_SPEC_H_
