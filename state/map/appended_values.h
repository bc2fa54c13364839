// SPDX-License-Identifier: Apache-2.0
//
// A value of the base is one encoding of V, or several, one behind the other. The first one is a
// value, or the first delta of a key that had none; the others are deltas that folds appended
// without reading it. MapOptions::combine makes one value of them, from the left: 5, 2, 1 is 8
// where deltas are added.
#ifndef TRIDENT_STATE_MAP_APPENDED_VALUES_H_
#define TRIDENT_STATE_MAP_APPENDED_VALUES_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/codec.h"
#include "state/map/map_options.h"

namespace trident {

// Decodes a value of the base. nullopt: the bytes are no encodings of V, or are several although
// `options.combine` is null.
template <class V>
std::optional<V> DecodeAppended(std::string_view encoded, const MapOptions<V>& options) {
  ByteReader in(encoded);
  V value = options.codec.Decode(in);
  while (in.ok() && !in.done() && options.combine != nullptr) {
    const V delta = options.codec.Decode(in);
    if (in.ok()) value = options.Sum(value, delta);
  }
  if (!in.done()) return std::nullopt;
  return value;
}

// Makes one encoding of several. False: `encoded` holds no values, or combining threw; `out` must
// not be used then.
template <class V>
bool CondenseAppended(std::string_view encoded, const MapOptions<V>& options, std::string& out) {
  try {
    const std::optional<V> value = DecodeAppended<V>(encoded, options);
    if (!value.has_value()) return false;
    out.clear();
    Codec<V>::Encode(*value, out);
    return true;
  } catch (...) {
    // The next reader of the value gets the exception.
    return false;
  }
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_APPENDED_VALUES_H_
