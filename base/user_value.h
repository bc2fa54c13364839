// SPDX-License-Identifier: Apache-2.0
//
// UserValue: a value of a type that only the program knows. The library keeps and moves such values
// without knowing the type: map states over them are compiled once, in the library, and a program
// that has a value type of its own compiles only how that type is copied and encoded (ValueType).
#ifndef TRIDENT_BASE_USER_VALUE_H_
#define TRIDENT_BASE_USER_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "base/types.h"

namespace trident {

// The memory in which a UserValue keeps its value: here if it fits, else on the heap.
union ValueRoom {
  static constexpr size_t kBytes = 24;
  void* heap;
  alignas(8) unsigned char bytes[kBytes];
};

// The operations on values of one type. There is one object per type, which is never destroyed; see
// ValueTypeOf<T>().
struct ValueType {
  const TypeInfo* info;
  bool in_place;
  bool is_plain;  // in place, copied as bytes and destroyed without a call
  size_t size;
  void (*copy)(const ValueRoom& from, ValueRoom& to);
  void (*destroy)(ValueRoom& room);
  void (*move)(ValueRoom& from, ValueRoom& to);  // noexcept; leaves nothing in `from`
  // Makes a value from its encoding. False: the bytes are no value, and `to` holds none.
  bool (*decode)(ByteReader& in, ValueRoom& to);
  size_t (*heap_bytes)(const void* value);  // memory beside its own size
};

// The operations on a T. The library defines them for bool and for lists of its own types;
// base/value_size.h does so for types of the program.
template <class T>
const ValueType& ValueTypeOf();
template <>
const ValueType& ValueTypeOf<bool>();
template <>
const ValueType& ValueTypeOf<std::vector<bool>>();
template <>
const ValueType& ValueTypeOf<std::vector<int64_t>>();
template <>
const ValueType& ValueTypeOf<std::vector<double>>();
template <>
const ValueType& ValueTypeOf<std::vector<std::string>>();
template <>
const ValueType& ValueTypeOf<std::vector<OwnedBytes>>();
template <>
const ValueType& ValueTypeOf<std::vector<Timestamp>>();

// As thread-safe as the type it holds. Empty until a value is put in.
class UserValue {
 public:
  UserValue() = default;
  template <class T>
  static UserValue Of(T value) {
    UserValue out;
    if constexpr (kFits<T>) {
      new (out.room_.bytes) T(std::move(value));
    } else {
      out.room_.heap = new T(std::move(value));
    }
    out.type_ = &ValueTypeOf<T>();
    return out;
  }
  // Gives an empty value and invalidates `in` if the bytes are no value of `type`.
  static UserValue Decode(const ValueType& type, ByteReader& in);

  UserValue(const UserValue& other) { CopyFrom(other); }
  UserValue(UserValue&& other) noexcept { MoveFrom(other); }
  UserValue& operator=(const UserValue& other) {
    if (this != &other) *this = UserValue(other);
    return *this;
  }
  UserValue& operator=(UserValue&& other) noexcept {
    if (this != &other) {
      Clear();
      MoveFrom(other);
    }
    return *this;
  }
  ~UserValue() { Clear(); }

  bool empty() const { return type_ == nullptr; }
  // REQUIRES: !empty().
  const ValueType& type() const { return *type_; }
  const void* get() const {
    return type_->in_place ? static_cast<const void*>(room_.bytes) : room_.heap;
  }
  // REQUIRES: it holds a T.
  template <class T>
  const T& As() const {
    if constexpr (kFits<T>)
      return *std::launder(reinterpret_cast<const T*>(room_.bytes));
    else
      return *static_cast<const T*>(room_.heap);
  }

  template <class T>
  static constexpr bool kFits = sizeof(T) <= ValueRoom::kBytes &&
                                alignof(T) <= 8 && std::is_nothrow_move_constructible_v<T>;

 private:
  void Clear() {
    if (type_ == nullptr) return;
    if (!type_->is_plain) type_->destroy(room_);
    type_ = nullptr;
  }
  void CopyFrom(const UserValue& other) {
    if (other.type_ == nullptr) return;
    if (other.type_->is_plain) {
      std::memcpy(&room_, &other.room_, sizeof room_);
    } else {
      other.type_->copy(other.room_, room_);
    }
    type_ = other.type_;
  }
  void MoveFrom(UserValue& other) noexcept {
    type_ = std::exchange(other.type_, nullptr);
    if (type_ == nullptr) return;
    if (type_->is_plain || !type_->in_place) {
      std::memcpy(&room_, &other.room_, sizeof room_);
    } else {
      type_->move(other.room_, room_);
    }
  }

  const ValueType* type_ = nullptr;
  ValueRoom room_{};
};

// Encodes only: the bytes alone do not tell the type as which to decode them.
template <>
struct Codec<UserValue> {
  static void Encode(const UserValue& v, std::string& out) { v.type().info->encode(v.get(), out); }
};

// The memory that a UserValue holds beside its own size, in bytes.
size_t HeapBytes(const UserValue& value);

}  // namespace trident

#endif  // TRIDENT_BASE_USER_VALUE_H_
