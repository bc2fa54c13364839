// SPDX-License-Identifier: Apache-2.0
//
// HeapBytes: the memory that a value holds beside its own sizeof, in bytes, for the memory budget.
// A user type that holds memory gives its size by `static size_t MemoryBytes(const T&)` in its
// UserCodec; otherwise the length of its encoding is taken for it.
#ifndef TRIDENT_BASE_VALUE_SIZE_H_
#define TRIDENT_BASE_VALUE_SIZE_H_

#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/user_value.h"

namespace trident {

template <class V>
inline constexpr bool kHoldsHeap = !std::is_trivially_copyable_v<V>;

inline size_t HeapBytes(const std::string& v) {
  return v.capacity() < sizeof(std::string) / 2 ? 0 : v.capacity() + 1;
}
inline size_t HeapBytes(const OwnedBytes& v) { return HeapBytes(v.bytes); }

size_t HeapBytes(const UserValue& v);

template <class V>
size_t HeapBytes(const V& v);

template <class T>
size_t HeapBytes(const std::vector<T>& v) {
  size_t bytes = v.capacity() * sizeof(T);
  if constexpr (std::is_same_v<T, bool>) {
    bytes = v.capacity() / 8;
  } else if constexpr (kHoldsHeap<T>) {
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

// The size of a value as it is stored, in bytes, for the limits of values: exactly for text and
// bytes; about, and from above, for others.
inline int64_t StoredBytes(const std::string& v) { return static_cast<int64_t>(v.size()); }
inline int64_t StoredBytes(const OwnedBytes& v) { return StoredBytes(v.bytes); }
template <class V>
int64_t StoredBytes(const V& v) {
  return static_cast<int64_t>(sizeof(V) + HeapBytes(v));
}

namespace value_type_internal {

template <class T>
T& In(ValueRoom& room) {
  if constexpr (UserValue::kFits<T>)
    return *std::launder(reinterpret_cast<T*>(room.bytes));
  else
    return *static_cast<T*>(room.heap);
}
template <class T>
void PutIn(ValueRoom& room, T value) {
  if constexpr (UserValue::kFits<T>)
    new (room.bytes) T(std::move(value));
  else
    room.heap = new T(std::move(value));
}

template <class T>
ValueType Describe() {
  ValueType type{};
  type.info = &TypeOf<T>();
  type.in_place = UserValue::kFits<T>;
  type.is_plain = type.in_place && std::is_trivially_copyable_v<T>;
  type.size = sizeof(T);
  type.copy = [](const ValueRoom& from, ValueRoom& to) {
    PutIn<T>(to, T(In<T>(const_cast<ValueRoom&>(from))));
  };
  type.destroy = [](ValueRoom& room) {
    if constexpr (UserValue::kFits<T>)
      std::destroy_at(&In<T>(room));
    else
      delete &In<T>(room);
  };
  type.move = [](ValueRoom& from, ValueRoom& to) {
    if constexpr (UserValue::kFits<T>) {
      new (to.bytes) T(std::move(In<T>(from)));
      std::destroy_at(&In<T>(from));
    } else {
      to.heap = from.heap;
    }
  };
  type.decode = [](ByteReader& in, ValueRoom& to) {
    T value = Codec<T>::Decode(in);
    if (!in.ok()) return false;
    PutIn<T>(to, std::move(value));
    return true;
  };
  // The account of the memory asks where nothing may throw.
  type.heap_bytes = [](const void* value) noexcept -> size_t {
    try {
      return HeapBytes(*static_cast<const T*>(value));
    } catch (...) {
      return 0;
    }
  };
  return type;
}

}  // namespace value_type_internal

// The operations on a type that is not the library's own; see base/user_value.h.
template <class T>
const ValueType& ValueTypeOf() {
  static const ValueType* const type = new ValueType(value_type_internal::Describe<T>());
  return *type;
}

}  // namespace trident

#endif  // TRIDENT_BASE_VALUE_SIZE_H_
