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
#include "base/guard.h"
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

// False: the value is not over kValueBytesMax, and need not be encoded to know it. No encoding of a
// type of ours is longer than its value by more than a fourth: a number of 8 bytes takes 10. Types
// of a program may be denser in memory: a list of bools is, eight times.
template <class V>
bool MayBeTooLarge(const V& value) {
  const auto heap = static_cast<int64_t>(HeapBytes(value));
  const int64_t denser = std::is_same_v<V, UserValue> ? 16 * heap : heap / 4;
  return heap + denser + static_cast<int64_t>(sizeof(V)) > kValueBytesMax;
}

// The encoding of a value for those who read it as bytes. Aborted if the program's codec throws, or
// if the value, which an earlier program wrote, is over kValueBytesMax.
template <class V>
StatusOr<std::string> EncodeToRead(const V& value) {
  std::string encoded;
  const Status done = Guarded("the codec", [&] { Codec<V>::Encode(value, encoded); });
  if (!done.ok()) return done;
  if (encoded.size() <= static_cast<size_t>(kValueBytesMax)) return encoded;
  return Aborted("the value has ", encoded.size(), " bytes, which is over the limit of ",
                 kValueBytesMax);
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
    if constexpr (std::is_same_v<V, UserValue>) {
      CheckSum(EncodedBytes(sum));
    } else if constexpr (kHoldsHeap<V>) {
      if (MayBeTooLarge(sum)) CheckSum(EncodedBytes(sum));
    }
    return sum;
  }
  // The same as a function object. The options must outlive it.
  auto Summing() const {
    return [this](const V& value, const V& delta) { return Sum(value, delta); };
  }

 private:
  static void CheckSum(int64_t bytes) {
    if (bytes <= kValueBytesMax) return;
    throw std::length_error(
        Concat("a sum of ", bytes, " bytes is over the limit of ", kValueBytesMax));
  }
};

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_MAP_OPTIONS_H_
