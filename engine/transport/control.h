// SPDX-License-Identifier: Apache-2.0
//
// What a worker's executors are told by whoever decides, and what they tell back. The coordinator's
// words, in the engine's terms: the engine knows attempts and permits, not protocols.
#ifndef TRIDENT_ENGINE_TRANSPORT_CONTROL_H_
#define TRIDENT_ENGINE_TRANSPORT_CONTROL_H_

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/source.h"
#include "base/status.h"

namespace trident {

// An attempt starts. Spout tasks that are not among `emitters` end their (empty) part at once, so
// that tasks downstream always wait for the same senders.
struct BeginAttempt {
  BatchId id;
  std::vector<EmitterId> emitters;
  int64_t batch_time_micros = 0;
};

enum class EmissionMode : uint8_t {
  kNew,     // up to the limits, from the starts
  kExact,   // these ranges again
  kSingle,  // one row
  kDivert,  // one row, to the dead letters
};

struct EmitRequest {
  BatchId id;
  EmitterId emitter;
  Incarnation incarnation;
  EmissionMode mode = EmissionMode::kNew;
  BatchLimits limits;
  // Where the source partitions stand; those of other tasks are skipped, and one without an entry
  // starts at its beginning.
  std::vector<std::pair<std::string, Position>> starts;
  std::vector<SourceRange> exact;  // of kExact
  std::string cause;               // of kDivert: why the row is diverted
  int64_t batch_time_micros = 0;
};

struct PermitAttempt {
  BatchId id;
  Attempt prev;  // of the txid before, over whose changes this one is staged
};

struct ApplyAttempt {
  BatchId id;
};

// The batch is durable and every executor has applied it, so readers see it: sources may let go of
// it and tell who waits.
struct PublishBatch {
  BatchId id;
};

// Every attempt of this txid that is older than `before` is cancelled. Attempts are numbered txid
// by txid, so when later txids are taken back with it, each has a message of its own, the newest
// first.
struct AbortAttempts {
  GroupId group;
  TxId txid;
  Attempt before;
};

// Input may have come for this spout task.
struct PollEmitter {
  EmitterId emitter;
};

// Run on the executor's thread between two pieces of work.
struct RunOnExecutor {
  std::function<void()> work;
};

using Control = std::variant<BeginAttempt, EmitRequest, PermitAttempt, ApplyAttempt, PublishBatch,
                             AbortAttempts, PollEmitter, RunOnExecutor>;

// An emitter's part of an attempt is on its way.
struct EmitAnswer {
  BatchId id;
  EmitterId emitter;
  Incarnation incarnation;
  std::vector<SourceRange> ranges;
  enum class Remaining : uint8_t { kMore, kExhausted } remaining = Remaining::kMore;
};

// Called on executor threads; must be quick and must not call back into the executor but by Post.
class WorkerEvents {
 public:
  virtual ~WorkerEvents() = default;
  virtual void OnInputReady(EmitterId emitter, Incarnation incarnation) = 0;
  // No input will ever come again beyond what has been emitted.
  virtual void OnInputEnded(EmitterId emitter) = 0;
  virtual void OnEmitted(EmitAnswer answer) = 0;
  // Every task of the group on this executor is through with the attempt; `record` is this
  // executor's part of the batch's durable record.
  virtual void OnStaged(uint32_t executor, const BatchId& id, std::string record) = 0;
  // The attempt is being worked on; said at most once in kProgressToldMs by an executor.
  virtual void OnProgress(const BatchId& id) = 0;
  virtual void OnApplied(uint32_t executor, const BatchId& id) = 0;
  virtual void OnFailed(const BatchId& id, const Status& cause) = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_TRANSPORT_CONTROL_H_
