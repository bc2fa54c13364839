// SPDX-License-Identifier: Apache-2.0
//
// How values of a map are combined, and how they are read back from bytes.
#ifndef TRIDENT_STATE_MAP_MAP_OPTIONS_H_
#define TRIDENT_STATE_MAP_MAP_OPTIONS_H_

#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "base/codec.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/user_value.h"
#include "base/value_size.h"

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

// The size of a value as it is stored. Throws what the program's codec throws.
template <class V>
int64_t EncodedBytes(const V& value) {
  if constexpr (std::is_same_v<V, std::string> || std::is_same_v<V, OwnedBytes>) {
    return StoredBytes(value);
  } else {
    std::string encoded;
    Codec<V>::Encode(value, encoded);
    return static_cast<int64_t>(encoded.size());
  }
}

template <class V>
struct MapOptions {
  // The value after StageDelta: combine(5, 2) is 7 where deltas are added. A key without a value
  // gets the delta itself.
  // combine(combine(a, b), c) must equal combine(a, combine(b, c)), and be a pure function. It is
  // called on any thread, and must not refer to what the durable store outlives.
  std::function<V(const V& value, const V& delta)> combine = {};
  ValueCodec<V> codec = {};

  // What `combine` gives, for sums that nobody has checked before the commit. Throws also if the
  // sum cannot be encoded, or is larger than kValueBytesMax: it is treated like one that the
  // combiner does not make. REQUIRES: there is a combiner.
  V Sum(const V& value, const V& delta) const {
    V sum = combine(value, delta);
    if constexpr (kHoldsHeap<V>) {
      const int64_t bytes = EncodedBytes(sum);
      if (bytes > kValueBytesMax) {
        throw std::length_error(
            Concat("a sum of ", bytes, " bytes is over the limit of ", kValueBytesMax));
      }
    }
    return sum;
  }
  // The same as a function object. The options must outlive it.
  auto Summing() const {
    return [this](const V& value, const V& delta) { return Sum(value, delta); };
  }
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_OPTIONS_H_
