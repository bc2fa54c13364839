// SPDX-License-Identifier: Apache-2.0
//
// Any bytes given to the reader of bundles are refused or are messages, and messages that were
// accepted are the same after they are written and read again. The first byte chooses whether the
// checksum is made to hold, so that the fuzzer gets past it.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "base/hash.h"
#include "engine/links/bundle_reader.h"
#include "engine/links/bundle_writer.h"

namespace trident {
namespace {

// Each stage has these tasks here.
std::span<const uint32_t> TasksHere(StageId /*stage*/) {
  static const std::vector<uint32_t>* const tasks = new std::vector<uint32_t>{0, 1, 5};
  return *tasks;
}

template <class Message>
std::string Envelope(const Message& m) {
  return Concat(m.id.group.value(), " ", m.id.txid.value(), " ", ToString(m.id.attempt), " ",
                m.from.stage.value(), " ", m.from.task, " ", m.to.stage.value(), " ", m.to.task,
                " ", m.edge, " ", m.batch_time_micros, " ");
}

std::string Described(const DataMessage& message) {
  if (const auto* end = std::get_if<EndMarker>(&message)) {
    return Concat(Envelope(*end), end->frames, " ", end->checksum);
  }
  const auto& frame = std::get<DataFrame>(message);
  return Concat(Envelope(frame), frame.number, " ", frame.payload->rows(), " ",
                frame.payload->checksum(), " ", EncodedRows(frame).frame()->bytes());
}

struct Messages {
  std::vector<DataMessage> all;
  std::vector<std::string> described;
};
Messages MessagesOf(const Bundle& bundle) {
  Messages messages;
  bundle.ForEach(TasksHere, [&](DataMessage message) {
    messages.described.push_back(Described(message));
    messages.all.push_back(std::move(message));
  });
  return messages;
}

// With the checksum of the descriptions put right.
std::string Sealed(std::string bundle) {
  if (bundle.size() < bundle_format::kHeaderBytes + bundle_format::kChecksumBytes) return bundle;
  ByteReader length(std::string_view(bundle).substr(bundle_format::kHeaderBytes - 4));
  const size_t hashed = bundle_format::kHeaderBytes + length.Fixed32();
  if (hashed > bundle.size() - bundle_format::kChecksumBytes) return bundle;
  std::string checksum;
  PutFixed64(checksum, HashBytes(std::string_view(bundle).substr(0, hashed)));
  return bundle.replace(hashed, checksum.size(), checksum);
}

StatusOr<Bundle> Parsed(std::string bytes) {
  auto kept = std::make_shared<const std::string>(std::move(bytes));
  const std::string_view view = *kept;
  return Bundle::Parse(view, kept);
}

void Run(std::string_view input) {
  const bool seal = !input.empty() && input[0] != 0;
  if (!input.empty()) input.remove_prefix(1);
  const StatusOr<Bundle> bundle = Parsed(seal ? Sealed(std::string(input)) : std::string(input));
  if (!bundle.ok()) return;
  const Messages messages = MessagesOf(*bundle);
  BundleWriter writer(bundle->epoch(), bundle->from(), TasksHere);
  for (const DataMessage& message : messages.all) {
    if (!writer.TryAppend(message)) return;  // one bundle is not enough
  }
  const StatusOr<Bundle> second = Parsed(writer.Finish().Joined());
  TRIDENT_CHECK_OK(second.status());
  TRIDENT_CHECK(MessagesOf(*second).described == messages.described);
}

}  // namespace
}  // namespace trident

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  trident::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
