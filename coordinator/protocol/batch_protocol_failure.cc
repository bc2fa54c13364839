// SPDX-License-Identifier: Apache-2.0
//
// Failure: who is lost, what stands still, what is taken back because of it, and when to give up.
#include <algorithm>

#include "base/clock.h"
#include "coordinator/protocol/batch_protocol_machine.h"

namespace trident {

using word::EmitMode;

namespace {

// With a full stop, unless it ends like a sentence.
std::string AsSentence(std::string_view text) {
  const bool ends = !text.empty() && std::string_view(".?!").find(text.back()) != text.npos;
  return Concat(text, ends ? "" : ".");
}

}  // namespace

void BatchProtocol::Machine::On(const word::Failed& event) {
  const Sender sender{StaleKind::kFailed, {}, {}, {}};
  Batch* batch = Current(event.id, sender);
  if (batch == nullptr) return;
  if (batch->phase == BatchPhase::kDeciding) return AnswerStale(sender, event.id);
  const Status cause =
      event.cause.ok() ? Internal("it was reported as failed without a cause") : event.cause;
  if (event.emitter) batch->failing = FailedAttempt::Part::kSource;
  if (event.emitter || batch->phase != BatchPhase::kEmitting) return Fail(*batch, cause);
  // Its size and its rows are known once the emitters have answered, which they do all the same.
  if (batch->failure.ok()) batch->failure = cause;
}

void BatchProtocol::Machine::On(const word::EmitterStarted& event) {
  BatchEmitter* emitter = KnownEmitter(event.emitter);
  if (emitter == nullptr) return;
  const Sender sender{StaleKind::kEmitterStarted, event.emitter, {}, emitter->incarnation};
  if (emitters_.OnStarted(*emitter, event.incarnation) == LifeNews::kStale) {
    return AnswerStale(sender);
  }
  positions_.ForgetReaders(emitter->spout);
  FailIfAwaited(event.emitter, "started again before it answered");
}

void BatchProtocol::Machine::On(const batch_event::EmitterLost& event) {
  BatchEmitter* emitter = KnownEmitter(event.emitter);
  if (emitter == nullptr) return;
  const Sender sender{StaleKind::kEmitterLost, event.emitter, {}, emitter->incarnation};
  if (emitters_.OnLost(*emitter, event.incarnation) == LifeNews::kStale) {
    return AnswerStale(sender);
  }
  FailIfAwaited(event.emitter, "was lost before it answered");
}

// News of a life that the protocol has not heard of tell that it started, too.
void BatchProtocol::Machine::On(const word::InputReady& event) {
  BatchEmitter* emitter = KnownEmitter(event.emitter);
  if (emitter == nullptr) return;
  if (event.incarnation > emitter->incarnation) {
    On(word::EmitterStarted{event.emitter, event.incarnation});
  }
  if (event.incarnation != emitter->incarnation || !emitter->present) {
    return AnswerStale({StaleKind::kInputReady, event.emitter, {}, emitter->incarnation});
  }
  emitters_.OnInputReady(*emitter);
}

// Only the newest batch in flight can be waiting for an answer.
void BatchProtocol::Machine::FailIfAwaited(EmitterId emitter, const char* why) {
  if (in_flight_ == 0) return;
  const Batch& newest = At(next_txid().Prev());
  for (const Asked& asked : newest.asked) {
    if (asked.answered || emitters_[asked.emitter].id != emitter) continue;
    return Fail(newest, Unavailable(ToString(emitter), " ", why));
  }
}

void BatchProtocol::Machine::On(const word::WorkerJoined& event) {
  BatchVoter* voter = KnownVoter(event.worker);
  if (voter == nullptr) return;
  const Sender sender{StaleKind::kWorkerJoined, {}, event.worker, voter->incarnation};
  const LifeNews news = voters_.OnJoined(*voter, event.incarnation, event.applied, last_issued());
  if (news == LifeNews::kStale) return AnswerStale(sender);
  held_ = voters_.AnyHolds();
  if (event.applied > last_issued()) return HaltBehind(event.worker, event.applied);
  FailUnissued(Concat("worker ", event.worker.value(), " started again"));
}

void BatchProtocol::Machine::On(const batch_event::WorkerLost& event) {
  BatchVoter* voter = KnownVoter(event.worker);
  if (voter == nullptr) return;
  const Sender sender{StaleKind::kWorkerLost, {}, event.worker, voter->incarnation};
  if (voters_.OnLost(*voter, event.incarnation) == LifeNews::kStale) {
    return AnswerStale(sender);
  }
  held_ = voters_.AnyHolds();
  FailUnissued(Concat("worker ", event.worker.value(), " was lost"));
}

// A decision that was issued may be durable already, so only what comes after it can still fail.
void BatchProtocol::Machine::FailUnissued(const std::string& why) {
  const TxId first = last_issued().Next();
  if (InFlight(first)) Fail(At(first), Unavailable(why));
}

void BatchProtocol::Machine::HeardOf(const Batch& batch) {
  if (batch.txid == watched_.txid) progress_.Moved();
}

// Those before the first that is not ready wait only for a decision, those after it also for this
// one.
void BatchProtocol::Machine::WatchFirstUnready() {
  BatchId first;
  for (TxId txid = last_issued().Next(); txid < next_txid(); txid = txid.Next()) {
    const Batch& batch = At(txid);
    if (batch.phase == BatchPhase::kReady) continue;
    const bool waits_for_turn =
        batch.phase == BatchPhase::kLoggingCut && CutIsDurable(batch) && !HasTurn(batch);
    if (!waits_for_turn) first = IdOf(batch);
    break;
  }
  if (first == watched_) return;
  watched_ = first;
  progress_.Moved();
}

void BatchProtocol::Machine::CheckProgress(Nanos now) {
  if (watched_.txid == TxId() || !progress_.ExpiredAt(now)) return;
  const Batch& batch = At(watched_.txid);
  const std::string text = Concat("no progress for ", config_.progress_deadline / kMillisecond,
                                  " ms while ", ToString(batch.phase), "; ", batch.answers_awaited,
                                  " emitters and ", batch.votes_awaited, " votes were awaited");
  Fail(batch, batch.failure.ok() ? DeadlineExceeded(text) : Status(batch.failure));
}

void BatchProtocol::Machine::Fail(const Batch& batch, const Status& cause) {
  const FailedAttempt failed = Describe(batch);
  const Attempt attempt = batch.attempt;
  Cancel(failed.txid);
  ++failures_total_;
  if (retry_.OnFailed(failed, cause) == RetryPolicy::Verdict::kStop) {
    return HaltAfterRetries(failed, attempt, cause);
  }
  backoff_.Start(retry_.delay());
}

FailedAttempt BatchProtocol::Machine::Describe(const Batch& batch) const {
  FailedAttempt failed{.txid = batch.txid,
                       .mode = cuts_.contains(batch.txid) ? EmitMode::kExact : batch.mode,
                       .rows = batch.rows,
                       .the_row = std::nullopt,
                       .part = batch.failing};
  if (batch.rows != 1 || batch.phase == BatchPhase::kEmitting) return failed;
  for (const SourceRange& range : batch.ranges) {
    if (range.rows == 1) failed.the_row = RowPlace{range.emitter, {range.partition, range.start}};
  }
  return failed;
}

// Takes back txids from the newest down to `from`: positions, readiness, slots.
void BatchProtocol::Machine::Cancel(TxId from) {
  if (!InFlight(from)) return;
  word::Abort abort;
  while (next_txid() > from) {
    const Batch& batch = At(next_txid().Prev());
    abort.cancelled.push_back(IdOf(batch));
    const bool was_permitted = batch.phase >= BatchPhase::kStaging;
    if (was_permitted && config_.commit == CommitBy::kVotes) to_void_[batch.txid] = batch.attempt;
    for (const SourceRange& range : batch.ranges) {
      positions_.Undo(emitters_[emitters_.Find(range.emitter)].spout, range);
    }
    for (const Asked& asked : batch.asked) emitters_.OnCancelled(emitters_[asked.emitter]);
    ask_first_ = batch.ask_first;
    --in_flight_;
  }
  std::reverse(abort.cancelled.begin(), abort.cancelled.end());
  out_->emplace_back(std::move(abort));
}

void BatchProtocol::Machine::Halt(Status cause) {
  if (halted()) return;
  Cancel(last_issued().Next());
  halted_ = std::move(cause);
  out_->emplace_back(batch_action::Halt{halted_});
}

void BatchProtocol::Machine::HaltAfterRetries(const FailedAttempt& failed, Attempt attempt,
                                              const Status& cause) {
  const uint32_t failures = retry_.failures();
  Halt(Status(
      cause.code(),
      Concat("batch group ", config_.group.value(), " stops at txid ", failed.txid.value(),
             " after ", failures, failures == 1 ? " failed attempt, " : " failed attempts, ",
             failures == 1 ? "" : "the last ", ToString(attempt), " with ", failed.rows,
             failed.rows == 1 ? " row: " : " rows: ", AsSentence(Message(cause)),
             " Everything up to txid ", last_issued().value(), " is committed, nothing of txid ",
             failed.txid.value(), "; ", AdviceOn(failed, cause))));
}

void BatchProtocol::Machine::HaltAfterDeaths() {
  const EarlierDeaths& deaths = *config_.deaths;
  const bool exact = cuts_.contains(last_decided_.Next());
  std::string advice = "remove the cause and start again, which tries it once more";
  if (exact) {
    advice += "; the cut is logged for a transactional state, so no row of it can be diverted";
  } else if (config_.policy == FailurePolicy::kStop) {
    advice += AboutDeadLetters();
  } else if (deaths.divert_deaths > 0) {
    advice += "; processes ended while its row was being diverted too, so the row is not to blame";
  } else {
    advice += "; no row was found to be the cause, so none was put aside";
  }
  Halt(Aborted("batch group ", config_.group.value(), " stops at txid ", deaths.txid.value(), ": ",
               deaths.deaths, deaths.deaths == 1 ? " process" : " processes",
               " ended in it, the last one ", deaths.cause, ". Everything up to txid ",
               last_decided_.value(), " is committed, nothing of txid ", deaths.txid.value(), "; ",
               advice));
}

std::string BatchProtocol::Machine::AboutDeadLetters() const {
  return ", or let rows that cannot be processed be put aside as dead letters "
         "(--on-failure dead-letter)";
}

std::string BatchProtocol::Machine::AdviceOn(const FailedAttempt& failed,
                                             const Status& cause) const {
  const std::string remove = "remove the cause and start again";
  if (failed.mode == EmitMode::kExact) {
    return remove +
           "; the cut is logged for a transactional state, so no row of it can be diverted";
  }
  if (failed.mode == EmitMode::kDivert) {
    return remove + "; diverting its row failed too, so the row is not to blame";
  }
  if (failed.part == FailedAttempt::Part::kSource) {
    return remove + "; the source could not be read, so there is no row to put aside";
  }
  // A process or a link that does not answer is no fault of a row.
  const bool may_be_a_row =
      cause.code() != StatusCode::kDeadlineExceeded && cause.code() != StatusCode::kUnavailable;
  if (config_.policy == FailurePolicy::kStop && may_be_a_row) {
    return remove + AboutDeadLetters();
  }
  if (config_.policy == FailurePolicy::kDeadLetter) {
    return remove + "; no row was found to be the cause, so none was put aside";
  }
  return remove;
}

// A worker learns decisions from the log too, so it may be ahead of one who does not lead any more.
void BatchProtocol::Machine::HaltBehind(WorkerId worker, TxId applied) {
  Halt(DataLoss("batch group ", config_.group.value(), ": worker ", worker.value(),
                " has applied txid ", applied.value(),
                ", but this coordinator has decided only up to ", last_issued().value(),
                ". Either another coordinator leads now, or an older decision log was put in "
                "place, or the worker's state belongs to another run: if no other leads, restore "
                "log and state from one backup"));
}

void BatchProtocol::Machine::ProtocolError(const BatchId& id, const Status& error) {
  Halt(Status(error.code(),
              Concat("batch group ", config_.group.value(), ", txid ", id.txid.value(), " attempt ",
                     ToString(id.attempt), ": ", Message(error),
                     ". The group stops rather than guess; start again, which continues after the "
                     "last decision, and report this if it comes back")));
}

}  // namespace trident
