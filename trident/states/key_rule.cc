// SPDX-License-Identifier: Apache-2.0
#include "trident/states/key_rule.h"

namespace trident {

StatusOr<std::vector<HashedKey>> KeyRule::Hash(std::span<const std::string_view> keys) const {
  std::vector<HashedKey> hashed;
  hashed.reserve(keys.size());
  for (std::string_view key : keys) {
    hashed.push_back({key, HashBytes(key)});
    if (spec->key_fields.empty() && !key.empty()) {
      return InvalidArgument("state ", spec->name,
                             " has no key fields, so its one key is \"\", but \"", key,
                             "\" was named; GroupBy the fields that are to be its key");
    }
    if (owned.Contains(PartitionOfHash(hashed.back().hash, spec->partitions))) continue;
    return InvalidArgument("key \"", key, "\" of state ", spec->name,
                           " belongs to another partition than the rows at hand; an updater may "
                           "name the keys of its rows");
  }
  return hashed;
}

}  // namespace trident
