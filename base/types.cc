// SPDX-License-Identifier: Apache-2.0
#include "base/types.h"

#include <charconv>
#include <cstdio>

namespace trident {
namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kSecondsPerDay = 86'400;
// What four digits of year can say; outside of it a timestamp reads as its number of microseconds.
constexpr int64_t kYearZeroMicros = -62'167'219'200 * kMicrosPerSecond;
constexpr int64_t kYearTenThousandMicros = 253'402'300'800 * kMicrosPerSecond;

template <class Number>
std::string NumberText(Number v) {
  char buffer[32];  // the longest shortest form of a double has 24 characters
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr};
}

std::string HexText(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 0xf]);
  }
  return out;
}

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// ISO 8601 in UTC, with as many of the six decimals as are not zero. The date comes from Howard
// Hinnant's days_from_civil inverse: years counted from March, so that leap days end them.
std::string TimestampText(Timestamp t) {
  if (t.micros < kYearZeroMicros || t.micros >= kYearTenThousandMicros) return NumberText(t.micros);
  const int64_t seconds = FloorDiv(t.micros, kMicrosPerSecond);
  const int64_t days = FloorDiv(seconds, kSecondsPerDay);
  const int second_of_day = static_cast<int>(seconds - days * kSecondsPerDay);
  const int64_t since_march_0000 = days + 719'468;
  const int64_t era = FloorDiv(since_march_0000, 146'097);
  const int64_t day_of_era = since_march_0000 - era * 146'097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int day_of_year =
      static_cast<int>(day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100));
  const int shifted_month = (5 * day_of_year + 2) / 153;
  const int day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const int month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const int year = static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0));
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day,
                second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
  std::string out = buffer;
  const int micros = static_cast<int>(t.micros - seconds * kMicrosPerSecond);
  if (micros != 0) {
    std::snprintf(buffer, sizeof buffer, ".%06d", micros);
    out += buffer;
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + "Z";
}

std::string ListText(const std::vector<Datum>& elements) {
  std::string out = "[";
  for (const Datum& element : elements) {
    if (out.size() > 1) out += ", ";
    out += ToString(element);
  }
  return out + "]";
}

struct TextOf {
  std::string operator()(std::monostate) const { return "null"; }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(int64_t v) const { return NumberText(v); }
  std::string operator()(double v) const { return NumberText(v); }
  std::string operator()(const std::string& v) const { return v; }
  std::string operator()(const OwnedBytes& v) const { return HexText(v.bytes); }
  std::string operator()(Timestamp v) const { return TimestampText(v); }
  std::string operator()(const std::vector<Datum>& v) const { return ListText(v); }
  std::string operator()(const Datum::User& v) const {
    return v.text.empty() ? HexText(v.encoded) : v.text;
  }
};

}  // namespace

std::string ToString(const Datum& datum) { return std::visit(TextOf(), datum.value); }

}  // namespace trident
