// SPDX-License-Identifier: Apache-2.0
//
// What the batch protocol asks the shell to do, one struct per request. The shell carries the
// actions of a step out in the order given. All are values: they hold no pointer into the protocol.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_ACTIONS_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_ACTIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_types.h"

namespace trident {

// What one worker prepared; kept in the decision so that an open can compare (rule R14).
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
  uint64_t rows_diverted = 0;  // of these, sent to the dead letters
};

// Which message was answered as stale.
enum class StaleKind {
  kEmitterStarted,
  kEmitterLost,
  kInputReady,
  kEmitted,
  kCutLogged,
  kVoted,
  kProgressed,
  kFailed,
  kDecisionWritten,
  kApplied,
  kWorkerJoined,
  kWorkerLost,
};

// Actions.
namespace batch_action {

// An attempt starts: exactly `emitters` take part, so tasks downstream wait for the end markers of
// these and no others. Comes before the Emits of the attempt. `emitters` may be empty.
struct Begin {
  TxId txid;
  Attempt attempt;
  Attempt prev_attempt;  // of txid - 1, over whose changes this one is staged; zero for txid 1
  std::vector<EmitterId> emitters;
};

enum class EmitMode {
  kNew,     // emit up to `limits` from `starts`; a partition that is not listed starts where the
            // spout says that new ones start
  kExact,   // repeat `exact` row for row
  kSingle,  // emit one row, from the one partition in `starts`; nothing if there is none
  kDivert,  // as kSingle, but the row goes to the dead letters instead of into the topology
};

// Asks one emitter for its part of an attempt. Idempotent: the emitter remembers what it answered
// for (txid, attempt) and repeats that; an emitter of another incarnation refuses.
struct Emit {
  TxId txid;
  Attempt attempt;
  Attempt prev_attempt;
  EmitterId emitter;
  Incarnation incarnation;
  EmitMode mode = EmitMode::kNew;
  BatchLimits limits;  // this emitter's share; rows >= 1
  // Ends of txid - 1: of the partitions that this task read last, and of those of its spout of
  // which the protocol has not yet learned who reads them; the emitter skips what is not its own.
  std::vector<SourcePosition> starts;
  std::vector<SourceRange> exact;       // for kExact
  std::shared_ptr<const Status> cause;  // for kDivert: what the dead letter says
};

// Make the cut durable (with the guard of the decision log: this epoch still leads) and answer with
// CutLogged. Cuts are logged in txid order; a cut may be dropped once its txid is decided.
struct LogCut {
  TxId txid;
  Attempt attempt;
  std::vector<SourceRange> ranges;  // of the transactional spouts
};

// To all workers: all of the attempt was emitted (and logged, if that is asked for) and txid - 1
// was permitted before. A worker stages the attempt once it holds all of it and staged
// prev_attempt, writes its redo record, and votes.
struct PermitStage {
  TxId txid;
  Attempt attempt;
  Attempt prev_attempt;
  uint64_t rows = 0;  // emitted in all
};

// Write the records as one durable write, guarded by "this epoch leads and the last decision is
// records.front().txid - 1", and answer with DecisionWritten. At most one is outstanding.
struct Decide {
  std::vector<DecisionRecord> records;  // consecutive txids
};

// To workers, emitters and waiting appenders: the attempt is decided and durable.
struct Apply {
  TxId txid;
  Attempt attempt;
};

struct CancelledAttempt {
  TxId txid;
  Attempt attempt;
};

// To workers and emitters: forget these attempts and everything staged from `from` on. Nothing of
// them was or will be decided.
struct Abort {
  TxId from;
  std::vector<CancelledAttempt> cancelled;  // in txid order
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

using BatchAction = std::variant<batch_action::Begin, batch_action::Emit, batch_action::LogCut,
                                 batch_action::PermitStage, batch_action::Decide,
                                 batch_action::Apply, batch_action::Abort, batch_action::Stale,
                                 batch_action::Halt, batch_action::Drained, batch_action::SetTimer>;

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_ACTIONS_H_
