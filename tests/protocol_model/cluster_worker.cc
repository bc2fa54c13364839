// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol_model/cluster_worker.h"

#include <algorithm>

#include "base/status.h"
#include "tests/protocol_model/cluster_world.h"
#include "tests/protocol_model/worker.h"

namespace trident::model {

ClusterWorker::ClusterWorker(ClusterWorld& world, uint32_t number)
    : world_(world), number_(number) {}

void ClusterWorker::Start() {
  up_ = true;
  holds_ = false;
  incarnation_ = incarnation_.Next();
  known_ = disk_.known;
  known_attempt_ = disk_.known_attempt;
  state_ = disk_.state;
  Remembered remembered;
  remembered.promised = disk_.promised;
  GroupReport& group = remembered.groups.emplace_back();
  group.group = world_.options().config.group;
  group.known = known_;
  group.known_attempt = known_attempt_;
  group.last_life = last_life_;
  for (const auto& [txid, record] : disk_.records) group.records.push_back(record.record);
  protocol_ = std::make_unique<ParticipantProtocol>(id(), incarnation_, std::move(remembered));
  Announce();
}

// Writes under way become durable up to some point, and nobody is told.
void ClusterWorker::Crash() {
  up_ = false;
  protocol_.reset();
  work_.clear();
  made_.clear();
  for (; !writes_.empty() && world_.time().rng().Chance(0.5); writes_.pop_front()) {
    writes_.front().change(disk_);
  }
  writes_.clear();
}

void ClusterWorker::EndIn(const std::string& step, TxId txid) {
  if (!up_ || protocol_->joined() == Epoch()) return;
  LastLife life{protocol_->joined(), {}};
  life.process.last_decided = txid.Prev();
  life.process.steps = {step};
  life.process.cause = Concat("while step \"", step, "\" worked");
  const auto first = work_.find(txid);
  const SourceRange* alone = first == work_.end() ? nullptr : RangeOfOneRow(first->second.data);
  if (alone != nullptr) {
    life.process.the_row = RowPlace{alone->emitter, {alone->partition, alone->start}};
  }
  last_life_ = std::move(life);
  ++world_.outcome().deaths;
}

void ClusterWorker::Announce() {
  if (!up_) return;
  world_.SendConnected(id(), incarnation_);
  const Epoch joined = protocol_->joined();
  if (joined == Epoch()) return;
  world_.SendToLeader(Wire::kJoined, joined, word::WorkerJoined{id(), incarnation_, known_});
  world_.SendToLeader(Wire::kApplied, joined, word::Applied{known_, id(), incarnation_});
  TellWhetherItHolds(joined);
}

void ClusterWorker::TellWhetherItHolds(Epoch joined) {
  if (world_.cluster().holds == 0) return;
  Timeline& time = world_.time();
  if (time.rng().Chance(world_.cluster().holds)) holds_ = !holds_;
  if (!time.faulty()) holds_ = false;
  if (holds_) return world_.SendToLeader(Wire::kOther, joined, word::Hold{id(), incarnation_});
  world_.SendToLeader(Wire::kOther, joined, word::Release{id(), incarnation_});
}

void ClusterWorker::Step(const ParticipantEvent& event) {
  if (!up_) return;
  std::vector<ParticipantAction> actions;
  protocol_->Step(event, actions);
  Outcome& outcome = world_.outcome();
  outcome.digest = Mix64(outcome.digest ^ (event.index() << 40) ^ actions.size());
  for (const ParticipantAction& action : actions) {
    outcome.digest = Mix64(outcome.digest ^ (action.index() << 48));
    std::visit([&](const auto& a) { Perform(a); }, action);
  }
}

// ---- its disk ----

void ClusterWorker::Enqueue(std::function<void(Disk&)> change, std::function<void()> done) {
  writes_.push_back({std::move(change), std::move(done)});
  if (writes_.size() == 1) WriteNext();
}

void ClusterWorker::WriteNext() {
  Timeline& time = world_.time();
  const bool is_slow = time.faulty() && time.rng().Chance(world_.cluster().slow_disk);
  const Nanos delay = is_slow ? static_cast<Nanos>(time.rng().Below(40 * kMillisecond))
                              : static_cast<Nanos>(time.rng().Below(kMillisecond));
  time.After(delay, [this, life = incarnation_] {
    if (!up_ || life != incarnation_) return;
    Write write = std::move(writes_.front());
    writes_.pop_front();
    write.change(disk_);
    if (!writes_.empty()) WriteNext();
    write.done();
  });
}

void ClusterWorker::Perform(const participant_action::WritePromise& action) {
  Enqueue([epoch = action.epoch](Disk& disk) { disk.promised = std::max(disk.promised, epoch); },
          [this, epoch = action.epoch] { Step(participant_event::PromiseWritten{epoch}); });
}

void ClusterWorker::Perform(const participant_action::WriteRecord& action) {
  const auto made = made_.find({action.id.txid, action.id.attempt});
  if (made == made_.end()) {
    return world_.oracle().Violation("I8: a record is asked for of what is not staged");
  }
  Record record{action.record, made->second};
  Enqueue(
      [record, txid = action.id.txid](Disk& disk) {
        if (txid <= disk.known) return;
        disk.records.erase(disk.records.lower_bound(txid), disk.records.end());
        disk.records[txid] = record;
      },
      [this, id = action.id] { Step(participant_event::RecordWritten{id}); });
}

void ClusterWorker::Perform(const participant_action::DropRecords& action) {
  Enqueue(
      [txid = action.id.txid](Disk& disk) {
        disk.records.erase(disk.records.lower_bound(txid), disk.records.end());
      },
      [this, id = action.id] { Step(participant_event::RecordsDropped{id}); });
}

void ClusterWorker::OnLogCut(const batch_action::LogCut& cut, std::function<void()> done) {
  if (!up_ || protocol_->joined() != cut.id.attempt.epoch) return;
  Enqueue(
      [cut](Disk& disk) {
        if (cut.id.txid > disk.known) disk.cuts[cut.id.txid] = cut.ranges;
      },
      std::move(done));
}

bool ClusterWorker::Holds(TxId txid, Attempt attempt) const {
  if (txid <= disk_.known) return true;
  const auto record = disk_.records.find(txid);
  return record != disk_.records.end() && record->second.record.attempt == attempt;
}

std::shared_ptr<const BatchCut> ClusterWorker::CutOf(TxId txid, Attempt attempt) const {
  const auto record = disk_.records.find(txid);
  if (record == disk_.records.end() || record->second.record.attempt != attempt) return nullptr;
  return record->second.record.cut;
}

Attempt ClusterWorker::PreviousOf(TxId txid) const {
  const auto record = disk_.records.find(txid);
  return record == disk_.records.end() ? Attempt() : record->second.record.previous;
}

Attempt ClusterWorker::outside(TxId txid) const {
  const auto found = outside_.find(txid);
  return found == outside_.end() ? Attempt() : found->second;
}

// ---- what the protocol asks for ----

void ClusterWorker::Perform(const word::Promised& action) {
  word::Promised whole = action;
  for (GroupReport& group : whole.groups) group.log = LogAfter(known_);
  world_.SendToTakeover(Wire::kPromised, whole.epoch, std::move(whole));
}

std::optional<LogReport> ClusterWorker::LogAfter(TxId txid) const {
  auto positions = disk_.positions;
  LogReport log;
  log.after = disk_.log_after;
  log.batch_time_micros = disk_.batch_time_micros;
  for (auto next = disk_.records.find(log.after.Next());
       next != disk_.records.end() && next->first <= txid; ++next) {
    const auto& cut = next->second.record.cut;
    if (cut == nullptr || next->first != log.after.Next()) break;
    for (const SourceRange& range : cut->ranges) {
      positions[{range.emitter.spout, range.partition}] = range.end;
    }
    log.batch_time_micros = cut->batch_time_micros;
    log.after = next->first;
  }
  if (log.after < txid) return std::nullopt;
  for (const auto& [where, at] : positions) {
    log.positions.push_back({where.first, {where.second, at}});
  }
  for (const auto& [cut_txid, ranges] : disk_.cuts) {
    if (cut_txid > log.after) log.cuts.push_back({cut_txid, ranges});
  }
  return log;
}

void ClusterWorker::Perform(const word::WriteLog& action) {
  Enqueue(
      [log = action.groups.at(0).log](Disk& disk) {
        disk.log_after = log.after;
        disk.positions.clear();
        for (const SpoutPosition& position : log.positions) {
          disk.positions[{position.spout, position.at.partition}] = position.at.position;
        }
        disk.batch_time_micros = log.batch_time_micros;
        disk.cuts.clear();
        for (const LoggedCut& cut : log.cuts) disk.cuts[cut.txid] = cut.ranges;
      },
      [this, epoch = action.epoch] { Step(participant_event::LogWritten{epoch}); });
}

void ClusterWorker::Perform(const word::LogWritten& action) {
  world_.SendToTakeover(Wire::kLogWritten, action.epoch, action);
}

void ClusterWorker::Perform(const word::Refused& action) {
  world_.SendToTakeover(Wire::kRefused, action.epoch, action);
}

void ClusterWorker::Perform(const word::Voted& action) {
  Timeline& time = world_.time();
  if (time.faulty() && time.rng().Chance(world_.cluster().fails_prepared)) {
    return world_.SendToLeader(Wire::kOther, action.id.attempt.epoch,
                               word::Failed{action.id, Unavailable("it failed after its vote")});
  }
  world_.SendToLeader(Wire::kVoted, action.id.attempt.epoch, action);
}

void ClusterWorker::Perform(const word::Voided& action) {
  world_.SendToLeader(Wire::kVoided, action.id.attempt.epoch, action);
}

void ClusterWorker::Perform(const word::Permit& action) {
  Work* work = WorkOn(action.id.txid, action.id.attempt);
  if (work == nullptr) return;
  work->permitted = true;
  work->cut = action.cut;
  StageInOrder();
}

void ClusterWorker::Perform(const word::Abort& action) {
  for (const BatchId& cancelled : action.cancelled) {
    auto it = work_.find(cancelled.txid);
    if (it != work_.end() && it->second.attempt <= cancelled.attempt) work_.erase(it);
  }
}

void ClusterWorker::Perform(const participant_action::Forget&) {
  work_.clear();
  made_.clear();
}

void ClusterWorker::Perform(const participant_action::ApplyStaged& action) {
  const auto work = work_.find(action.id.txid);
  if (work == work_.end() || work->second.attempt != action.id.attempt || !work->second.staged) {
    return world_.oracle().Violation("I5: an attempt that is not staged is applied as if it were");
  }
  Apply(action.id);
  world_.SendToLeader(Wire::kApplied, action.id.attempt.epoch,
                      word::Applied{known_, id(), incarnation_});
  StageInOrder();
}

void ClusterWorker::Perform(const participant_action::ApplyRecord& action) { Apply(action.id); }

void ClusterWorker::Apply(const BatchId& id) {
  const auto record = disk_.records.find(id.txid);
  if (record == disk_.records.end() || record->second.record.attempt != id.attempt ||
      id.txid != known_.Next()) {
    return world_.oracle().Violation(Concat("I5: worker ", number_, " applies txid ",
                                            id.txid.value(), " without a durable record of it"));
  }
  for (const auto& [slot, value] : record->second.changes) state_[slot] = value;
  known_ = id.txid;
  known_attempt_ = id.attempt;
  world_.oracle().OnApplied(number_, id.txid, id.attempt, state_);
  work_.erase(work_.begin(), work_.upper_bound(id.txid));
  made_.erase(made_.begin(), made_.lower_bound({id.txid.Next(), Attempt()}));
  if (world_.time().rng().Chance(world_.cluster().known_noted)) NoteKnown();
}

// The state's base, its marker, and what is trimmed with it become durable behind other writes.
void ClusterWorker::NoteKnown() {
  Enqueue(
      [known = known_, attempt = known_attempt_, state = state_](Disk& disk) {
        for (const auto& [txid, record] : disk.records) {
          if (txid > known || txid <= disk.log_after) continue;
          if (record.record.cut == nullptr || txid != disk.log_after.Next()) break;
          for (const SourceRange& range : record.record.cut->ranges) {
            disk.positions[{range.emitter.spout, range.partition}] = range.end;
          }
          disk.batch_time_micros = record.record.cut->batch_time_micros;
          disk.log_after = txid;
        }
        disk.known = known;
        disk.known_attempt = attempt;
        disk.state = state;
        disk.records.erase(disk.records.begin(), disk.records.upper_bound(known));
        disk.cuts.erase(disk.cuts.begin(), disk.cuts.upper_bound(known));
      },
      [] {});
}

void ClusterWorker::Perform(const participant_action::Join&) {
  last_life_.reset();
  Announce();
}

void ClusterWorker::Perform(const participant_action::Damaged& action) {
  world_.oracle().Violation(
      Concat("I9: a worker sees damage where there is none: ", Message(action.cause)));
}

// ---- its executors ----

ClusterWorker::Work* ClusterWorker::WorkOn(TxId txid, Attempt attempt) {
  if (!up_ || txid <= known_) return nullptr;
  Work& work = work_[txid];
  if (attempt < work.attempt) return nullptr;
  if (work.attempt < attempt) {
    work = Work{};
    work.attempt = attempt;
  }
  return &work;
}

void ClusterWorker::OnBegin(const word::Begin& begin) {
  if (!up_ || protocol_->joined() != begin.id.attempt.epoch) return;
  Work* work = WorkOn(begin.id.txid, begin.id.attempt);
  if (work == nullptr) return;
  work->begun = true;
  work->prev_attempt = begin.prev_attempt;
  work->emitters = begin.emitters;
  StageInOrder();
}

void ClusterWorker::OnData(const BatchId& id, EmitterId from,
                           std::shared_ptr<const Emission> emission) {
  // The words of an epoch may overtake its start.
  if (!up_ || id.attempt.epoch < protocol_->joined()) return;
  Work* work = WorkOn(id.txid, id.attempt);
  if (work == nullptr) return;
  work->data[from] = std::move(emission);
  StageInOrder();
}

void ClusterWorker::StageInOrder() {
  for (auto& [txid, work] : work_) {
    if (work.staged || work.failed || !work.begun || !work.permitted) continue;
    const auto complete = [&](EmitterId emitter) { return work.data.count(emitter) > 0; };
    if (!std::all_of(work.emitters.begin(), work.emitters.end(), complete)) continue;
    const State* below = Below(txid, work);
    if (below != nullptr) Stage(txid, work, *below);
  }
}

const State* ClusterWorker::Below(TxId txid, const Work& work) const {
  if (txid.Prev() == known_) return work.prev_attempt == known_attempt_ ? &state_ : nullptr;
  auto below = work_.find(txid.Prev());
  if (below == work_.end() || below->second.attempt != work.prev_attempt) return nullptr;
  return below->second.staged ? &*below->second.staged : nullptr;
}

void ClusterWorker::Stage(TxId txid, Work& work, const State& below) {
  StageOutside(txid, work);
  Timeline& time = world_.time();
  const auto fail = [&](Status cause) {
    work.failed = true;
    world_.SendToLeader(Wire::kOther, work.attempt.epoch,
                        word::Failed{world_.IdOf(txid, work.attempt), std::move(cause)});
  };
  if (HasPoison(work.data, number_, world_.workers().size())) {
    if (const SourceRange* alone = RangeOfOneRow(work.data)) world_.oracle().OnFailedAlone(*alone);
    if (!world_.options().poison_kills) return fail(InvalidArgument("a row cannot be staged"));
    work.failed = true;
    // Not at once: it is at work.
    return time.After(0, [this, txid, life = incarnation_] {
      if (!up_ || life != incarnation_) return;
      EndIn(kStageStep, txid);
      world_.CrashWorker(*this);
    });
  }
  if (time.faulty() && time.rng().Chance(world_.options().stage_fails)) {
    return fail(ResourceExhausted("staging failed for a while"));
  }
  Changes& changes = made_[{txid, work.attempt}];
  State after = below;
  for (const auto& [emitter, emission] : work.data) {
    for (const auto& rows : emission->rows) {
      for (const Row& row : rows) {
        if (WorkerOf(row, world_.workers().size()) != number_) continue;
        changes[SlotOf(row)] = after[SlotOf(row)] = Fold(after[SlotOf(row)], row);
      }
    }
  }
  work.staged = after;
  PreparedRecord record{.txid = txid,
                        .attempt = work.attempt,
                        .previous = work.prev_attempt,
                        .rows = changes.size(),
                        .checksum = 0,
                        .cut = work.cut};
  for (const auto& [slot, value] : changes) record.checksum = record.checksum * 31 + value;
  // Its executors end at different times.
  time.After(time.Delay(),
             [this, life = incarnation_, id = world_.IdOf(txid, work.attempt), record] {
               if (life != incarnation_) return;
               Step(participant_event::Staged{id, record});
             });
}

void ClusterWorker::StageOutside(TxId txid, const Work& work) {
  if (world_.cluster().has_outside) {
    world_.OnStagedOutside(number_, txid, work.attempt);
    outside_[txid] = work.attempt;
  }
  if (world_.options().config.cut_logging == CutLogging::kNone) return;
  world_.oracle().OnStagedOutside(number_, txid,
                                  TransactionalContent(work.data, world_.options().config));
}

}  // namespace trident::model
