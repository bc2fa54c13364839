// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/drpc_function.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "base/limits.h"

namespace trident {
namespace {

int64_t BytesOf(const DrpcPending& request) { return static_cast<int64_t>(request.args.size()); }

std::string Milliseconds(Nanos nanos) { return Concat(nanos / kMillisecond, " ms"); }

}  // namespace

void RecentDurations::Add(Nanos duration) { last_[count_++ % last_.size()] = duration; }

Nanos RecentDurations::Least() const {
  if (count_ == 0) return 0;
  return *std::min_element(last_.begin(), last_.begin() + std::min(count_, last_.size()));
}

Nanos RecentDurations::Greatest() const {
  if (count_ == 0) return std::numeric_limits<Nanos>::max();
  return *std::max_element(last_.begin(), last_.begin() + std::min(count_, last_.size()));
}

DrpcFunction::DrpcFunction(std::string name, std::unique_ptr<RequestHandler> handler,
                           const Clock& clock, const DrpcOptions& options)
    : name_(std::move(name)), first_(std::move(handler)), clock_(clock), options_(options) {
  MutexLock lock(mutex_);
  free_.push_back(first_.get());
  threads_.emplace_back([this] { Serve(); });
  ++idle_threads_;
}

DrpcFunction::~DrpcFunction() { Shutdown(); }

Status DrpcFunction::Admit(const DrpcPending& request) {
  if (stopped_) {
    return Unavailable("DRPC function '", name_,
                       "' takes no more requests: the topology is stopping");
  }
  const auto waiting = static_cast<int64_t>(queue_.size());
  if (waiting >= options_.queue_max ||
      (waiting > 0 && queue_bytes_ + BytesOf(request) > options_.queue_bytes_max)) {
    ++counters_.refused;
    return ResourceExhausted("the queue of DRPC function '", name_, "' is full: ", waiting,
                             " requests (", queue_bytes_, " bytes) wait, at most ",
                             options_.queue_max, " (", options_.queue_bytes_max,
                             " bytes) may; call again in a moment, or keep fewer calls open");
  }
  return {};
}

void DrpcFunction::Enqueue(const DrpcPendingPtr& request) {
  request->phase = DrpcPending::Phase::kWaiting;
  request->place = queue_.insert(queue_.end(), request);
  queue_bytes_ += BytesOf(*request);
}

void DrpcFunction::Remove(DrpcPending& request) {
  request.phase = DrpcPending::Phase::kTaken;
  queue_bytes_ -= BytesOf(request);
  queue_.erase(request.place);
}

bool DrpcFunction::MayRunHere(CallerThread caller) const {
  if (!running_.empty() || !queue_.empty()) return false;
  return caller == CallerThread::kWaits ||
         (!options_.functions_wait && recent_.Greatest() <= kDrpcInlineMicrosMax * kMicrosecond);
}

Nanos DrpcFunction::TurnIn() const {
  constexpr Nanos kNever = std::numeric_limits<Nanos>::max();
  if (running_.empty()) return 0;
  if (free_.empty() && (!makes_others_ || others_.size() + 1 >= kDrpcBatchesAtOnceMax)) {
    return kNever;
  }
  const Nanos since = clock_.MonotonicNanos() - running_.back().since;
  return std::max<Nanos>(kDrpcSlowMicros * kMicrosecond - since, 0);
}

DrpcFunction::RunningPlace DrpcFunction::Occupy(Batch batch, Running::By by) {
  RequestHandler* const handler = free_.back();
  free_.pop_back();
  return running_.insert(running_.end(), {handler, clock_.MonotonicNanos(), std::move(batch), by});
}

// One thread is always idle while there may be more to begin.
void DrpcFunction::AddThreadIfNeeded() {
  if (stopped_ || idle_threads_ > 0 || TurnIn() == std::numeric_limits<Nanos>::max()) return;
  try {
    threads_.emplace_back([this] { Serve(); });
    ++idle_threads_;
  } catch (const std::system_error&) {
    // What waits is taken when a batch ends.
  }
}

void DrpcFunction::Submit(const DrpcPendingPtr& request, CallerThread caller) {
  Status refused;
  std::optional<RunningPlace> here;
  if (clock_.MonotonicNanos() >= request->deadline) {
    refused = Expired(*request);
  }
  {
    MutexLock lock(mutex_);
    if (!refused.ok()) {
      ++counters_.expired;
    } else if (refused = Admit(*request); refused.ok()) {
      if (MayRunHere(caller)) {
        request->phase = DrpcPending::Phase::kTaken;
        here = Occupy({request}, Running::By::kCaller);
      } else {
        Enqueue(request);
        AddThreadIfNeeded();
        if (running_.empty() || !looks_at_the_time_) work_.NotifyOne();
      }
    }
  }
  if (!refused.ok()) {
    request->done(std::move(refused));
  } else if (here) {
    Run(*here);
  }
}

void DrpcFunction::Cancel(const DrpcPendingPtr& request) {
  request->cancelled.store(true, std::memory_order_relaxed);
  {
    MutexLock lock(mutex_);
    if (request->phase != DrpcPending::Phase::kWaiting) return;
    DrpcPendingPtr keep = request;
    Remove(*keep);
    ++counters_.expired;
  }
  request->done(absl::CancelledError("the caller cancelled the request before work on it began"));
}

DrpcFunctionStatus DrpcFunction::status() const {
  MutexLock lock(mutex_);
  DrpcFunctionStatus out = counters_;
  out.name = name_;
  out.waiting = static_cast<int64_t>(queue_.size());
  return out;
}

Nanos DrpcFunction::LongestUnderWay() const {
  MutexLock lock(mutex_);
  Nanos longest = 0;
  for (const Running& running : running_) {
    longest = std::max(longest, clock_.MonotonicNanos() - running.since);
  }
  return longest;
}

Nanos DrpcFunction::LongestAbandoned() const {
  MutexLock lock(mutex_);
  const Nanos now = clock_.MonotonicNanos();
  Nanos longest = 0;
  for (const Running& running : running_) {
    if (IsAbandoned(running, now)) longest = std::max(longest, now - running.since);
  }
  return longest;
}

bool DrpcFunction::IsAbandoned(const Running& running, Nanos now) {
  return std::all_of(running.batch.begin(), running.batch.end(), [now](const DrpcPendingPtr& r) {
    return r->cancelled.load(std::memory_order_relaxed) || r->deadline <= now;
  });
}

void DrpcFunction::Stop() {
  std::list<DrpcPendingPtr> waiting;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    for (const DrpcPendingPtr& request : queue_) request->phase = DrpcPending::Phase::kTaken;
    waiting.swap(queue_);
    queue_bytes_ = 0;
    for (const Running& running : running_) {
      for (const DrpcPendingPtr& request : running.batch) {
        request->cancelled.store(true, std::memory_order_relaxed);
      }
    }
    work_.NotifyAll();
  }
  for (const DrpcPendingPtr& request : waiting) {
    request->done(Unavailable("DRPC function '", name_,
                              "' did not begin work on the request: the topology is stopping"));
  }
}

