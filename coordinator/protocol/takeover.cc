// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/takeover.h"

#include <algorithm>
#include <string>
#include <utility>

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

// Whether the report tells where the sources stand after `decided`.
bool TellsSources(const GroupReport& report, TxId decided) {
  if (!report.log || report.log->after < report.known || report.log->after > decided) return false;
  for (TxId txid = report.log->after.Next(); txid <= decided; txid = txid.Next()) {
    const PreparedRecord* record = RecordOf(report, txid);
    if (record == nullptr || record->cut == nullptr) return false;
  }
  return true;
}

bool Contains(const std::vector<WorkerId>& workers, WorkerId worker) {
  return std::find(workers.begin(), workers.end(), worker) != workers.end();
}

}  // namespace

EpochRecord NextEpoch(const EpochRecord& last, std::vector<WorkerId> workers,
                      std::vector<WorkerId> scribes) {
  EpochRecord next = last;
  next.epoch = last.epoch.Next();
  next.leader = WorkerId();
  next.leader_life = Incarnation();
  next.started = false;
  if (last.started) {
    next.base = last.epoch;
    next.base_workers = last.workers;
    next.base_scribes = last.scribes;
  }
  next.workers = std::move(workers);
  next.scribes = std::move(scribes);
  return next;
}

Takeover::Takeover(EpochRecord mine, const std::vector<GroupConfig>& configs)
    : record_(std::move(mine)) {
  for (const GroupConfig& config : configs) configs_[config.group] = config;
}

void Takeover::Step(const TakeoverEvent& event, std::vector<TakeoverAction>& out) {
  out_ = &out;
  if (phase_ != Phase::kOver) std::visit([&](const auto& e) { On(e); }, event);
  out_ = nullptr;
}

bool Takeover::MustPromise(WorkerId worker) const {
  return Contains(record_.workers, worker) || Contains(record_.base_workers, worker);
}

std::vector<WorkerId> Takeover::awaited() const {
  if (phase_ == Phase::kWritingLogs) return {awaits_log_.begin(), awaits_log_.end()};
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
    if (awaits_log_.contains(event.worker)) GiveLog(event.worker);
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
    group.deaths = JudgeLives(group);
  }
  phase_ = Phase::kWritingLogs;
  for (WorkerId scribe : record_.scribes) {
    if (HasLog(scribe)) continue;
    awaits_log_.insert(scribe);
    GiveLog(scribe);
  }
  if (awaits_log_.empty()) WriteStart();
}

std::optional<EarlierDeaths> Takeover::JudgeLives(const GroupStart& base) const {
  const Recovered& recovered = groups_.at(base.group).recovered;
  LastProcess all;
  all.last_decided = recovered.last_decided;
  all.cut_is_logged = !recovered.cuts.empty();
  std::set<std::string> steps;
  for (const auto& [worker, promised] : promised_) {
    const GroupReport& report = *ReportOf(worker, base.group);
    if (!report.last_life || report.last_life->epoch != record_.base) continue;
    const LastProcess& last = report.last_life->process;
    steps.insert(last.steps.begin(), last.steps.end());
    if (!last.cause.empty()) {
      all.cause +=
          Concat(all.cause.empty() ? "" : "; ", "on worker ", worker.value(), " ", last.cause);
    }
    if (last.last_decided == all.last_decided && !all.the_row) all.the_row = last.the_row;
  }
  all.steps.assign(steps.begin(), steps.end());
  return JudgeDeaths(base.deaths, all, configs_.at(base.group));
}

bool Takeover::HasLog(WorkerId worker) const {
  if (!Contains(record_.base_scribes, worker)) return false;
  for (const auto& [id, group] : groups_) {
    const GroupReport& report = *ReportOf(worker, id);
    if (!TellsSources(report, group.recovered.last_decided)) return false;
    for (const LoggedCut& cut : group.recovered.cuts) {
      const auto is_it = [&](const LoggedCut& other) { return other.txid == cut.txid; };
      const std::vector<LoggedCut>& cuts = report.log->cuts;
      if (std::none_of(cuts.begin(), cuts.end(), is_it)) return false;
    }
  }
  return true;
}

void Takeover::GiveLog(WorkerId worker) {
  takeover_action::WriteLog give{worker, {record_.epoch, {}}};
  for (const auto& [id, group] : groups_) {
    GroupLog& given = give.word.groups.emplace_back();
    given.group = id;
    given.log.after = group.recovered.last_decided;
    given.log.positions = group.recovered.positions;
    given.log.batch_time_micros = group.recovered.batch_time_micros;
    given.log.cuts = group.recovered.cuts;
  }
  out_->emplace_back(std::move(give));
}

void Takeover::On(const word::LogWritten& event) {
  const auto promised = promised_.find(event.worker);
  const bool is_news = phase_ == Phase::kWritingLogs && event.epoch == record_.epoch &&
                       promised != promised_.end() &&
                       promised->second.incarnation == event.incarnation;
  if (!is_news) return;
  awaits_log_.erase(event.worker);
  if (awaits_log_.empty()) WriteStart();
}

void Takeover::WriteStart() {
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
  for (WorkerId worker : record_.base_scribes) {
    const GroupReport* report = ReportOf(worker, id);
    if (!report->log) continue;
    if (log == nullptr && TellsSources(*report, recovered.last_decided)) log = report;
    for (const LoggedCut& cut : report->log->cuts) cuts[cut.txid] = &cut;
  }
  if (recovered.last_decided == TxId() && log == nullptr) return absl::OkStatus();
  if (log == nullptr) {
    return DataLoss("batch group ", id.value(), ": txid ", recovered.last_decided.value(),
                    " is decided, but none of the workers that kept the log in epoch ",
                    record_.base.value(),
                    " knows where the sources stand after it: restore the "
                    "directory of one of them");
  }
  std::map<std::pair<SpoutId, std::string>, Position> positions;
  for (const SpoutPosition& position : log->log->positions) {
    positions[{position.spout, position.at.partition}] = position.at.position;
  }
  recovered.batch_time_micros = log->log->batch_time_micros;
  for (TxId txid = log->log->after.Next(); txid <= recovered.last_decided; txid = txid.Next()) {
    const PreparedRecord* record = RecordOf(*log, txid);
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
    lead.groups.push_back({group.group, groups_.at(group.group).recovered, group.deaths});
  }
  out_->emplace_back(std::move(lead));
}

void Takeover::Tell(WorkerId worker) {
  if (!Contains(record_.workers, worker)) return;
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
