// SPDX-License-Identifier: Apache-2.0
#include "base/typed_number.h"

#include <charconv>
#include <string>

namespace trident {
namespace {

template <class Number>
std::string Text(Number number) {
  char buffer[32];  // the longest shortest form of a double has 24 characters
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr};
}

template <class Number>
StatusOr<Number> Parse(std::string_view text, std::string_view kind, Number least, Number most) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  // Not a number compares with nothing.
  if (error == std::errc() && stopped == end && number >= least && number <= most) return number;
  return InvalidArgument("expected ", kind, " from ", Text(least), " to ", Text(most), ", found '",
                         text, "'");
}

}  // namespace

StatusOr<uint64_t> ParseWholeNumber(std::string_view text, uint64_t least, uint64_t most) {
  return Parse(text, "a whole number", least, most);
}

StatusOr<double> ParseNumber(std::string_view text, double least, double most) {
  return Parse(text, "a number", least, most);
}

}  // namespace trident
