// SPDX-License-Identifier: Apache-2.0
#include "coordinator/batch_coordinator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/letter_partition.h"
#include "base/logging.h"
#include "base/overloaded.h"

namespace trident {
namespace {

// How long the coordinator sleeps when no group asked for a tick.
constexpr Nanos kIdleSleep = kSecond;

void NoteRedo(const VoteRecord& made, DecisionRecord& record) {
  for (VoteRecord& vote : record.votes) {
    if (vote.worker == made.worker) vote = made;
  }
}

}  // namespace

BatchCoordinator::BatchCoordinator(const Options& options) : options_(options) {}

BatchCoordinator::~BatchCoordinator() { Stop(); }

Status BatchCoordinator::AddGroup(GroupConfig config, Epoch epoch) {
  GroupId id = config.group;
  const Recovered recovered = options_.log->Recover(id, epoch);
  TRIDENT_ASSIGN_OR_RETURN(auto protocol, BatchProtocol::Create(std::move(config), recovered));
  MutexLock lock(state_mutex_);
  Group& group = groups_[id];
  group.protocol = std::move(protocol);
  group.time_micros = recovered.batch_time_micros;
  return absl::OkStatus();
}

void BatchCoordinator::Start() {
  {
    MutexLock lock(mutex_);
    has_threads_ = true;
  }
  coordinator_thread_ = std::thread([this] { RunCoordinator(); });
  committer_thread_ = std::thread([this] { RunCommitter(); });
}

void BatchCoordinator::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    sleeping_ = false;
    changed_.NotifyAll();
  }
  if (coordinator_thread_.joinable()) coordinator_thread_.join();
  {
    MutexLock lock(write_mutex_);
    writer_stopping_ = true;
    write_changed_.NotifyAll();
  }
  if (committer_thread_.joinable()) committer_thread_.join();
}

void BatchCoordinator::Post(GroupId group, BatchEvent event) {
  bool wakes = false;
  {
    MutexLock lock(mutex_);
    inbox_.emplace_back(group, std::move(event));
    wakes = !stepping_ && std::exchange(sleeping_, false);
  }
  if (wakes) changed_.NotifyOne();
}

void BatchCoordinator::PostAndStep(GroupId group, BatchEvent event) {
  {
    MutexLock lock(mutex_);
    inbox_.emplace_back(group, std::move(event));
    if (stepping_ || stopping_ || !has_threads_) return;
    stepping_ = true;
  }
  do {
    StepAll();
  } while (MustStepOn());
}

bool BatchCoordinator::MustStepOn() {
  const std::optional<Nanos> tick = NextTick();
  bool wakes = false;
  {
    MutexLock lock(mutex_);
    if (!inbox_.empty()) return true;
    stepping_ = false;
    const bool is_sooner = !sleeps_until_ || (tick && *tick < *sleeps_until_);
    wakes = sleeping_ && is_sooner;
    if (wakes) sleeping_ = false;
  }
  if (wakes) changed_.NotifyOne();
  return false;
}

void BatchCoordinator::PostAll(const BatchEvent& event) {
  for (GroupId group : groups()) Post(group, event);
}

void BatchCoordinator::RunCoordinator() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      while (stepping_) {
        sleeping_ = true;
        sleeps_until_ = std::nullopt;
        changed_.Wait(mutex_);
      }
      sleeping_ = false;
      stepping_ = true;
    }
    const bool worked = StepAll();
    const Nanos now = options_.clock->MonotonicNanos();
    const Nanos until = std::min(NextTick().value_or(now + kIdleSleep), now + kIdleSleep);
    MutexLock lock(mutex_);
    stepping_ = false;
    if (worked) continue;
    if (stopping_) return;
    if (!inbox_.empty() || until <= now) continue;
    sleeping_ = true;
    sleeps_until_ = until;
    changed_.WaitFor(mutex_, until - now);
    sleeping_ = false;
  }
}

bool BatchCoordinator::RunOnce() {
  bool stepped = StepAll();
  bool committed = CommitAll();
  return stepped || committed;
}

bool BatchCoordinator::StepAll() {
  std::vector<std::pair<GroupId, BatchEvent>> events;
  {
    MutexLock lock(mutex_);
    events.swap(inbox_);
  }
  MutexLock lock(state_mutex_);
  bool worked = !events.empty();
  for (auto& [group, event] : events) Step(group, event);
  Nanos now = options_.clock->MonotonicNanos();
  for (auto& [id, group] : groups_) {
    if (group.tick_at == 0 || group.tick_at > now) continue;
    group.tick_at = 0;
    Step(id, batch_event::Tick{now});
    worked = true;
  }
  for (auto& [id, group] : groups_) TellIdle(id, group);
  return worked;
}

void BatchCoordinator::TellIdle(GroupId id, Group& group) {
  const bool was_idle = std::exchange(group.idle, group.protocol->idle());
  if (group.idle && !was_idle) options_.events->OnIdle(id);
}

void BatchCoordinator::Step(GroupId id, const BatchEvent& event) {
  auto it = groups_.find(id);
  TRIDENT_CHECK(it != groups_.end()) << "event for unknown batch group " << id.value();
  std::vector<BatchAction> actions = std::move(actions_);
  actions.clear();
  it->second.protocol->Step(event, actions);
  for (BatchAction& action : actions) Carry(id, it->second, action);
  actions_ = std::move(actions);
}

