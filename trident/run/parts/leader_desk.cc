// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/leader_desk.h"

#include <algorithm>
#include <utility>

#include "base/overloaded.h"

namespace trident {

void LeaderDesk::Connect(BatchCoordinator* coordinator, WorkerLink* workers) {
  coordinator_ = coordinator;
  workers_ = workers;
}

bool LeaderDesk::AllEnded() const {
  MutexLock lock(mutex_);
  return ended_.size() == options_.emitters;
}

void LeaderDesk::Tell(WordToWorker word) {
  if (const auto* apply = std::get_if<word::Apply>(&word)) {
    MutexLock lock(mutex_);
    groups_[apply->id.group].unpublished.push_back(apply->id);
  }
  workers_->Tell(std::move(word));
}

void LeaderDesk::Tell(GroupId group, WordToLeader word) {
  std::visit(Overloaded{
                 [&](word::InputEnded& ended) { SetEnded(ended.emitter); },
                 [&](word::InputReady& ready) {
                   SetReady(ready.emitter);
                   coordinator_->PostAndStep(group, ready);
                 },
                 [&](word::Applied& applied) {
                   PublishWhatAllApplied(group, applied.worker, applied.txid);
                   coordinator_->PostAndStep(group, applied);
                   // Before, nobody waits for the end.
                   if (AllEnded()) options_.changed();
                 },
                 // Its sender may hold a lock.
                 [&](word::Hold& hold) { coordinator_->Post(group, hold); },
                 [&](word::Release& release) { coordinator_->Post(group, release); },
                 [&](auto& other) { coordinator_->PostAndStep(group, std::move(other)); },
             },
             word);
}

void LeaderDesk::SetEnded(EmitterId emitter) {
  {
    MutexLock lock(mutex_);
    ended_.insert(emitter);
  }
  options_.changed();
}

void LeaderDesk::SetReady(EmitterId emitter) {
  MutexLock lock(mutex_);
  ended_.erase(emitter);
}

void LeaderDesk::PublishWhatAllApplied(GroupId group, WorkerId worker, TxId applied) {
  MutexLock in_order(publishing_);
  for (const BatchId& id : TakeWhatAllApplied(group, worker, applied)) {
    workers_->Tell(word::Publish{id});
  }
}

std::vector<BatchId> LeaderDesk::TakeWhatAllApplied(GroupId id, WorkerId worker, TxId applied) {
  MutexLock lock(mutex_);
  Group& group = groups_[id];
  group.applied[worker] = applied;
  TxId by_all = applied;
  for (WorkerId each : options_.workers) by_all = std::min(by_all, group.applied[each]);
  std::vector<BatchId> taken;
  while (!group.unpublished.empty() && group.unpublished.front().txid <= by_all) {
    taken.push_back(group.unpublished.front());
    group.unpublished.pop_front();
  }
  return taken;
}

}  // namespace trident
