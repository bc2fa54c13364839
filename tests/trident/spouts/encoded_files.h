// SPDX-License-Identifier: Apache-2.0
//
// Texts as other programs write them: compressed, in several parts, or as UTF-16.
#ifndef TRIDENT_TESTS_TRIDENT_SPOUTS_ENCODED_FILES_H_
#define TRIDENT_TESTS_TRIDENT_SPOUTS_ENCODED_FILES_H_

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/rng.h"
#include "base/utf8.h"

namespace trident::testing {

// One member.
inline std::string Gzip(std::string_view text) {
  z_stream stream = {};
  EXPECT_EQ(
      ::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string in(text);
  std::string out(::deflateBound(&stream, in.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

// One frame, with a check sum.
inline std::string Zstd(std::string_view text) {
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* const context = ::ZSTD_createCCtx();
  ::ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  const size_t size = ::ZSTD_compress2(context, out.data(), out.size(), text.data(), text.size());
  ::ZSTD_freeCCtx(context);
  EXPECT_EQ(::ZSTD_isError(size), 0u);
  out.resize(size);
  return out;
}

using Pack = std::string (*)(std::string_view);

// Members or frames of any size, also empty ones.
inline std::string InParts(Pack pack, std::string_view text, Rng& rng) {
  std::string out;
  do {
    const size_t part = std::min<size_t>(rng.Below(text.size() + 2), text.size());
    out += pack(text.substr(0, part));
    text.remove_prefix(part);
  } while (!text.empty());
  return out;
}

enum class Utf16Order : uint8_t { kLittle, kBig };

// With its mark. Each byte that is no UTF-8 becomes a surrogate without the other one.
inline std::string Utf16(std::string_view text, Utf16Order order) {
  std::string out;
  const auto put = [&](uint32_t unit) {
    const char high = static_cast<char>(unit >> 8);
    const char low = static_cast<char>(unit & 0xff);
    out += order == Utf16Order::kLittle ? std::string{low, high} : std::string{high, low};
  };
  if (!text.starts_with("\xef\xbb\xbf")) put(0xfeff);
  while (!text.empty()) {
    const auto lead = static_cast<uint8_t>(text[0]);
    const size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (ValidUtf8Prefix(text.substr(0, length)) < length || text.size() < length) {
      put(0xdc00);
      text.remove_prefix(1);
      continue;
    }
    uint32_t c = length == 1 ? lead : lead & (0xff >> (length + 1));
    for (size_t i = 1; i < length; ++i) c = c << 6 | (static_cast<uint8_t>(text[i]) & 0x3f);
    if (c >= 0x10000) put(0xd800 + ((c - 0x10000) >> 10));
    put(c >= 0x10000 ? 0xdc00 + ((c - 0x10000) & 0x3ff) : c);
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace trident::testing

#endif  // TRIDENT_TESTS_TRIDENT_SPOUTS_ENCODED_FILES_H_
