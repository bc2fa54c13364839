// SPDX-License-Identifier: Apache-2.0
//
// Inbox: what a task has received of one attempt, from all upstream tasks. Puts frames into the one
// fixed order (edge, source task, number) whatever order they arrive in, drops repeats, and knows
// by identity when everything is there.
#ifndef TRIDENT_ENGINE_INBOX_H_
#define TRIDENT_ENGINE_INBOX_H_

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/status.h"
#include "engine/data/schema.h"
#include "engine/transport/message.h"

namespace trident {

// An edge that ends at a task: its tuples enter the chain at `port`.
struct InputSpec {
  uint32_t edge = 0;
  StageId from_stage;
  uint32_t from_tasks = 1;
  size_t port = 0;
  SchemaRef schema = nullptr;  // of its tuples, for those that come as bytes
};

class Inbox {
 public:
  // `inputs` must outlive the inbox; the order of its elements is the order of processing.
  explicit Inbox(const std::vector<InputSpec>& inputs);
  void Clear();

  // False: a repeat, or something that contradicts what is here (then status() is not ok).
  bool Add(const DataFrame& frame);
  bool Add(const EndMarker& marker);

  struct Next {
    const InputSpec* input;
    std::shared_ptr<const Payload> payload;
  };
  // The next frame in order, if it is here.
  std::optional<Next> Pop();
  // Every frame of every upstream task has been popped.
  bool complete() const { return cursor_ == lanes_.size() && status_.ok(); }
  const Status& status() const { return status_; }
  // Memory of frames that wait, in bytes. Looks at each of them.
  uint64_t waiting_bytes() const;

 private:
  // What comes from one upstream task along one edge.
  struct Lane {
    const InputSpec* input = nullptr;
    uint32_t popped = 0;
    std::vector<std::shared_ptr<const Payload>> frames;  // 0, 1, ... without a gap; null: popped
    std::map<uint32_t, std::shared_ptr<const Payload>> ahead;  // behind a gap
    // One more than the highest number of a frame.
    uint32_t seen() const {
      return ahead.empty() ? static_cast<uint32_t>(frames.size()) : ahead.rbegin()->first + 1;
    }
    uint64_t checksum = 0;
    std::optional<EndMarker> end;
  };
  Lane* FindLane(uint32_t edge, TaskAddress from);
  void CloseFinishedLanes();

  const std::vector<InputSpec>& inputs_;
  std::vector<Lane> lanes_;
  size_t cursor_ = 0;  // lanes before it are complete
  Status status_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_INBOX_H_
