// SPDX-License-Identifier: Apache-2.0
#include "engine/data/column_decoder.h"

#include <cstring>
#include <map>
#include <string>

#include "base/codec.h"
#include "base/mutex.h"
#include "engine/data/field.h"

namespace trident {
namespace {

ColumnRef Invalid(ByteReader& in) {
  in.Invalidate();
  return nullptr;
}

template <class T>
ColumnRef DecodeFixed(ByteReader& in, const EncodedColumn& column) {
  auto made = std::make_shared<ColumnOf<T>>();
  ColumnOf<T>& out = *made;
  const std::string_view raw = in.Bytes(column.rows * sizeof(T));
  if (!in.ok()) return made;
  if constexpr (std::is_same_v<T, bool>) {  // a bool that is neither 0 nor 1 would be no bool
    for (char byte : raw) {
      if (static_cast<unsigned char>(byte) > 1) return Invalid(in);
    }
  }
  if (column.valid.empty()) {
    T* to = out.mutable_values().Extend(column.rows);
    if (column.rows > 0) std::memcpy(static_cast<void*>(to), raw.data(), raw.size());
    return made;
  }
  for (size_t i = 0; i < column.rows; ++i) {
    T value;
    std::memcpy(static_cast<void*>(&value), raw.data() + i * sizeof(T), sizeof(T));
    column.IsNull(i) ? out.AppendNull() : out.Append(value);
  }
  return made;
}

template <class T>
ColumnRef DecodeStrings(ByteReader& in, const EncodedColumn& column) {
  auto made = std::make_shared<ColumnOf<T>>();
  ColumnOf<T>& out = *made;
  static_assert(sizeof(T) == sizeof(std::string_view));
  ColumnVector<std::string_view> views;
  if (column.rows > in.remaining()) return Invalid(in);
  if (!column_decoder_internal::ReadStrings(in, column.rows, views.Extend(column.rows)))
    return Invalid(in);
  out.Retain(column.frame);
  if (column.valid.empty()) {
    T* to = out.mutable_values().Extend(column.rows);
    for (std::string_view view : views) *to++ = T{view};
    return made;
  }
  for (size_t i = 0; i < column.rows; ++i) {
    column.IsNull(i) ? out.AppendNull() : out.Append(T{views[i]});
  }
  return made;
}

template <class T>
ColumnRef DecodeColumn(ByteReader& in, const EncodedColumn& column) {
  if constexpr (std::is_same_v<T, Text> || std::is_same_v<T, Bytes>) {
    return DecodeStrings<T>(in, column);
  } else if constexpr (kIsView<T>) {
    return field_internal::ReadColumn<T>::Read(in, column);
  } else {
    return DecodeFixed<T>(in, column);
  }
}

class Registry {
 public:
  Registry() {
    AddWithList<bool>();
    AddWithList<int64_t>();
    AddWithList<double>();
    AddWithList<Text>();
    AddWithList<Bytes>();
    AddWithList<Timestamp>();
  }
  void Add(const std::string& name, ColumnDecoder decoder) {
    MutexLock lock(mutex_);
    decoders_.emplace(name, decoder);
  }
  ColumnDecoder Find(const std::string& name) const {
    MutexLock lock(mutex_);
    auto it = decoders_.find(name);
    return it == decoders_.end() ? nullptr : it->second;
  }

 private:
  template <class T>
  void AddWithList() {
    Add(TypeOf<T>().name, &DecodeColumn<T>);
    Add(TypeOf<List<T>>().name, &DecodeColumn<List<T>>);
  }

  mutable Mutex mutex_;
  std::map<std::string, ColumnDecoder> decoders_ TRIDENT_GUARDED_BY(mutex_);
};

Registry& TheRegistry() {
  static Registry* const registry = new Registry();
  return *registry;
}

template <class Length>
bool ReadStringsOf(ByteReader& in, size_t rows, std::string_view* out) {
  const std::string_view lengths = in.Bytes(rows * sizeof(Length));
  if (!in.ok()) return false;
  const std::string_view bytes = in.rest();
  uint64_t at = 0;  // rows and lengths are below 2^32, so it cannot wrap
  for (size_t i = 0; i < rows; ++i) {
    Length length;
    std::memcpy(&length, lengths.data() + i * sizeof(Length), sizeof(Length));
    if (length > bytes.size() - at) return false;
    out[i] = std::string_view(bytes.data() + at, length);
    at += length;
  }
  in.Bytes(at);
  return true;
}

}  // namespace

ColumnDecoder DecoderOf(const TypeInfo& type) { return TheRegistry().Find(type.name); }

namespace field_internal {

size_t ValueReader::rows() const { return column_.rows; }
bool ValueReader::IsNull(size_t row) const { return column_.IsNull(row); }
bool ValueReader::ok() const { return in_.ok(); }
uint64_t ValueReader::ListSize() const { return in_.Varint(); }
BufferRef ValueReader::frame() const { return column_.frame; }

void Register(const TypeInfo& type, ColumnRef (*read)(ByteReader&, const EncodedColumn&)) {
  TheRegistry().Add(type.name, read);
}

}  // namespace field_internal

namespace column_decoder_internal {

bool ReadStrings(ByteReader& in, size_t rows, std::string_view* out) {
  const std::string_view width = in.Bytes(1);
  if (!in.ok()) return false;
  switch (width[0]) {
    case 1:
      return ReadStringsOf<uint8_t>(in, rows, out);
    case 2:
      return ReadStringsOf<uint16_t>(in, rows, out);
    case 4:
      return ReadStringsOf<uint32_t>(in, rows, out);
    default:
      return false;
  }
}

}  // namespace column_decoder_internal
}  // namespace trident
