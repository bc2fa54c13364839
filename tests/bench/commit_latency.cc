// SPDX-License-Identifier: Apache-2.0
//
// commit_latency: from Append to durable and visible, at a steady 1,000 events a second, each of
// them a sentence that is appended by itself. batch_age: the same load with each age, and what it
// costs; its baseline is the age of 0.
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/fsync_baseline.h"
#include "tests/bench/word_count_run.h"
#include "trident/run/run.h"
#include "trident/spouts/feeder_spout.h"

namespace trident::bench {
namespace {

constexpr Nanos kInterval = kMillisecond;
constexpr uint64_t kWarmupEvents = 100;
constexpr uint64_t kEvents = 1000;
constexpr uint64_t kFsyncs = 500;

using Feeder = FeederSpout<Text>;

struct Event {
  Nanos appended = 0;
  AppendTicket ticket;
};

void SleepUntil(Nanos when) {
  const Nanos left = when - RealClock().MonotonicNanos();
  if (left > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(left));
}

// Appends at a steady pace, whatever becomes of what was appended before, while a second thread
// waits for one event after the other, as a program would.
class SteadyLoad {
 public:
  explicit SteadyLoad(Feeder& feeder) : feeder_(feeder), events_(kWarmupEvents + kEvents) {}

  // In microseconds, in order of the events.
  StatusOr<std::vector<double>> Latencies() {
    std::thread waiter([this] { AwaitAll(); });
    const Status status = AppendAll();
    waiter.join();
    TRIDENT_RETURN_IF_ERROR(status);
    return micros_;
  }

 private:
  Status AppendAll() {
    Nanos due = RealClock().MonotonicNanos();
    for (size_t i = 0; i < events_.size(); ++i, due += kInterval) {
      SleepUntil(due);
      events_[i].appended = RealClock().MonotonicNanos();
      StatusOr<AppendTicket> ticket = feeder_.Append({{"the cow jumped over the moon"}});
      if (!ticket.ok()) {
        Tell(kFailed);
        return ticket.status();
      }
      events_[i].ticket = *std::move(ticket);
      Tell(i + 1);
    }
    return absl::OkStatus();
  }
  void Tell(size_t appended) {
    MutexLock lock(mutex_);
    appended_ = appended;
    more_.NotifyAll();
  }
  // False when there will be no such event.
  bool AwaitAppended(size_t i) {
    MutexLock lock(mutex_);
    while (appended_ <= i) more_.Wait(mutex_);
    return appended_ != kFailed;
  }
  void AwaitAll() {
    for (size_t i = 0; i < events_.size() && AwaitAppended(i); ++i) {
      const StatusOr<TxId> txid = events_[i].ticket.Wait();
      const Nanos latency = RealClock().MonotonicNanos() - events_[i].appended;
      if (i < kWarmupEvents || !txid.ok()) continue;
      micros_.push_back(static_cast<double>(latency) / kMicrosecond);
    }
  }

  static constexpr size_t kFailed = ~size_t{0};
  Feeder& feeder_;
  std::vector<Event> events_;   // each written before it is told, then read by the waiter alone
  std::vector<double> micros_;  // the waiter's
  Mutex mutex_;
  CondVar more_;
  size_t appended_ TRIDENT_GUARDED_BY(mutex_) = 0;
};

std::vector<double> Percentiles(const std::vector<double>& micros) {
  return {Quantile(micros, 0.5), Quantile(micros, 0.99)};
}

// The percentiles; CPU in parts of a core, with the loop that appends; batches a second.
StatusOr<std::vector<double>> EngineSide(const Bench& bench, Nanos batch_age) {
  const ScratchDir dir(bench.settings());
  TRIDENT_ASSIGN_OR_RETURN(const std::shared_ptr<Feeder> feeder, Feeder::Make(Fields(kSentence)));
  TRIDENT_ASSIGN_OR_RETURN(
      const std::unique_ptr<Run> run,
      Run::Start(WordCount(feeder), {.state_dir = dir.File("state"), .batch_age = batch_age}));
  const Stopwatch watch;
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<double> micros, SteadyLoad(*feeder).Latencies());
  const Usage usage = watch.Elapsed();
  if (micros.size() != kEvents) return Internal("not every event was committed");
  std::vector<double> values = Percentiles(micros);
  values.push_back(usage.cpu_s / usage.wall_s);
  values.push_back(static_cast<double>(run->progress().front().batches) / usage.wall_s);
  return values;
}

StatusOr<std::vector<double>> FsyncSide(const Bench& bench) {
  const ScratchDir dir(bench.settings());
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<double> micros,
                           MeasureFsync(dir.File("file"), kFsyncs));
  return Percentiles(micros);
}

}  // namespace

Status CommitLatency(const Bench& bench) {
  TRIDENT_ASSIGN_OR_RETURN(
      const auto samples,
      bench.InTurn({[&] { return FsyncSide(bench); }, [&] { return EngineSide(bench, 0); }}));
  bench.Add({.metric = "p50 from Append to visible, of fsync p50",
             .value = samples[1][0],
             .unit = "us",
             .baseline = samples[0][0],
             .goal = Goal::RatioAtMost(4)});
  bench.Add({.metric = "p99 from Append to visible, of fsync p99",
             .value = samples[1][1],
             .unit = "us",
             .baseline = samples[0][1],
             .goal = Goal::ValueAtMost(10'000)});
  return absl::OkStatus();
}

Status BatchAge(const Bench& bench) {
  constexpr Nanos kAges[] = {0, kMillisecond, 5 * kMillisecond, 20 * kMillisecond,
                             100 * kMillisecond};
  std::vector<Bench::Side> sides;
  for (const Nanos age : kAges) sides.push_back([&, age] { return EngineSide(bench, age); });
  TRIDENT_ASSIGN_OR_RETURN(const auto samples, bench.InTurn(sides));
  for (size_t i = 0; i < sides.size(); ++i) {
    const std::string age = Concat("age ", kAges[i] / kMillisecond, " ms: ");
    const auto add = [&](const char* what, size_t value, const char* unit) {
      bench.Add({.metric = age + what,
                 .value = samples[i][value],
                 .unit = unit,
                 .baseline = samples[0][value]});
    };
    add("p50 from Append to visible", 0, "us");
    add("processor time", 2, "cores");
    add("batches a second", 3, "1/s");
  }
  return absl::OkStatus();
}

}  // namespace trident::bench
