// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/takeover.h"

#include <algorithm>
#include <string>

namespace trident {

namespace {

// The record of txid in a report, which holds them without a gap; null if there is none.
const PreparedRecord* RecordOf(const GroupReport& report, TxId txid) {
  if (txid <= report.known) return nullptr;
  const uint64_t at = txid.value() - report.known.value() - 1;
  return at < report.records.size() ? &report.records[at] : nullptr;
}

Status CheckReport(WorkerId worker, const GroupReport& report) {
  TxId next = report.known;
  Attempt below = report.known_attempt;
  for (const PreparedRecord& record : report.records) {
    next = next.Next();
    if (record.txid != next || record.previous != below) {
      return Internal("worker ", worker.value(), " reports records that are no chain, at txid ",
                      record.txid.value());
    }
    below = record.attempt;
  }
  return absl::OkStatus();
}

}  // namespace

EpochRecord NextEpoch(const EpochRecord& last, std::vector<WorkerId> workers) {
  EpochRecord next = last;
  next.epoch = last.epoch.Next();
  next.leader = WorkerId();
  next.leader_life = Incarnation();
  next.started = false;
  if (last.started) {
    next.base = last.epoch;
    next.base_workers = last.workers;
  }
  next.workers = std::move(workers);
  return next;
}

Takeover::Takeover(EpochRecord mine) : record_(std::move(mine)) {}

void Takeover::Step(const TakeoverEvent& event, std::vector<TakeoverAction>& out) {
  out_ = &out;
  if (phase_ != Phase::kOver) std::visit([&](const auto& e) { On(e); }, event);
  out_ = nullptr;
}

bool Takeover::MustPromise(WorkerId worker) const {
  const auto has = [&](const std::vector<WorkerId>& workers) {
    return std::find(workers.begin(), workers.end(), worker) != workers.end();
  };
  return has(record_.workers) || has(record_.base_workers);
}

std::vector<WorkerId> Takeover::awaited() const {
  std::set<WorkerId> awaited(record_.workers.begin(), record_.workers.end());
  awaited.insert(record_.base_workers.begin(), record_.base_workers.end());
  for (const auto& [worker, report] : promised_) awaited.erase(worker);
  return {awaited.begin(), awaited.end()};
}

void Takeover::On(const takeover_event::Connected& event) {
  if (!MustPromise(event.worker)) return;
  const auto promised = promised_.find(event.worker);
  if (promised != promised_.end()) {
    if (event.incarnation < promised->second.incarnation) return;
    if (event.incarnation > promised->second.incarnation) {
      return GiveUp(Unavailable("worker ", event.worker.value(), " started again in epoch ",
                                record_.epoch.value()));
    }
    if (phase_ == Phase::kStarted) Tell(event.worker);
    return;
  }
  out_->emplace_back(takeover_action::Ask{event.worker, {record_.epoch}});
}

void Takeover::On(const word::Promised& event) {
  const bool is_news = event.epoch == record_.epoch && MustPromise(event.worker) &&
                       phase_ == Phase::kAsking && !promised_.contains(event.worker);
  if (!is_news) return;
  for (const GroupReport& report : event.groups) {
    if (Status s = CheckReport(event.worker, report); !s.ok()) return GiveUp(std::move(s));
  }
  promised_[event.worker] = event;
  if (awaited().empty()) SettleAll();
}

// By a newer promise, or by one for this epoch of an earlier life.
void Takeover::On(const word::Refused& event) {
  if (event.epoch != record_.epoch || !MustPromise(event.worker)) return;
  if (event.promised > record_.epoch) {
    return GiveUp(Aborted("epoch ", event.promised.value(), " has begun after epoch ",
                          record_.epoch.value()));
  }
  const auto promised = promised_.find(event.worker);
  if (promised != promised_.end() && promised->second.incarnation >= event.incarnation) return;
  GiveUp(Unavailable("worker ", event.worker.value(), " started again in epoch ",
                     record_.epoch.value()));
}

void Takeover::SettleAll() {
  for (GroupStart& group : record_.groups) {
    if (Status s = Settle(group); !s.ok()) return GiveUp(std::move(s));
    const Recovered& recovered = groups_.at(group.group).recovered;
    group.decided = recovered.last_decided;
    group.attempt = recovered.last_attempt;
  }
  record_.started = true;
  phase_ = Phase::kWriting;
  out_->emplace_back(takeover_action::WriteStart{record_});
}

Status Takeover::Settle(const GroupStart& base) {
  Group& group = groups_[base.group];
  TRIDENT_RETURN_IF_ERROR(FollowKnown(base, group));
  FollowRecords(base.group, group);
  group.recovered.epoch = record_.epoch;
  if (!group.attempts.empty()) {
    group.recovered.last_decided = group.attempts.rbegin()->first;
    group.recovered.last_attempt = group.attempts.rbegin()->second;
  }
  return RecoverSources(base.group, group);
}

const GroupReport* Takeover::ReportOf(WorkerId worker, GroupId group) const {
  for (const GroupReport& report : promised_.at(worker).groups) {
    if (report.group == group) return &report;
  }
  return nullptr;
}

Status Takeover::FollowKnown(const GroupStart& base, Group& group) const {
  const auto in_group = [&](const auto&... what) {
    return DataLoss("batch group ", base.group.value(), ": ", what...);
  };
  const auto learn = [&](WorkerId worker, TxId txid, Attempt attempt) {
    if (txid == TxId()) return absl::OkStatus();
    const auto [known, is_new] = group.attempts.try_emplace(txid, attempt);
    if (is_new || known->second == attempt) return absl::OkStatus();
    return in_group("worker ", worker.value(), " has attempt ", ToString(attempt), " of txid ",
                    txid.value(), ", and ", ToString(known->second),
                    " was decided: its directory is older than those of the others, or of another "
                    "topology");
  };
  TRIDENT_RETURN_IF_ERROR(learn(WorkerId(), base.decided, base.attempt));
  for (const auto& [worker, promised] : promised_) {
    const GroupReport* report = ReportOf(worker, base.group);
    if (report == nullptr) return in_group("worker ", worker.value(), " does not have this group");
    TRIDENT_RETURN_IF_ERROR(learn(worker, report->known, report->known_attempt));
  }
  const TxId known = group.attempts.empty() ? TxId() : group.attempts.rbegin()->first;
  for (const auto& [worker, promised] : promised_) {
    const GroupReport& report = *ReportOf(worker, base.group);
    for (TxId txid = report.known.Next(); txid <= known; txid = txid.Next()) {
      const PreparedRecord* record = RecordOf(report, txid);
      if (record == nullptr) {
        return in_group("txid ", txid.value(), " is decided, but worker ", worker.value(),
                        " has neither applied it nor a record of it: restore its directory");
      }
      TRIDENT_RETURN_IF_ERROR(learn(worker, txid, record->attempt));
    }
  }
  return absl::OkStatus();
}

// Each report is a chain, and all of them stand on decided attempts; so records of one attempt lie
// over one attempt.
void Takeover::FollowRecords(GroupId id, Group& group) const {
  if (record_.base == Epoch()) return;
  for (;;) {
    const TxId last = group.attempts.empty() ? TxId() : group.attempts.rbegin()->first;
    const TxId next = last.Next();
    std::optional<Attempt> attempt;
    for (WorkerId worker : record_.base_workers) {
      const PreparedRecord* record = RecordOf(*ReportOf(worker, id), next);
      if (record == nullptr || record->attempt.epoch != record_.base) return;
      if (attempt && *attempt != record->attempt) return;
      attempt = record->attempt;
    }
    group.attempts[next] = *attempt;
  }
}

Status Takeover::RecoverSources(GroupId id, Group& group) const {
  Recovered& recovered = group.recovered;
  const GroupReport* log = nullptr;
  std::map<TxId, const LoggedCut*> cuts;
  for (WorkerId worker : record_.base_workers) {
    const GroupReport* report = ReportOf(worker, id);
    if (!report->log) continue;
    if (log == nullptr) log = report;
    for (const LoggedCut& cut : report->log->cuts) cuts[cut.txid] = &cut;
  }
  if (recovered.last_decided == TxId() && log == nullptr) return absl::OkStatus();
  if (log == nullptr) {
    return DataLoss("batch group ", id.value(), ": no worker of epoch ", record_.base.value(),
                    " keeps the positions of the sources");
  }
  std::map<std::pair<SpoutId, std::string>, Position> positions;
  for (const SpoutPosition& position : log->log->positions) {
    positions[{position.spout, position.at.partition}] = position.at.position;
  }
  recovered.batch_time_micros = log->log->batch_time_micros;
  for (TxId txid = log->known.Next(); txid <= recovered.last_decided; txid = txid.Next()) {
    const PreparedRecord* record = RecordOf(*log, txid);
    if (record == nullptr || record->cut == nullptr) {
      return DataLoss("batch group ", id.value(), ": txid ", txid.value(),
                      " is decided, but what it took from its sources is not recorded");
    }
    for (const SourceRange& range : record->cut->ranges) {
      positions[{range.emitter.spout, range.partition}] = range.end;
    }
    recovered.batch_time_micros = record->cut->batch_time_micros;
  }
  for (auto& [where, at] : positions) {
    recovered.positions.push_back({where.first, {where.second, std::move(at)}});
  }
  TxId next = recovered.last_decided.Next();
  for (auto cut = cuts.find(next); cut != cuts.end(); cut = cuts.find(next)) {
    recovered.cuts.push_back(*cut->second);
    next = next.Next();
  }
  return absl::OkStatus();
}

void Takeover::On(const takeover_event::StartWritten& event) {
  if (phase_ != Phase::kWriting) return;
  if (!event.status.ok()) return GiveUp(event.status);
  phase_ = Phase::kStarted;
  for (WorkerId worker : record_.workers) Tell(worker);
  takeover_action::Lead lead;
  for (const GroupStart& group : record_.groups) {
    lead.groups.emplace_back(group.group, groups_.at(group.group).recovered);
  }
  out_->emplace_back(std::move(lead));
}

void Takeover::Tell(WorkerId worker) {
  const auto votes = std::find(record_.workers.begin(), record_.workers.end(), worker);
  if (votes == record_.workers.end()) return;
  takeover_action::Tell tell{worker, {record_.epoch, {}}};
  for (const GroupStart& start : record_.groups) {
    GroupSettlement& settlement = tell.word.groups.emplace_back();
    settlement.group = start.group;
    settlement.decided = start.decided;
    const TxId known = ReportOf(worker, start.group)->known;
    const std::map<TxId, Attempt>& attempts = groups_.at(start.group).attempts;
    for (auto at = attempts.upper_bound(known); at != attempts.end(); ++at) {
      settlement.attempts.push_back(at->second);
    }
  }
  out_->emplace_back(std::move(tell));
}

void Takeover::GiveUp(Status cause) {
  phase_ = Phase::kOver;
  out_->emplace_back(takeover_action::GiveUp{std::move(cause)});
}

}  // namespace trident
