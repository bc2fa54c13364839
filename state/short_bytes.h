// SPDX-License-Identifier: Apache-2.0
//
// Comparing and copying byte strings that are mostly shorter than 17 bytes, as keys are: two loads
// that overlap in the middle instead of a call.
#ifndef TRIDENT_STATE_SHORT_BYTES_H_
#define TRIDENT_STATE_SHORT_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace trident {

template <class Word>
inline Word LoadWord(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

inline bool EqualBytes(std::string_view a, std::string_view b) {
  const size_t n = a.size();
  if (n != b.size()) return false;
  if (n > 16) return std::memcmp(a.data(), b.data(), n) == 0;
  if (n >= 8) {
    return ((LoadWord<uint64_t>(a.data()) ^ LoadWord<uint64_t>(b.data())) |
            (LoadWord<uint64_t>(a.data() + n - 8) ^ LoadWord<uint64_t>(b.data() + n - 8))) == 0;
  }
  if (n >= 4) {
    return ((LoadWord<uint32_t>(a.data()) ^ LoadWord<uint32_t>(b.data())) |
            (LoadWord<uint32_t>(a.data() + n - 4) ^ LoadWord<uint32_t>(b.data() + n - 4))) == 0;
  }
  for (size_t i = 0; i < n; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

inline void CopyBytes(char* to, const char* from, size_t n) {
  if (n > 16) {
    std::memcpy(to, from, n);
  } else if (n >= 8) {
    const uint64_t head = LoadWord<uint64_t>(from), tail = LoadWord<uint64_t>(from + n - 8);
    std::memcpy(to, &head, sizeof head);
    std::memcpy(to + n - 8, &tail, sizeof tail);
  } else if (n >= 4) {
    const uint32_t head = LoadWord<uint32_t>(from), tail = LoadWord<uint32_t>(from + n - 4);
    std::memcpy(to, &head, sizeof head);
    std::memcpy(to + n - 4, &tail, sizeof tail);
  } else {
    for (size_t i = 0; i < n; ++i) to[i] = from[i];
  }
}

}  // namespace trident

#endif  // TRIDENT_STATE_SHORT_BYTES_H_
