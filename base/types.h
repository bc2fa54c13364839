// SPDX-License-Identifier: Apache-2.0
//
// The value types of the project and their run-time descriptions. A column, a key field and a state
// value all have one of these types:
//
//   bool, int64_t, double, Text, Bytes, Timestamp, List<T> of these, or a user type with a
//   Codec<T>.
//
// Text, Bytes and List are views: 16 bytes that point into memory someone else keeps alive (a
// batch). A value that must outlive the batch is kept in its owned form, Owned<T>.
#ifndef TRIDENT_BASE_TYPES_H_
#define TRIDENT_BASE_TYPES_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace trident {

// UTF-8 text, not owned.
using Text = std::string_view;

// Raw bytes, not owned. A type of its own so that text and bytes never mix silently.
struct Bytes {
  std::string_view view;
  friend auto operator<=>(const Bytes&, const Bytes&) = default;
};
struct OwnedBytes {
  std::string bytes;
  friend auto operator<=>(const OwnedBytes&, const OwnedBytes&) = default;
};

// Microseconds since the Unix epoch, UTC.
struct Timestamp {
  int64_t micros = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// A list value, not owned.
template <class T>
using List = std::span<const T>;

enum class TypeKind : uint8_t {
  kBool = 1,
  kInt64 = 2,
  kDouble = 3,
  kText = 4,
  kBytes = 5,
  kTimestamp = 6,
  kList = 7,
  kUser = 8,
};

// A value whose type is known only at run time, as command lines and remote readers see values.
struct Datum {
  // A value of a user type: its encoding, and its readable form if its Codec can give one.
  struct User {
    std::string type_name;
    std::string encoded;
    std::string text;
    friend bool operator==(const User&, const User&) = default;
  };
  std::variant<std::monostate, bool, int64_t, double, std::string, OwnedBytes, Timestamp,
               std::vector<Datum>, User>
      value;

  bool is_null() const { return value.index() == 0; }
  friend bool operator==(const Datum&, const Datum&) = default;
};
// Readable form: numbers plain, text as it is, bytes in hex, lists in brackets, null as "null".
std::string ToString(const Datum& datum);

class ByteReader;
template <class T>
struct Codec;  // base/codec.h

// The description of a type for the run time. There is one object per type, which is never
// destroyed; see TypeOf<T>().
struct TypeInfo {
  TypeKind kind;
  std::string name;              // "int64", "text", "list<text>", a user type's own name
  const TypeInfo* element;       // of a list; else null
  Datum (*decode)(ByteReader&);  // reads one encoded value (Codec<T>); reader.ok() tells success
  // Appends the Codec<T> form of the T at `value`. Where a type has a view (Text for std::string),
  // T is the view.
  void (*encode)(const void* value, std::string& out);
};
inline bool SameType(const TypeInfo& a, const TypeInfo& b) { return a.name == b.name; }

// The description of T, which is never destroyed. Text and std::string are both "text". The library
// defines it for the types listed above and lists of them; base/codec.h does so for other types.
template <class T>
const TypeInfo& TypeOf();
#define TRIDENT_TYPE_OF_(T, OWNED)              \
  template <>                                   \
  const TypeInfo& TypeOf<T>();                  \
  template <>                                   \
  const TypeInfo& TypeOf<std::span<const T>>(); \
  template <>                                   \
  const TypeInfo& TypeOf<std::vector<OWNED>>();
TRIDENT_TYPE_OF_(bool, bool)
TRIDENT_TYPE_OF_(int64_t, int64_t)
TRIDENT_TYPE_OF_(double, double)
TRIDENT_TYPE_OF_(Text, std::string)
TRIDENT_TYPE_OF_(Bytes, OwnedBytes)
TRIDENT_TYPE_OF_(Timestamp, Timestamp)
#undef TRIDENT_TYPE_OF_
template <>
const TypeInfo& TypeOf<std::string>();
template <>
const TypeInfo& TypeOf<OwnedBytes>();

enum class Nullability : uint8_t { kRequired, kNullable };

// Canonical key bytes (base/key_encoding.h) with their hash (base/hash.h). A key is hashed only
// once on its way from the operator that groups by it, through the exchange, into the state. Does
// not own the bytes.
struct HashedKey {
  std::string_view key;
  uint64_t hash = 0;
};

// One field of a key.
struct KeyField {
  std::string name;
  const TypeInfo* type;  // not a list, not a user type
  Nullability nullability = Nullability::kRequired;
};

// The description of "int64", "list<text>" and the like, for callers that have only a stored name.
// Null for names of user types and for unknown ones.
const TypeInfo* BuiltinTypeNamed(std::string_view name);

template <class T>
struct UserCodec;  // base/codec.h

// Has the library, or the program, said how values of T become bytes? True for views, too.
template <class T>
inline constexpr bool kIsValue = false;
template <class T>
requires requires { sizeof(UserCodec<T>); }
inline constexpr bool kIsValue<T> = true;
template <>
inline constexpr bool kIsValue<bool> = true;
template <>
inline constexpr bool kIsValue<int64_t> = true;
template <>
inline constexpr bool kIsValue<double> = true;
template <>
inline constexpr bool kIsValue<Text> = true;
template <>
inline constexpr bool kIsValue<std::string> = true;
template <>
inline constexpr bool kIsValue<Bytes> = true;
template <>
inline constexpr bool kIsValue<OwnedBytes> = true;
template <>
inline constexpr bool kIsValue<Timestamp> = true;
template <class T>
inline constexpr bool kIsValue<std::span<const T>> = kIsValue<T>;
template <class T>
inline constexpr bool kIsValue<std::vector<T>> = kIsValue<T>;

// The owned form of a value type, as states and accumulators keep it.
template <class T>
struct OwnedForm {
  using type = T;
};
template <>
struct OwnedForm<Text> {
  using type = std::string;
};
template <>
struct OwnedForm<Bytes> {
  using type = OwnedBytes;
};
template <class T>
struct OwnedForm<std::span<const T>> {
  using type = std::vector<typename OwnedForm<T>::type>;
};
template <class T>
using Owned = typename OwnedForm<T>::type;

// The other way: the form in which a column holds values of V, an owned or a plain type.
template <class V>
struct ViewedForm {
  using type = V;
};
template <>
struct ViewedForm<std::string> {
  using type = Text;
};
template <>
struct ViewedForm<OwnedBytes> {
  using type = Bytes;
};
template <class E>
struct ViewedForm<std::vector<E>> {
  using type = std::span<const typename ViewedForm<E>::type>;
};
template <class V>
using Viewed = typename ViewedForm<V>::type;

// True for types that only point at their content.
template <class T>
inline constexpr bool kIsView =
    std::is_same_v<T, Text> || std::is_same_v<T, Bytes> || std::is_same_v<T, const char*>;
template <class T>
inline constexpr bool kIsView<std::span<T>> = true;
template <class T>
inline constexpr bool kIsView<std::optional<T>> = kIsView<T>;

}  // namespace trident

#endif  // TRIDENT_BASE_TYPES_H_
