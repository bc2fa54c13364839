// SPDX-License-Identifier: Apache-2.0
//
// The types of a state directory, known by the names that are stored in it: enough to read keys and
// values, and to combine values where the way to combine them is one that is known.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_STORED_TYPE_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_STORED_TYPE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"
#include "base/key_encoding.h"
#include "base/status.h"
#include "base/types.h"
#include "state/disk/store_identity.h"

namespace trident {

// A value type. What is not built in is a user type: its values stay the bytes that its Codec
// wrote.
class StoredType {
 public:
  explicit StoredType(std::string name);

  const std::string& name() const { return name_; }
  // Reads one value; in.ok() tells success.
  Datum Decode(ByteReader& in) const;
  // DataLoss when the bytes are not one value.
  StatusOr<Datum> DecodeAll(std::string_view encoded) const;

  // What `delta` makes of `value`, all three encoded, when they are combined as the aggregators of
  // that name do. nullopt: only the topology can tell.
  std::optional<std::string> Combine(std::string_view combiner, std::string_view value,
                                     std::string_view delta) const;

 private:
  std::string name_;
  const TypeInfo* builtin_;
  std::unique_ptr<StoredType> element_;  // of a list that is not built in
};

// The fields of the state's key. FailedPrecondition when this release knows no such type.
StatusOr<std::vector<KeyField>> KeyFieldsOf(const StoredState& state);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_STORED_TYPE_H_
