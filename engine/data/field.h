// SPDX-License-Identifier: Apache-2.0
//
// Field tokens: how a program names columns.
//
//   constexpr Field<Text> kWord{"word"};
//   constexpr Field<std::optional<Text>> kCountry{"country"};   // may be null
//
// The token's type is what lambdas get; the compiler checks it. Whether a stream has such a field
// is checked when the topology is built.
#ifndef TRIDENT_ENGINE_DATA_FIELD_H_
#define TRIDENT_ENGINE_DATA_FIELD_H_

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/codec.h"
#include "engine/data/column_decoder.h"
#include "engine/data/schema.h"

namespace trident {

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

// A literal type; keep tokens as constexpr constants. `name` must live as long as the token.
template <class T>
struct Field {
  using Value = T;                                 // what a lambda takes
  using Stored = typename FieldTraits<T>::Stored;  // what the column holds
  std::string_view name;

  SchemaField Describe() const {
    RegisterColumnType<Stored>();  // so that frames from other processes can be decoded
    return {std::string(name), &TypeOf<Stored>(), FieldTraits<T>::kNullability};
  }
};
template <size_t N>
Field(const char (&)[N]) -> Field<Text>;

// Several fields at once: Fields(kUser, kAmount).
template <class... Ts>
struct FieldList {
  std::tuple<Field<Ts>...> tokens;
  std::vector<SchemaField> Describe() const {
    return std::apply([](const auto&... f) { return std::vector<SchemaField>{f.Describe()...}; },
                      tokens);
  }
};
template <class... Ts>
constexpr FieldList<Ts...> Fields(Field<Ts>... fields) {
  return {{fields...}};
}

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_FIELD_H_
