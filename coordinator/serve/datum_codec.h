// SPDX-License-Identifier: Apache-2.0
//
// Datum to and from its message (proto/value.proto).
#ifndef TRIDENT_COORDINATOR_SERVE_DATUM_CODEC_H_
#define TRIDENT_COORDINATOR_SERVE_DATUM_CODEC_H_

#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/types.h"
#include "proto/value.pb.h"

namespace trident {

// Overwrites `out`. A text that is not UTF-8 goes as `broken_text`, since a proto string must be.
void ToProto(const Datum& datum, v1::Value& out);
void ToProto(std::span<const Datum> values, v1::Key& out);

// InvalidArgument when a value has no kind, also inside a list.
StatusOr<Datum> FromProto(const v1::Value& value);
StatusOr<std::vector<Datum>> FromProto(const v1::Key& key);

// The type of that name, for those that a key can have; null for any other.
const TypeInfo* KeyTypeNamed(std::string_view name);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_DATUM_CODEC_H_
