// SPDX-License-Identifier: Apache-2.0
//
// What the batch protocol is told about a batch group before its first step: who emits, who votes,
// how large batches may be, what happens to a batch that keeps failing, what earlier runs decided,
// and in which batch they ended.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_TYPES_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_TYPES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/limits.h"
#include "base/source.h"
#include "base/status.h"

namespace trident {

// "spout 2 task 0", as messages show it.
std::string ToString(EmitterId emitter);

struct SpoutConfig {
  SpoutId spout;
  SpoutKind kind = SpoutKind::kTransactional;
  uint32_t tasks = 1;
};

// What becomes of a batch that fails more often than `retry_limit`.
enum class FailurePolicy {
  kStop,        // the group halts and says why; nothing is skipped
  kDeadLetter,  // the batch shrinks to the row that fails; that row is diverted, the rest commits
};

// Whether a batch's source ranges become durable before any worker may stage it.
enum class CutLogging {
  kNone,         // a retry is a new cut: nothing outside the protocol has seen the old one
  kBeforeStage,  // for user-defined transactional states: a txid, once staged anywhere, holds the
                 // same rows in every later attempt, also after a crash; it never shrinks
};

// Whether a batch may be staged before the one before it is decided.
enum class Staging {
  kOverlapped,  // yes: its changes lie over undecided ones and are taken back with them
  kOneAtATime,  // no: for user-defined states, which are written outside of the protocol while a
                // batch is staged and keep no more than one previous value
};

// What makes an attempt decided.
enum class CommitBy {
  kOneWrite,  // the durable write that Decide asks for, of records and decision together
  kVotes,     // the last vote: each voter's record is durable before it votes, and whoever takes
              // over finds out from the records of all (takeover.h)
};

// Where the row of a one-row batch came from.
struct RowPlace {
  EmitterId emitter;
  SourcePosition at;
  friend bool operator==(const RowPlace&, const RowPlace&) = default;
};

// The processes before this one that ended while the program's code worked on an undecided batch,
// and what follows from it for this one. See "Failure and size" in batch_protocol.h; JudgeDeaths
// makes it.
struct EarlierDeaths {
  TxId txid;                        // the first undecided one when the last of them ended
  uint32_t deaths = 0;              // of that txid, one after the other
  uint64_t rows_max = 0;            // of a batch of this process, while it is careful
  std::vector<std::string> steps;   // in which all of them ended
  std::optional<RowPlace> the_row;  // which the last one's batch held alone
  uint32_t row_deaths = 0;          // at one row
  uint32_t divert_deaths = 0;       // while that row was being diverted
  std::string cause;                // the end of the last one, for people
  enum class Fate : uint8_t {
    kCareful,  // one batch at a time, of at most rows_max rows, for kCarefulBatches
    kSingle,   // as careful, and the first batch holds the_row alone
    kDivert,   // as careful, and the first batch diverts the_row
    kHalt,     // nothing is cut
  } fate = Fate::kCareful;

  friend bool operator==(const EarlierDeaths&, const EarlierDeaths&) = default;
};

struct GroupConfig {
  GroupId group;
  uint32_t max_pending = kMaxPendingDefault;  // undecided batches at once; at most kMaxPendingMax
  // Of one batch over all emitters. A single row larger than `bytes` is still a batch, so progress
  // never depends on the size of a row.
  BatchLimits limits{kBatchRowsMaxDefault, kBatchBytesMaxDefault};
  Nanos age_max = 0;  // how long a batch may wait to fill once there is input; 0 cuts at once
  // Failures of one txid (for kDeadLetter: of one row) that are retried.
  uint32_t retry_limit = kRetryLimitDefault;
  // The delay doubles with each failure of the txid, from min to max.
  Nanos retry_delay_min = kRetryDelayFirstMs * kMillisecond;
  Nanos retry_delay_max = kRetryDelayMaxMs * kMillisecond;
  // When nothing new is heard of the first attempt that is not ready for so long, it has failed.
  Nanos progress_deadline = kProgressDeadlineMsDefault * kMillisecond;
  FailurePolicy policy = FailurePolicy::kStop;
  CutLogging cut_logging = CutLogging::kNone;
  Staging staging = Staging::kOverlapped;
  CommitBy commit = CommitBy::kOneWrite;
  // Decided batches that the slowest worker may be behind in applying.
  uint32_t backlog_max = kApplyBacklogBatchesDefault;
  std::vector<SpoutConfig> spouts;
  std::vector<WorkerId> voters;  // every one of them votes for every batch
  std::optional<EarlierDeaths> deaths = {};
};

// The source ranges of a txid that was made durable before it was staged. Holds the ranges of the
// transactional spouts only; an empty list is a cut too ("no rows of theirs"). It is repeated by
// the emitters named in it, so a group with open cuts keeps its tasks until they are decided.
struct LoggedCut {
  TxId txid;
  std::vector<SourceRange> ranges;
};

// A source partition belongs to its spout; which task reads it may change from start to start.
struct SpoutPosition {
  SpoutId spout;
  SourcePosition at;
};

// What the decision log knew when the coordinator started.
struct Recovered {
  Epoch epoch;  // of this start: greater than every earlier one, at least 1
  TxId last_decided;
  Attempt last_attempt;                  // that was decided for last_decided
  std::vector<SpoutPosition> positions;  // after last_decided
  std::vector<LoggedCut> cuts;           // of last_decided + 1, + 2, ... without a gap
  int64_t batch_time_micros = 0;         // of last_decided; 0: there is none, or none is known
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_TYPES_H_
