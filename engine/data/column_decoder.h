// SPDX-License-Identifier: Apache-2.0
//
// Reading a column back from the bytes of a frame (docs/frame_format.md). The types of the project
// are known here; a user type becomes known when a program describes a Field of it, which every
// program that runs the topology does.
#ifndef TRIDENT_ENGINE_DATA_COLUMN_DECODER_H_
#define TRIDENT_ENGINE_DATA_COLUMN_DECODER_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "base/coding.h"
#include "base/types.h"
#include "engine/data/column.h"

namespace trident {

// What a decoder is told of the column: how many rows, which of them hold a value (one 0 or 1 per
// row; empty: all do), and who keeps the bytes alive that views will point into.
struct EncodedColumn {
  size_t rows = 0;
  std::span<const uint8_t> valid;
  BufferRef frame;

  bool IsNull(size_t row) const { return !valid.empty() && valid[row] == 0; }
};

// Reads the values from `in`; on bytes that are none, `in` is not ok and the result means nothing.
// Memory taken is in proportion to bytes that are really there.
using ColumnDecoder = ColumnRef (*)(ByteReader& in, const EncodedColumn& column);

// The decoder of a type; null for a user type, or a list of one, that this program never described.
// Thread-safe.
ColumnDecoder DecoderOf(const TypeInfo& type);
// Thread-safe; the first decoder registered for a name stays.
void RegisterColumnDecoder(const TypeInfo& type, ColumnDecoder decoder);

namespace column_decoder_internal {

// Lengths of `rows` byte strings, then the strings. False when the bytes do not hold them.
bool ReadStrings(ByteReader& in, size_t rows, std::string_view* out);

template <class T>
inline constexpr bool kHoldsUserType = HasUserCodec<T>;
template <class E>
inline constexpr bool kHoldsUserType<std::span<const E>> = HasUserCodec<E>;

template <class T>
struct ListElement;
template <class E>
struct ListElement<std::span<const E>> {
  using type = E;
};

template <class T>
void DecodeFixed(ByteReader& in, const EncodedColumn& column, ColumnOf<T>& out) {
  const std::string_view raw = in.Bytes(column.rows * sizeof(T));
  if (!in.ok()) return;
  if constexpr (std::is_same_v<T, bool>) {  // a bool that is neither 0 nor 1 would be no bool
    for (char byte : raw) {
      if (static_cast<unsigned char>(byte) > 1) return in.Invalidate();
    }
  }
  if (column.valid.empty()) {
    T* to = out.mutable_values().Extend(column.rows);
    if (column.rows > 0) std::memcpy(static_cast<void*>(to), raw.data(), raw.size());
    return;
  }
  for (size_t i = 0; i < column.rows; ++i) {
    T value;
    std::memcpy(static_cast<void*>(&value), raw.data() + i * sizeof(T), sizeof(T));
    column.IsNull(i) ? out.AppendNull() : out.Append(value);
  }
}

template <class T>
void DecodeStrings(ByteReader& in, const EncodedColumn& column, ColumnOf<T>& out) {
  static_assert(sizeof(T) == sizeof(std::string_view));
  ColumnVector<std::string_view> views;
  if (column.rows > in.remaining()) return in.Invalidate();
  if (!ReadStrings(in, column.rows, views.Extend(column.rows))) return in.Invalidate();
  out.Retain(column.frame);
  if (column.valid.empty()) {
    T* to = out.mutable_values().Extend(column.rows);
    for (std::string_view view : views) *to++ = T{view};
    return;
  }
  for (size_t i = 0; i < column.rows; ++i) {
    column.IsNull(i) ? out.AppendNull() : out.Append(T{views[i]});
  }
}

template <class T>
void DecodeLists(ByteReader& in, const EncodedColumn& column, ColumnOf<T>& out) {
  using Element = typename ListElement<T>::type;
  auto elements = std::make_shared<ColumnVector<Element>>();
  std::vector<size_t> ends;
  for (size_t i = 0; i < column.rows && in.ok(); ++i) {
    const uint64_t count = column.IsNull(i) ? 0 : in.Varint();
    for (uint64_t j = 0; j < count && in.ok(); ++j) elements->Append(Codec<Element>::Decode(in));
    ends.push_back(elements->size());
  }
  if (!in.ok()) return;
  size_t begin = 0;  // spans are made last: the elements have moved while they grew
  for (size_t i = 0; i < column.rows; ++i) {
    const T list = elements->view().subspan(begin, ends[i] - begin);
    column.IsNull(i) ? out.AppendNull() : out.Append(list);
    begin = ends[i];
  }
  out.Retain(std::move(elements));
  out.Retain(column.frame);
}

template <class T>
void DecodeValues(ByteReader& in, const EncodedColumn& column, ColumnOf<T>& out) {
  for (size_t i = 0; i < column.rows && in.ok(); ++i) {
    column.IsNull(i) ? out.AppendNull() : out.Append(Codec<T>::Decode(in));
  }
}

template <class T>
ColumnRef DecodeColumn(ByteReader& in, const EncodedColumn& column) {
  auto out = std::make_shared<ColumnOf<T>>();
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, int64_t> ||
                std::is_same_v<T, double> || std::is_same_v<T, Timestamp>) {
    DecodeFixed<T>(in, column, *out);
  } else if constexpr (std::is_same_v<T, Text> || std::is_same_v<T, Bytes>) {
    DecodeStrings<T>(in, column, *out);
  } else if constexpr (kIsView<T>) {
    DecodeLists<T>(in, column, *out);
  } else {
    DecodeValues<T>(in, column, *out);
  }
  return out;
}

}  // namespace column_decoder_internal

// Makes columns of T known when T is a user type or a list of one; other types always are. Costs
// one look after the first call.
template <class T>
void RegisterColumnType() {
  if constexpr (column_decoder_internal::kHoldsUserType<T>) {
    static const bool registered = [] {
      RegisterColumnDecoder(TypeOf<T>(), &column_decoder_internal::DecodeColumn<T>);
      return true;
    }();
    static_cast<void>(registered);
  }
}

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_COLUMN_DECODER_H_
