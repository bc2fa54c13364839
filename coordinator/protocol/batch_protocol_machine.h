// SPDX-License-Identifier: Apache-2.0
//
// The inside of BatchProtocol. Its functions stand in four files, in the order of a batch's life:
// batch_protocol_emission.cc, batch_protocol_commit.cc, batch_protocol_failure.cc, and, for what
// comes from outside and for the answers about itself, batch_protocol_machine.cc.
#ifndef TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_MACHINE_H_
#define TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_MACHINE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "coordinator/protocol/batch_parties.h"
#include "coordinator/protocol/batch_protocol.h"
#include "coordinator/protocol/batch_timers.h"
#include "coordinator/protocol/retry_policy.h"
#include "coordinator/protocol/source_positions.h"

namespace trident {

class BatchProtocol::Machine {
 public:
  // REQUIRES: CheckConfig and CheckRecovered are ok.
  Machine(GroupConfig config, Recovered recovered);

  static Status CheckConfig(const GroupConfig& config);
  static Status CheckRecovered(const GroupConfig& config, const Recovered& recovered);
  // Takes over the recovered positions and cuts. Called once, before the first Step.
  Status Restore(const Recovered& recovered);

  void Step(const BatchEvent& event, std::vector<BatchAction>& out);
  GroupStatus status() const;
  bool idle() const;

 private:
  // One emitter's part in an attempt.
  struct Asked {
    uint32_t emitter = 0;  // index in emitters_
    Incarnation incarnation;
    word::EmitMode mode = word::EmitMode::kNew;
    uint64_t rows_max = 0;
    bool answered = false;
    uint64_t rows_aside = 0;  // answered
  };
  struct Vote {
    VoteRecord record;
    bool given = false;
  };
  // A txid in flight. Reused from txid to txid, so that a step seldom allocates.
  struct Batch {
    TxId txid;
    Attempt attempt;
    Attempt prev_attempt;
    BatchPhase phase = BatchPhase::kEmitting;
    word::EmitMode mode = word::EmitMode::kNew;  // kExact: repeats a logged cut
    uint32_t ask_first = 0;                      // whose turn it was
    std::vector<Asked> asked;
    uint32_t answers_awaited = 0;
    std::vector<SourceRange> ranges;  // that moved, in the order of the answers
    uint64_t rows = 0;
    uint64_t rows_aside = 0;  // of these, those that became dead letters
    Status failure;           // of a task, while answers are awaited
    FailedAttempt::Part failing = FailedAttempt::Part::kTask;
    uint64_t rows_promised = 0;  // of the cut that is repeated
    bool cut_log_asked = false;
    std::vector<Vote> votes;  // by voter
    uint32_t votes_awaited = 0;
  };
  // What an emitter answered.
  struct Answer {
    std::vector<SourceRange> moved;
    uint64_t rows_aside = 0;
  };
  // What a worker may have staged for a txid, so that every later attempt must hold the same.
  struct Cut {
    std::vector<SourceRange> ranges;  // of the transactional spouts
    bool durable = false;             // or LogCut is unanswered
  };
  // Who sent a message, for the answer to it.
  struct Sender {
    StaleKind what;
    EmitterId emitter;
    WorkerId worker;
    Incarnation known_as;
  };

  // What is learned. Each handler changes nothing if the event is stale.
  void On(const word::EmitterStarted& event);
  void On(const batch_event::EmitterLost& event);
  void On(const word::InputReady& event);
  void On(const word::Emitted& event);
  void On(const batch_event::CutLogged& event);
  void On(const word::Voted& event);
  void On(const word::Voided& event);
  void On(const word::Progressed& event);
  void On(const word::Failed& event);
  void On(const batch_event::DecisionWritten& event);
  void On(const word::Applied& event);
  void On(const word::WorkerJoined& event);
  void On(const batch_event::WorkerLost& event);
  void On(const batch_event::Pause& event);
  void On(const batch_event::Resume& event);
  void On(const word::Hold& event);
  void On(const word::Release& event);
  void On(const batch_event::Drain& event);
  void On(const batch_event::Tick& event);

  // Emission: who is asked for what, and what the answers are worth.
  EmitGate Gate() const;
  EmitGate InputGate() const;
  void StartAttempts();
  void StartAttempt();
  void AskForCut(Batch& batch);
  void AskForRow(Batch& batch);
  void AskReady(Batch& batch);
  Asked& Ask(Batch& batch, uint32_t emitter, word::EmitMode mode);
  void SendEmits(Batch& batch);
  void TakeAnswer(Batch& batch, Asked& asked, const word::Emitted& event);
  Status CheckAnswer(const Batch& batch, const Asked& asked, const Answer& answer) const;
  // `rows`: without those of dead letters, which are put aside already.
  Status CheckAside(const Asked& asked, uint64_t rows, uint64_t rows_aside) const;
  Status CheckRange(const Batch& batch, const Asked& asked, const SourceRange& range) const;
  void OnRangesKnown(Batch& batch);
  void Withdraw(Batch& batch);
  std::vector<SourceRange> CutOf(TxId txid, EmitterId emitter) const;

