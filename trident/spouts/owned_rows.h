// SPDX-License-Identifier: Apache-2.0
//
// Rows that own their values, as programs hand them to a spout, and the columns made of them.
#ifndef TRIDENT_TRIDENT_SPOUTS_OWNED_ROWS_H_
#define TRIDENT_TRIDENT_SPOUTS_OWNED_ROWS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/types.h"
#include "engine/data/field.h"
#include "engine/data/slice.h"
#include "engine/data/text_arena.h"

namespace trident {

template <class T>
struct OwnedValue {
  using type = Owned<T>;
};
template <class T>
struct OwnedValue<std::optional<T>> {
  using type = std::optional<Owned<T>>;
};
// A row of the fields Field<Ts>...: std::string for Text, OwnedBytes for Bytes, std::vector for
// List, std::optional of these for a field that may be null.
template <class... Ts>
using OwnedRow = std::tuple<typename OwnedValue<Ts>::type...>;

namespace spout_internal {

template <class U>
uint64_t BytesOf(const U& value) {
  if constexpr (std::is_same_v<U, std::string>) {
    return value.size();
  } else if constexpr (std::is_same_v<U, OwnedBytes>) {
    return value.bytes.size();
  } else {
    return sizeof(U);
  }
}
template <class U>
uint64_t BytesOf(const std::optional<U>& value) {
  return value ? BytesOf(*value) : 0;
}
template <class U>
uint64_t BytesOf(const std::vector<U>& values) {
  uint64_t bytes = 0;
  for (const U& value : values) bytes += BytesOf(value);
  return bytes;
}

}  // namespace spout_internal

// Rough size of the content of a row, in bytes, for limits.
template <class... Us>
uint64_t RowBytes(const std::tuple<Us...>& row) {
  return std::apply([](const Us&... value) { return (spout_internal::BytesOf(value) + ... + 0); },
                    row);
}

// Makes columns of rows that the caller keeps alive; text is not copied.
template <class... Ts>
class OwnedRowColumns {
 public:
  OwnedRowColumns() : columns_{std::make_shared<ColumnOf<typename FieldTraits<Ts>::Stored>>()...} {}

  // `row` must stay where it is as long as a buffer given to Finish lives.
  void Append(const OwnedRow<Ts...>& row) {
    AppendValues(row, std::index_sequence_for<Ts...>());
    ++rows_;
  }
  Slice Finish(SchemaRef schema, const std::vector<BufferRef>& keep) {
    const BufferRef arrays = arena_.Release();
    std::vector<ColumnRef> columns;
    std::apply(
        [&](auto&... column) {
          ((column->RetainAll(keep), column->Retain(arrays), columns.push_back(column)), ...);
        },
        columns_);
    return Slice(std::move(schema), std::move(columns), rows_);
  }

 private:
  template <size_t... I>
  void AppendValues(const OwnedRow<Ts...>& row, std::index_sequence<I...>) {
    (AppendValue(*std::get<I>(columns_), std::get<I>(row)), ...);
  }
  template <class T, class U>
  void AppendValue(ColumnOf<T>& column, const U& value) {
    column.Append(ViewOf<T>(value, arena_));
  }
  template <class T, class U>
  void AppendValue(ColumnOf<T>& column, const std::optional<U>& value) {
    value ? AppendValue(column, *value) : column.AppendNull();
  }

  std::tuple<std::shared_ptr<ColumnOf<typename FieldTraits<Ts>::Stored>>...> columns_;
  TextArena arena_;
  size_t rows_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_OWNED_ROWS_H_
