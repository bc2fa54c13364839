// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_BASE_UTF8_H_
#define TRIDENT_BASE_UTF8_H_

#include <cstdint>
#include <cstring>
#include <string_view>

namespace trident {

// Length of the longest front of `s` that is UTF-8 by RFC 3629: no overlong forms, no surrogates,
// at most U+10FFFF. All of `s` is, exactly when this is s.size().
inline size_t ValidUtf8Prefix(std::string_view s) {
  const auto at = [&](size_t i) { return static_cast<uint8_t>(s[i]); };
  const auto continues = [&](size_t i) { return i < s.size() && (at(i) & 0xc0) == 0x80; };
  size_t i = 0;
  while (i < s.size()) {
    uint64_t eight = 0;
    if (s.size() - i >= sizeof eight) {
      std::memcpy(&eight, s.data() + i, sizeof eight);
      if ((eight & 0x8080808080808080u) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    const uint8_t lead = at(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    size_t length = 0;
    if (lead >= 0xc2 && lead <= 0xdf) length = 2;
    if (lead >= 0xe0 && lead <= 0xef) length = 3;
    if (lead >= 0xf0 && lead <= 0xf4) length = 4;
    if (length == 0) return i;
    for (size_t k = 1; k < length; ++k) {
      if (!continues(i + k)) return i;
    }
    const uint8_t second = at(i + 1);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) {
      return i;
    }
    i += length;
  }
  return i;
}

inline bool IsUtf8(std::string_view s) { return ValidUtf8Prefix(s) == s.size(); }

}  // namespace trident

#endif  // TRIDENT_BASE_UTF8_H_
