// SPDX-License-Identifier: Apache-2.0
#include "trident/run/worker_bridge.h"

#include <utility>

#include "base/check.h"
#include "base/overloaded.h"
#include "state/disk/store_layout.h"
#include "state/redo/redo_fragment.h"
#include "state/redo/redo_record.h"

namespace trident {
void WorkerBridge::Connect(Worker* worker, BatchCoordinator* coordinator) {
  worker_ = worker;
  coordinator_ = coordinator;
  for (const Worker::Emitter& emitter : worker->emitters()) {
    group_of_[emitter.id] = emitter.group;
    executors_of_[emitter.group] = worker->ExecutorsOf(emitter.group);
  }
}

void WorkerBridge::Announce(GroupId group, TxId applied) {
  coordinator_->Post(group, word::WorkerJoined{options_.worker, options_.incarnation, applied});
  for (const auto& [emitter, emitter_group] : group_of_) {
    if (emitter_group != group) continue;
    coordinator_->Post(group, word::EmitterStarted{emitter, options_.incarnation});
  }
}

bool WorkerBridge::AllEnded() const {
  MutexLock lock(mutex_);
  return ended_.size() == group_of_.size();
}

void WorkerBridge::Tell(WordToWorker word) {
  {
    MutexLock lock(mutex_);
    if (const auto* begin = std::get_if<word::Begin>(&word)) {
      attempts_[begin->id].prev = begin->prev_attempt;
    } else if (const auto* abort = std::get_if<word::Abort>(&word)) {
      for (const BatchId& cancelled : abort->cancelled) attempts_.erase(cancelled);
    }
  }
  worker_->Tell(std::move(word));
}

Status WorkerBridge::AddRedo(const BatchId& id, WriteSet& changes) {
  std::vector<std::string> fragments;
  RedoHeader header{id.group, id.txid, id.attempt, Attempt{}};
  {
    MutexLock lock(mutex_);
    auto it = attempts_.find(id);
    TRIDENT_CHECK(it != attempts_.end())
        << "decided attempt " << ToString(id.attempt) << " has no redo";
    for (auto& [executor, fragment] : it->second.fragments)
      fragments.push_back(std::move(fragment));
    it->second.fragments.clear();
    header.previous = it->second.prev;
  }
  std::string record = BuildRedo(header, fragments);
  {
    MutexLock lock(mutex_);
    attempts_[id].redo_bytes = record.size();
  }
  changes.Put(Table::kRedo, RedoKey(id.group, id.txid), std::move(record));
  return absl::OkStatus();
}

void WorkerBridge::OnWord(GroupId group, WordToLeader word) {
  std::visit(Overloaded{
                 [&](word::InputEnded& ended) {
                   {
                     MutexLock lock(mutex_);
                     ended_.insert(ended.emitter);
                   }
                   options_.changed();
                 },
                 [&](word::InputReady& ready) {
                   {
                     MutexLock lock(mutex_);
                     ended_.erase(ready.emitter);
                   }
                   coordinator_->Post(group, ready);
                 },
                 [&](auto& other) { coordinator_->Post(group, std::move(other)); },
             },
             word);
}

void WorkerBridge::OnStaged(uint32_t executor, const BatchId& id, std::string record) {
  word::Voted vote{id, options_.worker, options_.incarnation};
  {
    MutexLock lock(mutex_);
    auto it = attempts_.find(id);
    if (it == attempts_.end()) return;  // aborted meanwhile
    AttemptRecord& attempt = it->second;
    attempt.fragments[executor] = std::move(record);
    if (attempt.fragments.size() < executors_of_.at(id.group)) return;
    vote.rows = attempt.fragments.size();
  }
  coordinator_->Post(id.group, vote);
}

void WorkerBridge::OnApplied(uint32_t /*executor*/, const BatchId& id) {
  uint64_t redo_bytes = 0;
  {
    MutexLock lock(mutex_);
    auto it = attempts_.find(id);
    TRIDENT_CHECK(it != attempts_.end()) << "applied what nobody decided";
    if (++it->second.applied < executors_of_.at(id.group)) return;
    redo_bytes = it->second.redo_bytes;
    attempts_.erase(it);
  }
  options_.states->PublishApplied(id.group, id.txid, id.attempt, redo_bytes);
  worker_->Tell(word::Publish{id});
  coordinator_->Post(id.group, word::Applied{id.txid, options_.worker, options_.incarnation});
  options_.changed();
}

}  // namespace trident
