// SPDX-License-Identifier: Apache-2.0
//
// What the batch protocol can be told: the words of workers (engine/transport/words.h), and what
// the shell knows by itself of writes, timers, people and who is gone, one struct per fact. The
// shell hands them over in the order in which it learns them; they may be late, repeated, lost or
// reordered, from dead processes and old epochs: the protocol sorts that out.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_EVENTS_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_EVENTS_H_

#include <cstdint>
#include <variant>

#include "base/clock.h"
#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_types.h"
#include "engine/transport/words.h"

namespace trident {

// Events that are no words of a worker. Incarnations start at 1; 0 is of nobody.
namespace batch_event {

// A spout task is gone: an attempt that waits for its answer fails, and it is not asked before it
// starts again.
struct EmitterLost {
  EmitterId emitter;
  Incarnation incarnation;
};

// The cut that LogCut asked for is durable, or its outcome is unknown (status not ok).
struct CutLogged {
  BatchId id;
  Status status;
};

// The write that Decide asked for ended. Not ok means that its outcome is unknown, or
// that it was refused because an earlier write failed (FailedPrecondition).
struct DecisionWritten {
  TxId first;
  TxId last;
  Status status;
};

// A voter is gone: what is in flight and not issued fails, and nothing starts before it joined
// again.
struct WorkerLost {
  WorkerId worker;
  Incarnation incarnation;
};

// No new attempt starts; what is in flight is finished. A batch that fails meanwhile waits for
// Resume.
struct Pause {};
// Ends Pause and Drain.
struct Resume {};
// Like Pause, and Drained is reported once nothing is in flight and every living worker applied
// all.
struct Drain {};

// The time is `now` (any zero, never going back). The only way in which time arrives.
struct Tick {
  Nanos now = 0;
};

}  // namespace batch_event

using BatchEvent =
    std::variant<word::EmitterStarted, batch_event::EmitterLost, word::InputReady, word::Emitted,
                 batch_event::CutLogged, word::Voted, word::Voided, word::Progressed, word::Failed,
                 batch_event::DecisionWritten, word::Applied, word::WorkerJoined,
                 batch_event::WorkerLost, batch_event::Pause, batch_event::Resume, word::Hold,
                 word::Release, batch_event::Drain, batch_event::Tick>;

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_EVENTS_H_
