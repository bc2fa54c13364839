// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/text_position.h"

#include <charconv>

#include "base/limits.h"

namespace trident {
namespace {

constexpr int kDecimal = 10;
constexpr int kHex = 16;

// Reads a number and what stands behind it off the front of `text`.
bool TakeNumber(std::string_view& text, int base, std::string_view behind, uint64_t* out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  if (text.substr(0, behind.size()) != behind) return false;
  text.remove_prefix(behind.size());
  return true;
}

void PutNumber(std::string& out, uint64_t n, int base) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, n, base).ptr);
}

}  // namespace

Position TextPosition::ToPosition() const {
  Position out;
  PutNumber(out, offset, kDecimal);
  out.push_back('/');
  PutNumber(out, splits.readers, kDecimal);
  out.push_back('x');
  PutNumber(out, splits.split_bytes, kDecimal);
  out.push_back('/');
  PutNumber(out, head_bytes, kDecimal);
  out.push_back('-');
  PutNumber(out, head_hash, kHex);
  return out;
}

StatusOr<TextPosition> TextPosition::Parse(const Position& position, std::string_view file) {
  TextPosition out;
  std::string_view text = position;
  uint64_t readers = 0;
  const bool parsed = TakeNumber(text, kDecimal, "/", &out.offset) &&
                      TakeNumber(text, kDecimal, "x", &readers) &&
                      TakeNumber(text, kDecimal, "/", &out.splits.split_bytes) &&
                      TakeNumber(text, kDecimal, "-", &out.head_bytes) &&
                      TakeNumber(text, kHex, "", &out.head_hash) && text.empty();
  out.splits.readers = static_cast<uint32_t>(readers);
  if (parsed && readers >= 1 && readers <= static_cast<uint64_t>(kFileReadersMax) &&
      out.splits.split_bytes >= 1 && out.head_bytes <= kTextHeadBytes) {
    return out;
  }
  return DataLoss("the input file \"", file, "\" has the position \"", position,
                  "\", which is none of a text file; was this state written with another spout?");
}

}  // namespace trident
