// SPDX-License-Identifier: Apache-2.0
//
// What a DRPC function is to the server that queues its requests: a handler that answers many at
// once.
#ifndef TRIDENT_COORDINATOR_SERVE_REQUEST_HANDLER_H_
#define TRIDENT_COORDINATOR_SERVE_REQUEST_HANDLER_H_

#include <atomic>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "base/types.h"

namespace trident {

// One waiting call. Owns nothing; valid during Execute.
struct DrpcRequest {
  std::string_view args;
  // Of Clock::MonotonicNanos(); unless it is set, there is none.
  Nanos deadline = std::numeric_limits<Nanos>::max();
  // True once nobody waits for the answer any more; a handler may look at it between steps.
  const std::atomic<bool>* cancelled = nullptr;
};

struct DrpcAnswer {
  std::shared_ptr<const std::vector<std::string>> fields;  // names of the columns of `rows`
  std::vector<std::vector<Datum>> rows;
  // The committed cut that the rows were computed at. When the function reads several batch groups:
  // its txid in the first of them, in the order of the queries, that has committed anything; 0 when
  // none has.
  TxId txid;
};

using DrpcResult = StatusOr<DrpcAnswer>;

// True if nobody waits for any of the answers any more.
inline bool NobodyWaits(std::span<const DrpcRequest> requests, Nanos now) {
  for (const DrpcRequest& request : requests) {
    const bool left =
        request.cancelled != nullptr && request.cancelled->load(std::memory_order_relaxed);
    if (!left && now < request.deadline) return false;
  }
  return true;
}

// Answers the requests of one function. Execute is called by one thread at a time, not always the
// same one.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;

  // Another handler of the same function, which works beside this one. Null: there can be none, and
  // request batches go one after the other. Any thread may ask, also during Execute.
  virtual std::unique_ptr<RequestHandler> Another() const { return nullptr; }

  // Answers `requests`, all at one committed cut. `results` comes with one element for each
  // request, in their order, and must leave so. A handler that cannot tell which request is to
  // blame answers all of them with kAborted, or throws: each is then executed alone, so that one
  // bad request does not fail its neighbours.
  virtual void Execute(std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results) = 0;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_REQUEST_HANDLER_H_
