// SPDX-License-Identifier: Apache-2.0
//
// One DRPC function: its queue, the thread that serves it, and the rule by which waiting requests
// become batches. Private to DrpcServer.
#ifndef TRIDENT_COORDINATOR_SERVE_DRPC_FUNCTION_H_
#define TRIDENT_COORDINATOR_SERVE_DRPC_FUNCTION_H_

#include <array>
#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordinator/serve/drpc_server.h"
#include "coordinator/serve/request_handler.h"

namespace trident {

// One call. Shared by the function, while it waits or runs, and by the caller's ticket.
struct DrpcPending {
  std::string args;
  Nanos deadline = 0;
  DrpcCallback done;
  std::atomic<bool> cancelled{false};

  // Guarded by the function's mutex.
  enum class Phase { kNew, kWaiting, kTaken } phase = Phase::kNew;
  std::list<std::shared_ptr<DrpcPending>>::iterator place;  // while it waits
};
using DrpcPendingPtr = std::shared_ptr<DrpcPending>;

// How long the last batches took.
class RecentDurations {
 public:
  void Add(Nanos duration);
  // 0 before the first.
  Nanos Least() const;
  // The greatest possible value before the first: what is unknown counts as slow.
  Nanos Greatest() const;

 private:
  std::array<Nanos, 8> last_{};
  size_t count_ = 0;
};

// What the thread that brings a request is for.
enum class CallerThread {
  kWaits,       // for this answer: it may as well compute it
  kServesMany,  // of the network: it computes only what is known to be short
};

// Thread-safe.
class DrpcFunction {
 public:
  // `clock` must outlive the function.
  DrpcFunction(std::string name, std::unique_ptr<RequestHandler> handler, const Clock& clock,
               const DrpcOptions& options);
  ~DrpcFunction();  // REQUIRES: Shutdown() was called

  const std::string& name() const { return name_; }

  // `request.done` is called exactly once from now on.
  void Submit(const DrpcPendingPtr& request, CallerThread caller);
  // See DrpcTicket::Cancel.
  void Cancel(const DrpcPendingPtr& request);
  DrpcFunctionStatus status() const;
  // See DrpcServer::Shutdown. Idempotent; not to be called from a callback.
  void Shutdown();

 private:
  using Batch = std::vector<DrpcPendingPtr>;

  // Why `request` is not let in; ok when it is.
  Status Admit(const DrpcPending& request) TRIDENT_REQUIRES(mutex_);
  void Enqueue(const DrpcPendingPtr& request) TRIDENT_REQUIRES(mutex_);
  void Remove(DrpcPending& request) TRIDENT_REQUIRES(mutex_);
  bool MayRunHere(CallerThread caller) const TRIDENT_REQUIRES(mutex_);
  // Moves what is to be executed next into `batch` and what is past saving into `expired`.
  void Take(Batch& batch, Batch& expired) TRIDENT_REQUIRES(mutex_);

  void Serve();  // the thread
  void Run(const Batch& batch);
  void Release(Nanos took, size_t requests);

  std::vector<DrpcResult> Execute(const Batch& batch);
  // False when the handler threw or broke its contract; `failure` says how.
  bool ExecuteTogether(std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results,
                       Status& failure);
  DrpcResult ExecuteAlone(const DrpcRequest& request);
  Status Expired(const DrpcPending& request) const;

  // Constant after construction.
  const std::string name_;
  const std::unique_ptr<RequestHandler> handler_;  // used by whoever set busy_
  const Clock& clock_;
  const DrpcOptions options_;

  mutable Mutex mutex_;
  CondVar work_;  // for the thread: there is something to take, or it is over
  CondVar idle_;  // for Shutdown: busy_ became false
  std::list<DrpcPendingPtr> queue_ TRIDENT_GUARDED_BY(mutex_);  // in order of arrival
  int64_t queue_bytes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  bool busy_ TRIDENT_GUARDED_BY(mutex_) = false;  // someone executes a batch
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
  RecentDurations recent_ TRIDENT_GUARDED_BY(mutex_);
  DrpcFunctionStatus counters_ TRIDENT_GUARDED_BY(mutex_);
  std::thread thread_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_DRPC_FUNCTION_H_
