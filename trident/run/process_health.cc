// SPDX-License-Identifier: Apache-2.0
#include "trident/run/process_health.h"

#include <utility>

#include "base/limits.h"
#include "trident/run/process_end.h"

namespace trident {

Status ProcessHealth::Serve(const std::string& program, const std::string& address) {
  if (address.empty()) return absl::OkStatus();
  TRIDENT_ASSIGN_OR_RETURN(server_, ProbeServer::Start(address, kProbeRequestMsMax * kMillisecond,
                                                       {.live = [this] { return Live(); },
                                                        .ready = [this] { return Ready(); }}));
  Say(program, "answers probes on " + server_->address());
  return absl::OkStatus();
}

void ProcessHealth::Looked(Health ready) {
  MutexLock lock(mutex_);
  ready_ = std::move(ready);
  look_again_ = clock_.MonotonicNanos() + kLookPatience;
}

void ProcessHealth::Ends() {
  MutexLock lock(mutex_);
  if (!live_.ok) return;
  ready_ = {.ok = false, .why = "ends"};
  look_again_ = 0;
}

void ProcessHealth::Failed() {
  MutexLock lock(mutex_);
  live_ = ready_ = {.ok = false, .why = "failed; its log says why"};
}

Health ProcessHealth::Live() const {
  MutexLock lock(mutex_);
  if (live_.ok && look_again_ != 0 && clock_.MonotonicNanos() > look_again_) {
    return {.ok = false, .why = "does not look after its topology"};
  }
  return live_;
}

Health ProcessHealth::Ready() const {
  const Health live = Live();
  MutexLock lock(mutex_);
  return live.ok ? ready_ : live;
}

}  // namespace trident
