// SPDX-License-Identifier: Apache-2.0
//
// A value of the base is one encoding of V, or several, one behind the other: a value, or the first
// delta of a key that had none, and the deltas that were appended since without reading it. They
// mean what MapOptions::combine makes of them, from the left.
#ifndef TRIDENT_STATE_MAP_APPENDED_VALUES_H_
#define TRIDENT_STATE_MAP_APPENDED_VALUES_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/codec.h"

namespace trident {

// nullopt: the bytes are no values, or several although nothing combines them (`combine` is null).
template <class V>
std::optional<V> DecodeAppended(std::string_view encoded,
                                const std::function<V(const V&, const V&)>& combine) {
  ByteReader in(encoded);
  V value = Codec<V>::Decode(in);
  while (in.ok() && !in.done() && combine != nullptr) {
    const V delta = Codec<V>::Decode(in);
    if (in.ok()) value = combine(value, delta);
  }
  if (!in.done()) return std::nullopt;
  return value;
}

// Makes one encoding of several. False, and `out` is not to be used: they are no values, or
// `combine` threw.
template <class V>
bool CondenseAppended(std::string_view encoded, const std::function<V(const V&, const V&)>& combine,
                      std::string& out) {
  try {
    const std::optional<V> value = DecodeAppended<V>(encoded, combine);
    if (!value.has_value()) return false;
    out.clear();
    Codec<V>::Encode(*value, out);
    return true;
  } catch (...) {
    // Who reads the value hears of it.
    return false;
  }
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_APPENDED_VALUES_H_
