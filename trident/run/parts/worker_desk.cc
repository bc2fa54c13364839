// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/worker_desk.h"

#include <utility>

#include "base/check.h"
#include "state/disk/store_layout.h"
#include "state/redo/redo_fragment.h"
#include "state/redo/redo_record.h"

namespace trident {

void WorkerDesk::Connect(Worker* worker, LeaderLink* leader) {
  worker_ = worker;
  leader_ = leader;
  for (const GroupId group : options_.groups) executors_of_[group] = worker->ExecutorsOf(group);
}

void WorkerDesk::Join(GroupId group, TxId applied) {
  leader_->Tell(group, word::WorkerJoined{options_.worker, options_.incarnation, applied});
  for (const Worker::Emitter& emitter : worker_->emitters()) {
    if (emitter.group != group) continue;
    leader_->Tell(group, word::EmitterStarted{emitter.id, options_.incarnation});
  }
}

void WorkerDesk::Hold(GroupId group) {
  leader_->Tell(group, word::Hold{options_.worker, options_.incarnation});
}

void WorkerDesk::Release(GroupId group) {
  leader_->Tell(group, word::Release{options_.worker, options_.incarnation});
}

bool WorkerDesk::HasApplied(const BatchId& id) {
  MutexLock lock(mutex_);
  const auto found = attempts_.find(id);
  const auto executors = executors_of_.find(id.group);
  return found != attempts_.end() && executors != executors_of_.end() &&
         found->second.applied == executors->second;
}

void WorkerDesk::Tell(WordToWorker word) {
  if (const auto* begin = std::get_if<word::Begin>(&word)) Begin(*begin);
  if (const auto* abort = std::get_if<word::Abort>(&word)) Abort(*abort);
  if (const auto* publish = std::get_if<word::Publish>(&word)) Publish(publish->id);
  AnswerForNobody(word);
  worker_->Tell(std::move(word));
}

// A process that has no task of a group has nothing to stage or apply, and votes all the same.
void WorkerDesk::AnswerForNobody(const WordToWorker& word) {
  if (const auto* permit = std::get_if<word::Permit>(&word);
      permit && !HasTasks(permit->id.group)) {
    leader_->Tell(permit->id.group, word::Voted{permit->id, options_.worker, options_.incarnation});
  }
  if (const auto* apply = std::get_if<word::Apply>(&word); apply && !HasTasks(apply->id.group)) {
    SayApplied(apply->id);
  }
}

TxId WorkerDesk::ToldApplied(GroupId group) const {
  MutexLock lock(mutex_);
  const auto told = told_applied_.find(group);
  return told == told_applied_.end() ? TxId() : told->second;
}

void WorkerDesk::SayApplied(const BatchId& id) {
  {
    MutexLock lock(mutex_);
    told_applied_[id.group] = id.txid;
  }
  leader_->Tell(id.group, word::Applied{id.txid, options_.worker, options_.incarnation});
}

void WorkerDesk::Begin(const word::Begin& begin) {
  MutexLock lock(mutex_);
  attempts_[begin.id].prev = begin.prev_attempt;
}

void WorkerDesk::Abort(const word::Abort& abort) {
  MutexLock lock(mutex_);
  for (const BatchId& cancelled : abort.cancelled) attempts_.erase(cancelled);
}

void WorkerDesk::Publish(const BatchId& id) {
  uint64_t redo_bytes = 0;
  {
    MutexLock lock(mutex_);
    auto it = attempts_.find(id);
    TRIDENT_CHECK(it != attempts_.end()) << "published what nobody has applied";
    redo_bytes = it->second.redo_bytes;
    attempts_.erase(it);
  }
  options_.states->PublishApplied(id.group, id.txid, id.attempt, redo_bytes);
  options_.published();
}

void WorkerDesk::OnWord(GroupId group, WordToLeader word) { leader_->Tell(group, std::move(word)); }

void WorkerDesk::OnStaged(uint32_t executor, const BatchId& id, std::string record) {
  {
    MutexLock lock(mutex_);
    auto it = attempts_.find(id);
    if (it == attempts_.end()) return;  // aborted meanwhile
    AttemptRecord& attempt = it->second;
    attempt.fragments[executor] = std::move(record);
    if (attempt.fragments.size() < executors_of_.at(id.group)) return;
  }
  leader_->Tell(id.group, word::Voted{id, options_.worker, options_.incarnation});
}

VoteRecord WorkerDesk::AddRedo(const BatchId& id, WriteSet& changes) {
  const std::optional<VoteRecord> made = TakeRedo(id, changes);
  TRIDENT_CHECK(made.has_value()) << "decided attempt " << ToString(id.attempt) << " has no redo";
  return *made;
}

std::optional<VoteRecord> WorkerDesk::TakeRedo(const BatchId& id, WriteSet& changes) {
  RedoHeader header{id.group, id.txid, id.attempt, Attempt{}};
  std::vector<std::string> fragments;
  {
    MutexLock lock(mutex_);
    auto it = attempts_.find(id);
    if (it == attempts_.end()) return std::nullopt;
    for (auto& [executor, part] : it->second.fragments) fragments.push_back(std::move(part));
    it->second.fragments.clear();
    header.previous = it->second.prev;
  }
  BuiltRedo redo = BuildRedo(header, fragments);
  {
    MutexLock lock(mutex_);
    auto it = attempts_.find(id);
    if (it == attempts_.end()) return std::nullopt;
    it->second.redo_bytes = redo.record.size();
  }
  changes.Put(Table::kRedo, RedoKey(id.group, id.txid), std::move(redo.record));
  return VoteRecord{options_.worker, redo.changes, redo.checksum};
}

void WorkerDesk::OnApplied(uint32_t /*executor*/, const BatchId& id) {
  {
    MutexLock lock(mutex_);
    auto it = attempts_.find(id);
    TRIDENT_CHECK(it != attempts_.end()) << "applied what nobody decided";
    if (++it->second.applied < executors_of_.at(id.group)) return;
  }
  SayApplied(id);
}

}  // namespace trident
