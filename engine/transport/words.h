// SPDX-License-Identifier: Apache-2.0
//
// The words that a leader, who decides, and a worker, who runs, say to each other about the batches
// of a group. There is one dictionary. The commit protocol asks for these words and hears these
// answers, executors obey and report them, and a link between processes would carry them as they
// are.
//
// A word about an attempt names it by its BatchId. A word about a worker or an emitter goes with
// the group that it is meant for. All words are values: they hold no pointer into their sender.
#ifndef TRIDENT_ENGINE_TRANSPORT_WORDS_H_
#define TRIDENT_ENGINE_TRANSPORT_WORDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/source.h"
#include "base/status.h"

namespace trident {

// What a batch takes from its sources.
struct BatchCut {
  std::vector<SourceRange> ranges;
  uint64_t rows = 0;              // over all ranges
  uint64_t rows_diverted = 0;     // of these, those that became dead letters
  int64_t batch_time_micros = 0;  // as in word::Begin

  friend bool operator==(const BatchCut&, const BatchCut&) = default;
};

namespace word {

// ---- from the leader to its workers ----

// An attempt starts: exactly `emitters` take part (there may be none). Spout tasks that are not
// among them end their (empty) part at once, so that tasks downstream always wait for the same
// senders. Comes before the Emits of the attempt.
struct Begin {
  BatchId id;
  Attempt prev_attempt;  // of txid - 1, over whose changes this one is staged; zero for txid 1
  std::vector<EmitterId> emitters;
  // Wall time of the attempt, the same for all who see it. The protocol has no clock, so the sender
  // of the word fills it in.
  int64_t batch_time_micros = 0;
};

enum class EmitMode : uint8_t {
  kNew,     // emit up to `limits` from `starts`; a partition that is not listed starts where the
            // spout says that new ones start
  kExact,   // repeat `exact` row for row
  kSingle,  // emit one row, from the one partition in `starts`; nothing if there is none
  kDivert,  // as kSingle, but the row goes to the dead letters instead of into the topology
};

// Asks one emitter for its part of an attempt. Idempotent: the emitter remembers its answer for the
// attempt and repeats it. An emitter of another incarnation refuses.
struct Emit {
  BatchId id;
  EmitterId emitter;
  Incarnation incarnation;
  EmitMode mode = EmitMode::kNew;
  BatchLimits limits;  // this emitter's share; rows >= 1
  // Where txid - 1 ended: in the partitions that this task read last, and in those of its spout
  // whose reader the protocol does not know yet. The emitter skips partitions that are not its own.
  std::vector<SourcePosition> starts;
  std::vector<SourceRange> exact;  // of kExact
  std::string cause;               // of kDivert: what the dead letter says
  int64_t batch_time_micros = 0;   // as in Begin
};

// Permits a worker to stage the attempt: all of it was emitted (and logged, if that is asked for),
// and txid - 1 was permitted before. The worker stages it once it holds all of it and has staged
// prev_attempt, and then votes.
struct Permit {
  BatchId id;
  Attempt prev_attempt;
  // Where the last vote is the decision, a worker that keeps the log puts this into its record.
  // Null elsewhere. The sender of the word fills in the batch time.
  std::shared_ptr<const BatchCut> cut = nullptr;
};

// The attempt is decided and durable.
struct Apply {
  BatchId id;
};

// Every worker has applied the batch, so readers see it. Sources may release it and tell those who
// wait for it.
struct Publish {
  BatchId id;
};

// These attempts, and older ones of the same txids, are cancelled, with everything staged over
// them. None of them was or will be decided. Attempts are numbered anew for each txid, so the word
// names each txid with its own attempt.
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

// New input has come (an edge): the emitter counts as ready until one of its Emitted says
// exhausted.
struct InputReady {
  EmitterId emitter;
  Incarnation incarnation;
};

// No more input will ever come after the emitted rows, unless InputReady says otherwise.
struct InputEnded {
  EmitterId emitter;
};

enum class Remaining : uint8_t {
  kMore,       // a limit ended the emission; there is more input now
  kExhausted,  // nothing more; InputReady will tell of new input
};

// An emitter's answer to Emit: its part is on its way downstream. `ranges` has at most one entry
// for a source partition; without an entry the partition did not move. An answer without rows and
// without movement counts as exhausted, whatever it says.
struct Emitted {
  BatchId id;
  EmitterId emitter;
  Incarnation incarnation;
  std::vector<SourceRange> ranges;
  Remaining remaining = Remaining::kMore;
  // Of the rows in the ranges: those that become dead letters instead of going into the topology. A
  // row of a letter that was tried again and stays one is not among them.
  uint64_t rows_aside = 0;
};

// The attempt is still being worked on. Extends its deadline and does nothing else.
struct Progressed {
  BatchId id;
};

// The attempt cannot succeed.
struct Failed {
  BatchId id;
  Status cause;  // not ok; names step, row and values where it knows them
  // Set: this emitter could not read, and does not answer the attempt's Emit.
  std::optional<EmitterId> emitter = std::nullopt;
};

// The worker has staged the attempt and has its redo record at hand. The record is durable at the
// latest with the decision: where leader and state share a store, record and decision are made for
// one write, and the decision describes the record. Elsewhere the record is durable now, and the
// vote describes it.
struct Voted {
  BatchId id;
  WorkerId worker;
  Incarnation incarnation;
  uint64_t rows = 0;      // changes in the redo record
  uint64_t checksum = 0;  // of the redo record; 0: it is not made yet
};

// Where the last vote is the decision: the worker holds no record of the attempt or of an older one
// of its txid in this epoch, and never again writes one.
struct Voided {
  BatchId id;
  WorkerId worker;
  Incarnation incarnation;
};

// The worker has applied every decided batch up to txid.
struct Applied {
  TxId txid;
  WorkerId worker;
  Incarnation incarnation;
};

// The worker has no room for more work (redo, memory, disk): no new attempt starts until it says
// Release, or another life of it joins. What is in flight is finished.
struct Hold {
  WorkerId worker;
  Incarnation incarnation;
};
struct Release {
  WorkerId worker;
  Incarnation incarnation;
};

}  // namespace word

using WordToWorker =
    std::variant<word::Begin, word::Emit, word::Permit, word::Apply, word::Publish, word::Abort>;

using WordToLeader =
    std::variant<word::WorkerJoined, word::EmitterStarted, word::InputReady, word::InputEnded,
                 word::Emitted, word::Progressed, word::Failed, word::Voted, word::Voided,
                 word::Applied, word::Hold, word::Release>;

}  // namespace trident

#endif  // TRIDENT_ENGINE_TRANSPORT_WORDS_H_
