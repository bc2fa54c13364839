// SPDX-License-Identifier: Apache-2.0
#include "engine/transport/transport.h"

#include "base/check.h"
#include "base/rng.h"

namespace trident {

uint64_t FrameChecksum(uint64_t checksum, const DataFrame& frame) {
  return Mix64(checksum ^ Mix64(frame.number) ^ frame.payload->checksum());
}

void InProcessTransport::Connect(TaskAddress address, Deliver deliver) {
  tasks_[address] = std::move(deliver);
}

void InProcessTransport::Send(DataMessage message) {
  const TaskAddress& to =
      std::visit([](const auto& m) -> const TaskAddress& { return m.to; }, message);
  auto it = tasks_.find(to);
  TRIDENT_CHECK(it != tasks_.end()) << "no task " << to.task << " of stage " << to.stage.value();
  it->second(std::move(message));
}

}  // namespace trident
