// SPDX-License-Identifier: Apache-2.0
#include "engine/links/link_queue.h"

#include <utility>

namespace trident {

void LinkQueue::Add(std::span<DataMessage> messages) {
  for (DataMessage& message : messages) {
    uint64_t bytes = sizeof(Waiting);
    const EncodedFrame* frame = nullptr;
    if (const auto* rows = std::get_if<DataFrame>(&message)) {
      frame = EncodedRows(*rows).frame().get();
      if (frame != last_frame_) bytes += frame->bytes().size();
    }
    last_frame_ = frame;
    bytes_ += bytes;
    messages_.push_back({std::move(message), bytes});
  }
}

BundleBytes LinkQueue::Next() {
  while (!messages_.empty() && writer_.TryAppend(messages_.front().message)) {
    bytes_ -= messages_.front().bytes;
    messages_.pop_front();
  }
  if (messages_.empty()) last_frame_ = nullptr;  // it may go now, and another one stand there
  return writer_.Finish();
}

uint64_t LinkQueue::Clear() {
  const uint64_t dropped = messages_.size();
  messages_.clear();
  bytes_ = 0;
  last_frame_ = nullptr;
  return dropped;
}

}  // namespace trident
