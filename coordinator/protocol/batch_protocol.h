// SPDX-License-Identifier: Apache-2.0
//
// BatchProtocol: the commit protocol of one batch group, as a pure state machine. It decides.
//
// The protocol numbers batches (txids), has them emitted, permits them to be staged in txid order,
// counts the votes, has them decided in txid order, and fails, shrinks and retries what goes wrong.
// It is a redo-logged two-phase commit with presumed abort. A txid in flight passes through
//
//   emitting --(every asked emitter answered)--> [logging the cut] --> staging --(every voter
//   voted)--> ready --(the decision before it is issued)--> deciding --(durable)--> decided
//
// and every later step of t waits for the same step of t - 1, except that t is emitted as soon as
// the ranges of t - 1 are known: emission and staging of t do not wait for the decision of t - 1.
//
// Its rules, whatever order, number and age of messages it is given (docs/commit_rules.md):
//   1. (txid, attempt) is never used twice: the counter of an attempt counts the attempts of its
//      txid in this epoch, from 1. Only events of the attempt that is in flight for its txid change
//      anything; others are answered with Stale, and nothing is dropped in silence.
//   2. Ranges of t start byte for byte where those of t - 1 ended, per source partition. A
//      partition may appear; one that vanishes keeps its position.
//   3. A worker is permitted to stage t only after all ranges of t are known, the cut is durable
//      where the group logs cuts, and t - 1 was permitted. With Staging::kOneAtATime also only
//      after t - 1 is decided and every voter has applied it: what t writes outside replaces the
//      one previous value that could make t - 1 right again. Emission goes on meanwhile, and a
//      batch that waits for its turn has no deadline.
//   4. t is decided only with the votes of all voters for one attempt, each from the life of the
//      worker that the protocol knows, and only after t - 1. One Decide is outstanding; all ready
//      consecutive txids ride the next one. An issued Decide is never aborted and never issued
//      again.
//   5. Failing t cancels every later txid in flight. Each gets a fresh attempt.
//   6. A write whose outcome is unknown halts the group: a new start reads what is there.
//   7. An event that no correct party can send for the current attempt halts the group.
//   8. Under CommitBy::kVotes an attempt of which every voter holds the record is decided, whether
//      its votes arrive or not. So after a permitted attempt of t was cancelled, the next one is
//      permitted only when a voter has said Voided: then the old one can never become whole.
//      Emission goes on meanwhile.
//
// Rows put aside. Under kDeadLetter a function that throws has named its row. Where the emitter can
// tell which row of its source that is, it sends the row to the dead letters and the rest on, in
// the attempt under way, and its answer counts such rows: nothing fails, shrinks or waits. The
// decision holds their number. A logged cut must have the same content each time, so none of its
// rows is put aside.
//
// Failure and size. What follows is for failures that name no such row. Each failure of t doubles
// the delay before its next attempt, and halves the limits of the next cut, counted from the size
// of t. There is no delay, and the doubling begins anew, where halving is to find a row: under
// kDeadLetter, while the next cut is smaller, after a cause that rows can have (Aborted,
// InvalidArgument, ResourceExhausted). Each decision doubles the limits again, up to the configured
// ones. While t is being retried nothing is emitted after it. A failure counts whatever its cause
// (also a lost worker: the row may have killed it). A task that fails while emitters have still to
// answer fails the attempt when they have, because only then is it known what can be halved; an
// emitter that cannot read fails it at once. Only the txid that failed counts it, not those that
// were cancelled with it.
//   kStop:       after retry_limit retries of t the group halts.
//   kDeadLetter: t keeps halving down to one row. From then on every attempt holds that row alone
//                (kSingle), and after retry_limit retries at one row it is diverted (kDivert); t
//                then commits with the dead letter as its content. If diverting fails retry_limit +
//                1 times too, the row is not to blame and the group halts. So every txid ends after
//                at most log2(limits.rows) + 2 * (retry_limit + 1) failures, decided or halted
//                (a source that takes the row back, so that kSingle finds none, starts anew).
// A retry is a new cut from the same start, for transactional spouts too: nothing outside has seen
// the old cut. Under CutLogging::kBeforeStage something outside has seen it. There every later
// attempt repeats the logged cut exactly, neither shrinks nor is diverted, and the group halts
// after retry_limit retries under either policy.
//
// Processes that end. A process that ends while the program's code works (its row made it abort,
// overflow its stack, or never return) has named the step and the txid in a file. The start after
// it is careful: one batch at a time, so that the next end is in the first undecided txid. If that
// comes, in the same step, the one after it cuts batches of a part (1 / kCarefulShrink) of the
// rows, and so on down to one row. Carefulness ends, and all is forgotten, with the decision of
// kCarefulBatches. After retry_limit + 1 ends at one row it is diverted under kDeadLetter; under
// kStop the group halts at the start, and so it does after retry_limit + 1 ends in one txid. The
// start after a halted one tries again. A logged cut is repeated and never diverted, as above.
//
// Empty batches. If all emitters answer without rows and no position moved, the attempt is
// withdrawn (Abort), nothing counts as failed, and the txid is used again when there is input. If a
// position moved over rows that were skipped, the empty batch is decided, to keep the position.
//
// Workers. No attempt starts before all voters joined and applied what was decided before they
// joined, nor while one is more than backlog_max decisions behind. A lost voter fails everything in
// flight for which no Decide was issued. While any worker holds the group (Hold) nothing new is
// cut; each ends its own hold alone, with Release or with its life.
//
// Time. Deadlines measure progress: the first attempt in flight that is not ready fails if no news
// of it came for progress_deadline (checked once per deadline, so it may take up to two). Later
// attempts wait for it anyway. News of them does not count, or empty attempts that come and go
// would keep a lost one waiting for ever. No rule above depends on time.
//
// Sources: Storm Trident's MasterBatchCoordinator for txids, attempts and their vocabulary;
// presumed abort from Mohan, Lindsay and Obermarck, "Transaction management in the R* distributed
// database management system" (TODS 1986).
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "coordinator/protocol/batch_protocol_actions.h"
#include "coordinator/protocol/batch_protocol_events.h"
#include "coordinator/protocol/batch_protocol_types.h"