void BatchCoordinator::Carry(GroupId id, Group& group, BatchAction& action) {
  auto submit = [&](Write write) {
    bool wakes = false;
    {
      MutexLock lock(write_mutex_);
      writes_.push_back(std::move(write));
      wakes = std::exchange(writer_waits_, false);
    }
    if (wakes) write_changed_.NotifyOne();
  };
  std::visit(
      Overloaded{
          [&](word::Begin& begin) {
            group.begun_at[begin.id.txid] = options_.clock->MonotonicNanos();
            // A clock that was set back does not turn back what has gone by: keys that expired.
            group.time_micros =
                std::max(group.time_micros, options_.clock->WallNanos() / kMicrosecond);
            begin.batch_time_micros = group.time_micros;
            group.time_of[begin.id.txid] = group.time_micros;
            workers_->Tell(std::move(begin));
          },
          [&](word::Emit& emit) {
            emit.batch_time_micros = group.time_of.at(emit.id.txid);
            workers_->Tell(std::move(emit));
          },
          [&](batch_action::LogCut& cut) {
            submit({id, {}, std::move(cut)});
          },
          [&](word::Permit& permit) {
            if (permit.cut != nullptr) {
              auto cut = std::make_shared<BatchCut>(*permit.cut);
              cut->batch_time_micros = group.time_of.at(permit.id.txid);
              permit.cut = std::move(cut);
            }
            workers_->Tell(std::move(permit));
          },
          [&](batch_action::Decide& decide) {
            for (DecisionRecord& record : decide.records) {
              const uint64_t of_letters = RowsOfLetters(record.ranges);
              group.rows_deciding[record.txid] = {record.rows - of_letters, of_letters};
              record.batch_time_micros = group.time_of.at(record.txid);
              group.time_of.erase(record.txid);
            }
            submit({id, std::move(decide.records), std::nullopt});
          },
          [&](word::Apply& apply) {
            CountDecision(group, apply.id.txid);
            workers_->Tell(apply);
          },
          [&](word::Abort& abort) { workers_->Tell(std::move(abort)); },
          [&](batch_action::Stale& stale) {
            TRIDENT_LOG(INFO) << "batch group " << id.value() << ": a stale message about txid "
                              << stale.txid.value() << ", attempt " << ToString(stale.attempt);
          },
          [&](batch_action::Halt& halt) { options_.events->OnHalted(id, halt.cause); },
          [&](batch_action::Drained& drained) {
            options_.events->OnDrained(id, drained.last_decided);
          },
          [&](batch_action::SetTimer& timer) { group.tick_at = std::max<Nanos>(1, timer.at); },
      },
      action);
}

void BatchCoordinator::CountDecision(Group& group, TxId txid) {
  ++group.counters.batches_committed;
  auto rows = group.rows_deciding.find(txid);
  if (rows != group.rows_deciding.end()) {
    group.counters.rows_committed += rows->second.of_sources;
    group.counters.letters_retried += rows->second.of_letters;
    group.rows_deciding.erase(rows);
  }
  auto begun = group.begun_at.find(txid);
  if (begun != group.begun_at.end()) {
    group.latencies.Add(options_.clock->MonotonicNanos() - begun->second);
    group.begun_at.erase(group.begun_at.begin(), std::next(begun));
  }
}

std::optional<Nanos> BatchCoordinator::NextTick() const {
  MutexLock lock(state_mutex_);
  std::optional<Nanos> next;
  for (const auto& [id, group] : groups_) {
    if (group.tick_at != 0) next = next ? std::min(*next, group.tick_at) : group.tick_at;
  }
  return next;
}

void BatchCoordinator::RunCommitter() {
  for (;;) {
    if (CommitAll()) continue;
    MutexLock lock(write_mutex_);
    if (!writes_.empty()) continue;
    if (writer_stopping_) return;
    writer_waits_ = true;
    write_changed_.Wait(write_mutex_);
    writer_waits_ = false;
  }
}

bool BatchCoordinator::CommitAll() {
  std::vector<Write> writes;
  {
    MutexLock lock(write_mutex_);
    writes.swap(writes_);
  }
  if (writes.empty()) return false;
  Commit(writes);
  return true;
}

void BatchCoordinator::Commit(std::vector<Write>& writes) {
  WriteSet changes;
  Status status;
  for (Write& write : writes) {
    if (write.cut)
      options_.log->AppendCut(write.group, write.cut->id.txid, write.cut->ranges, changes);
    for (DecisionRecord& record : write.decisions) {
      BatchId id{write.group, record.txid, record.attempt};
      if (redo_ != nullptr) NoteRedo(redo_->AddRedo(id, changes), record);
      if (status.ok()) status = options_.log->Append(write.group, record, changes);
    }
  }
  if (status.ok()) status = options_.store->Write(changes, options_.durability);
  for (const Write& write : writes) {
    for (const DecisionRecord& record : write.decisions) {
      if (status.ok()) options_.log->Written(write.group, record);
    }
    if (write.cut) {
      PostAndStep(write.group, batch_event::CutLogged{write.cut->id, status});
    }
    if (write.decisions.empty()) continue;
    PostAndStep(write.group, batch_event::DecisionWritten{write.decisions.front().txid,
                                                          write.decisions.back().txid, status});
  }
}

std::vector<GroupId> BatchCoordinator::groups() const {
  MutexLock lock(state_mutex_);
  std::vector<GroupId> ids;
  for (const auto& [id, group] : groups_) ids.push_back(id);
  return ids;
}

GroupStatus BatchCoordinator::StatusOf(GroupId id) const {
  MutexLock lock(state_mutex_);
  return groups_.at(id).protocol->status();
}

GroupCounters BatchCoordinator::CountersOf(GroupId id) const {
  MutexLock lock(state_mutex_);
  const Group& group = groups_.at(id);
  GroupCounters counters = group.counters;
  counters.commit_p50 = group.latencies.Percentile(50);
  counters.commit_p99 = group.latencies.Percentile(99);
  return counters;
}

}  // namespace trident
