// SPDX-License-Identifier: Apache-2.0
//
// HeapBytes: the memory that a value holds beside its own sizeof, for the memory budget. A user
// type that holds memory says how much by `static size_t MemoryBytes(const T&)` in its UserCodec;
// else the length of its encoding stands for it.
#ifndef TRIDENT_STATE_MAP_VALUE_SIZE_H_
#define TRIDENT_STATE_MAP_VALUE_SIZE_H_

#include <string>
#include <type_traits>
#include <vector>

#include "base/codec.h"

namespace trident {

template <class V>
inline constexpr bool kHoldsHeap = !std::is_trivially_copyable_v<V>;

inline size_t HeapBytes(const std::string& v) {
  return v.capacity() < sizeof(std::string) / 2 ? 0 : v.capacity() + 1;
}
inline size_t HeapBytes(const OwnedBytes& v) { return HeapBytes(v.bytes); }

template <class V>
size_t HeapBytes(const V& v);

template <class T>
size_t HeapBytes(const std::vector<T>& v) {
  size_t bytes = v.capacity() * sizeof(T);
  if constexpr (kHoldsHeap<T>) {
    for (const T& element : v) bytes += HeapBytes(element);
  }
  return bytes;
}

template <class V>
size_t HeapBytes(const V& v) {
  if constexpr (!kHoldsHeap<V>) {
    return 0;
  } else if constexpr (requires { UserCodec<V>::MemoryBytes(v); }) {
    return UserCodec<V>::MemoryBytes(v);
  } else if constexpr (requires { v.SpaceUsedLong(); }) {
    return v.SpaceUsedLong() - sizeof(V);
  } else {
    std::string encoded;
    Codec<V>::Encode(v, encoded);
    return encoded.size();
  }
}

}  // namespace trident

#endif  // TRIDENT_STATE_MAP_VALUE_SIZE_H_
