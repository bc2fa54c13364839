// SPDX-License-Identifier: Apache-2.0
//
// Transport: carries data messages to the task that they are addressed to. Frames of one edge
// between two tasks may arrive late, twice, out of order or not at all; receivers live with that
// (numbers and end markers), so a transport promises nothing but to try.
#ifndef TRIDENT_ENGINE_TRANSPORT_TRANSPORT_H_
#define TRIDENT_ENGINE_TRANSPORT_TRANSPORT_H_

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/transport/message.h"

namespace trident {

// Thread-safe.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void Send(DataMessage message) = 0;
  // The same for messages to other processes that belong together: the parts of one frame, or the
  // end markers of one sender along one edge. Those to one process stand side by side. A transport
  // that sees them at once can carry them as one.
  virtual void SendTogether(std::vector<DataMessage> messages) {
    for (DataMessage& message : messages) Send(std::move(message));
  }
  // The process that has the task, if it is another one; what goes there goes as bytes. The same
  // for as long as there are tasks that send.
  virtual std::optional<WorkerId> FarWorkerOf(const TaskAddress& /*to*/) const {
    return std::nullopt;
  }
};

// Hands messages over inside one process, in order per sender.
class InProcessTransport final : public Transport {
 public:
  using Deliver = std::function<void(DataMessage)>;
  // REQUIRES: called before the first Send. `deliver` is called on the sender's thread.
  void Connect(TaskAddress address, Deliver deliver);
  void Send(DataMessage message) override;

 private:
  std::map<TaskAddress, Deliver> tasks_;  // constant after the first Send
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_TRANSPORT_TRANSPORT_H_
