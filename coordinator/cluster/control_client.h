// SPDX-License-Identifier: Apache-2.0
//
// ControlClient: a worker's end of its control stream. It dials the leader, and dials again
// whenever the stream is lost, until it is stopped.
#ifndef TRIDENT_COORDINATOR_CLUSTER_CONTROL_CLIENT_H_
#define TRIDENT_COORDINATOR_CLUSTER_CONTROL_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/ports/tls_files.h"
#include "base/status.h"
#include "coordinator/cluster/control_timing.h"
#include "coordinator/cluster/control_words.h"

namespace trident {

struct ControlClientOptions {
  std::string leader;  // "host:port"
  std::string token = "";
  std::optional<TlsContent> tls = std::nullopt;  // as the leader has it
  WorkerHello hello;                             // incarnation at least 1
  ControlTiming timing = {};
  // What may wait for a leader that does not read; with more the stream ends.
  int64_t queue_bytes_max = kControlQueueBytesMax;
};

// All are called on the client's own thread, one after the other, and must not block. They may call
// Tell, and not Stop. on_open and on_gone alternate.
struct ControlClientEvents {
  // The leader has let this worker in, and Tell reaches it.
  std::function<void()> on_open = nullptr;
  // What it says, in its order; at least one word.
  std::function<void(std::vector<LeaderWord> words)> on_words;
  // The stream has ended, and why; the next one is being dialled.
  std::function<void(const Status& cause)> on_gone;
  // The leader did not let this worker in, and why. It is asked again, ever later up to
  // kControlRedialMsMax.
  std::function<void(const Status& cause)> on_refused = nullptr;
};

// Thread-safe but for Stop. Says in the log, at most every kControlComplaintMs, for whom it waits.
class ControlClient {
 public:
  // Dials from now on; whether anybody is there shows later.
  ControlClient(const ControlClientOptions& options, ControlClientEvents events);
  ~ControlClient();  // Stop()
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  // Never blocks. Words told by one thread arrive in their order. Dropped while there is no stream:
  // the leader asks again for what it needs, because an epoch ends with its stream.
  void Tell(const WorkerWord& word);

  // Ends the stream; the leader sees a worker that is gone. No event comes any more when this
  // returns, and none tells of this end. Idempotent; one thread, none of the events'.
  void Stop();

 private:
  class Dialler;  // everything of gRPC

  std::unique_ptr<Dialler> dialler_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_CONTROL_CLIENT_H_
