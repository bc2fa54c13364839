// SPDX-License-Identifier: Apache-2.0
//
// ProcessFacts: what a process can say of itself to people: its age, its memory, and how fast rows
// come.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_PROCESS_FACTS_H_
#define TRIDENT_TRIDENT_RUN_PARTS_PROCESS_FACTS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "coordinator/serve/topology_control.h"

namespace trident {

// Thread-safe.
class ProcessFacts {
 public:
  // `rows_read` gives a number that grows. It and `clock` outlive the facts; the process counts as
  // begun now.
  ProcessFacts(std::function<uint64_t()> rows_read, const Clock& clock);

  // Looks at the number. To be called some times a second: rates are between looks.
  void Look();
  void AddTo(WorkerView& view);

 private:
  struct Sample {
    Nanos at = 0;
    uint64_t rows = 0;
  };

  const std::function<uint64_t()> rows_read_;
  const Clock& clock_;
  const Nanos begun_;
  Mutex mutex_;
  std::deque<Sample> samples_ TRIDENT_GUARDED_BY(mutex_);  // of the last seconds, at least one
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_PROCESS_FACTS_H_
