// SPDX-License-Identifier: Apache-2.0
//
// What comes from outside: a start's configuration and memory, the events one by one, people's
// wishes, time; and which messages are stale.
#include "coordinator/protocol/batch_protocol_machine.h"

#include <algorithm>
#include <set>
#include <type_traits>

#include "base/clock.h"
#include "base/limits.h"

namespace trident {

BatchProtocol::Machine::Machine(GroupConfig config, Recovered recovered)
    : config_(std::move(config)),
      epoch_(recovered.epoch),
      last_decided_(recovered.last_decided),
      last_attempt_(recovered.last_attempt),
      ring_(config_.max_pending),
      attempts_made_(config_.max_pending, 0),
      emitters_(config_.spouts),
      voters_(config_.voters),
      positions_(config_.spouts.size()),
      retry_(config_),
      progress_(config_.progress_deadline) {}

Status BatchProtocol::Machine::CheckConfig(const GroupConfig& config) {
  const auto refuse = [&](const auto&... why) {
    return InvalidArgument("batch group ", config.group.value(), ": ", why...);
  };
  if (config.max_pending < 1 || config.max_pending > kMaxPendingMax) {
    return refuse("max_pending must be 1 to ", kMaxPendingMax, ", not ", config.max_pending);
  }
  if (config.limits.rows < 1 || config.limits.bytes < 1) {
    return refuse("a batch must be allowed to hold at least one row and one byte");
  }
  if (config.backlog_max < 1) return refuse("backlog_max must be at least 1");
  if (config.age_max < 0 || config.retry_delay_min < 0 ||
      config.retry_delay_max < config.retry_delay_min || config.progress_deadline <= 0) {
    return refuse(
        "delays must not be negative, retry_delay_max not below retry_delay_min, and "
        "progress_deadline must be positive");
  }
  std::set<SpoutId> spouts;
  for (const SpoutConfig& spout : config.spouts) {
    if (spout.tasks < 1) return refuse("spout ", spout.spout.value(), " has no task");
    if (!spouts.insert(spout.spout).second) {
      return refuse("spout ", spout.spout.value(), " is named twice");
    }
  }
  if (spouts.empty()) return refuse("it has no spout");
  if (config.voters.empty()) return refuse("it has no worker");
  if (std::set<WorkerId>(config.voters.begin(), config.voters.end()).size() !=
      config.voters.size()) {
    return refuse("a worker is named twice");
  }
  return absl::OkStatus();
}

Status BatchProtocol::Machine::CheckRecovered(const GroupConfig& config,
                                              const Recovered& recovered) {
  const auto refuse = [&](const auto&... why) {
    return DataLoss("batch group ", config.group.value(), ": the decision log ", why...);
  };
  if (recovered.epoch == Epoch()) {
    return InvalidArgument("batch group ", config.group.value(), ": epochs start at 1");
  }
  if (recovered.last_attempt.epoch >= recovered.epoch) {
    return refuse("holds an attempt of epoch ", recovered.last_attempt.epoch.value(),
                  ", but this start has epoch ", recovered.epoch.value(),
                  "; epochs must grow: the epoch's file is older than the log");
  }
  const bool decided_before = recovered.last_decided != TxId();
  if (decided_before != (recovered.last_attempt != Attempt()) ||
      (!decided_before && !recovered.positions.empty())) {
    return refuse("contradicts itself about its last decision; restore it from a backup");
  }
  TxId next = recovered.last_decided;
  for (const LoggedCut& cut : recovered.cuts) {
    next = next.Next();
    if (cut.txid != next) {
      return refuse("holds the cut of txid ", cut.txid.value(), " where that of ", next.value(),
                    " was expected");
    }
  }
  return absl::OkStatus();
}

Status BatchProtocol::Machine::Restore(const Recovered& recovered) {
  for (const SpoutPosition& position : recovered.positions) {
    const int emitter = emitters_.Find({position.spout, 0});
    if (emitter < 0) {
      return InvalidArgument("batch group ", config_.group.value(), ": the decision log holds ",
                             "positions of spout ", position.spout.value(),
                             ", which the topology does not have; run the topology that wrote "
                             "them, or start on an empty directory");
    }
    TRIDENT_RETURN_IF_ERROR(positions_.Restore(emitters_[emitter].spout, position.at));
  }
  // Walked forward and back, which checks that the cuts follow from the positions.
  std::vector<const SourceRange*> walked;
  for (const LoggedCut& cut : recovered.cuts) {
    for (const SourceRange& range : cut.ranges) {
      const int emitter = emitters_.Find(range.emitter);
      if (emitter < 0) {
        return InvalidArgument("batch group ", config_.group.value(), ": the logged cut of txid ",
                               cut.txid.value(), " names ", ToString(range.emitter),
                               ", which the topology does not have; keep spouts and their tasks "
                               "until the cut is decided");
      }
      const Status s = positions_.Advance(emitters_[emitter].spout, cut.txid, range,
                                          SourcePositions::Start::kChecked);
      if (!s.ok()) {
        return DataLoss("batch group ", config_.group.value(), ": the logged cut of txid ",
                        cut.txid.value(), " does not follow the decisions: ", Message(s));
      }
      walked.push_back(&range);
    }
    cuts_[cut.txid] = {cut.ranges, true};
  }
  for (auto range = walked.rbegin(); range != walked.rend(); ++range) {
    positions_.Undo(emitters_[emitters_.Find((*range)->emitter)].spout, **range);
  }
  if (config_.deaths) {
    EarlierDeaths deaths = *config_.deaths;
    // The spout may have fewer tasks now, or a hand has set it beyond the row.
    const int emitter = deaths.the_row ? emitters_.Find(deaths.the_row->emitter) : -1;
    const bool is_there =
        emitter >= 0 &&
        positions_.StandsAt(emitters_[static_cast<uint32_t>(emitter)].spout, deaths.the_row->at);
    if (!is_there) deaths.the_row.reset();
    retry_.Recall(deaths, last_decided_.Next());
  }
  return absl::OkStatus();
}

void BatchProtocol::Machine::Step(const BatchEvent& event, std::vector<BatchAction>& out) {
  out_ = &out;
  if (config_.deaths && config_.deaths->fate == EarlierDeaths::Fate::kHalt) HaltAfterDeaths();
  std::visit(
      [&](const auto& e) {
        using Event = std::decay_t<decltype(e)>;
        constexpr bool heard_when_halted = std::is_same_v<Event, batch_event::DecisionWritten> ||
                                           std::is_same_v<Event, word::Applied>;
        if (heard_when_halted || !halted()) On(e);
      },
      event);
  DecideReady();
  StartAttempts();
  ReportDrained();
  WatchFirstUnready();
  ArmTimer();
  out_ = nullptr;
}

void BatchProtocol::Machine::On(const word::Progressed& event) {
  const Batch* batch = Current(event.id, {StaleKind::kProgressed, {}, {}, {}});
  if (batch != nullptr) HeardOf(*batch);
}

void BatchProtocol::Machine::On(const batch_event::Pause&) { paused_ = true; }

void BatchProtocol::Machine::On(const batch_event::Resume&) {
  paused_ = false;
  draining_ = false;
}

void BatchProtocol::Machine::On(const word::Hold& event) {
  BatchVoter* voter = KnownVoter(event.worker);
  if (voter == nullptr) return;
  if (voters_.OnHold(*voter, event.incarnation) == LifeNews::kStale) {
    return AnswerStale({StaleKind::kHold, {}, event.worker, voter->incarnation});
  }
  held_ = voters_.AnyHolds();
}

void BatchProtocol::Machine::On(const word::Release& event) {
  BatchVoter* voter = KnownVoter(event.worker);
  if (voter == nullptr) return;
  if (voters_.OnRelease(*voter, event.incarnation) == LifeNews::kStale) {
    return AnswerStale({StaleKind::kRelease, {}, event.worker, voter->incarnation});
  }
  held_ = voters_.AnyHolds();
}

void BatchProtocol::Machine::On(const batch_event::Drain&) {
  draining_ = true;
  drained_ = false;
}

void BatchProtocol::Machine::On(const batch_event::Tick& event) {
  now_ = std::max(now_, event.now);
  if (timer_ && now_ >= *timer_) timer_.reset();
  backoff_.OnTick(now_);
  const bool was_filling = filling_.running();
  filling_.OnTick(now_);
  if (was_filling && !filling_.running()) emitters_.OnAged();
  CheckProgress(now_);
}

void BatchProtocol::Machine::ArmTimer() {
  if (halted()) return;
  std::optional<Nanos> wanted;
  const auto want = [&](Nanos at) { wanted = std::min(at, wanted.value_or(at)); };
  if (backoff_.running()) want(backoff_.due(now_));
  if (filling_.running()) want(filling_.due(now_));
  if (watched_.txid != TxId()) want(progress_.due());
  if (!wanted || (timer_ && *timer_ <= *wanted)) return;
  timer_ = wanted;
  out_->emplace_back(batch_action::SetTimer{*wanted});
}

uint32_t BatchProtocol::Machine::attempts_made(TxId txid) const {
  if (txid <= last_decided_ || txid.value() > last_decided_.value() + ring_.size()) return 0;
  return attempts_made_[txid.value() % ring_.size()];
}

Attempt BatchProtocol::Machine::AttemptOf(TxId txid) const {
  if (txid == last_decided_) return last_attempt_;
  return InFlight(txid) ? At(txid).attempt : Attempt();
}

BatchProtocol::Machine::Batch* BatchProtocol::Machine::Current(const BatchId& id,
                                                               const Sender& sender) {
  const TxId txid = id.txid;
  if (id.group != config_.group) {
    Halt(Internal("batch group ", config_.group.value(), ": a message about batch group ",
                  id.group.value(), "; the sender runs another topology"));
    return nullptr;
  }
  if (InFlight(txid) && At(txid).attempt == id.attempt) return &At(txid);
  if (id.attempt.epoch > epoch_) {
    Halt(Aborted("batch group ", config_.group.value(), ": this coordinator has epoch ",
                 epoch_.value(), ", but txid ", txid.value(), " is being attempted in epoch ",
                 id.attempt.epoch.value(), ": another coordinator leads now; this one stops"));
  } else if (id.attempt.epoch == epoch_ && txid > last_decided_ &&
             id.attempt.counter > attempts_made(txid)) {
    ProtocolError(id, Internal("a message names an attempt that was never made"));
  } else {
    AnswerStale(sender, id);
  }
  return nullptr;
}

void BatchProtocol::Machine::AnswerStale(const Sender& sender, const BatchId& id) {
  out_->emplace_back(
      batch_action::Stale{.what = sender.what,
                          .txid = id.txid,
                          .attempt = id.attempt,
                          .current = InFlight(id.txid) ? At(id.txid).attempt : Attempt(),
                          .last_decided = last_decided_,
                          .emitter = sender.emitter,
                          .worker = sender.worker,
                          .incarnation = sender.known_as});
}

BatchEmitter* BatchProtocol::Machine::KnownEmitter(EmitterId id) {
  const int i = emitters_.Find(id);
  if (i >= 0) return &emitters_[i];
  Halt(Internal("batch group ", config_.group.value(), ": a message of ", ToString(id),
                ", which this group does not have; the sender runs another topology"));
  return nullptr;
}

BatchVoter* BatchProtocol::Machine::KnownVoter(WorkerId id) {
  const int i = voters_.Find(id);
  if (i >= 0) return &voters_[i];
  Halt(Internal("batch group ", config_.group.value(), ": a message of worker ", id.value(),
                ", which has no vote in this group; the sender runs another topology"));
  return nullptr;
}

}  // namespace trident
