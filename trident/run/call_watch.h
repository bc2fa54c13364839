// SPDX-License-Identifier: Apache-2.0
//
// CallWatch: notices calls of the program's code that do not return. It looks when it is asked to;
// between two looks a call that ended and began again counts as another one.
#ifndef TRIDENT_TRIDENT_RUN_CALL_WATCH_H_
#define TRIDENT_TRIDENT_RUN_CALL_WATCH_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "engine/worker.h"

namespace trident {

// Thread-safe.
class CallWatch {
 public:
  // Both outlive the watch.
  CallWatch(Worker& worker, const Clock& clock) : worker_(worker), clock_(clock) {}

  // Looks, and tells of each call that was the same, at the same row, in all looks of the last
  // `longer_than`: "step \"f\" has not returned for 12 s: partition 0, txid 3, row 7 of its slice".
  std::vector<std::string> StandingFor(Nanos longer_than);

 private:
  struct Call {
    WorkMark::Seen seen;
    Nanos since = 0;  // of the first look at it
  };

  Worker& worker_;
  const Clock& clock_;
  Mutex mutex_;
  std::vector<Call> calls_ TRIDENT_GUARDED_BY(mutex_);  // by executor
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CALL_WATCH_H_
