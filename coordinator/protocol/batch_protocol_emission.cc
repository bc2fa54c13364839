// SPDX-License-Identifier: Apache-2.0
//
// Emission: when an attempt may start, who is asked for what, and what the answers are worth.
#include <algorithm>

#include "absl/strings/escaping.h"
#include "base/check.h"
#include "base/letter_partition.h"
#include "coordinator/protocol/batch_protocol_machine.h"

namespace trident {

using word::EmitMode;

namespace {

// A range without rows and movement is as good as none.
bool Moves(const SourceRange& range) { return range.rows > 0 || range.start != range.end; }

std::vector<SourceRange> Moved(const std::vector<SourceRange>& ranges) {
  std::vector<SourceRange> moved;
  moved.reserve(ranges.size());
  for (const SourceRange& range : ranges) {
    if (Moves(range)) moved.push_back(range);
  }
  return moved;
}

std::vector<SourceRange> PartOf(const std::vector<SourceRange>& ranges, EmitterId emitter) {
  std::vector<SourceRange> part;
  for (const SourceRange& range : ranges) {
    if (range.emitter == emitter) part.push_back(range);
  }
  return part;
}

std::string Quoted(const std::string& bytes) { return Concat("'", absl::CHexEscape(bytes), "'"); }

}  // namespace

EmitGate BatchProtocol::Machine::Gate() const {
  if (halted()) return EmitGate::kHalted;
  if (draining_) return EmitGate::kDraining;
  if (paused_) return EmitGate::kPaused;
  if (held_) return EmitGate::kHeld;
  if (!voters_.AllPresent()) return EmitGate::kWorkerAbsent;
  if (!voters_.AllCaughtUp()) return EmitGate::kWorkerBehind;
  const uint64_t slowest = voters_.SlowestApplied().value();
  if (slowest + config_.backlog_max <= last_decided_.value()) return EmitGate::kBacklog;
  if (in_flight_ > 0 && retry_.careful()) return EmitGate::kCareful;
  if (in_flight_ >= config_.max_pending) return EmitGate::kPendingFull;
  if (in_flight_ > 0 && At(next_txid().Prev()).phase == BatchPhase::kEmitting) {
    return EmitGate::kRangesUnknown;
  }
  if (retry_.retrying() != TxId() && next_txid() != retry_.retrying()) return EmitGate::kRetrying;
  if (backoff_.running()) return EmitGate::kBackoff;
  return InputGate();
}

EmitGate BatchProtocol::Machine::InputGate() const {
  const auto present = [&](EmitterId id) { return emitters_[emitters_.Find(id)].present; };
  if (auto cut = cuts_.find(next_txid()); cut != cuts_.end()) {
    const std::vector<SourceRange>& ranges = cut->second.ranges;
    const bool all = std::all_of(ranges.begin(), ranges.end(),
                                 [&](const SourceRange& r) { return present(r.emitter); });
    return all ? EmitGate::kOpen : EmitGate::kEmitterAbsent;
  }
  if (retry_.retrying() != TxId() && retry_.next() != EmitMode::kNew) {
    return present(retry_.the_row().emitter) ? EmitGate::kOpen : EmitGate::kEmitterAbsent;
  }
  if (!emitters_.AnyReady()) return EmitGate::kNoInput;
  return config_.age_max == 0 || emitters_.AnyEager() ? EmitGate::kOpen : EmitGate::kFilling;
}

void BatchProtocol::Machine::StartAttempts() {
  while (Gate() == EmitGate::kOpen) StartAttempt();
  // Input that came meanwhile, or that was not asked for yet, starts to age.
  if (config_.age_max > 0 && !filling_.running() && emitters_.AnyReady() && !emitters_.AnyEager()) {
    filling_.Start(config_.age_max);
  }
}

void BatchProtocol::Machine::StartAttempt() {
  const TxId txid = next_txid();
  if (attempts_made(txid) == UINT32_MAX) {
    return Halt(ResourceExhausted("batch group ", config_.group.value(), ": txid ", txid.value(),
                                  " has used up the attempts of one epoch; start again"));
  }
  Batch& batch = At(txid);
  batch.prev_attempt = AttemptOf(txid.Prev());
  batch.txid = txid;
  batch.attempt = {epoch_, ++attempts_made_[txid.value() % ring_.size()]};
  batch.phase = BatchPhase::kEmitting;
  batch.mode = EmitMode::kNew;
  batch.ask_first = ask_first_;
  batch.asked.clear();
  batch.ranges.clear();
  batch.rows = 0;
  batch.rows_aside = 0;
  batch.failure = absl::OkStatus();
  batch.failing = FailedAttempt::Part::kTask;
  batch.rows_promised = 0;
  batch.cut_log_asked = false;
  batch.votes.assign(voters_.size(), Vote());
  batch.votes_awaited = static_cast<uint32_t>(voters_.size());
  ++in_flight_;
  filling_.Clear();

  if (cuts_.contains(txid)) {
    AskForCut(batch);
  } else if (retry_.retrying() == txid && retry_.next() != EmitMode::kNew) {
    AskForRow(batch);
  } else {
    AskReady(batch);
  }
  batch.answers_awaited = static_cast<uint32_t>(batch.asked.size());
  SendEmits(batch);
  if (batch.asked.empty()) OnRangesKnown(batch);
}

BatchProtocol::Machine::Asked& BatchProtocol::Machine::Ask(Batch& batch, uint32_t emitter,
                                                           EmitMode mode) {
  emitters_.OnAsked(emitters_[emitter]);
  return batch.asked.emplace_back(
      Asked{.emitter = emitter, .incarnation = emitters_[emitter].incarnation, .mode = mode});
}

// The transactional spouts repeat what was logged; the others have nothing that they must repeat.
void BatchProtocol::Machine::AskForCut(Batch& batch) {
  batch.mode = EmitMode::kExact;
  for (const SourceRange& range : cuts_[batch.txid].ranges) {
    const uint32_t emitter = static_cast<uint32_t>(emitters_.Find(range.emitter));
    const bool asked = std::any_of(batch.asked.begin(), batch.asked.end(),
                                   [&](const Asked& a) { return a.emitter == emitter; });
    if (!asked) Ask(batch, emitter, EmitMode::kExact).rows_max = UINT64_MAX;
    batch.rows_promised += range.rows;
  }
  AskReady(batch);
}

void BatchProtocol::Machine::AskForRow(Batch& batch) {
  batch.mode = retry_.next();
  const int emitter = emitters_.Find(retry_.the_row().emitter);
  Ask(batch, static_cast<uint32_t>(emitter), batch.mode).rows_max = 1;
}

// Shares the limits equally among the ready emitters; with fewer rows than emitters, some have to
// wait for the next batch, and the turn goes round. A retry gives the same ones their turn again,
// or a row that fails could be passed over for ever.
void BatchProtocol::Machine::AskReady(Batch& batch) {
  const auto may_ask = [&](const BatchEmitter& emitter) {
    return emitter.ready &&
           (batch.mode == EmitMode::kNew || emitter.kind != SpoutKind::kTransactional);
  };
  uint64_t ready = 0;
  for (size_t i = 0; i < emitters_.size(); ++i) ready += may_ask(emitters_[i]) ? 1 : 0;
  const uint64_t limit = retry_.limits().rows;
  const uint64_t room = limit - std::min(limit, batch.rows_promised);
  const uint64_t shares = std::min(ready, room);
  if (shares == 0) return;

  const uint64_t rows = room / shares;
  uint64_t left_over = room % shares;
  uint64_t to_ask = shares;
  const uint32_t first = ask_first_;
  for (size_t i = 0; i < emitters_.size() && to_ask > 0; ++i) {
    const uint32_t emitter = static_cast<uint32_t>((first + i) % emitters_.size());
    if (!may_ask(emitters_[emitter])) continue;
    Ask(batch, emitter, EmitMode::kNew).rows_max = rows + (left_over > 0 ? 1 : 0);
    left_over -= left_over > 0 ? 1 : 0;
    --to_ask;
    if (shares < ready) ask_first_ = (emitter + 1) % static_cast<uint32_t>(emitters_.size());
  }
}

void BatchProtocol::Machine::SendEmits(Batch& batch) {
  word::Begin begin{.id = IdOf(batch), .prev_attempt = batch.prev_attempt, .emitters = {}};
  begin.emitters.reserve(batch.asked.size());
  for (const Asked& asked : batch.asked) begin.emitters.push_back(emitters_[asked.emitter].id);
  out_->emplace_back(std::move(begin));

  for (const Asked& asked : batch.asked) {
    const BatchEmitter& emitter = emitters_[asked.emitter];
    const uint64_t bytes = std::max<uint64_t>(retry_.limits().bytes / batch.asked.size(), 1);
    word::Emit emit{.id = IdOf(batch),
                    .emitter = emitter.id,
                    .incarnation = asked.incarnation,
                    .mode = asked.mode,
                    .limits = {asked.rows_max, bytes},
                    .starts = {},
                    .exact = {},
                    .cause = {}};
    if (asked.mode == EmitMode::kSingle || asked.mode == EmitMode::kDivert) {
      emit.starts.push_back(retry_.the_row().at);
    } else {
      positions_.AppendStarts(emitter.spout, emitter.id.task, emit.starts);
    }
    if (asked.mode == EmitMode::kExact) emit.exact = CutOf(batch.txid, emitter.id);
    if (asked.mode == EmitMode::kDivert) emit.cause = retry_.last_cause().ToString();
    out_->emplace_back(std::move(emit));
  }
}

std::vector<SourceRange> BatchProtocol::Machine::CutOf(TxId txid, EmitterId emitter) const {
  return PartOf(cuts_.at(txid).ranges, emitter);
}

void BatchProtocol::Machine::On(const word::Emitted& event) {
  BatchEmitter* emitter = KnownEmitter(event.emitter);
  if (emitter == nullptr) return;
  const Sender sender{StaleKind::kEmitted, event.emitter, {}, emitter->incarnation};
  Batch* batch = Current(event.id, sender);
  if (batch == nullptr) return;
  const auto asked = std::find_if(batch->asked.begin(), batch->asked.end(),
                                  [&](const Asked& a) { return &emitters_[a.emitter] == emitter; });
  if (asked == batch->asked.end()) {
    return ProtocolError(event.id,
                         Internal(ToString(event.emitter), " answered but was not asked"));
  }
  if (asked->incarnation != event.incarnation) {
    return AnswerStale(sender, event.id);
  }
  TakeAnswer(*batch, *asked, event);
}

void BatchProtocol::Machine::TakeAnswer(Batch& batch, Asked& asked, const word::Emitted& event) {
  const Answer answer{.moved = Moved(event.ranges), .rows_aside = event.rows_aside};
  const std::vector<SourceRange>& moved = answer.moved;
  if (asked.answered) {
    if (moved == PartOf(batch.ranges, event.emitter) && answer.rows_aside == asked.rows_aside) {
      const Sender sender{StaleKind::kEmitted, event.emitter, {}, asked.incarnation};
      return AnswerStale(sender, event.id);
    }
    return ProtocolError(event.id,
                         Internal(ToString(event.emitter), " answered twice and differently"));
  }
  if (Status s = CheckAnswer(batch, asked, answer); !s.ok()) {
    return ProtocolError(event.id, s);
  }
  const BatchEmitter& emitter = emitters_[asked.emitter];
  const auto start = emitter.kind == SpoutKind::kNonTransactional
                         ? SourcePositions::Start::kTrusted
                         : SourcePositions::Start::kChecked;
  for (const SourceRange& range : moved) {
    if (Status s = positions_.Advance(emitter.spout, batch.txid, range, start); !s.ok()) {
      return ProtocolError(event.id, s);
    }
    batch.ranges.push_back(range);
    batch.rows += range.rows;
  }
  asked.answered = true;
  asked.rows_aside = answer.rows_aside;
  batch.rows_aside += answer.rows_aside;
  HeardOf(batch);
  // Only who was asked for anything new has looked at all that there is.
  const bool looked = asked.mode == EmitMode::kNew;
  const bool none = moved.empty() || event.remaining == word::Remaining::kExhausted;
  emitters_.OnAnswered(emitters_[asked.emitter],
                       looked && none ? word::Remaining::kExhausted : word::Remaining::kMore);
  if (--batch.answers_awaited == 0) OnRangesKnown(batch);
}

Status BatchProtocol::Machine::CheckAnswer(const Batch& batch, const Asked& asked,
                                           const Answer& answer) const {
  uint64_t rows = 0;
  for (const SourceRange& range : answer.moved) {
    TRIDENT_RETURN_IF_ERROR(CheckRange(batch, asked, range));
    rows += range.rows;
  }
  const uint64_t rows_of_letters = RowsOfLetters(answer.moved);
  const EmitterId emitter = emitters_[asked.emitter].id;
  if (rows > asked.rows_max) {
    return Internal(ToString(emitter), " was asked for at most ", asked.rows_max,
                    " rows but emitted ", rows);
  }
  TRIDENT_RETURN_IF_ERROR(CheckAside(asked, rows - rows_of_letters, answer.rows_aside));
  if (asked.mode != EmitMode::kExact) return absl::OkStatus();
  const std::vector<SourceRange> cut = CutOf(batch.txid, emitter);
  if (std::is_permutation(answer.moved.begin(), answer.moved.end(), cut.begin(), cut.end())) {
    return absl::OkStatus();
  }
  return DataLoss(ToString(emitter),
                  " was asked to repeat a logged cut but emitted other ranges, rows or checksums; "
                  "the source has changed under a transactional spout");
}

Status BatchProtocol::Machine::CheckAside(const Asked& asked, uint64_t rows,
                                          uint64_t rows_aside) const {
  const EmitterId emitter = emitters_[asked.emitter].id;
  if (asked.mode == EmitMode::kDivert) {
    if (rows_aside == rows) return absl::OkStatus();
    return Internal(ToString(emitter), " was asked to divert ", rows, " rows, but put ", rows_aside,
                    " aside");
  }
  if (rows_aside == 0) return absl::OkStatus();
  if (rows_aside > rows) {
    return Internal(ToString(emitter), " put ", rows_aside, " rows aside, but emitted ", rows);
  }
  const bool may =
      config_.policy == FailurePolicy::kDeadLetter && config_.cut_logging == CutLogging::kNone;
  if (may) return absl::OkStatus();
  return Internal(ToString(emitter), " put ", rows_aside, " rows aside, but this group ",
                  config_.policy == FailurePolicy::kStop
                      ? "has no dead letters"
                      : "repeats logged cuts, whose rows must be the same each time");
}

Status BatchProtocol::Machine::CheckRange(const Batch& batch, const Asked& asked,
                                          const SourceRange& range) const {
  const BatchEmitter& emitter = emitters_[asked.emitter];
  if (range.emitter != emitter.id) {
    return Internal(ToString(emitter.id), " reported a range of ", ToString(range.emitter));
  }
  if (range.start == range.end && emitter.kind != SpoutKind::kNonTransactional) {
    return Internal(ToString(emitter.id), " emitted ", range.rows, " rows of source partition ",
                    Quoted(range.partition), " without moving its position");
  }
  const bool one_row = asked.mode == EmitMode::kSingle || asked.mode == EmitMode::kDivert;
  if (one_row && range.partition != retry_.the_row().at.partition) {
    return Internal("txid ", batch.txid.value(), " holds one row of source partition ",
                    Quoted(retry_.the_row().at.partition), ", but ", ToString(emitter.id),
                    " emitted from ", Quoted(range.partition));
  }
  return absl::OkStatus();
}

void BatchProtocol::Machine::OnRangesKnown(Batch& batch) {
  if (!batch.failure.ok()) {
    batch.phase = BatchPhase::kLoggingCut;
    return Fail(batch, Status(batch.failure));
  }
  if (batch.ranges.empty() && batch.mode != EmitMode::kExact) return Withdraw(batch);
  batch.phase = BatchPhase::kLoggingCut;
  PermitInOrder();
}

// Nothing was emitted and nothing moved: as if the attempt had not been. It is the newest in
// flight.
void BatchProtocol::Machine::Withdraw(Batch& batch) {
  if (batch.mode != EmitMode::kNew) retry_.OnRowGone();
  // Nor will there be anything of what failed: nothing is left to be retried.
  if (batch.txid == retry_.retrying() && !emitters_.AnyReady()) retry_.OnInputGone();
  --in_flight_;
  out_->emplace_back(word::Abort{{IdOf(batch)}});
}

}  // namespace trident
