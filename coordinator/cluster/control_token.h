// SPDX-License-Identifier: Apache-2.0
//
// The secret of a topology that a worker brings with its stream.
#ifndef TRIDENT_COORDINATOR_CLUSTER_CONTROL_TOKEN_H_
#define TRIDENT_COORDINATOR_CLUSTER_CONTROL_TOKEN_H_

namespace trident {

// Its name in the metadata of the call; by its end gRPC knows that the value may be any bytes.
inline constexpr char kControlTokenKey[] = "trident-token-bin";

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_CONTROL_TOKEN_H_
