// SPDX-License-Identifier: Apache-2.0
#include "base/position_form.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/status.h"

namespace trident {
namespace {

constexpr int kDecimal = 10;
constexpr int kHex = 16;

// Reads a number off the front of `text`.
std::optional<uint64_t> TakeNumber(std::string_view& text, int base) {
  uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  return number;
}

// Where the bracket that stands first in `pattern` ends.
size_t EndOfBracket(std::string_view pattern) {
  size_t depth = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '[') ++depth;
    if (pattern[i] == ']' && --depth == 0) return i;
  }
  return pattern.size();
}

// What is in brackets stands at the end of its part: with it, or without it, the text must be over.
bool Matches(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    const char want = pattern.front();
    if (want == '[') {
      const size_t end = EndOfBracket(pattern);
      const std::string_view behind = pattern.substr(std::min(end + 1, pattern.size()));
      const std::string with = Concat(pattern.substr(1, end - 1), behind);
      return Matches(with, text) || Matches(behind, text);
    }
    if (want == 'N' || want == 'X') {
      if (!TakeNumber(text, want == 'N' ? kDecimal : kHex)) return false;
    } else {
      if (text.empty() || text.front() != want) return false;
      text.remove_prefix(1);
    }
    pattern.remove_prefix(1);
  }
  return text.empty();
}

}  // namespace

bool Fits(const PositionForm& form, const Position& position) {
  return form.pattern.empty() || position.empty() || Matches(form.pattern, position);
}

std::optional<uint64_t> CountBefore(const PositionForm& form, const Position& position) {
  if (form.counts.empty()) return std::nullopt;
  if (position.empty()) return 0;
  std::string_view text = position;
  return TakeNumber(text, kDecimal);
}

std::string ToString(const PositionForm& form) {
  if (form.pattern.empty()) return "a form that only the source knows";
  if (form.pattern == "N" || form.pattern == "[-]N") return "a whole number";
  return Concat("the form ", form.pattern,
                " (N: a number, X: a hexadecimal one, [ ]: may be missing)");
}

}  // namespace trident