  // Commit: permit, count, decide, apply, each in txid order.
  void PermitInOrder();
  bool CutIsDurable(const Batch& batch) const;
  bool HasTurn(const Batch& batch) const;
  void LogCut(Batch& batch);
  void Permit(Batch& batch);
  void DecideReady();
  void OnDecided(const Batch& batch);
  void ReportDrained();

  // Failure: what is taken back, and when to give up.
  void HeardOf(const Batch& batch);
  void WatchFirstUnready();
  void CheckProgress(Nanos now);
  // Fails the batch and cancels every later one.
  void Fail(const Batch& batch, const Status& cause);
  void Cancel(TxId from);
  void Halt(Status cause);
  void FailUnissued(const std::string& why);
  void FailIfAwaited(EmitterId emitter, const char* why);
  FailedAttempt Describe(const Batch& batch) const;
  void HaltAfterDeaths();
  void HaltAfterRetries(const FailedAttempt& failed, Attempt attempt, const Status& cause);
  std::string AboutDeadLetters() const;
  std::string AdviceOn(const FailedAttempt& failed, const Status& cause) const;
  // Halts because a worker has applied what this coordinator has not decided.
  void HaltBehind(WorkerId worker, TxId applied);
  // Halts on what cannot have happened; `error` says what was expected and what was found.
  void ProtocolError(const BatchId& id, const Status& error);

  // The batch in flight that the message is about, or null after answering it.
  Batch* Current(const BatchId& id, const Sender& sender);
  // `id` names what the message was about; what it does not name is zero.
  void AnswerStale(const Sender& sender, const BatchId& id = {});
  BatchEmitter* KnownEmitter(EmitterId id);
  BatchVoter* KnownVoter(WorkerId id);
  void ArmTimer();

  // Txids in flight: last_decided_ + 1 .. last_decided_ + in_flight_.
  Batch& At(TxId txid) { return ring_[txid.value() % ring_.size()]; }
  const Batch& At(TxId txid) const { return ring_[txid.value() % ring_.size()]; }
  BatchId IdOf(const Batch& batch) const { return {config_.group, batch.txid, batch.attempt}; }
  BatchId IdOf(TxId txid) const { return {config_.group, txid, Attempt()}; }
  bool InFlight(TxId txid) const { return txid > last_decided_ && txid < next_txid(); }
  TxId next_txid() const { return TxId(last_decided_.value() + in_flight_ + 1); }
  // The last txid whose decision was issued.
  TxId last_issued() const { return TxId(last_decided_.value() + deciding_); }
  uint32_t attempts_made(TxId txid) const;
  Attempt AttemptOf(TxId txid) const;
  bool halted() const { return !halted_.ok(); }

  // Constant after construction.
  const GroupConfig config_;
  const Epoch epoch_;

  // What is decided, and what is on its way.
  TxId last_decided_;
  Attempt last_attempt_;  // of last_decided_
  uint64_t in_flight_ = 0;
  uint64_t deciding_ = 0;                // of these, in the Decide that is outstanding
  std::vector<Batch> ring_;              // by txid modulo max_pending
  std::vector<uint32_t> attempts_made_;  // likewise, for txids after last_decided_
  std::map<TxId, Cut> cuts_;             // logged, of txids after last_decided_
  std::map<TxId, Attempt> to_void_;      // permitted and cancelled, and not voided so far

  // Who takes part, and where the sources stand after the newest cut.
  EmitterRoster emitters_;
  VoterRoster voters_;
  SourcePositions positions_;
  uint32_t ask_first_ = 0;  // emitter that is asked first, when not all can be

  // Pace.
  RetryPolicy retry_;
  Countdown backoff_;
  Countdown filling_;
  ProgressWatch progress_;
  BatchId watched_;  // the first in flight that is not ready; 0 = none
  Nanos now_ = 0;    // of the last Tick
  std::optional<Nanos> timer_;
  bool paused_ = false;
  bool held_ = false;  // by any worker
  bool draining_ = false;
  bool drained_ = false;  // and said so

  Status halted_;
  uint64_t failures_total_ = 0;
  uint64_t rows_diverted_ = 0;
  std::vector<BatchAction>* out_ = nullptr;  // during Step
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_PROTOCOL_BATCH_PROTOCOL_MACHINE_H_
