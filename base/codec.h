// SPDX-License-Identifier: Apache-2.0
//
// Codec<T>: how a value of type T becomes bytes in redo records, state values and frames, and back.
// Every encoding is self-delimiting, so values can follow each other.
//
//   bool        1 byte, 0 or 1
//   int64       zigzag varint          timestamp  zigzag varint of microseconds
//   double      8 bytes, little-endian IEEE 754
//   text,bytes  varint length, bytes
//   list        varint count, elements
//   user type   what its Codec writes, prefixed by its varint length
//
// A user type becomes usable in columns and state by a specialisation of UserCodec:
//
//   template <> struct trident::UserCodec<Money> {
//     static constexpr std::string_view kName = "money";       // stable: stored with the state
//     static void Encode(const Money& m, std::string& out);
//     static bool Decode(std::string_view bytes, Money& out);  // false: not such a value
//     static std::string Render(const Money& m);               // optional: for people
//   };
//
// Protobuf messages need nothing: their full name, SerializeToString and ParseFromArray are used.
#ifndef TRIDENT_BASE_CODEC_H_
#define TRIDENT_BASE_CODEC_H_

#include <bit>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "base/coding.h"
#include "base/types.h"

namespace trident {

template <class T>
struct UserCodec;  // specialise for your own types

// The methods of a protobuf message that are used here. Its headers are not needed.
template <class T>
concept ProtobufMessage = requires(const T& c, T& m, std::string* out) {
  { c.SerializeToString(out) } -> std::convertible_to<bool>;
  { m.ParseFromArray(static_cast<const void*>(nullptr), 0) } -> std::convertible_to<bool>;
  { c.GetTypeName() } -> std::convertible_to<std::string>;
  { c.ShortDebugString() } -> std::convertible_to<std::string>;
};

template <ProtobufMessage T>
struct UserCodec<T> {
  static std::string Name() { return T().GetTypeName(); }
  static void Encode(const T& m, std::string& out) { out = m.SerializeAsString(); }
  static bool Decode(std::string_view bytes, T& out) {
    return out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  }
  static std::string Render(const T& m) { return m.ShortDebugString(); }
};

template <class T>
concept HasUserCodec = requires(const T& c, T& m, std::string& out, std::string_view in) {
  UserCodec<T>::Encode(c, out);
  { UserCodec<T>::Decode(in, m) } -> std::same_as<bool>;
};

template <class T>
struct Codec;  // Encode(const T&, std::string&), Decode(ByteReader&) -> T

template <>
struct Codec<bool> {
  static void Encode(bool v, std::string& out) { out.push_back(v ? 1 : 0); }
  static bool Decode(ByteReader& in) {
    const std::string_view byte = in.Bytes(1);
    if (!in.ok()) return false;
    if (static_cast<unsigned char>(byte[0]) > 1) in.Invalidate();
    return byte[0] == 1;
  }
};
template <>
struct Codec<int64_t> {
  static void Encode(int64_t v, std::string& out) { PutVarint(out, ZigZag(v)); }
  static int64_t Decode(ByteReader& in) { return UnZigZag(in.Varint()); }
};
template <>
struct Codec<double> {
  static void Encode(double v, std::string& out) { PutFixed64(out, std::bit_cast<uint64_t>(v)); }
  static double Decode(ByteReader& in) { return std::bit_cast<double>(in.Fixed64()); }
};
template <>
struct Codec<Timestamp> {
  static void Encode(Timestamp v, std::string& out) { PutVarint(out, ZigZag(v.micros)); }
  static Timestamp Decode(ByteReader& in) { return Timestamp{UnZigZag(in.Varint())}; }
};
template <>
struct Codec<Text> {
  static void Encode(Text v, std::string& out) { PutLengthPrefixed(out, v); }
  static Text Decode(ByteReader& in) { return in.LengthPrefixed(); }  // points into the input
};
template <>
struct Codec<std::string> {
  static void Encode(const std::string& v, std::string& out) { PutLengthPrefixed(out, v); }
  static std::string Decode(ByteReader& in) { return std::string(in.LengthPrefixed()); }
};
template <>
struct Codec<Bytes> {
  static void Encode(Bytes v, std::string& out) { PutLengthPrefixed(out, v.view); }
  static Bytes Decode(ByteReader& in) { return Bytes{in.LengthPrefixed()}; }
};
template <>
struct Codec<OwnedBytes> {
  static void Encode(const OwnedBytes& v, std::string& out) { PutLengthPrefixed(out, v.bytes); }
  static OwnedBytes Decode(ByteReader& in) { return {std::string(in.LengthPrefixed())}; }
};
template <class T>
struct Codec<std::vector<T>> {
  static void Encode(const std::vector<T>& v, std::string& out) {
    PutVarint(out, v.size());
    for (const T& element : v) Codec<T>::Encode(element, out);
  }
  static std::vector<T> Decode(ByteReader& in) {
    uint64_t n = in.Varint();
    std::vector<T> v;
    for (uint64_t i = 0; i < n && in.ok(); ++i) v.push_back(Codec<T>::Decode(in));
    return v;
  }
};
template <HasUserCodec T>
struct Codec<T> {
  static void Encode(const T& v, std::string& out) {
    std::string bytes;
    UserCodec<T>::Encode(v, bytes);
    PutLengthPrefixed(out, bytes);
  }
  static T Decode(ByteReader& in) {
    T v{};
    std::string_view bytes = in.LengthPrefixed();
    if (in.ok() && !UserCodec<T>::Decode(bytes, v)) in.Invalidate();
    return v;
  }
};

namespace codec_internal {

template <class T>
std::string UserTypeName() {
  if constexpr (requires { UserCodec<T>::kName; }) {
    return std::string(UserCodec<T>::kName);
  } else {
    return UserCodec<T>::Name();
  }
}

template <class T>
Datum DecodeDatum(ByteReader& in) {
  Datum out;
  if constexpr (std::is_same_v<T, Text> || std::is_same_v<T, std::string>) {
    out.value = std::string(in.LengthPrefixed());
  } else if constexpr (std::is_same_v<T, Bytes> || std::is_same_v<T, OwnedBytes>) {
    out.value = OwnedBytes{std::string(in.LengthPrefixed())};
  } else if constexpr (HasUserCodec<T>) {
    std::string_view bytes = in.LengthPrefixed();
    Datum::User user{.type_name = UserTypeName<T>(), .encoded = std::string(bytes), .text = {}};
    T v{};
    if (!in.ok() || !UserCodec<T>::Decode(bytes, v)) {
      in.Invalidate();
    } else if constexpr (requires { UserCodec<T>::Render(v); }) {
      user.text = UserCodec<T>::Render(v);
    }
    out.value = std::move(user);
  } else {
    out.value = Codec<T>::Decode(in);
  }
  return out;
}

template <class T>
Datum DecodeListDatum(ByteReader& in) {
  std::vector<Datum> elements;
  uint64_t n = in.Varint();
  for (uint64_t i = 0; i < n && in.ok(); ++i) elements.push_back(DecodeDatum<T>(in));
  return Datum{std::move(elements)};
}

// Appends the encoding of a T. Also takes a list of views, which Codec does not know because it
// cannot be decoded.
template <class T>
void EncodeAny(const void* value, std::string& out) {
  Codec<T>::Encode(*static_cast<const T*>(value), out);
}
template <class E>
void EncodeSpan(const void* value, std::string& out) {
  const auto& list = *static_cast<const std::span<const E>*>(value);
  PutVarint(out, list.size());
  for (const E& element : list) Codec<E>::Encode(element, out);
}

template <class T>
struct Describe {
  static TypeInfo Make() {
    static_assert(HasUserCodec<T>,
                  "this type cannot be a field or a state value: specialise trident::UserCodec<T>");
    return {TypeKind::kUser, UserTypeName<T>(), nullptr, &DecodeDatum<T>, &EncodeAny<T>};
  }
};
template <class T>
struct Describe<std::span<const T>> {
  static TypeInfo Make() {
    return {TypeKind::kList, "list<" + TypeOf<T>().name + ">", &TypeOf<T>(), &DecodeListDatum<T>,
            &EncodeSpan<T>};
  }
};
template <class T>
struct Describe<std::vector<T>> {
  static TypeInfo Make() {
    return {TypeKind::kList, "list<" + TypeOf<T>().name + ">", &TypeOf<T>(), &DecodeListDatum<T>,
            &EncodeAny<std::vector<T>>};
  }
};

}  // namespace codec_internal

// The description of a type that is not the library's own; see base/types.h.
template <class T>
const TypeInfo& TypeOf() {
  static const TypeInfo* const info = new TypeInfo(codec_internal::Describe<T>::Make());
  return *info;
}

}  // namespace trident

#include "base/value_size.h"  // IWYU pragma: export

#endif  // TRIDENT_BASE_CODEC_H_
