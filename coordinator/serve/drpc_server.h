// SPDX-License-Identifier: Apache-2.0
//
// DRPC: named functions, each with a bounded queue of requests and a handler that answers many at
// once. Whatever waits when the handler becomes free is taken together as one request batch, so a
// batch grows with the load and a lone request waits for nobody. A slow batch has others beside it:
// see drpc_function.h.
//
// Overload. A full queue refuses (ResourceExhausted). A request whose deadline passed, or whose
// caller left, is dropped before any work; one that cannot be answered in the time that it has
// left, by the fastest of the last batches, is dropped as well, so that under overload work goes
// only into answers that someone still waits for.
#ifndef TRIDENT_COORDINATOR_SERVE_DRPC_SERVER_H_
#define TRIDENT_COORDINATOR_SERVE_DRPC_SERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/status.h"
#include "coordinator/serve/request_handler.h"

namespace trident {

class DrpcFunction;
struct DrpcPending;

struct DrpcOptions {
  int64_t queue_max = kDrpcQueueMax;             // waiting requests of one function
  int64_t queue_bytes_max = kDrpcQueueBytesMax;  // of their arguments
  int64_t batch_max = kDrpcBatchRequestsMax;     // requests that are executed at once
  // Functions wait for other processes, so none is executed by a thread of the network.
  bool functions_wait = false;
};

// Counters of one function since it was added.
struct DrpcFunctionStatus {
  std::string name;
  int64_t waiting = 0;    // now
  uint64_t answered = 0;  // by the handler, with whatever outcome
  uint64_t batches = 0;   // that the handler was given
  uint64_t refused = 0;   // the queue was full
  uint64_t expired = 0;   // dropped before work: deadline passed, or cancelled
};

// A request on its way. Copyable; outliving the server is fine.
class DrpcTicket {
 public:
  DrpcTicket() = default;
  DrpcTicket(std::shared_ptr<DrpcFunction> function, std::shared_ptr<DrpcPending> pending);
  // Nobody waits for the answer any more. If the request still waits, its callback is called with
  // kCancelled before this returns; if it is being executed, its callback comes with the outcome;
  // after that nothing happens.
  void Cancel();

 private:
  std::shared_ptr<DrpcFunction> function_;
  std::shared_ptr<DrpcPending> pending_;
};

// Called exactly once, by the caller of CallAsync before that returns or by another thread. Must
// not block.
using DrpcCallback = std::function<void(DrpcResult)>;

// Thread-safe.
class DrpcServer {
 public:
  // `clock` must outlive the server.
  explicit DrpcServer(const Clock& clock, DrpcOptions options = {});
  ~DrpcServer();  // Shutdown()
  DrpcServer(const DrpcServer&) = delete;
  DrpcServer& operator=(const DrpcServer&) = delete;

  // From now on `function` can be called. AlreadyExists, or InvalidArgument for an empty name or
  // one longer than kFieldNameBytesMax.
  Status Register(std::string function, std::unique_ptr<RequestHandler> handler);

  // Waits for the answer, at most until `deadline` (Clock::MonotonicNanos()). NotFound names the
  // nearest function; ResourceExhausted, DeadlineExceeded, Unavailable (stopping) and
  // InvalidArgument (arguments over kDrpcArgumentBytesMax) as their names say; else what the
  // handler answered.
  DrpcResult Call(std::string_view function, std::string_view args, Nanos deadline);
  // The same without waiting.
  DrpcTicket CallAsync(std::string_view function, std::string_view args, Nanos deadline,
                       DrpcCallback done);

  // By name.
  std::vector<DrpcFunctionStatus> Functions() const;

  // Answers what waits with Unavailable, refuses what comes, and lets what is executed end before
  // its next step. Does not wait for that.
  void Stop();
  // Stop(), and returns when no handler runs.
  void Shutdown();
  // Functions whose handlers have been executing a batch for longer than that, each with how long.
  std::vector<std::pair<std::string, Nanos>> UnderWayFor(Nanos longer_than) const;
  // The same, of batches that nobody waits for any more.
  std::vector<std::pair<std::string, Nanos>> AbandonedFor(Nanos longer_than) const;

 private:
  StatusOr<std::shared_ptr<DrpcFunction>> Find(std::string_view function) const;
  std::vector<std::shared_ptr<DrpcFunction>> All() const;

  const Clock& clock_;
  const DrpcOptions options_;
  mutable Mutex mutex_;
  // A function is added and never removed.
  std::map<std::string, std::shared_ptr<DrpcFunction>, std::less<>> functions_
      TRIDENT_GUARDED_BY(mutex_);
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_DRPC_SERVER_H_
