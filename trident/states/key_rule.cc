// SPDX-License-Identifier: Apache-2.0
#include "trident/states/key_rule.h"

#include "base/key_encoding.h"

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
    // Other bytes would stand in the state for good, and be damage to whoever reads it.
    if (!DecodeKey(spec->key_fields, key).ok()) {
      return InvalidArgument("the bytes \"", key, "\" are no key of state ", spec->name,
                             ", which has ", spec->key_fields.size(),
                             " fields; name keys as the rows at hand have them");
    }
    if (owned.Contains(PartitionOfHash(hashed.back().hash, spec->partitions))) continue;
    return InvalidArgument("key \"", key, "\" of state ", spec->name,
                           " belongs to another partition than the rows at hand; an updater may "
                           "name the keys of its rows");
  }
  return hashed;
}

Status KeyRule::CheckPairs(size_t keys, size_t values) const {
  if (keys == values) return absl::OkStatus();
  return InvalidArgument("MultiPut of state ", spec->name, " got ", keys, " keys and ", values,
                         " values; each key needs its value");
}

}  // namespace trident