void DrpcFunction::Shutdown() {
  Stop();
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  MutexLock lock(mutex_);
  while (!running_.empty()) idle_.Wait(mutex_);
}

void DrpcFunction::Take(Batch& batch, Batch& expired) {
  const Nanos now = clock_.MonotonicNanos();
  const Nanos needed = recent_.Least();
  const auto batch_max = static_cast<size_t>(options_.batch_max);
  std::vector<DrpcPending*> late;  // not expired, but nothing recent was fast enough for them
  for (auto it = queue_.begin(); it != queue_.end() && batch.size() < batch_max;) {
    DrpcPendingPtr request = *it++;
    if (request->deadline <= now) {
      expired.push_back(request);
      Remove(*request);
    } else if (request->deadline - now < needed) {
      late.push_back(request.get());
    } else {
      batch.push_back(request);
      Remove(*request);
    }
  }
  // When all are late the newest are tried, or one slow batch would keep the function from ever
  // being measured again.
  const bool all_late = batch.empty();
  while (all_late && !late.empty() && batch.size() < batch_max) {
    batch.push_back(*late.back()->place);
    Remove(*late.back());
    late.pop_back();
  }
  for (DrpcPending* request : late) {
    expired.push_back(*request->place);
    Remove(*request);
  }
  counters_.expired += expired.size();
}

void DrpcFunction::Serve() {
  while (true) {
    Batch expired;
    std::optional<RunningPlace> mine;
    {
      MutexLock lock(mutex_);
      if (!AwaitTurn()) return;
      Batch batch;
      Take(batch, expired);
      --idle_threads_;
      if (!batch.empty()) mine = Occupy(std::move(batch), Running::By::kThread);
      if (!queue_.empty()) AddThreadIfNeeded();
    }
    for (const DrpcPendingPtr& request : expired) request->done(Expired(*request));
    if (mine) Run(*mine);
    MutexLock lock(mutex_);
    ++idle_threads_;
  }
}

