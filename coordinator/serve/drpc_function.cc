// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/drpc_function.h"

#include <algorithm>
#include <exception>
#include <limits>
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
    : name_(std::move(name)), handler_(std::move(handler)), clock_(clock), options_(options) {
  thread_ = std::thread([this] { Serve(); });
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
  if (busy_ || !queue_.empty()) return false;
  return caller == CallerThread::kWaits ||
         recent_.Greatest() <= kDrpcInlineMicrosMax * kMicrosecond;
}

void DrpcFunction::Submit(const DrpcPendingPtr& request, CallerThread caller) {
  Status refused;
  bool run_here = false;
  if (clock_.MonotonicNanos() >= request->deadline) {
    refused = Expired(*request);
  }
  {
    MutexLock lock(mutex_);
    if (!refused.ok()) {
      ++counters_.expired;
    } else if (refused = Admit(*request); refused.ok()) {
      run_here = MayRunHere(caller);
      if (run_here) {
        request->phase = DrpcPending::Phase::kTaken;
        busy_ = true;
      } else {
        Enqueue(request);
        if (!busy_) work_.NotifyOne();
      }
    }
  }
  if (!refused.ok()) {
    request->done(std::move(refused));
  } else if (run_here) {
    Run({request});
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

void DrpcFunction::Shutdown() {
  std::list<DrpcPendingPtr> waiting;
  std::thread thread;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    thread.swap(thread_);
    for (const DrpcPendingPtr& request : queue_) request->phase = DrpcPending::Phase::kTaken;
    waiting.swap(queue_);
    queue_bytes_ = 0;
    work_.NotifyOne();
  }
  for (const DrpcPendingPtr& request : waiting) {
    request->done(Unavailable("DRPC function '", name_,
                              "' did not begin work on the request: the topology is stopping"));
  }
  if (thread.joinable()) thread.join();
  MutexLock lock(mutex_);
  while (busy_) idle_.Wait(mutex_);
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
    Batch batch, expired;
    {
      MutexLock lock(mutex_);
      while (!stopped_ && (busy_ || queue_.empty())) work_.Wait(mutex_);
      if (stopped_) return;
      Take(batch, expired);
      busy_ = !batch.empty();
    }
    for (const DrpcPendingPtr& request : expired) request->done(Expired(*request));
    if (!batch.empty()) Run(batch);
  }
}

void DrpcFunction::Run(const Batch& batch) {
  const Nanos start = clock_.MonotonicNanos();
  std::vector<DrpcResult> results = Execute(batch);
  // The next batch may begin while the answers of this one are handed out.
  Release(clock_.MonotonicNanos() - start, batch.size());
  for (size_t i = 0; i < batch.size(); ++i) batch[i]->done(std::move(results[i]));
}

void DrpcFunction::Release(Nanos took, size_t requests) {
  MutexLock lock(mutex_);
  recent_.Add(took);
  counters_.answered += requests;
  ++counters_.batches;
  busy_ = false;
  if (!queue_.empty()) work_.NotifyOne();
  if (stopped_) idle_.NotifyAll();
}

std::vector<DrpcResult> DrpcFunction::Execute(const Batch& batch) {
  std::vector<DrpcRequest> requests;
  requests.reserve(batch.size());
  for (const DrpcPendingPtr& request : batch) {
    requests.push_back({request->args, request->deadline, &request->cancelled});
  }
  std::vector<DrpcResult> results;
  if (requests.size() == 1) {
    results.push_back(ExecuteAlone(requests.front()));
    return results;
  }
  Status failure;
  const bool together = ExecuteTogether(requests, results, failure);
  if (!together) results.assign(batch.size(), DrpcResult(failure));
  for (size_t i = 0; i < batch.size(); ++i) {
    const bool retry = !together || absl::IsAborted(results[i].status());
    if (!retry) continue;
    results[i] = clock_.MonotonicNanos() < requests[i].deadline ? ExecuteAlone(requests[i])
                                                                : DrpcResult(Expired(*batch[i]));
  }
  return results;
}

bool DrpcFunction::ExecuteTogether(std::span<const DrpcRequest> requests,
                                   std::vector<DrpcResult>& results, Status& failure) {
  results.assign(requests.size(), DrpcResult(Internal("the handler gave no answer")));
  try {
    handler_->Execute(requests, results);
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

DrpcResult DrpcFunction::ExecuteAlone(const DrpcRequest& request) {
  std::vector<DrpcResult> results;
  Status failure;
  if (!ExecuteTogether({&request, 1}, results, failure)) return failure;
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
