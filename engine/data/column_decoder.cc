// SPDX-License-Identifier: Apache-2.0
#include "engine/data/column_decoder.h"

#include <map>
#include <string>

#include "base/mutex.h"

namespace trident {
namespace {

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
    Add(TypeOf<T>().name, &column_decoder_internal::DecodeColumn<T>);
    Add(TypeOf<List<T>>().name, &column_decoder_internal::DecodeColumn<List<T>>);
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

void RegisterColumnDecoder(const TypeInfo& type, ColumnDecoder decoder) {
  TheRegistry().Add(type.name, decoder);
}

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
