// SPDX-License-Identifier: Apache-2.0
//
// What the batch protocol asks the shell to do: words to be passed on to the workers
// (engine/transport/words.h), and what the shell does itself, one struct per request. The shell
// carries the actions of a step out in the order given. All are values: they hold no pointer into
// the protocol.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_ACTIONS_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_ACTIONS_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_types.h"
#include "engine/transport/words.h"

namespace trident {

// What one worker prepared, as it voted; kept in the decision, so that a start can compare it with
// the redo that is there (rule R14 of docs/commit_rules.md).
struct VoteRecord {
  WorkerId worker;
  uint64_t rows = 0;
  uint64_t checksum = 0;

  friend bool operator==(const VoteRecord&, const VoteRecord&) = default;
};

// The single commit point of a txid: its states, source ranges and sinks commit together or not at
// all.
struct DecisionRecord {
  TxId txid;
  Attempt attempt;  // holds the epoch
  std::vector<SourceRange> ranges;
  std::vector<VoteRecord> votes;
  uint64_t rows = 0;           // over all ranges
  uint64_t rows_diverted = 0;  // of these, those that became dead letters
  // Wall time at which the attempt was cut, microseconds since the epoch; never less than that of
  // the txid before. The protocol has no clock: who carries its actions says it. 0: a release that
  // wrote none.
  int64_t batch_time_micros = 0;
};

// Which message was answered as stale.
enum class StaleKind {
  kEmitterStarted,
  kEmitterLost,
  kInputReady,
  kEmitted,
  kCutLogged,
  kVoted,
  kVoided,
  kProgressed,
  kFailed,
  kDecisionWritten,
  kApplied,
  kWorkerJoined,
  kWorkerLost,
  kHold,
  kRelease,
};

// Actions that are no words to a worker.
namespace batch_action {

// Make the cut durable (with the guard of the decision log: this epoch still leads) and answer with
// CutLogged. Cuts are logged in txid order; a cut may be dropped once its txid is decided.
struct LogCut {
  BatchId id;
  std::vector<SourceRange> ranges;  // of the transactional spouts
};

// Write the records as one durable write, guarded by "this epoch leads and the last decision is
// records.front().txid - 1", and answer with DecisionWritten. At most one is outstanding.
struct Decide {
  std::vector<DecisionRecord> records;  // consecutive txids
};

// To the sender of a message that has no effect any more.
struct Stale {
  StaleKind what;
  TxId txid;        // named by the message; zero where it names none
  Attempt attempt;  // named by the message
  Attempt current;  // attempt in flight for that txid; zero = none
  TxId last_decided;
  EmitterId emitter;        // the sender, for messages of emitters
  WorkerId worker;          // the sender, for messages of workers
  Incarnation incarnation;  // that the protocol knows of the sender
};

// The group stops for good: no attempt starts any more. `cause` names group, txid, attempts made,
// step and row. The way out is a new protocol instance with a new epoch, after the cause is gone.
struct Halt {
  Status cause;
};

struct Drained {
  TxId last_decided;
};

// Send a Tick at `at` or soon after (at once, if that is past). Replaces the timer asked for
// before.
struct SetTimer {
  Nanos at = 0;
};

}  // namespace batch_action

using BatchAction =
    std::variant<word::Begin, word::Emit, batch_action::LogCut, word::Permit, batch_action::Decide,
                 word::Apply, word::Abort, batch_action::Stale, batch_action::Halt,
                 batch_action::Drained, batch_action::SetTimer>;

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_ACTIONS_H_
