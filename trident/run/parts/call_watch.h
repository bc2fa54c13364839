// SPDX-License-Identifier: Apache-2.0
//
// CallWatch: notices calls of the program's code that do not return. It looks when it is asked to;
// between two looks a call that ended and began again counts as another one.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_CALL_WATCH_H_
#define TRIDENT_TRIDENT_RUN_PARTS_CALL_WATCH_H_

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/status.h"
#include "base/work_mark.h"
#include "coordinator/serve/drpc_server.h"

namespace trident {

// Thread-safe.
class CallWatch {
 public:
  // `look` says what each executor is doing. It, functions and clock outlive the watch.
  using Look = std::function<std::vector<WorkMark::Seen>()>;
  CallWatch(Look look, const DrpcServer& functions, const Clock& clock)
      : look_(std::move(look)), functions_(functions), clock_(clock) {}

  // Looks, and tells of each call of a step that was the same, at the same row, in all looks of the
  // last `longer_than`: "step \"f\" has not returned for 12 s: partition 0, txid 3, row 7 of its
  // slice".
  std::vector<std::string> StepsFor(Nanos longer_than);
  // The same, and of each request function.
  std::vector<std::string> UnderWayFor(Nanos longer_than);

  // Looks, tells in the log of a call that stands for `deadline`, and gives up at twice of it: not
  // ok. A request may take as long as somebody waits for it.
  Status Watch(Nanos deadline);
  // A batch that stands still because a call does not return fails for want of progress; the call
  // is the reason, and is added to it.
  Status Explained(const Status& cause, Nanos deadline);

 private:
  struct Call {
    WorkMark::Seen seen;
    Nanos since = 0;  // of the first look at it
  };

  const Look look_;
  const DrpcServer& functions_;
  const Clock& clock_;
  Mutex mutex_;
  std::vector<Call> calls_ TRIDENT_GUARDED_BY(mutex_);  // by executor
  bool told_ TRIDENT_GUARDED_BY(mutex_) = false;        // of those that stand now
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_CALL_WATCH_H_
