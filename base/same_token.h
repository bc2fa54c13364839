// SPDX-License-Identifier: Apache-2.0
//
// The comparison of secrets that others bring.
#ifndef TRIDENT_BASE_SAME_TOKEN_H_
#define TRIDENT_BASE_SAME_TOKEN_H_

#include <cstddef>
#include <string_view>

namespace trident {

// Takes the same time wherever the two differ, so that nobody learns a token byte by byte. Only
// their lengths show.
inline bool IsSameToken(std::string_view expected, std::string_view brought) {
  if (expected.size() != brought.size()) return false;
  unsigned char difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    difference |= static_cast<unsigned char>(expected[i] ^ brought[i]);
  }
  return difference == 0;
}

}  // namespace trident

#endif  // TRIDENT_BASE_SAME_TOKEN_H_
