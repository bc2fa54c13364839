// SPDX-License-Identifier: Apache-2.0
//
// The words that a leader, who decides, and a worker, who runs, say to each other about the batches
// of a group. One dictionary: the commit protocol asks for these and is told these, executors obey
// and report them, and a link between processes would carry them as they are.
//
// A word about an attempt names it by its BatchId; a word about a party goes with the group that it
// is meant for. All are values: they hold no pointer into who said them.
#ifndef TRIDENT_ENGINE_TRANSPORT_WORDS_H_
#define TRIDENT_ENGINE_TRANSPORT_WORDS_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/source.h"
#include "base/status.h"

namespace trident {

namespace word {

// ---- from the leader to its workers ----

// An attempt starts: exactly `emitters` take part (there may be none). Spout tasks that are not
// among them end their (empty) part at once, so that tasks downstream always wait for the same
// senders. Comes before the Emits of the attempt.
struct Begin {
  BatchId id;
  Attempt prev_attempt;  // of txid - 1, over whose changes this one is staged; zero for txid 1
  std::vector<EmitterId> emitters;
  // Wall time of the attempt, the same for all who see it. The protocol, which has no clock, leaves
  // it to whoever sends the word.
  int64_t batch_time_micros = 0;
};

enum class EmitMode : uint8_t {
  kNew,     // emit up to `limits` from `starts`; a partition that is not listed starts where the
            // spout says that new ones start
  kExact,   // repeat `exact` row for row
  kSingle,  // emit one row, from the one partition in `starts`; nothing if there is none
  kDivert,  // as kSingle, but the row goes to the dead letters instead of into the topology
};

// Asks one emitter for its part of an attempt. Idempotent: the emitter remembers what it answered
// for the attempt and repeats that; an emitter of another incarnation refuses.
struct Emit {
  BatchId id;
  EmitterId emitter;
  Incarnation incarnation;
  EmitMode mode = EmitMode::kNew;
  BatchLimits limits;  // this emitter's share; rows >= 1
  // Ends of txid - 1: of the partitions that this task read last, and of those of its spout of
  // which the protocol has not yet learned who reads them; the emitter skips what is not its own.
  std::vector<SourcePosition> starts;
  std::vector<SourceRange> exact;  // of kExact
  std::string cause;               // of kDivert: what the dead letter says
  int64_t batch_time_micros = 0;   // as in Begin
};

// All of the attempt was emitted (and logged, if that is asked for) and txid - 1 was permitted
// before. A worker stages the attempt once it holds all of it and has staged prev_attempt, and
// votes.
struct Permit {
  BatchId id;
  Attempt prev_attempt;
};

// The attempt is decided and durable.
struct Apply {
  BatchId id;
};

// Every worker has applied the batch, so readers see it: sources may let go of it and tell who
// waits.
struct Publish {
  BatchId id;
};

// These attempts, and older ones of the same txids, are cancelled, with everything staged over
// them. Nothing of them was or will be decided. Attempts are numbered txid by txid, so each txid is
// named with its own.
struct Abort {
  std::vector<BatchId> cancelled;  // of one group, in txid order; at least one
};

// ---- from a worker to its leader ----

// The worker lives, for the first time or again, and has applied everything up to `applied`. The
// leader has told it, or will, of every decision after that.
struct WorkerJoined {
  WorkerId worker;
  Incarnation incarnation;
  TxId applied;
};

// A spout task lives, for the first time or again. It is asked once even without InputReady.
struct EmitterStarted {
  EmitterId emitter;
  Incarnation incarnation;
};

// There is input (an edge): the emitter counts as ready until an Emitted of it says exhausted.
struct InputReady {
  EmitterId emitter;
  Incarnation incarnation;
};

// No input will ever come again beyond what has been emitted, unless InputReady says otherwise.
struct InputEnded {
  EmitterId emitter;
};

enum class Remaining : uint8_t {
  kMore,       // a limit ended the emission; there is more input now
  kExhausted,  // nothing more; InputReady will tell of new input
};

// An emitter's answer to Emit: its part is on its way downstream. `ranges` has at most one entry a
// source partition; no entry means that the partition did not move. An answer without rows and
// without movement counts as exhausted, whatever it says.
struct Emitted {
  BatchId id;
  EmitterId emitter;
  Incarnation incarnation;
  std::vector<SourceRange> ranges;
  Remaining remaining = Remaining::kMore;
};

// The attempt is still being worked on. Extends its deadline and does nothing else.
struct Progressed {
  BatchId id;
};

// The attempt cannot succeed.
struct Failed {
  BatchId id;
  Status cause;  // not ok; names step, row and values where it knows them
};

// The worker has staged the attempt and has its redo at hand, which is durable at the latest with
// the decision. Where leader and state share a store, record and decision are made for one write,
// and the decision tells of the record; else it is durable now, and the vote tells.
struct Voted {
  BatchId id;
  WorkerId worker;
  Incarnation incarnation;
  uint64_t rows = 0;      // changes in the redo record
  uint64_t checksum = 0;  // of the redo record; 0: it is not made yet
};

// The worker has applied every decided batch up to txid.
struct Applied {
  TxId txid;
  WorkerId worker;
  Incarnation incarnation;
};

}  // namespace word

using WordToWorker =
    std::variant<word::Begin, word::Emit, word::Permit, word::Apply, word::Publish, word::Abort>;

using WordToLeader =
    std::variant<word::WorkerJoined, word::EmitterStarted, word::InputReady, word::InputEnded,
                 word::Emitted, word::Progressed, word::Failed, word::Voted, word::Applied>;

}  // namespace trident

#endif  // TRIDENT_ENGINE_TRANSPORT_WORDS_H_
