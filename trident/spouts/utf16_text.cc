// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/utf16_text.h"

#include <algorithm>
#include <utility>

namespace trident {
namespace {

// So much of the file is decoded at once, and at most so much to come to any byte of the text.
constexpr size_t kChunkBytes = 64 * 1024;
// Stands for what is no character: it is in no UTF-8.
constexpr char kNoCharacter = '\xff';

bool IsHigh(uint32_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool IsLow(uint32_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

void PutUtf8(std::string& out, uint32_t c) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  const auto put_rest = [&](int shift) { put(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | (c >> 6));
    put_rest(0);
  } else if (c < 0x10000) {
    put(0xe0 | (c >> 12));
    put_rest(6);
    put_rest(0);
  } else {
    put(0xf0 | (c >> 18));
    put_rest(12);
    put_rest(6);
    put_rest(0);
  }
}

}  // namespace

size_t DecodeUtf16(std::string_view in, TextEncoding encoding, std::string& out) {
  const bool is_little = encoding == TextEncoding::kUtf16LittleEndian;
  const auto unit_at = [&](size_t i) -> uint32_t {
    const auto first = static_cast<uint8_t>(in[i]);
    const auto second = static_cast<uint8_t>(in[i + 1]);
    return is_little ? first | second << 8 : second | first << 8;
  };
  size_t at = 0;
  while (at + 2 <= in.size()) {
    const uint32_t unit = unit_at(at);
    if (IsHigh(unit)) {
      if (at + 4 > in.size()) break;
      const uint32_t low = unit_at(at + 2);
      if (IsLow(low)) {
        PutUtf8(out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
        at += 4;
        continue;
      }
    }
    at += 2;
    if (IsHigh(unit) || IsLow(unit)) {
      out.push_back(kNoCharacter);
    } else {
      PutUtf8(out, unit);
    }
  }
  return at;
}

StatusOr<std::string> Utf16Text::Next(RawRead raw, Place& place) {
  std::string chunk(kChunkBytes, '\0');
  TRIDENT_ASSIGN_OR_RETURN(const size_t got, raw(place.in_file, chunk));
  std::string text;
  text.reserve(got);
  place.in_file += DecodeUtf16(std::string_view(chunk).substr(0, got), encoding_, text);
  const size_t newline = text.rfind('\n');
  if (newline != std::string::npos) place.text.lines_end = place.text.bytes + newline + 1;
  place.text.bytes += text.size();
  const bool is_new = place.in_file > places_.back().in_file;
  if (got == kChunkBytes && is_new) places_.push_back(place);
  return text;
}

StatusOr<std::optional<TextExtent>> Utf16Text::Measure(RawRead raw, uint64_t budget) {
  MutexLock lock(mutex_);
  Place place = places_.back();
  const uint64_t stop = place.in_file + budget;
  while (true) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string text, Next(raw, place));
    if (text.empty()) break;
    if (place.in_file >= stop) return std::optional<TextExtent>();
  }
  extent_ = place.text;
  return extent_;
}

StatusOr<bool> Utf16Text::Approach(RawRead /*raw*/, uint64_t /*offset*/, uint64_t /*budget*/) {
  return true;
}

StatusOr<size_t> Utf16Text::Read(RawRead raw, uint64_t offset, std::span<char> to) {
  MutexLock lock(mutex_);
  const auto behind =
      std::upper_bound(places_.begin(), places_.end(), offset,
                       [](uint64_t at, const Place& place) { return at < place.text.bytes; });
  Place place = *std::prev(behind);
  size_t got = 0;
  while (got < to.size()) {
    const uint64_t begin = place.text.bytes;
    TRIDENT_ASSIGN_OR_RETURN(const std::string text, Next(raw, place));
    if (text.empty()) break;
    const uint64_t next = offset + got;
    if (place.text.bytes <= next) continue;
    const size_t some = std::min<uint64_t>(place.text.bytes - next, to.size() - got);
    std::copy_n(text.data() + (next - begin), some, to.data() + got);
    got += some;
  }
  return got;
}

void Utf16Text::Assume(const TextExtent& extent) {
  MutexLock lock(mutex_);
  extent_ = extent;
}

std::optional<TextExtent> Utf16Text::extent() const {
  MutexLock lock(mutex_);
  return extent_;
}

void Utf16Text::ForgetFrom(uint64_t from) {
  MutexLock lock(mutex_);
  while (places_.back().text.bytes > from) places_.pop_back();
  extent_.reset();
}

}  // namespace trident
