// SPDX-License-Identifier: Apache-2.0
//
// The secret of a topology that a worker brings with its stream.
#ifndef TRIDENT_COORDINATOR_CLUSTER_CONTROL_TOKEN_H_
#define TRIDENT_COORDINATOR_CLUSTER_CONTROL_TOKEN_H_

#include <string_view>

namespace trident {

// Its name in the metadata of the call; by its end gRPC knows that the value may be any bytes.
inline constexpr char kControlTokenKey[] = "trident-token-bin";

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

#endif  // TRIDENT_COORDINATOR_CLUSTER_CONTROL_TOKEN_H_
