// SPDX-License-Identifier: Apache-2.0
//
// Commit: an emitted batch is permitted to be staged, voted for, decided and applied, each in txid
// order.
#include <algorithm>
#include <memory>

#include "coordinator/protocol/batch_protocol_machine.h"

namespace trident {

using word::EmitMode;

namespace {

// Why the group halts. After a write that failed, all others are refused; what was refused is not
// there, and to say that its outcome is unknown would hide the one that failed.
Status NotWritten(GroupId group, const batch_event::DecisionWritten& event) {
  const std::string decisions =
      Concat("the decisions ", event.first.value(), " to ", event.last.value());
  return Annotate(
      event.status,
      event.status.code() == StatusCode::kFailedPrecondition
          ? Concat("batch group ", group.value(), ": ", decisions, " were not written")
          : Concat("batch group ", group.value(), ": the outcome of writing ", decisions,
                   " is unknown: reopen the decision log and compare, which a new "
                   "start does"));
}

}  // namespace

void BatchProtocol::Machine::PermitInOrder() {
  for (TxId txid = last_issued().Next(); txid < next_txid(); txid = txid.Next()) {
    Batch& batch = At(txid);
    if (batch.phase >= BatchPhase::kStaging) continue;
    if (batch.phase == BatchPhase::kEmitting) return;
    if (!CutIsDurable(batch)) return LogCut(batch);
    if (!HasTurn(batch)) return;
    if (to_void_.contains(txid)) return;
    Permit(batch);
  }
}

bool BatchProtocol::Machine::HasTurn(const Batch& batch) const {
  if (config_.staging == Staging::kOverlapped) return true;
  return batch.txid == last_decided_.Next() && voters_.SlowestApplied() >= last_decided_;
}

bool BatchProtocol::Machine::CutIsDurable(const Batch& batch) const {
  if (config_.cut_logging == CutLogging::kNone && batch.mode != EmitMode::kExact) return true;
  auto cut = cuts_.find(batch.txid);
  return cut != cuts_.end() && cut->second.durable;
}

// From here on the cut may be found by a later start, so later attempts repeat it, answered or not.
void BatchProtocol::Machine::LogCut(Batch& batch) {
  if (batch.cut_log_asked) return;
  batch.cut_log_asked = true;
  auto [cut, is_new] = cuts_.try_emplace(batch.txid);
  if (is_new) {
    for (const SourceRange& range : batch.ranges) {
      const BatchEmitter& emitter = emitters_[emitters_.Find(range.emitter)];
      if (emitter.kind == SpoutKind::kTransactional) cut->second.ranges.push_back(range);
    }
  }
  out_->emplace_back(batch_action::LogCut{IdOf(batch), cut->second.ranges});
}

void BatchProtocol::Machine::On(const batch_event::CutLogged& event) {
  const Sender sender{StaleKind::kCutLogged, {}, {}, {}};
  Batch* batch = Current(event.id, sender);
  if (batch == nullptr) return;
  if (!batch->cut_log_asked) {
    return ProtocolError(event.id,
                         Internal("its cut was reported as logged, but LogCut was not asked for"));
  }
  if (CutIsDurable(*batch)) return AnswerStale(sender, event.id);
  if (!event.status.ok()) {
    return Halt(Annotate(event.status,
                         Concat("batch group ", config_.group.value(), ": writing the cut of txid ",
                                event.id.txid.value(),
                                " failed and its outcome is unknown; start again, which reads "
                                "what is there")));
  }
  HeardOf(*batch);
  cuts_[event.id.txid].durable = true;
  PermitInOrder();
}

void BatchProtocol::Machine::Permit(Batch& batch) {
  batch.phase = BatchPhase::kStaging;
  word::Permit permit{IdOf(batch), batch.prev_attempt};
  if (config_.commit == CommitBy::kVotes) {
    permit.cut =
        std::make_shared<const BatchCut>(BatchCut{batch.ranges, batch.rows, batch.rows_aside});
  }
  out_->emplace_back(std::move(permit));
}

void BatchProtocol::Machine::On(const word::Voted& event) {
  BatchVoter* voter = KnownVoter(event.worker);
  if (voter == nullptr) return;
  const Sender sender{StaleKind::kVoted, {}, event.worker, voter->incarnation};
  Batch* batch = Current(event.id, sender);
  if (batch == nullptr) return;
  if (!voter->present || voter->incarnation != event.incarnation) {
    return AnswerStale(sender, event.id);
  }
  const VoteRecord record{event.worker, event.rows, event.checksum};
  Vote& vote = batch->votes[voters_.Find(event.worker)];
  if (vote.given && vote.record == record) return AnswerStale(sender, event.id);
  if (vote.given || batch->phase != BatchPhase::kStaging) {
    const char* how = vote.given ? "twice and differently" : "before it was permitted to stage";
    return ProtocolError(event.id, Internal("worker ", event.worker.value(), " voted ", how));
  }
  vote = {record, true};
  HeardOf(*batch);
  if (--batch->votes_awaited == 0) batch->phase = BatchPhase::kReady;
}

void BatchProtocol::Machine::On(const word::Voided& event) {
  BatchVoter* voter = KnownVoter(event.worker);
  if (voter == nullptr) return;
  const auto awaited = to_void_.find(event.id.txid);
  const bool is_news = awaited != to_void_.end() && awaited->second <= event.id.attempt &&
                       event.id.attempt.epoch == epoch_ && event.id.group == config_.group &&
                       voter->present && voter->incarnation == event.incarnation;
  if (!is_news) {
    return AnswerStale({StaleKind::kVoided, {}, event.worker, voter->incarnation}, event.id);
  }
  to_void_.erase(awaited);
  PermitInOrder();
}

void BatchProtocol::Machine::DecideReady() {
  if (deciding_ > 0 || halted()) return;
  batch_action::Decide decide;
  for (TxId txid = last_decided_.Next(); txid < next_txid(); txid = txid.Next()) {
    Batch& batch = At(txid);
    if (batch.phase != BatchPhase::kReady) break;
    batch.phase = BatchPhase::kDeciding;
    DecisionRecord& record = decide.records.emplace_back();
    record.txid = txid;
    record.attempt = batch.attempt;
    record.ranges = batch.ranges;
    record.rows = batch.rows;
    record.rows_diverted = batch.rows_aside;
    for (const Vote& vote : batch.votes) record.votes.push_back(vote.record);
    ++deciding_;
  }
  if (deciding_ > 0) out_->emplace_back(std::move(decide));
}

void BatchProtocol::Machine::On(const batch_event::DecisionWritten& event) {
  if (deciding_ == 0 || event.first != last_decided_.Next() || event.last != last_issued()) {
    if (event.first <= event.last && event.last <= last_decided_) {
      return AnswerStale({StaleKind::kDecisionWritten, {}, {}, {}}, IdOf(event.last));
    }
    return ProtocolError(IdOf(event.last),
                         Internal("decisions ", event.first.value(), " to ", event.last.value(),
                                  " were reported as written, but ", last_decided_.value() + 1,
                                  " to ", last_issued().value(), " were issued"));
  }
  if (!event.status.ok()) {
    return Halt(NotWritten(config_.group, event));
  }
  while (last_decided_ < event.last) OnDecided(At(last_decided_.Next()));
  PermitInOrder();
}

void BatchProtocol::Machine::OnDecided(const Batch& batch) {
  rows_diverted_ += batch.rows_aside;
  last_decided_ = batch.txid;
  last_attempt_ = batch.attempt;
  --in_flight_;
  --deciding_;
  attempts_made_[batch.txid.value() % ring_.size()] = 0;
  cuts_.erase(batch.txid);
  to_void_.erase(batch.txid);
  retry_.OnDecided(batch.txid);
  out_->emplace_back(word::Apply{IdOf(batch)});
}

void BatchProtocol::Machine::On(const word::Applied& event) {
  BatchVoter* voter = KnownVoter(event.worker);
  if (voter == nullptr) return;
  if (event.incarnation != voter->incarnation || event.txid <= voter->applied) {
    return AnswerStale({StaleKind::kApplied, {}, event.worker, voter->incarnation},
                       IdOf(event.txid));
  }
  if (event.txid > last_issued()) return HaltBehind(event.worker, event.txid);
  voter->applied = event.txid;
  PermitInOrder();
}

void BatchProtocol::Machine::ReportDrained() {
  if (!draining_ || drained_ || halted() || in_flight_ > 0) return;
  if (!voters_.PresentHaveApplied(last_decided_)) return;
  drained_ = true;
  out_->emplace_back(batch_action::Drained{last_decided_});
}

}  // namespace trident