namespace trident {

enum class BatchPhase { kEmitting, kLoggingCut, kStaging, kReady, kDeciding };

// "emitting", "logging the cut", ...
const char* ToString(BatchPhase phase);

// The reason why no attempt starts at this moment.
enum class EmitGate {
  kOpen,           // one starts as soon as it may; nothing holds it
  kNoInput,        // no emitter is ready
  kFilling,        // input is there, younger than age_max
  kRangesUnknown,  // the batch before is still being emitted
  kPendingFull,    // max_pending batches are undecided
  kRetrying,       // a failed txid is in flight alone
  kCareful,        // a process ended here, so one batch is in flight at a time
  kBackoff,        // a failed txid waits for its delay
  kEmitterAbsent,  // an emitter whose logged cut must be repeated is not there
  kWorkerAbsent,   // a voter is not there
  kWorkerBehind,   // a voter has still to apply what was decided before it joined
  kBacklog,        // the slowest voter is backlog_max decisions behind
  kHeld,           // Hold: a worker has no room (redo, memory, disk)
  kPaused,
  kDraining,
  kHalted,
};

// "waits for input", ...: the rest of a sentence whose subject is the group.
const char* ToString(EmitGate gate);

struct InFlightBatch {
  TxId txid;
  Attempt attempt;
  BatchPhase phase = BatchPhase::kEmitting;
  uint64_t rows = 0;             // known so far
  uint32_t votes = 0;            // received
  uint32_t answers_awaited = 0;  // emitters that were asked and have not answered
};

// A picture of the group for people. Only one decision uses it: when to stop a finished run.
struct GroupStatus {
  GroupId group;
  Epoch epoch;
  TxId last_decided;
  std::vector<InFlightBatch> in_flight;  // in txid order
  BatchLimits limits;                    // what the next batch may hold
  TxId retrying;                         // the txid that failed and is not decided; 0 = none
  uint32_t failures = 0;                 // of that txid, so far
  Status last_failure;                   // of that txid; ok = none
  uint64_t failures_total = 0;           // since this start
  uint64_t rows_diverted = 0;            // since this start
  Status halted;                         // ok = not halted
  EmitGate gate = EmitGate::kOpen;
  bool paused = false;
  bool draining = false;
  bool idle = false;  // nothing in flight, no emitter ready, every living voter applied everything
};

// Not thread-safe: one caller at a time. Copies nothing that it does not keep. No I/O, clock,
// thread, randomness or logging: the same events give the same actions.
class BatchProtocol {
 public:
  // Fails with InvalidArgument if the configuration cannot work or with DataLoss if `recovered`
  // contradicts itself or the configuration.
  static StatusOr<std::unique_ptr<BatchProtocol>> Create(GroupConfig config, Recovered recovered);
  ~BatchProtocol();

  BatchProtocol(const BatchProtocol&) = delete;
  BatchProtocol& operator=(const BatchProtocol&) = delete;

  // Takes in one event and appends the actions that follow from it. Never fails: an event that
  // cannot be right ends in Halt. After Halt only DecisionWritten and Applied are still heard (a
  // decision that was on its way is applied if it became durable); every other event is ignored.
  void Step(const BatchEvent& event, std::vector<BatchAction>& out);

  GroupStatus status() const;
  bool idle() const;  // as in status()

 private:
  class Machine;
  explicit BatchProtocol(std::unique_ptr<Machine> machine);

  std::unique_ptr<Machine> machine_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_H_
