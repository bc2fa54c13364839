// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/participant_protocol.h"

#include <algorithm>
#include <utility>

namespace trident {

using participant_action::ApplyRecord;
using participant_action::ApplyStaged;

ParticipantProtocol::ParticipantProtocol(WorkerId worker, Incarnation incarnation,
                                         Remembered remembered)
    : worker_(worker), incarnation_(incarnation), promised_(remembered.promised) {
  for (GroupReport& report : remembered.groups) {
    Group& group = groups_[report.group];
    group.known = group.may_hold = report.known;
    group.known_attempt = report.known_attempt;
    group.last_life = std::move(report.last_life);
    Attempt below = report.known_attempt;
    TxId next = report.known.Next();
    for (PreparedRecord& record : report.records) {
      group.may_hold = std::max(group.may_hold, record.txid);
      // What lies over nothing means nothing. If it was decided all the same, Settled finds it
      // missing.
      if (record.txid != next || record.previous != below) continue;
      below = record.attempt;
      next = next.Next();
      group.records[record.txid] = {std::move(record), true};
    }
  }
}

void ParticipantProtocol::Step(const ParticipantEvent& event, std::vector<ParticipantAction>& out) {
  if (is_damaged_) return;
  out_ = &out;
  std::visit([&](const auto& e) { On(e); }, event);
  out_ = nullptr;
}

// ---- between epochs ----

void ParticipantProtocol::On(const word::PromiseAsked& event) {
  if (event.epoch == promised_ && is_of_this_life_) {
    // Asked again: the answer was lost, or is still being written.
    if (is_durable_ && !is_settled_) {
      out_->emplace_back(word::Promised{promised_, worker_, incarnation_, Report()});
    }
    return;
  }
  if (event.epoch <= promised_) return RefuseIfOld(event.epoch);
  promised_ = event.epoch;
  is_of_this_life_ = true;
  is_durable_ = is_settled_ = false;
  log_is_asked_ = log_is_durable_ = false;
  for (auto& [id, group] : groups_) {
    group.waiting.clear();
    group.cancelled.clear();
  }
  out_->emplace_back(participant_action::Forget{});
  out_->emplace_back(participant_action::WritePromise{promised_});
}

void ParticipantProtocol::On(const participant_event::PromiseWritten& event) {
  if (event.epoch != promised_) return;
  is_durable_ = true;
  out_->emplace_back(word::Promised{promised_, worker_, incarnation_, Report()});
}

std::vector<GroupReport> ParticipantProtocol::Report() const {
  std::vector<GroupReport> reports;
  for (const auto& [id, group] : groups_) {
    GroupReport& report = reports.emplace_back();
    report.group = id;
    report.known = group.known;
    report.known_attempt = group.known_attempt;
    report.last_life = group.last_life;
    for (const auto& [txid, prepared] : group.records) report.records.push_back(prepared.record);
  }
  return reports;
}

void ParticipantProtocol::On(const word::WriteLog& event) {
  if (event.epoch != promised_ || !is_durable_) return RefuseIfOld(event.epoch);
  if (is_settled_) return;
  if (log_is_durable_) {
    out_->emplace_back(word::LogWritten{promised_, worker_, incarnation_});
  } else if (!std::exchange(log_is_asked_, true)) {
    out_->emplace_back(event);
  }
}

void ParticipantProtocol::On(const participant_event::LogWritten& event) {
  if (event.epoch != promised_) return;
  log_is_durable_ = true;
  out_->emplace_back(word::LogWritten{promised_, worker_, incarnation_});
}

void ParticipantProtocol::On(const word::Settled& event) {
  if (event.epoch != promised_ || !is_durable_) return RefuseIfOld(event.epoch);
  if (is_settled_) return;
  for (const GroupSettlement& settlement : event.groups) {
    const Status status = Check(settlement);
    if (status.ok()) continue;
    is_damaged_ = true;
    out_->emplace_back(participant_action::Damaged{status});
    return;
  }
  is_settled_ = true;
  for (const GroupSettlement& settlement : event.groups) {
    Group& group = groups_.at(settlement.group);
    Know<ApplyRecord>(settlement.group, group, settlement.decided);
    group.records.clear();
    if (group.may_hold <= group.known) continue;
    const BatchId from{settlement.group, group.known.Next(), Attempt()};
    group.drops.push_back({from, {}, group.writes});
    out_->emplace_back(participant_action::DropRecords{from});
  }
  out_->emplace_back(participant_action::Join{promised_});
}

// What is decided must be here: applied, or in a record of the attempt that was decided.
Status ParticipantProtocol::Check(const GroupSettlement& settlement) const {
  const auto found = groups_.find(settlement.group);
  const auto damage = [&](const auto&... what) {
    return DataLoss("batch group ", settlement.group.value(), ": epoch ", promised_.value(),
                    " starts with txid ", settlement.decided.value(), " decided, but worker ",
                    worker_.value(), " ", what...);
  };
  if (found == groups_.end()) return damage("does not have this group");
  const Group& group = found->second;
  if (group.known > settlement.decided) {
    return damage("has applied txid ", group.known.value(),
                  ": its directory is of another topology, or newer than those of the others");
  }
  if (settlement.attempts.size() > settlement.decided.value()) {
    return damage("was told more attempts than there are txids");
  }
  const TxId told_after(settlement.decided.value() - settlement.attempts.size());
  if (group.known < told_after) {
    return damage("has applied txid ", group.known.value(), " and was told of those after ",
                  told_after.value(), " alone");
  }
  for (TxId txid = group.known.Next(); txid <= settlement.decided; txid = txid.Next()) {
    const Attempt decided = settlement.attempts[txid.value() - told_after.value() - 1];
    const auto record = group.records.find(txid);
    if (record == group.records.end()) {
      return damage("has neither applied txid ", txid.value(), " nor a record of it");
    }
    if (record->second.record.attempt != decided) {
      return damage("has a record of attempt ", ToString(record->second.record.attempt),
                    " of txid ", txid.value(), ", and ", ToString(decided), " was decided");
    }
  }
  return absl::OkStatus();
}

// ---- within an epoch ----

ParticipantProtocol::Group* ParticipantProtocol::GroupOf(const BatchId& id) {
  const auto group = groups_.find(id.group);
  if (TakesPartIn(id.attempt.epoch) && group != groups_.end()) return &group->second;
  RefuseIfOld(id.attempt.epoch);
  return nullptr;
}

void ParticipantProtocol::RefuseIfOld(Epoch epoch) {
  if (epoch > promised_ || (epoch == promised_ && is_of_this_life_)) return;
  out_->emplace_back(word::Refused{epoch, worker_, incarnation_, promised_});
}

void ParticipantProtocol::On(const word::Permit& event) {
  const Group* group = GroupOf(event.id);
  if (group == nullptr || event.id.txid <= group->known) return;
  const auto cancelled = group->cancelled.find(event.id.txid);
  if (cancelled != group->cancelled.end() && event.id.attempt <= cancelled->second) return;
  out_->emplace_back(event);
}

void ParticipantProtocol::On(const participant_event::Staged& event) {
  if (!TakesPartIn(event.id.attempt.epoch)) return;
  Group& group = groups_.at(event.id.group);
  const TxId txid = event.id.txid;
  if (txid <= group.known) return;
  const auto cancelled = group.cancelled.find(txid);
  if (cancelled != group.cancelled.end() && event.id.attempt <= cancelled->second) return;
  const auto record = group.records.find(txid);
  if (record != group.records.end() && record->second.record.attempt >= event.id.attempt) return;
  group.waiting[txid] = event;
  WriteInOrder(event.id.group, group);
}

void ParticipantProtocol::WriteInOrder(GroupId id, Group& group) {
  for (auto next = group.waiting.begin(); next != group.waiting.end();) {
    const PreparedRecord& record = next->second.record;
    const TxId before = record.txid.Prev();
    const auto below = group.records.find(before);
    const bool lies_over =
        before == group.known
            ? record.previous == group.known_attempt
            : below != group.records.end() && below->second.record.attempt == record.previous;
    if (!lies_over) {
      ++next;
      continue;
    }
    out_->emplace_back(participant_action::WriteRecord{{id, record.txid, record.attempt}, record});
    group.records.erase(group.records.lower_bound(record.txid), group.records.end());
    group.may_hold = std::max(group.may_hold, record.txid);
    ++group.writes;
    group.records[record.txid] = {record, false};
    next = group.waiting.erase(next);
  }
}

void ParticipantProtocol::On(const participant_event::RecordWritten& event) {
  Group& group = groups_.at(event.id.group);
  const auto found = group.records.find(event.id.txid);
  if (found == group.records.end() || found->second.record.attempt != event.id.attempt) return;
  found->second.is_durable = true;
  if (!TakesPartIn(event.id.attempt.epoch)) return;
  const PreparedRecord& record = found->second.record;
  out_->emplace_back(word::Voted{event.id, worker_, incarnation_, record.rows, record.checksum});
}

void ParticipantProtocol::On(const word::Abort& event) {
  if (event.cancelled.empty()) return;
  Group* group = GroupOf(event.cancelled.front());
  if (group == nullptr) return;
  const GroupId group_id = event.cancelled.front().group;
  out_->emplace_back(event);
  Drop drop;
  for (const BatchId& id : event.cancelled) {
    if (id.txid <= group->known || !TakesPartIn(id.attempt.epoch)) continue;
    Attempt& cancelled = group->cancelled[id.txid];
    cancelled = std::max(cancelled, id.attempt);
    const auto waiting = group->waiting.find(id.txid);
    if (waiting != group->waiting.end() && waiting->second.id.attempt <= id.attempt) {
      group->waiting.erase(waiting);
    }
    const auto record = group->records.find(id.txid);
    // A newer attempt was permitted, so nobody waits to hear that this one is void.
    if (record != group->records.end() && record->second.record.attempt > id.attempt) continue;
    group->records.erase(group->records.lower_bound(id.txid), group->records.end());
    if (id.txid > group->may_hold) {
      out_->emplace_back(word::Voided{id, worker_, incarnation_});
      continue;
    }
    if (drop.to_void.empty()) drop.from = id;
    drop.to_void.push_back(id);
  }
  if (drop.to_void.empty()) return;
  drop.writes_before = group->writes;
  out_->emplace_back(participant_action::DropRecords{drop.from});
  group->drops.push_back(std::move(drop));
  WriteInOrder(group_id, *group);
}

void ParticipantProtocol::On(const participant_event::RecordsDropped& event) {
  Group& group = groups_.at(event.id.group);
  const auto done = std::find_if(group.drops.begin(), group.drops.end(),
                                 [&](const Drop& drop) { return drop.from == event.id; });
  if (done == group.drops.end()) return;
  if (done->writes_before == group.writes) {
    group.may_hold = std::min(group.may_hold, event.id.txid.Prev());
  }
  for (const BatchId& id : done->to_void) {
    if (TakesPartIn(id.attempt.epoch)) out_->emplace_back(word::Voided{id, worker_, incarnation_});
  }
  group.drops.erase(done);
}

void ParticipantProtocol::On(const word::Apply& event) {
  Group* group = GroupOf(event.id);
  if (group == nullptr || event.id.txid <= group->known) return;
  const auto record = group->records.find(event.id.txid);
  const bool voted_for = record != group->records.end() && record->second.is_durable &&
                         record->second.record.attempt == event.id.attempt;
  if (!voted_for) {
    is_damaged_ = true;
    out_->emplace_back(participant_action::Damaged{
        Internal("batch group ", event.id.group.value(), ": worker ", worker_.value(),
                 " is told that attempt ", ToString(event.id.attempt), " of txid ",
                 event.id.txid.value(), " is decided, but has not voted for it")});
    return;
  }
  Know<ApplyStaged>(event.id.group, *group, event.id.txid);
}

template <class Apply>
void ParticipantProtocol::Know(GroupId id, Group& group, TxId txid) {
  while (group.known < txid) {
    const auto next = group.records.begin();
    group.known = next->first;
    group.known_attempt = next->second.record.attempt;
    out_->emplace_back(Apply{{id, group.known, group.known_attempt}});
    group.records.erase(next);
  }
  group.waiting.erase(group.waiting.begin(), group.waiting.upper_bound(txid));
  group.cancelled.erase(group.cancelled.begin(), group.cancelled.upper_bound(txid));
}

}  // namespace trident
