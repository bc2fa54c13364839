// SPDX-License-Identifier: Apache-2.0
//
// CommitHistory: tells which of the batches that wrote to a user-defined state were decided.
//
// Such a state is written while a batch is staged, so after a crash it may hold a batch that was
// never decided. The next start stages that txid again. But with an opaque spout the batch may hold
// other rows then, and a key that it does not touch any more would keep the value of the undecided
// batch (Trident's opaque states do). So every value also carries the epoch that wrote it, and each
// start remembers how far the decisions had come: a value of epoch e and txid t counts only if t
// was decided before the start after e.
#ifndef TRIDENT_TRIDENT_STATES_COMMIT_HISTORY_H_
#define TRIDENT_TRIDENT_STATES_COMMIT_HISTORY_H_

#include <map>

#include "base/ids.h"

namespace trident {

struct CommitHistory {
  Epoch epoch;                          // of this start
  std::map<Epoch, TxId> decided_until;  // the last decided txid when each epoch began

  // True if the value that epoch `written` gave to `txid` has been decided. Also true if this start
  // wrote it and has not decided it yet: only the owner of the value knows better.
  bool WasDecided(Epoch written, TxId txid) const {
    auto next = decided_until.upper_bound(written);
    return next == decided_until.end() || txid <= next->second;
  }
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_STATES_COMMIT_HISTORY_H_
