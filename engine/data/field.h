// SPDX-License-Identifier: Apache-2.0
//
// Field tokens: how a program names columns.
//
//   constexpr Field<Text> kWord{"word"};
//   constexpr Field<std::optional<Text>> kCountry{"country"};   // may be null
//
// The token's type is the type that lambdas get; the compiler checks it. Whether a stream has such
// a field is checked when the topology is built.
#ifndef TRIDENT_ENGINE_DATA_FIELD_H_
#define TRIDENT_ENGINE_DATA_FIELD_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/types.h"
#include "engine/data/column.h"
#include "engine/data/schema.h"

namespace trident {

struct EncodedColumn;

namespace field_internal {

// Frames from other processes are decoded by the name of their type. The library knows its own
// types. A type of the program becomes known when a field of it is described.
template <class T>
inline constexpr bool kIsOwnType = false;
template <class T>
inline constexpr bool kIsOwnType<std::span<const T>> = kIsOwnType<T>;
template <>
inline constexpr bool kIsOwnType<bool> = true;
template <>
inline constexpr bool kIsOwnType<int64_t> = true;
template <>
inline constexpr bool kIsOwnType<double> = true;
template <>
inline constexpr bool kIsOwnType<Text> = true;
template <>
inline constexpr bool kIsOwnType<Bytes> = true;
template <>
inline constexpr bool kIsOwnType<Timestamp> = true;

// Values that columns hold in their view form.
template <class T>
inline constexpr bool kIsOwned = false;
template <>
inline constexpr bool kIsOwned<std::string> = true;
template <>
inline constexpr bool kIsOwned<OwnedBytes> = true;
template <class T>
inline constexpr bool kIsOwned<std::vector<T>> = true;

// Reads a column of the program's own type value by value; see engine/data/column_decoder.h.
class ValueReader {
 public:
  ValueReader(ByteReader& in, const EncodedColumn& column) : in_(in), column_(column) {}
  size_t rows() const;
  bool IsNull(size_t row) const;
  bool ok() const;
  uint64_t ListSize() const;
  BufferRef frame() const;

 private:
  ByteReader& in_;
  const EncodedColumn& column_;
};

template <class T>
struct ReadColumn {
  static ColumnRef Read(ByteReader& in, const EncodedColumn& column) {
    const ValueReader reader(in, column);
    auto out = std::make_shared<ColumnOf<T>>();
    for (size_t i = 0; i < reader.rows() && reader.ok(); ++i) {
      reader.IsNull(i) ? out->AppendNull() : out->Append(Codec<T>::Decode(in));
    }
    return out;
  }
};
template <class E>
struct ReadColumn<std::span<const E>> {
  static ColumnRef Read(ByteReader& in, const EncodedColumn& column) {
    const ValueReader reader(in, column);
    auto out = std::make_shared<ColumnOf<std::span<const E>>>();
    auto elements = std::make_shared<ColumnVector<E>>();
    std::vector<size_t> ends;
    for (size_t i = 0; i < reader.rows() && reader.ok(); ++i) {
      const uint64_t count = reader.IsNull(i) ? 0 : reader.ListSize();
      for (uint64_t j = 0; j < count && reader.ok(); ++j) elements->Append(Codec<E>::Decode(in));
      ends.push_back(elements->size());
    }
    if (!reader.ok()) return out;
    size_t begin = 0;  // spans are made last: the elements have moved while they grew
    for (size_t i = 0; i < reader.rows(); ++i) {
      const std::span<const E> list = elements->view().subspan(begin, ends[i] - begin);
      reader.IsNull(i) ? out->AppendNull() : out->Append(list);
      begin = ends[i];
    }
    out->Retain(std::move(elements));
    out->Retain(reader.frame());
    return out;
  }
};

// Registers how columns of the type are read. Thread-safe; the first registration for a name stays.
void Register(const TypeInfo& type, ColumnRef (*read)(ByteReader& in, const EncodedColumn& column));

template <class T>
void RegisterOnce() {
  if constexpr (!kIsOwnType<T>) {
    static const bool registered = (Register(TypeOf<T>(), &ReadColumn<T>::Read), true);
    static_cast<void>(registered);
  }
}

}  // namespace field_internal

template <class T>
struct FieldTraits {
  using Stored = T;  // what the column holds
  static constexpr Nullability kNullability = Nullability::kRequired;
};
template <class T>
struct FieldTraits<std::optional<T>> {
  using Stored = T;
  static constexpr Nullability kNullability = Nullability::kNullable;
};

// A literal type: keep tokens as constexpr constants. `name` must live as long as the token.
template <class T>
struct Field {
  using Value = T;                                 // what a lambda takes
  using Stored = typename FieldTraits<T>::Stored;  // what the column holds
  static_assert(kIsValue<Stored> && !field_internal::kIsOwned<Stored>,
                "Field<T>: T is no type of a field. Use int64_t, double, bool, Text, Bytes, "
                "Timestamp or a List of these (std::optional of it: it may be null), or include "
                "base/codec.h and specialise trident::UserCodec<T>");
  std::string_view name;

  FieldToken Token() const {
    field_internal::RegisterOnce<Stored>();
    return {name, &TypeOf<Stored>(), FieldTraits<T>::kNullability};
  }
  SchemaField Describe() const;
};
template <class T>
SchemaField Field<T>::Describe() const {
  const FieldToken token = Token();
  return {std::string(token.name), token.type, token.nullability};
}
template <size_t N>
Field(const char (&)[N]) -> Field<Text>;

// Several fields at once: Fields(kUser, kAmount).
template <class... Ts>
struct FieldList {
  std::tuple<Field<Ts>...> tokens;
  std::vector<SchemaField> Describe() const {
    if constexpr (sizeof...(Ts) == 0) {
      return DescribeFields({});
    } else {
      return std::apply(
          [](const auto&... f) {
            const FieldToken described[] = {f.Token()...};
            return DescribeFields(described);
          },
          tokens);
    }
  }
};
template <class... Ts>
constexpr FieldList<Ts...> Fields(Field<Ts>... fields) {
  return {{fields...}};
}

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_FIELD_H_
