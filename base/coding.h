// SPDX-License-Identifier: Apache-2.0
//
// Fixed and variable-length integers in byte strings: the alphabet of every encoding of ours (redo
// record, decision record, frames). Little-endian; varints are LEB128. Readers never read past the
// end and never trust a length.
#ifndef TRIDENT_BASE_CODING_H_
#define TRIDENT_BASE_CODING_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace trident {

static_assert(std::endian::native == std::endian::little, "the encodings assume little-endian");

inline void PutFixed32(std::string& out, uint32_t v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
inline void PutFixed64(std::string& out, uint64_t v) {
  out.append(reinterpret_cast<const char*>(&v), sizeof v);
}
inline void PutVarint(std::string& out, uint64_t v) {
  char buffer[10];
  int n = 0;
  while (v >= 0x80) {
    buffer[n++] = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  buffer[n++] = static_cast<char>(v);
  out.append(buffer, n);
}
// Small magnitudes of either sign become small varints.
inline uint64_t ZigZag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
inline int64_t UnZigZag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}
inline void PutLengthPrefixed(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

// Reads from the front of a byte string that it does not own. After the first failure every further
// read fails too, so a decoder may read a whole record and ask ok() once.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return ok_ && bytes_.empty(); }
  size_t remaining() const { return bytes_.size(); }

  uint32_t Fixed32() { return Fixed<uint32_t>(); }
  uint64_t Fixed64() { return Fixed<uint64_t>(); }
  uint64_t Varint() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) return Fail();
      uint8_t byte = static_cast<uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      if (shift == 63 && byte > 1) return Fail();
      v |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return v;
    }
    return Fail();
  }
  // A view into the bytes being read.
  std::string_view Bytes(size_t n) {
    if (!ok_ || n > bytes_.size()) {
      Fail();
      return {};
    }
    std::string_view out = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return out;
  }
  std::string_view LengthPrefixed() { return Bytes(Varint()); }
  std::string_view rest() const { return bytes_; }
  // For a decoder that finds the bytes well-formed but wrong.
  void Invalidate() { Fail(); }

 private:
  template <class T>
  T Fixed() {
    std::string_view raw = Bytes(sizeof(T));
    T v = 0;
    if (ok_) std::memcpy(&v, raw.data(), sizeof v);
    return v;
  }
  uint64_t Fail() {
    ok_ = false;
    bytes_ = {};
    return 0;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace trident

#endif  // TRIDENT_BASE_CODING_H_
