// SPDX-License-Identifier: Apache-2.0
#include "engine/links/hello.h"

#include "base/coding.h"
#include "base/limits.h"

namespace trident {
namespace {

constexpr std::string_view kWord = "trident link 1";

}  // namespace

std::string EncodeHello(const PeerLife& life) {
  std::string out;
  PutLengthPrefixed(out, kWord);
  PutFixed64(out, life.epoch.value());
  PutFixed32(out, life.worker.value());
  PutFixed64(out, life.incarnation.value());
  return out;
}

StatusOr<PeerLife> DecodeHello(std::string_view bytes) {
  PeerLife life;
  if (bytes.size() <= kLinkHelloBytesMax) {
    ByteReader in(bytes);
    const bool is_hello = in.LengthPrefixed() == kWord;
    life.epoch = Epoch(in.Fixed64());
    life.worker = WorkerId(in.Fixed32());
    life.incarnation = Incarnation(in.Fixed64());
    if (is_hello && in.done()) return life;
  }
  return InvalidArgument("a link begins with ", bytes.size(),
                         " bytes that do not say whose it is; run the same release everywhere");
}

}  // namespace trident
