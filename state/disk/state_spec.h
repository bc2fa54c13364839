// SPDX-License-Identifier: Apache-2.0
//
// StateSpec: the name of a state, its content, and its partitions. All of it but the expiry is
// written into the state directory when the state is made, and compared at every later open.
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

// The promise of a state, by Trident's names. In our own store each of them is exactly-once for
// every spout that can say where it stood. User-defined and external states follow the table in
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

// The names of the states that the engine itself keeps for each batch group, for rows that it put
// aside: these, or these with "-" and the group's number.
inline constexpr char kDeadLettersName[] = "dead-letters";
inline constexpr char kDeadLetterRowsName[] = "dead-letter-rows";
bool IsDeadLetterName(std::string_view state);

struct StateSpec {
  std::string name;  // unique in the store: [A-Za-z0-9_-], 1 to 64
  StateKind kind = StateKind::kOpaque;
  GroupId group;                     // whose txids change it
  std::vector<KeyField> key_fields;  // none: a single value
  uint32_t partitions = kStatePartitionsDefault;
  // The name of the function that combines deltas with values, such as "sum". Empty if the state
  // takes no deltas or the function has no name. Readers of the redo that do not have the topology
  // know "sum", "min" and "max".
  std::string combiner = {};
  // A key that no batch has written for so long, by batch time, is removed; 0: none is. Then a
  // state of this name with kLastWriteSuffix belongs to it.
  int64_t expire_after_micros = 0;
};

// The state that has the time of each key's last write. Its combiner takes the later of two times.
// It follows from its state: a start that does not declare it deletes it.
inline constexpr std::string_view kLastWriteSuffix = "-last-write";
inline constexpr std::string_view kLastWriteCombiner = "last write";

// A state of an open store.
struct StateInfo {
  StateId id;
  StateSpec spec;
  const TypeInfo* value_type = nullptr;
};

// InvalidArgument if no state can have this name.
Status ValidateStateName(std::string_view name);
// InvalidArgument if the name, the kind, the key fields or the number of partitions are not
// allowed.
Status ValidateSpec(const StateSpec& spec);

}  // namespace trident

#endif  // TRIDENT_STATE_DISK_STATE_SPEC_H_
