// SPDX-License-Identifier: Apache-2.0
//
// ControlServer: the leader's end of the control streams, one for each worker. Workers dial it.
#ifndef TRIDENT_COORDINATOR_CLUSTER_CONTROL_SERVER_H_
#define TRIDENT_COORDINATOR_CLUSTER_CONTROL_SERVER_H_

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

struct ControlServerOptions {
  // "host:port", as gRPC takes it; port 0 takes a free one.
  std::string address = "127.0.0.1:0";
  // Without it words travel in plain text, the token too: for an address that only processes of
  // this machine reach.
  std::optional<TlsContent> tls = std::nullopt;
  // A worker must bring the same; empty: none is asked for.
  std::string token = "";
  ControlTiming timing = {};
  // What may wait for a worker that does not read; with more its stream ends.
  int64_t queue_bytes_max = kControlQueueBytesMax;
};

// All are called on the server's own thread, one after the other, and must not block: words of all
// workers wait meanwhile. They may call Tell, and not Stop. A life of a worker may come several
// times, one stream after the other: on_open and on_gone alternate for each worker.
struct ControlServerEvents {
  // May this worker take part? A status that is not ok is told to it, and ends its stream. Asked
  // for each stream, when token, version and life were found right; an earlier stream of the worker
  // may still be there.
  std::function<Status(WorkerId worker, const WorkerHello& hello)> on_hello;
  // It was let in, and Tell reaches it. An earlier stream of it was told to be gone before.
  std::function<void(WorkerId worker, const WorkerHello& hello)> on_open = nullptr;
  // What it says, in its order; at least one word. A word in the name of another worker or life
  // never gets here.
  std::function<void(WorkerId worker, Incarnation incarnation, std::vector<WorkerWord> words)>
      on_words;
  // Its stream has ended, and why. Nothing more comes of that stream.
  std::function<void(WorkerId worker, Incarnation incarnation, const Status& cause)> on_gone;
};

// Counted since the start, but for `open`.
struct ControlServerCounts {
  int64_t open = 0;              // streams of workers that were let in
  int64_t refused_streams = 0;   // by token, version, life, on_hello, or their number
  int64_t refused_messages = 0;  // that cannot be, or speak for another; each ends a stream
  int64_t silent = 0;            // streams that ended because nothing was heard
  int64_t overflowed = 0;        // streams that ended because too much waited
};

// Thread-safe but for Stop. The life of a worker is never let in again once a later one was.
class ControlServer {
 public:
  // Listens when this returns. Unavailable: the address cannot be listened on.
  static StatusOr<std::unique_ptr<ControlServer>> Start(const ControlServerOptions& options,
                                                        ControlServerEvents events);
  ~ControlServer();  // Stop()

  // "host:port" with the port that was taken.
  const std::string& address() const;

  // Never blocks. Words told by one thread arrive in their order. Dropped when the worker has no
  // stream: who dials again is told anew, because an epoch ends with the stream.
  void Tell(WorkerId worker, const LeaderWord& word);

  ControlServerCounts counts() const;

  // Ends all streams; workers see a leader that is gone. No event comes any more when this returns,
  // and none tells of these ends. Idempotent; one thread, none of the events'.
  void Stop();

 private:
  class Port;  // everything of gRPC

  explicit ControlServer(std::unique_ptr<Port> port);

  std::unique_ptr<Port> port_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_CONTROL_SERVER_H_
