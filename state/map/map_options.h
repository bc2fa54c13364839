// SPDX-License-Identifier: Apache-2.0
//
// How values of a map are combined, and how they are read back from bytes.
#ifndef TRIDENT_STATE_MAP_MAP_OPTIONS_H_
#define TRIDENT_STATE_MAP_MAP_OPTIONS_H_

#include <functional>

#include "base/codec.h"
#include "base/user_value.h"

namespace trident {

// Decodes values of a map. The type V says how, but for UserValue, where the state says it.
template <class V>
struct ValueCodec {
  const TypeInfo& type() const { return TypeOf<V>(); }
  V Decode(ByteReader& in) const { return Codec<V>::Decode(in); }
};
template <>
struct ValueCodec<UserValue> {
  const ValueType* value_type = nullptr;  // never null in a state
  const TypeInfo& type() const { return *value_type->info; }
  UserValue Decode(ByteReader& in) const { return UserValue::Decode(*value_type, in); }
};

template <class V>
struct MapOptions {
  // The value after StageDelta: combine(5, 2) is 7 where deltas are added. A key without a value
  // gets the delta itself.
  // combine(combine(a, b), c) must equal combine(a, combine(b, c)), and be a pure function. It is
  // called on any thread, and must not refer to what the durable store outlives.
  std::function<V(const V& value, const V& delta)> combine = {};
  ValueCodec<V> codec = {};
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_OPTIONS_H_
