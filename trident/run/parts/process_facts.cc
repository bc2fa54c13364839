// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/process_facts.h"

#include <unistd.h>

#include <fstream>

namespace trident {
namespace {

constexpr Nanos kSampleEvery = kSecond / 2;
constexpr Nanos kSampleAgeMax = 5 * kSecond;

// 0 where the system does not say.
uint64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t all = 0;
  uint64_t resident = 0;
  file >> all >> resident;
  return file ? resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace

ProcessFacts::ProcessFacts(std::function<uint64_t()> rows_read, const Clock& clock)
    : rows_read_(std::move(rows_read)), clock_(clock), begun_(clock.MonotonicNanos()) {
  samples_.push_back({begun_, 0});
}

void ProcessFacts::Look() {
  const Sample now{clock_.MonotonicNanos(), rows_read_()};
  MutexLock lock(mutex_);
  if (now.at - samples_.back().at < kSampleEvery) return;
  samples_.push_back(now);
  // The second one is as old as it may be: the first is not needed.
  while (samples_.size() > 1 && now.at - samples_[1].at >= kSampleAgeMax) samples_.pop_front();
}

void ProcessFacts::AddTo(WorkerView& view) {
  const Sample now{clock_.MonotonicNanos(), rows_read_()};
  view.rows_read = now.rows;
  view.memory_bytes = ResidentBytes();
  view.uptime = now.at - begun_;
  MutexLock lock(mutex_);
  const Sample& before = samples_.front();
  const double seconds = static_cast<double>(now.at - before.at) / kSecond;
  if (seconds <= 0 || now.rows < before.rows) return;
  view.rows_per_second =
      static_cast<uint64_t>(static_cast<double>(now.rows - before.rows) / seconds);
}

}  // namespace trident
