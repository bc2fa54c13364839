// SPDX-License-Identifier: Apache-2.0
//
// What tasks send each other. A task has all of an attempt by identity, not by counting what
// happened to arrive: every upstream task ends each of its edges with a marker that says how many
// frames there were, and frames are numbered.
#ifndef TRIDENT_ENGINE_TRANSPORT_MESSAGE_H_
#define TRIDENT_ENGINE_TRANSPORT_MESSAGE_H_

#include <cstdint>
#include <memory>
#include <variant>

#include "base/ids.h"

namespace trident {

// One task of one stage.
struct TaskAddress {
  StageId stage;
  uint32_t task = 0;
  friend constexpr auto operator<=>(const TaskAddress&, const TaskAddress&) = default;
};

// The tuples of a frame. Immutable, so any thread may read it. Inside a process it is a pointer to
// them; on its way to another process, and there, it is their bytes (engine/frames/).
class Payload {
 public:
  virtual ~Payload() = default;
  virtual uint64_t rows() const = 0;
  // The memory that waits with it, in bytes, texts included. Memory that several payloads share is
  // counted for each.
  virtual uint64_t bytes() const = 0;
  // Of the content; the same at both ends of an edge. A pointer, which nothing can damage on its
  // way, answers for its number of rows alone.
  virtual uint64_t checksum() const = 0;
};

// Some tuples of a batch attempt, on their way from one task to another along one edge of the plan.
struct DataFrame {
  BatchId id;
  TaskAddress from;
  TaskAddress to;
  uint32_t edge = 0;    // index of the exchange in the plan
  uint32_t number = 0;  // 0, 1, 2, ... per (id, from, to, edge)
  int64_t batch_time_micros = 0;
  std::shared_ptr<const Payload> payload;
};

// No more frames of this attempt come along this edge from this task.
struct EndMarker {
  BatchId id;
  TaskAddress from;
  TaskAddress to;
  uint32_t edge = 0;
  uint32_t frames = 0;
  uint64_t checksum = 0;  // FrameChecksum over all frames, in order
  int64_t batch_time_micros = 0;
};

using DataMessage = std::variant<DataFrame, EndMarker>;

// Folds a frame, its place and its content into the running checksum of its edge.
uint64_t FrameChecksum(uint64_t checksum, const DataFrame& frame);

}  // namespace trident

#endif  // TRIDENT_ENGINE_TRANSPORT_MESSAGE_H_
