// SPDX-License-Identifier: Apache-2.0
#include "trident/run/worker_bridge.h"

#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "state/disk/store_layout.h"
#include "state/redo/redo_fragment.h"
#include "state/redo/redo_record.h"

namespace trident {
namespace {

EmissionMode ModeOf(batch_action::EmitMode mode) {
  switch (mode) {
    case batch_action::EmitMode::kNew:
      return EmissionMode::kNew;
    case batch_action::EmitMode::kExact:
      return EmissionMode::kExact;
    case batch_action::EmitMode::kSingle:
      return EmissionMode::kSingle;
    case batch_action::EmitMode::kDivert:
      return EmissionMode::kDivert;
  }
  return EmissionMode::kNew;
}

}  // namespace

void WorkerBridge::Connect(Worker* worker, BatchCoordinator* coordinator) {
  worker_ = worker;
  coordinator_ = coordinator;
  for (const Worker::Emitter& emitter : worker->emitters()) {
    group_of_[emitter.id] = emitter.group;
    executors_of_[emitter.group] = worker->ExecutorsOf(emitter.group);
  }
}

void WorkerBridge::Announce(GroupId group, TxId applied) {
  coordinator_->Post(group,
                     batch_event::WorkerJoined{options_.worker, options_.incarnation, applied});
  for (const auto& [emitter, emitter_group] : group_of_) {
    if (emitter_group != group) continue;
    coordinator_->Post(group, batch_event::EmitterStarted{emitter, options_.incarnation});
  }
}

bool WorkerBridge::AllEnded() const {
  MutexLock lock(mutex_);
  return ended_.size() == group_of_.size();
}

void WorkerBridge::Begin(GroupId group, const batch_action::Begin& begin, int64_t time_micros) {
  BatchId id{group, begin.txid, begin.attempt};
  {
    MutexLock lock(mutex_);
    attempts_[id].prev = begin.prev_attempt;
  }
  worker_->Broadcast(BeginAttempt{id, begin.emitters, time_micros});
}

void WorkerBridge::Emit(GroupId group, const batch_action::Emit& emit, int64_t time_micros) {
  EmitRequest request;
  request.id = {group, emit.txid, emit.attempt};
  request.emitter = emit.emitter;
  request.incarnation = emit.incarnation;
  request.mode = ModeOf(emit.mode);
  request.limits = emit.limits;
  for (const SourcePosition& start : emit.starts) {
    request.starts.emplace_back(start.partition, start.position);
  }
  request.exact = emit.exact;
  if (emit.cause != nullptr) request.cause = emit.cause->ToString();
  request.batch_time_micros = time_micros;
  worker_->PostEmit(std::move(request));
}

void WorkerBridge::PermitStage(GroupId group, const batch_action::PermitStage& permit) {
  worker_->Broadcast(PermitAttempt{{group, permit.txid, permit.attempt}, permit.prev_attempt});
}

void WorkerBridge::Apply(GroupId group, const batch_action::Apply& apply) {
  worker_->Broadcast(ApplyAttempt{{group, apply.txid, apply.attempt}});
}

void WorkerBridge::Abort(GroupId group, const batch_action::Abort& abort) {
  {
    MutexLock lock(mutex_);
    for (const batch_action::CancelledAttempt& cancelled : abort.cancelled) {
      attempts_.erase({group, cancelled.txid, cancelled.attempt});
    }
  }
  for (auto it = abort.cancelled.rbegin(); it != abort.cancelled.rend(); ++it) {
    const Attempt after{it->attempt.epoch, it->attempt.counter + 1};
    worker_->Broadcast(AbortAttempts{group, it->txid, after});
  }
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

void WorkerBridge::OnInputReady(EmitterId emitter, Incarnation incarnation) {
  {
    MutexLock lock(mutex_);
    ended_.erase(emitter);
  }
  coordinator_->Post(GroupOf(emitter), batch_event::InputReady{emitter, incarnation});
}

void WorkerBridge::OnInputEnded(EmitterId emitter) {
  {
    MutexLock lock(mutex_);
    ended_.insert(emitter);
  }
  options_.changed();
}

void WorkerBridge::OnEmitted(EmitAnswer answer) {
  coordinator_->Post(answer.id.group,
                     batch_event::Emitted{answer.id.txid, answer.id.attempt, answer.emitter,
                                          answer.incarnation, std::move(answer.ranges),
                                          answer.remaining == EmitAnswer::Remaining::kMore
                                              ? batch_event::Remaining::kMore
                                              : batch_event::Remaining::kExhausted});
}

void WorkerBridge::OnStaged(uint32_t executor, const BatchId& id, std::string record) {
  batch_event::Voted vote{id.txid, id.attempt, options_.worker, options_.incarnation, 0, 0};
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
  worker_->Broadcast(PublishBatch{id});
  coordinator_->Post(id.group,
                     batch_event::Applied{id.txid, options_.worker, options_.incarnation});
  options_.changed();
}

void WorkerBridge::OnProgress(const BatchId& id) {
  coordinator_->Post(id.group, batch_event::Progressed{id.txid, id.attempt});
}

void WorkerBridge::OnFailed(const BatchId& id, const Status& cause) {
  coordinator_->Post(id.group, batch_event::Failed{id.txid, id.attempt, cause});
}

}  // namespace trident
