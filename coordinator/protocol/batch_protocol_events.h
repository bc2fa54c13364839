// SPDX-License-Identifier: Apache-2.0
//
// What the batch protocol can be told, one struct per fact. The shell translates messages, write
// completions and timers into these and hands them over in the order in which it learns them; they
// may be late, repeated, lost or reordered, from dead processes and old epochs: the protocol sorts
// that out.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_EVENTS_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_EVENTS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_types.h"

namespace trident {

// Events. Incarnations start at 1; 0 is of nobody.
namespace batch_event {

// A spout task lives, for the first time or again. It is asked once even without InputReady.
struct EmitterStarted {
  EmitterId emitter;
  Incarnation incarnation;
};

// It is gone: an attempt that waits for its answer fails, and it is not asked before it starts
// again.
struct EmitterLost {
  EmitterId emitter;
  Incarnation incarnation;
};

// There is input (an edge): the emitter counts as ready until an Emitted of it says exhausted.
struct InputReady {
  EmitterId emitter;
  Incarnation incarnation;
};

enum class Remaining {
  kMore,       // a limit ended the emission; there is more input now
  kExhausted,  // nothing more; InputReady will tell of new input
};

// An emitter's answer to Emit: everything of its part was sent downstream. `ranges` has at most one
// entry a source partition; no entry means that the partition did not move. An answer without rows
// and without movement counts as exhausted, whatever it says.
struct Emitted {
  TxId txid;
  Attempt attempt;
  EmitterId emitter;
  Incarnation incarnation;
  std::vector<SourceRange> ranges;
  Remaining remaining = Remaining::kMore;
};

// The cut that LogCut asked for is durable, or its outcome is unknown (status not ok).
struct CutLogged {
  TxId txid;
  Attempt attempt;
  Status status;
};

// The worker's redo record of the attempt is durable: it can apply the attempt after any crash.
struct Voted {
  TxId txid;
  Attempt attempt;
  WorkerId worker;
  Incarnation incarnation;
  uint64_t rows = 0;      // changes in the redo record
  uint64_t checksum = 0;  // of the redo record
};

// The attempt is still being worked on. Extends its deadline and does nothing else.
struct Progressed {
  TxId txid;
  Attempt attempt;
};

// The attempt cannot succeed.
struct Failed {
  TxId txid;
  Attempt attempt;
  Status cause;  // not ok; names step, row and values where it knows them
};

// The write that Decide asked for ended. Not ok means that its outcome is unknown, or
// that it was refused because an earlier write failed (FailedPrecondition).
struct DecisionWritten {
  TxId first;
  TxId last;
  Status status;
};

// The worker has applied every decided batch up to txid.
struct Applied {
  TxId txid;
  WorkerId worker;
  Incarnation incarnation;
};

// A voter lives, for the first time or again, and has applied everything up to `applied`. The shell
// has told it, or will, of every decision after that.
struct WorkerJoined {
  WorkerId worker;
  Incarnation incarnation;
  TxId applied;
};

struct WorkerLost {
  WorkerId worker;
  Incarnation incarnation;
};

// No new attempt starts; what is in flight is finished. A batch that fails meanwhile waits for
// Resume.
struct Pause {};
// Ends Pause and Drain.
struct Resume {};
// There is no room for more work (redo, memory, disk): no new attempt starts until Release. Apart
// from Pause, which is for people.
struct Hold {};
struct Release {};
// Like Pause, and Drained is reported once nothing is in flight and every living worker applied
// all.
struct Drain {};

// The time is `now` (any zero, never going back). The only way in which time arrives.
struct Tick {
  Nanos now = 0;
};

}  // namespace batch_event

using BatchEvent =
    std::variant<batch_event::EmitterStarted, batch_event::EmitterLost, batch_event::InputReady,
                 batch_event::Emitted, batch_event::CutLogged, batch_event::Voted,
                 batch_event::Progressed, batch_event::Failed, batch_event::DecisionWritten,
                 batch_event::Applied, batch_event::WorkerJoined, batch_event::WorkerLost,
                 batch_event::Pause, batch_event::Resume, batch_event::Hold, batch_event::Release,
                 batch_event::Drain, batch_event::Tick>;

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_EVENTS_H_
