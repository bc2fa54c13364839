// SPDX-License-Identifier: Apache-2.0
//
// One DRPC function: its queue, the threads that serve it, and the rule by which waiting requests
// become batches. Private to DrpcServer.
//
// One batch at a time is executed while batches are quick. When the last one that began has been
// going on for kDrpcSlowMicros, what waits begins beside it, in another handler, up to
// kDrpcBatchesAtOnceMax batches.
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
  // Shutdown without the wait: nothing begins any more, and what is executed ends before its next
  // step. Idempotent.
  void Stop();
  // How long the batch that has been executed for longest has been; 0: none is.
  Nanos LongestUnderWay() const;
  // The same, of the batches of which no request is waited for any more. They end before their next
  // step; one that does not is in a call that does not return.
  Nanos LongestAbandoned() const;

 private:
  using Batch = std::vector<DrpcPendingPtr>;
  // A batch that is being executed, or about to be.
  struct Running {
    RequestHandler* handler = nullptr;
    Nanos since = 0;
    Batch batch;
    enum class By : uint8_t { kCaller, kThread } by = By::kThread;
  };
  using RunningPlace = std::list<Running>::iterator;

  // Why `request` is not let in; ok when it is.
  Status Admit(const DrpcPending& request) TRIDENT_REQUIRES(mutex_);
  void Enqueue(const DrpcPendingPtr& request) TRIDENT_REQUIRES(mutex_);
  void Remove(DrpcPending& request) TRIDENT_REQUIRES(mutex_);
  bool MayRunHere(CallerThread caller) const TRIDENT_REQUIRES(mutex_);
  // How long what waits has still to wait before a batch of it may begin; the greatest possible
  // value if only the end of another batch can change that.
  Nanos TurnIn() const TRIDENT_REQUIRES(mutex_);
  // Takes a handler for a batch, the place of which is then known as running.
  static bool IsAbandoned(const Running& running, Nanos now);
  RunningPlace Occupy(Batch batch, Running::By by) TRIDENT_REQUIRES(mutex_);
  void AddThreadIfNeeded() TRIDENT_REQUIRES(mutex_);
  // Moves what is to be executed next into `batch` and what is past saving into `expired`.
  void Take(Batch& batch, Batch& expired) TRIDENT_REQUIRES(mutex_);

  void Serve();  // a thread
  bool AwaitTurn() TRIDENT_REQUIRES(mutex_);
  // Makes one if none is free.
  bool HasHandler() TRIDENT_REQUIRES(mutex_);
  void Run(RunningPlace running);
  Batch Release(RunningPlace running);

  std::vector<DrpcResult> Execute(const Running& running);
  // False when the handler threw or broke its contract; `failure` says how.
  bool ExecuteTogether(RequestHandler& handler, std::span<const DrpcRequest> requests,
                       std::vector<DrpcResult>& results, Status& failure);
  DrpcResult ExecuteAlone(RequestHandler& handler, const DrpcRequest& request);
  Status Expired(const DrpcPending& request) const;

  // Constant after construction.
  const std::string name_;
  const std::unique_ptr<RequestHandler> first_;  // whose others are made when they are needed
  const Clock& clock_;
  const DrpcOptions options_;

  mutable Mutex mutex_;
  CondVar work_;  // for the threads: there is something to take, or it is over
  CondVar idle_;  // for Shutdown: nothing runs any more
  std::list<DrpcPendingPtr> queue_ TRIDENT_GUARDED_BY(mutex_);  // in order of arrival
  int64_t queue_bytes_ TRIDENT_GUARDED_BY(mutex_) = 0;
  std::list<Running> running_ TRIDENT_GUARDED_BY(mutex_);  // the last one began last
  std::vector<RequestHandler*> free_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<RequestHandler>> others_ TRIDENT_GUARDED_BY(mutex_);
  bool makes_others_ TRIDENT_GUARDED_BY(mutex_) = true;  // until the first cannot
  size_t idle_threads_ TRIDENT_GUARDED_BY(mutex_) = 0;
  bool looks_at_the_time_ TRIDENT_GUARDED_BY(mutex_) = false;  // an idle thread does
  bool stopped_ TRIDENT_GUARDED_BY(mutex_) = false;
  RecentDurations recent_ TRIDENT_GUARDED_BY(mutex_);
  DrpcFunctionStatus counters_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ TRIDENT_GUARDED_BY(mutex_);
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_DRPC_FUNCTION_H_
