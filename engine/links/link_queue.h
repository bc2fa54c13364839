// SPDX-License-Identifier: Apache-2.0
//
// LinkQueue: what waits for one link, in order.
#ifndef TRIDENT_ENGINE_LINKS_LINK_QUEUE_H_
#define TRIDENT_ENGINE_LINKS_LINK_QUEUE_H_

#include <cstdint>
#include <deque>
#include <span>
#include <utility>

#include "engine/links/bundle_writer.h"
#include "engine/transport/message.h"

namespace trident {

// Not thread-safe.
class LinkQueue {
 public:
  explicit LinkQueue(BundleWriter writer) : writer_(std::move(writer)) {}

  void Add(std::span<DataMessage> messages);
  // The next bundle: as many of the messages as go into one. REQUIRES: not empty.
  BundleBytes Next();
  // Drops all that waits, and returns how many messages that were.
  uint64_t Clear();

  bool empty() const { return messages_.empty(); }
  // Memory that waits, in bytes. A frame counts once for all parts that were added one after the
  // other.
  uint64_t bytes() const { return bytes_; }

 private:
  struct Waiting {
    DataMessage message;
    uint64_t bytes = 0;
  };

  BundleWriter writer_;
  std::deque<Waiting> messages_;
  uint64_t bytes_ = 0;
  const EncodedFrame* last_frame_ = nullptr;  // of the last message, to know its other parts
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_LINKS_LINK_QUEUE_H_
