// SPDX-License-Identifier: Apache-2.0
#include "trident/run/call_watch.h"

#include "base/status.h"

namespace trident {

std::vector<std::string> CallWatch::StandingFor(Nanos longer_than) {
  const Nanos now = clock_.MonotonicNanos();
  std::vector<std::string> standing;
  MutexLock lock(mutex_);
  calls_.resize(worker_.executors());
  for (size_t i = 0; i < calls_.size(); ++i) {
    Call& call = calls_[i];
    WorkMark::Seen seen = worker_.executor(i).mark().Look();
    const bool same =
        seen.busy && call.seen.busy && seen.moves == call.seen.moves && seen.row == call.seen.row;
    if (!same) call = {std::move(seen), now};
    if (!same || now - call.since < longer_than) continue;
    standing.push_back(Concat("step \"", call.seen.step, "\" has not returned for ",
                              (now - call.since) / kSecond, " s: partition ", call.seen.partition,
                              ", txid ", call.seen.id.txid.value(), ", row ", call.seen.row,
                              " of its slice"));
  }
  return standing;
}

}  // namespace trident
