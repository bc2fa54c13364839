// SPDX-License-Identifier: Apache-2.0
//
// ParseDatum: the inverse of ToString(Datum) for the types that a person can type.
#include <charconv>
#include <optional>

#include "base/key_encoding.h"

namespace trident {
namespace {

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number v{};
  const char* end = text.data() + text.size();
  const auto [stopped_at, error] = std::from_chars(text.data(), end, v);
  if (error != std::errc() || stopped_at != end || text.empty()) return std::nullopt;
  return v;
}

std::optional<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<OwnedBytes> ParseHex(std::string_view text) {
  if (text.substr(0, 2) == "0x") text.remove_prefix(2);
  if (text.size() % 2 != 0) return std::nullopt;
  OwnedBytes out;
  for (; !text.empty(); text.remove_prefix(2)) {
    uint8_t byte = 0;
    const auto [stopped_at, error] = std::from_chars(text.data(), text.data() + 2, byte, 16);
    if (error != std::errc() || stopped_at != text.data() + 2) return std::nullopt;
    out.bytes.push_back(static_cast<char>(byte));
  }
  return out;
}

// Takes `digits` digits and then `mark` (0: none) from the front of `text`.
std::optional<int> TakeDigits(std::string_view& text, size_t digits, char mark) {
  if (text.size() < digits + (mark != 0 ? 1 : 0)) return std::nullopt;
  int v = 0;
  for (char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    v = v * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  if (mark == 0) return v;
  if (text.front() != mark) return std::nullopt;
  text.remove_prefix(1);
  return v;
}

bool IsLeap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int DaysInMonth(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && IsLeap(year) ? 1 : 0);
}

// Days from 1970-01-01 (Howard Hinnant's days_from_civil).
int64_t DaysFromCivil(int year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

// What follows the seconds: nothing, or a dot and up to six decimals; then Z.
std::optional<int64_t> ParseFractionAndZone(std::string_view text) {
  if (text.empty() || text.back() != 'Z') return std::nullopt;
  text.remove_suffix(1);
  if (text.empty()) return 0;
  if (text.front() != '.' || text.size() < 2 || text.size() > 7) return std::nullopt;
  text.remove_prefix(1);
  const size_t digits = text.size();
  std::optional<int> fraction = TakeDigits(text, digits, 0);
  if (!fraction) return std::nullopt;
  int64_t micros = *fraction;
  for (size_t i = digits; i < 6; ++i) micros *= 10;
  return micros;
}

// 2024-01-31T12:30:00Z, with up to six decimals of a second.
std::optional<Timestamp> ParseCalendarTime(std::string_view text) {
  const std::optional<int> year = TakeDigits(text, 4, '-');
  if (!year) return std::nullopt;
  const std::optional<int> month = TakeDigits(text, 2, '-');
  if (!month || *month < 1 || *month > 12) return std::nullopt;
  const std::optional<int> day = TakeDigits(text, 2, 'T');
  if (!day || *day < 1 || *day > DaysInMonth(*year, *month)) return std::nullopt;
  const std::optional<int> hour = TakeDigits(text, 2, ':');
  if (!hour || *hour > 23) return std::nullopt;
  const std::optional<int> minute = TakeDigits(text, 2, ':');
  if (!minute || *minute > 59) return std::nullopt;
  const std::optional<int> second = TakeDigits(text, 2, 0);
  if (!second || *second > 59) return std::nullopt;
  const std::optional<int64_t> micros = ParseFractionAndZone(text);
  if (!micros) return std::nullopt;
  const int64_t seconds =
      DaysFromCivil(*year, *month, *day) * 86'400 + *hour * 3600 + *minute * 60 + *second;
  return Timestamp{seconds * 1'000'000 + *micros};
}

std::optional<Timestamp> ParseTimestamp(std::string_view text) {
  if (std::optional<int64_t> micros = ParseNumber<int64_t>(text)) return Timestamp{*micros};
  return ParseCalendarTime(text);
}

template <class T>
StatusOr<Datum> DatumOr(std::optional<T> parsed, std::string_view text, std::string_view expected) {
  if (!parsed) return InvalidArgument("expected ", expected, ", found '", text, "'");
  return Datum{std::move(*parsed)};
}

}  // namespace

StatusOr<Datum> ParseDatum(const TypeInfo& type, std::string_view text) {
  switch (type.kind) {
    case TypeKind::kBool:
      return DatumOr(ParseBool(text), text, "a bool (true or false)");
    case TypeKind::kInt64:
      return DatumOr(ParseNumber<int64_t>(text), text,
                     "an int64 (a whole number of at most 64 bits)");
    case TypeKind::kDouble:
      return DatumOr(ParseNumber<double>(text), text, "a double (a number such as -1.5 or 2e9)");
    case TypeKind::kText:
      return Datum{std::string(text)};
    case TypeKind::kBytes:
      return DatumOr(ParseHex(text), text, "bytes (pairs of hex digits such as 00ff)");
    case TypeKind::kTimestamp:
      return DatumOr(ParseTimestamp(text), text,
                     "a timestamp (2024-01-31T12:30:00Z, or microseconds since 1970)");
    case TypeKind::kList:
    case TypeKind::kUser:
      break;
  }
  return InvalidArgument("a value of type ", type.name,
                         " cannot be typed in: only bool, int64, double, text, bytes and timestamp "
                         "can");
}

}  // namespace trident
