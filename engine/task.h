// SPDX-License-Identifier: Apache-2.0
//
// Task: one stage at one partition. Keeps the attempts in flight, each with a chain and an inbox of
// its own, lets slices through the chain as they come, stages in txid order, applies and aborts.
// Owned and called by one executor thread.
//
// Messages come late, repeated and in any order. Attempts are numbered txid by txid: of two
// attempts of one txid, the older is cancelled, and with it what was staged over it.
#ifndef TRIDENT_ENGINE_TASK_H_
#define TRIDENT_ENGINE_TASK_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/chain.h"
#include "engine/frames/slice_codec.h"
#include "engine/inbox.h"

namespace trident {

class FramePayload;

// Makes a chain for this task; called as often as attempts overlap.
using ChainFactory = std::function<std::unique_ptr<Chain>()>;

struct TaskSpec {
  TaskAddress address;
  GroupId group;
  std::string name;               // the stage's, as Explain shows it
  std::vector<InputSpec> inputs;  // empty for a spout's task
  ChainFactory make_chain;
};

class Task {
 public:
  // What became of an attempt after a call.
  enum class Outcome : uint8_t {
    kWaiting,  // for input, for the permit, or for the batch before it
    kDone,     // processed, and staged if the chain commits; said once per attempt
    kFailed,   // see failure()
    kStale,    // the attempt has been cancelled, replaced or applied, or no leader can have begun
               // it so early; nothing happened
  };

  // `applied` is the txid and attempt that recovery has left the task's state at.
  Task(TaskSpec spec, const BatchId& applied);

  const TaskSpec& spec() const { return spec_; }
  bool commits() const { return commits_; }

  Outcome OnFrame(const DataFrame& frame);
  Outcome OnEnd(const EndMarker& marker);

  // The attempt has started; false if it is stale.
  bool Begin(const BatchId& id, int64_t batch_time_micros);
  // A spout's task is fed by its driver: Begin, Feed slice by slice, EndEmission.
  // `port` 0 is the stream, 1 what is diverted to the dead letters.
  Status Feed(const BatchId& id, size_t port, const Slice& slice);
  // As Feed, but rows at which a function throws are left out and appended to `failed`
  // (Chain::ProcessSparing).
  Status FeedSparing(const BatchId& id, const Slice& slice, std::vector<FailedRow>& failed);
  Outcome EndEmission(const BatchId& id);

  // The protocol lets `id` stage as soon as its input is here and the attempt `prev` of the txid
  // before it is staged.
  Outcome OnPermit(const BatchId& id, Attempt prev);
  // The next attempt that can stage now that another one has; ask until it is kWaiting.
  Outcome StageNext(BatchId* which);

  // REQUIRES: `id` is done here.
  Status AppendRecord(const BatchId& id, std::string& record);
  void Apply(const BatchId& id);
  // Forgets the attempt of `txid` if it is older than `before`, and whatever was staged over it;
  // what still comes of them is stale.
  void Abort(TxId txid, Attempt before);

  const Status& failure() const { return failure_; }
  size_t attempts_in_flight() const { return attempts_.size(); }
  uint64_t stale_messages() const { return stale_messages_; }

 private:
  struct InFlight {
    BatchId id;
    std::unique_ptr<Chain> chain;
    std::unique_ptr<Inbox> inbox;
    bool processed = false;
    bool permitted = false;
    Attempt prev;  // named by the permit
    bool done = false;
    bool failed = false;
  };

  // Null when the attempt is stale.
  InFlight* Find(const BatchId& id, int64_t batch_time_micros);
  std::unique_ptr<Chain> MakeChain() const;
  StatusOr<Chain*> ChainOf(const BatchId& id);
  bool IsStale(const BatchId& id) const;
  Outcome Advance(InFlight& attempt);
  Status Process(InFlight& attempt, const Inbox::Next& next);
  StatusOr<Slice> Decode(const InputSpec& input, const FramePayload& frame);
  Outcome FinishInput(InFlight& attempt);
  Outcome TryStage(InFlight& attempt);
  Outcome Fail(InFlight& attempt, const Status& status);
  void Release(InFlight& attempt);
  void Forget(TxId txid);
  void Unstage(InFlight& attempt);

  const TaskSpec spec_;
  bool commits_ = false;
  TxId applied_;
  TxId staged_;  // every txid up to it is staged or applied here
  Attempt applied_attempt_;
  Attempt staged_attempt_;  // of staged_
  // Attempts of the txid that are older than the value are cancelled.
  std::map<TxId, Attempt> cancelled_;
  std::map<TxId, InFlight> attempts_;  // at most one attempt per txid
  std::vector<std::unique_ptr<Chain>> idle_chains_;
  std::vector<std::unique_ptr<Inbox>> idle_inboxes_;
  std::map<uint32_t, StatusOr<SliceDecoder>> decoders_;  // by edge; of those that frames came along
  Status failure_;
  uint64_t stale_messages_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_TASK_H_
