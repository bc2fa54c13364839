// SPDX-License-Identifier: Apache-2.0
#include "tests/coordinator/protocol/batch_protocol_harness.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/letter_partition.h"

namespace trident {
namespace {

std::string Name(TxId txid, Attempt attempt) {
  return Concat(ToString(txid), ":", ToString(attempt));
}
std::string Name(const BatchId& id) { return Name(id.txid, id.attempt); }

std::string Short(EmitterId e) { return Concat(e.spout.value(), "/", e.task); }

std::string Text(const word::Begin& a) {
  std::string out = Concat("begin ", Name(a.id), " after ", ToString(a.prev_attempt), " [");
  for (size_t i = 0; i < a.emitters.size(); ++i) out += (i > 0 ? " " : "") + Short(a.emitters[i]);
  return out + "]";
}

std::string Text(const word::Emit& a) {
  static const char* const kModes[] = {"new", "exact", "single", "divert"};
  std::string out =
      Concat("emit ", Name(a.id), " ", Short(a.emitter), " ", kModes[static_cast<int>(a.mode)]);
  if (a.mode == word::EmitMode::kExact) {
    for (const SourceRange& range : a.exact) out += " " + ToText(range);
    return out;
  }
  out += Concat(" ", a.limits.rows, " rows");
  for (const SourcePosition& start : a.starts) {
    out += Concat(" from ", start.partition, "@", start.position);
  }
  return out;
}

std::string Text(const batch_action::LogCut& a) {
  std::string out = Concat("log cut ", Name(a.id), " [");
  for (size_t i = 0; i < a.ranges.size(); ++i) out += (i > 0 ? " " : "") + ToText(a.ranges[i]);
  return out + "]";
}

std::string Text(const word::Permit& a) { return Concat("permit ", Name(a.id)); }

std::string Text(const batch_action::Decide& a) {
  std::string out = "decide";
  for (const DecisionRecord& record : a.records) out += " " + Name(record.txid, record.attempt);
  return out;
}

std::string Text(const word::Apply& a) { return "apply " + Name(a.id); }

std::string Text(const word::Abort& a) {
  std::string out = "abort";
  for (const BatchId& cancelled : a.cancelled) out += " " + Name(cancelled);
  return out;
}

std::string Text(const batch_action::Stale& a) {
  static const char* const kKinds[] = {
      "emitter started", "emitter lost",  "input ready", "emitted", "cut logged",
      "voted",           "voided",        "progressed",  "failed",  "decision written",
      "applied",         "worker joined", "worker lost", "hold",    "release"};
  std::string out = Concat("stale ", kKinds[static_cast<int>(a.what)]);
  if (a.txid != TxId()) out += " " + Name(a.txid, a.attempt);
  if (a.current != Attempt()) out += " now " + ToString(a.current);
  return out;
}

std::string Text(const batch_action::Halt& a) { return Concat("halt: ", Message(a.cause)); }

std::string Text(const batch_action::Drained& a) {
  return Concat("drained ", a.last_decided.value());
}

std::string Text(const batch_action::SetTimer& a) { return Concat("timer ", a.at); }

}  // namespace

std::string ToText(const BatchAction& action) {
  return std::visit([](const auto& a) { return Text(a); }, action);
}

std::string ToText(const SourceRange& range) {
  return Concat(Short(range.emitter), " ", range.partition, "[", range.start, ",", range.end, ")");
}

SourceRange Range(EmitterId emitter, const std::string& partition, uint64_t start, uint64_t end) {
  SourceRange range;
  range.emitter = emitter;
  range.partition = partition;
  range.start = start == 0 ? "" : std::to_string(start);
  range.end = end == 0 ? "" : std::to_string(end);
  range.rows = end - start;
  range.bytes = 10 * range.rows;
  range.checksum = 1000 * start + end;
  return range;
}

ProtocolHarness::ProtocolHarness() {
  config.group = kGroup;
  config.limits = {100, 1000};
  config.retry_limit = 2;
  config.retry_delay_min = 10 * kMillisecond;
  config.retry_delay_max = 100 * kMillisecond;
  config.progress_deadline = kSecond;
  config.spouts = {{SpoutId(0), SpoutKind::kTransactional, 1}};
  config.voters = {WorkerId(0), WorkerId(1)};
  recovered.epoch = Epoch(5);
}

std::string ProtocolHarness::Start() {
  auto made = BatchProtocol::Create(config, recovered);
  TRIDENT_CHECK(made.ok()) << made.status().ToString();
  protocol_ = std::move(*made);
  for (const SpoutConfig& spout : config.spouts) {
    for (uint32_t task = 0; task < spout.tasks; ++task) {
      Step(word::EmitterStarted{{spout.spout, task}, Incarnation(1)});
    }
  }
  std::string text;
  for (WorkerId worker : config.voters) {
    text = Step(word::WorkerJoined{worker, Incarnation(1), recovered.last_decided});
  }
  return text;
}

std::string ProtocolHarness::Step(const BatchEvent& event) {
  actions_.clear();
  protocol_->Step(event, actions_);
  std::string text;
  for (const BatchAction& action : actions_) {
    if (const auto* timer = std::get_if<batch_action::SetTimer>(&action)) {
      timer_ = timer->at;
      continue;
    }
    if (const auto* emit = std::get_if<word::Emit>(&action)) mode_ = emit->mode;
    text += (text.empty() ? "" : "; ") + ToText(action);
  }
  return text;
}

std::string ProtocolHarness::Emitted(uint64_t txid, std::vector<SourceRange> ranges,
                                     word::Remaining remaining) {
  const EmitterId emitter = ranges.empty() ? EmitterId{} : ranges.front().emitter;
  uint64_t aside = std::exchange(rows_aside, 0);
  if (mode_ == word::EmitMode::kDivert) {
    for (const SourceRange& range : ranges) aside += range.rows;
    aside -= RowsOfLetters(ranges);
  }
  return Step(word::Emitted{{kGroup, TxId(txid), attempt(txid)},
                            emitter,
                            Incarnation(1),
                            std::move(ranges),
                            remaining,
                            aside});
}

std::string ProtocolHarness::Emitted(uint64_t txid, uint64_t start, uint64_t end,
                                     word::Remaining remaining) {
  return Emitted(txid, {Range({}, "p", start, end)}, remaining);
}

std::string ProtocolHarness::Voted(uint64_t txid, uint32_t worker) {
  return Step(
      word::Voted{{kGroup, TxId(txid), attempt(txid)}, WorkerId(worker), Incarnation(1), 3, 9});
}

std::string ProtocolHarness::VotedByAll(uint64_t txid) {
  std::string text;
  for (WorkerId worker : config.voters) text = Voted(txid, worker.value());
  return text;
}

std::string ProtocolHarness::Failed(uint64_t txid, const std::string& why) {
  word::Failed failed{{kGroup, TxId(txid), attempt(txid)}, Internal(why), std::nullopt};
  for (const InFlightBatch& batch : status().in_flight) {
    const bool emits = batch.txid == TxId(txid) && batch.phase == BatchPhase::kEmitting;
    if (emits) failed.emitter = EmitterId{};
  }
  return Step(failed);
}

std::string ProtocolHarness::CutLogged(uint64_t txid) {
  return Step(batch_event::CutLogged{{kGroup, TxId(txid), attempt(txid)}, absl::OkStatus()});
}

std::string ProtocolHarness::Written(uint64_t first, uint64_t last) {
  return Step(batch_event::DecisionWritten{TxId(first), TxId(last), absl::OkStatus()});
}

std::string ProtocolHarness::Applied(uint64_t txid, uint32_t worker, uint64_t life) {
  return Step(word::Applied{TxId(txid), WorkerId(worker), Incarnation(life)});
}

std::string ProtocolHarness::AppliedByAll(uint64_t txid) {
  std::string text;
  for (WorkerId worker : config.voters) text = Applied(txid, worker.value());
  return text;
}

std::string ProtocolHarness::InputReady(EmitterId emitter) {
  return Step(word::InputReady{emitter, Incarnation(1)});
}

std::string ProtocolHarness::Hold(uint32_t worker, uint64_t life) {
  return Step(word::Hold{WorkerId(worker), Incarnation(life)});
}

std::string ProtocolHarness::Release(uint32_t worker, uint64_t life) {
  return Step(word::Release{WorkerId(worker), Incarnation(life)});
}

std::string ProtocolHarness::At(Nanos now) {
  now_ = std::max(now_, now);
  return Step(batch_event::Tick{now_});
}

std::string ProtocolHarness::AfterTheDelay() {
  const std::string text = At(timer_.value_or(now_));
  return text.empty() ? At(timer_.value_or(now_)) : text;
}

std::string ProtocolHarness::Commit(uint64_t txid) {
  VotedByAll(txid);
  Written(txid, txid);
  return AppliedByAll(txid);
}

Attempt ProtocolHarness::attempt(uint64_t txid) const {
  for (const InFlightBatch& batch : status().in_flight) {
    if (batch.txid == TxId(txid)) return batch.attempt;
  }
  return Attempt();
}

}  // namespace trident
