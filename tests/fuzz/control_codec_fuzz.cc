// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a message of a control stream, at either end: they are refused, or they are words,
// and these are encoded and decoded to the same bytes again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "coordinator/cluster/control_codec.h"

namespace trident {
namespace {

template <class Word>
std::string Encode(const std::vector<Word>& words) {
  std::string bytes;
  for (const Word& word : words) bytes += EncodeMessage(word);
  return bytes;
}

void DecodeAtWorker(std::string_view bytes) {
  const auto words = DecodeMessageToWorker(bytes);
  if (!words.ok()) return;
  const std::string encoded = Encode(*words);
  const auto again = DecodeMessageToWorker(encoded);
  TRIDENT_CHECK_OK(again.status());
  TRIDENT_CHECK(Encode(*again) == encoded);
}

void DecodeAtLeader(std::string_view bytes) {
  const auto message = DecodeMessageToLeader(bytes);
  if (!message.ok()) return;
  const std::string encoded = Encode(message->words);
  const auto again = DecodeMessageToLeader(encoded);
  TRIDENT_CHECK_OK(again.status());
  TRIDENT_CHECK(Encode(again->words) == encoded);
  if (!message->hello) return;
  const auto hello = DecodeMessageToLeader(EncodeMessage(*message->hello));
  TRIDENT_CHECK_OK(hello.status());
  TRIDENT_CHECK(hello->hello == message->hello);
}

}  // namespace
}  // namespace trident

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  trident::DecodeAtWorker(bytes);
  trident::DecodeAtLeader(bytes);
  return 0;
}