// True if something waits and a batch may begin, with a handler for it; false when it is over.
bool DrpcFunction::AwaitTurn() {
  while (!stopped_) {
    const Nanos wait = queue_.empty() ? std::numeric_limits<Nanos>::max() : TurnIn();
    if (wait == 0 && HasHandler()) break;
    if (wait == 0) continue;  // it was found that there is no other
    if (wait == std::numeric_limits<Nanos>::max() || looks_at_the_time_) {
      work_.Wait(mutex_);
    } else {
      looks_at_the_time_ = true;
      work_.WaitFor(mutex_, wait);
      looks_at_the_time_ = false;
    }
  }
  return !stopped_;
}

bool DrpcFunction::HasHandler() {
  if (!free_.empty()) return true;
  std::unique_ptr<RequestHandler> other = first_->Another();
  makes_others_ = other != nullptr;
  if (!makes_others_) return false;
  free_.push_back(other.get());
  others_.push_back(std::move(other));
  return true;
}

void DrpcFunction::Run(RunningPlace running) {
  std::vector<DrpcResult> results = Execute(*running);
  // The next batch may begin while the answers of this one are handed out.
  const Batch batch = Release(running);
  for (size_t i = 0; i < batch.size(); ++i) batch[i]->done(std::move(results[i]));
}

DrpcFunction::Batch DrpcFunction::Release(RunningPlace running) {
  MutexLock lock(mutex_);
  recent_.Add(clock_.MonotonicNanos() - running->since);
  counters_.answered += running->batch.size();
  ++counters_.batches;
  free_.push_back(running->handler);
  Batch batch = std::move(running->batch);
  // A thread of ours takes what waits itself.
  const bool wakes = running->by == Running::By::kCaller && !queue_.empty();
  running_.erase(running);
  if (wakes) work_.NotifyOne();
  if (stopped_) idle_.NotifyAll();
  return batch;
}

std::vector<DrpcResult> DrpcFunction::Execute(const Running& running) {
  RequestHandler& handler = *running.handler;
  const Batch& batch = running.batch;
  std::vector<DrpcRequest> requests;
  requests.reserve(batch.size());
  for (const DrpcPendingPtr& request : batch) {
    requests.push_back({request->args, request->deadline, &request->cancelled});
  }
  std::vector<DrpcResult> results;
  if (requests.size() == 1) {
    results.push_back(ExecuteAlone(handler, requests.front()));
    return results;
  }
  Status failure;
  const bool together = ExecuteTogether(handler, requests, results, failure);
  if (!together) results.assign(batch.size(), DrpcResult(failure));
  for (size_t i = 0; i < batch.size(); ++i) {
    const bool retry = !together || absl::IsAborted(results[i].status());
    if (!retry) continue;
    results[i] = clock_.MonotonicNanos() < requests[i].deadline ? ExecuteAlone(handler, requests[i])
                                                                : DrpcResult(Expired(*batch[i]));
  }
  return results;
}

bool DrpcFunction::ExecuteTogether(RequestHandler& handler, std::span<const DrpcRequest> requests,
                                   std::vector<DrpcResult>& results, Status& failure) {
  results.assign(requests.size(), DrpcResult(Internal("the handler gave no answer")));
  try {
    handler.Execute(requests, results);
  } catch (const std::exception& e) {
    failure = Aborted("DRPC function '", name_, "' failed: ", std::string(e.what()));
    return false;
  } catch (...) {
    failure =
        Aborted("DRPC function '", name_, "' failed: it threw something that is no std::exception");
    return false;
  }
  if (results.size() == requests.size()) return true;
  failure = Internal("DRPC function '", name_, "' gave ", results.size(), " answers to ",
                     requests.size(), " requests");
  return false;
}

DrpcResult DrpcFunction::ExecuteAlone(RequestHandler& handler, const DrpcRequest& request) {
  std::vector<DrpcResult> results;
  Status failure;
  if (!ExecuteTogether(handler, {&request, 1}, results, failure)) return failure;
  return std::move(results.front());
}

Status DrpcFunction::Expired(const DrpcPending& request) const {
  const Nanos left = request.deadline - clock_.MonotonicNanos();
  if (left > 0) {
    return DeadlineExceeded("DRPC function '", name_, "' is too busy to answer in the ",
                            Milliseconds(left),
                            " that the request has left; allow more time, or call again later");
  }
  return DeadlineExceeded("DRPC function '", name_,
                          "' did not begin work on the request before its deadline, ",
                          Milliseconds(-left), " ago; allow more time, or call again later");
}

}  // namespace trident
