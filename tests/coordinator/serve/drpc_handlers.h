// SPDX-License-Identifier: Apache-2.0
//
// DRPC handlers that tests can hold, watch and break.
#ifndef TRIDENT_TESTS_COORDINATOR_SERVE_DRPC_HANDLERS_H_
#define TRIDENT_TESTS_COORDINATOR_SERVE_DRPC_HANDLERS_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordinator/serve/drpc_server.h"

namespace trident {

// Stands still until told.
class SteppedClock final : public Clock {
 public:
  Nanos MonotonicNanos() const override { return now_.load(); }
  Nanos WallNanos() const override { return now_.load(); }
  void Advance(Nanos by) { now_ += by; }

 private:
  std::atomic<Nanos> now_{1'000 * kSecond};
};

// An answer of one row with one text.
inline DrpcAnswer AnswerOf(std::string text, uint64_t txid = 7) {
  static const auto fields =
      std::make_shared<const std::vector<std::string>>(std::vector<std::string>{"answer"});
  DrpcAnswer answer{.fields = fields, .rows = {}, .txid = TxId(txid)};
  answer.rows.push_back({Datum{std::move(text)}});
  return answer;
}

inline std::string TextOf(const DrpcResult& result) {
  if (!result.ok()) return result.status().ToString();
  return std::get<std::string>(result->rows.at(0).at(0).value);
}

// What a HeldHandler saw, and the gate in front of it. Thread-safe.
class HandlerControl {
 public:
  // Called for each batch before it is answered, without a lock.
  using Answer = std::function<void(std::span<const DrpcRequest>, std::vector<DrpcResult>&)>;

  void Close() {
    MutexLock lock(mutex_);
    open_ = false;
  }
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }
  // Until that many batches came to the gate, over the whole life.
  void AwaitBatches(size_t n) {
    MutexLock lock(mutex_);
    while (batches_.size() < n) changed_.Wait(mutex_);
  }
  std::vector<std::vector<std::string>> batches() const {
    MutexLock lock(mutex_);
    return batches_;
  }
  std::vector<std::thread::id> threads() const {
    MutexLock lock(mutex_);
    return threads_;
  }
  void Pass(std::span<const DrpcRequest> requests) {
    MutexLock lock(mutex_);
    std::vector<std::string> args;
    for (const DrpcRequest& request : requests) args.emplace_back(request.args);
    batches_.push_back(std::move(args));
    threads_.push_back(std::this_thread::get_id());
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mutex_);
  }

  Answer answer;  // absent: each request is answered with its arguments. Set before the first call

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  bool open_ TRIDENT_GUARDED_BY(mutex_) = true;
  std::vector<std::vector<std::string>> batches_ TRIDENT_GUARDED_BY(mutex_);
  std::vector<std::thread::id> threads_ TRIDENT_GUARDED_BY(mutex_);
};

class HeldHandler final : public RequestHandler {
 public:
  explicit HeldHandler(HandlerControl& control) : control_(control) {}
  void Execute(std::span<const DrpcRequest> requests, std::vector<DrpcResult>& results) override {
    control_.Pass(requests);
    if (control_.answer) return control_.answer(requests, results);
    for (size_t i = 0; i < requests.size(); ++i)
      results[i] = AnswerOf(std::string(requests[i].args));
  }

 private:
  HandlerControl& control_;
};

// Collects answers of CallAsync. Thread-safe; outlives the calls.
class Answers {
 public:
  DrpcCallback Slot() {
    MutexLock lock(mutex_);
    const size_t index = results_.size();
    results_.emplace_back();
    return [this, index](DrpcResult result) {
      MutexLock lock(mutex_);
      results_[index].push_back(std::move(result));
      ++count_;
      changed_.NotifyAll();
    };
  }
  void Await(size_t n) {
    MutexLock lock(mutex_);
    while (count_ < n) changed_.Wait(mutex_);
  }
  size_t count() const {
    MutexLock lock(mutex_);
    return count_;
  }
  // How often slot i was called, and with what first.
  size_t Calls(size_t i) const {
    MutexLock lock(mutex_);
    return results_[i].size();
  }
  DrpcResult Get(size_t i) const {
    MutexLock lock(mutex_);
    return results_[i].at(0);
  }
  size_t CountOf(StatusCode code) const {
    MutexLock lock(mutex_);
    size_t n = 0;
    for (const auto& slot : results_) n += !slot.empty() && slot[0].status().code() == code;
    return n;
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<std::vector<DrpcResult>> results_ TRIDENT_GUARDED_BY(mutex_);
  size_t count_ TRIDENT_GUARDED_BY(mutex_) = 0;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_COORDINATOR_SERVE_DRPC_HANDLERS_H_
