// SPDX-License-Identifier: Apache-2.0
//
// KeyRule: the keys that an updater may name: those of the partitions that it was called for.
#ifndef TRIDENT_TRIDENT_STATES_KEY_RULE_H_
#define TRIDENT_TRIDENT_STATES_KEY_RULE_H_

#include <span>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/partition_assignment.h"
#include "base/status.h"
#include "state/disk/state_spec.h"

namespace trident {

struct KeyRule {
  const StateSpec* spec;
  PartitionRange owned;

  // The keys with their hashes. InvalidArgument names the first key that does not belong.
  StatusOr<std::vector<HashedKey>> Hash(std::span<const std::string_view> keys) const;
  // InvalidArgument unless a MultiPut brings a value for each key.
  Status CheckPairs(size_t keys, size_t values) const;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATES_KEY_RULE_H_
