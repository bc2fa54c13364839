// SPDX-License-Identifier: Apache-2.0
//
// The first message of a link: the worker that opens it says who it is, and in which life.
#ifndef TRIDENT_ENGINE_LINKS_HELLO_H_
#define TRIDENT_ENGINE_LINKS_HELLO_H_

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"

namespace trident {

// A worker in one epoch: its life there.
struct PeerLife {
  Epoch epoch;
  WorkerId worker;
  Incarnation incarnation;
  friend bool operator==(const PeerLife&, const PeerLife&) = default;
};

std::string EncodeHello(const PeerLife& life);
// InvalidArgument: the bytes are no such message.
StatusOr<PeerLife> DecodeHello(std::string_view bytes);

}  // namespace trident

#endif  // TRIDENT_ENGINE_LINKS_HELLO_H_
