// SPDX-License-Identifier: Apache-2.0
#include "engine/executor.h"

#include <algorithm>

#include "base/check.h"
#include "base/limits.h"
#include "base/overloaded.h"

namespace trident {
namespace {

// How long an idle executor sleeps when no source asks to be polled earlier.
constexpr Nanos kIdleSleep = kSecond;

}  // namespace

Task* Executor::AddTask(TaskSpec spec, const BatchId& applied) {
  TaskAddress address = spec.address;
  GroupId group = spec.group;
  auto task = std::make_unique<Task>(std::move(spec), applied);
  Task* raw = task.get();
  TRIDENT_CHECK(tasks_.emplace(address, std::move(task)).second) << "task added twice";
  group_tasks_[group].push_back(raw);
  return raw;
}

Status Executor::AddSpout(SpoutDriver::Spec spec, TaskAddress task) {
  EmitterId emitter = spec.emitter;
  auto wake_up = [this, emitter] { Post(PollEmitter{emitter}); };
  spouts_.push_back(std::make_unique<SpoutDriver>(std::move(spec), tasks_.at(task).get(), wake_up));
  return spouts_.back()->Open();
}

void Executor::Send(DataMessage message) {
  const TaskAddress& to =
      std::visit([](const auto& m) -> const TaskAddress& { return m.to; }, message);
  if (tasks_.contains(to)) {
    local_.push_back(std::move(message));
  } else {
    options_.transport->Send(std::move(message));
  }
}

void Executor::SendTogether(std::vector<DataMessage> messages) {
  options_.transport->SendTogether(std::move(messages));
}

std::optional<WorkerId> Executor::FarWorkerOf(const TaskAddress& to) const {
  return tasks_.contains(to) ? std::nullopt : options_.transport->FarWorkerOf(to);
}

void Executor::Run() {
  WorkMark::UseOnThisThread(mark_);
  while (!mailbox_.interrupted()) {
    if (RunOnce()) continue;
    Nanos sleep = kIdleSleep;
    if (auto at = NextPoll()) {
      sleep = std::clamp<Nanos>(*at - options_.clock->MonotonicNanos(), 0, kIdleSleep);
    }
    if (sleep > 0) mailbox_.Wait(sleep);
  }
}

bool Executor::RunOnce() {
  controls_in_.clear();
  messages_in_.clear();
  mailbox_.TakeAll(controls_in_, messages_in_);
  bool worked = !controls_in_.empty() || !messages_in_.empty();
  for (Control& control : controls_in_) {
    Handle(control);
    DrainLocal();
  }
  for (DataMessage& message : messages_in_) {
    Dispatch(message);
    DrainLocal();
  }
  if (EmitSlice()) worked = true;
  DrainLocal();
  if (!worked) PollSpouts();
  return worked;
}

void Executor::DrainLocal() {
  while (!local_.empty()) {
    DataMessage message = std::move(local_.front());
    local_.pop_front();
    Dispatch(message);
  }
}

void Executor::Handle(Control& control) {
  if (const auto* poll = std::get_if<PollEmitter>(&control)) {
    SpoutDriver* spout = FindSpout(poll->emitter);
    if (spout != nullptr) spout->Poll(options_.clock->MonotonicNanos(), *options_.events);
    return;
  }
  std::visit([this](auto& word) { Obey(word); }, std::get<WordToWorker>(control));
}

void Executor::Obey(word::Emit& emit) {
  SpoutDriver* spout = FindSpout(emit.emitter);
  TRIDENT_CHECK(spout != nullptr) << "an emit for another executor's spout";
  spout->Request(std::move(emit), *options_.events);
}

void Executor::Obey(const word::Begin& begin) {
  for (Task* task : TasksOf(begin.id.group)) task->Begin(begin.id, begin.batch_time_micros);
  for (auto& spout : spouts_) {
    Task& task = spout->task();
    const EmitterId emitter = spout->spec().emitter;
    bool asked =
        std::find(begin.emitters.begin(), begin.emitters.end(), emitter) != begin.emitters.end();
    if (asked || task.spec().group != begin.id.group) continue;
    Report(task, begin.id, task.EndEmission(begin.id));
  }
}

void Executor::Obey(const word::Permit& permit) {
  for (Task* task : TasksOf(permit.id.group)) {
    if (task->commits()) Report(*task, permit.id, task->OnPermit(permit.id, permit.prev_attempt));
  }
}

void Executor::Obey(const word::Apply& apply) {
  if (!HasTasks(apply.id.group)) return;
  for (Task* task : TasksOf(apply.id.group)) task->Apply(apply.id);
  progress_.erase(apply.id);
  options_.events->OnApplied(options_.index, apply.id);
}

void Executor::Obey(const word::Publish& publish) {
  for (auto& spout : spouts_) {
    if (spout->task().spec().group == publish.id.group) spout->Published(publish.id);
  }
}

// The newest txid first: what is staged over another attempt goes before it.
void Executor::Obey(const word::Abort& abort) {
  std::for_each(abort.cancelled.rbegin(), abort.cancelled.rend(),
                [this](const BatchId& cancelled) { Forget(cancelled); });
}

void Executor::Forget(const BatchId& cancelled) {
  const auto [group, txid, attempt] = cancelled;
  const Attempt before{attempt.epoch, attempt.counter + 1};
  for (auto& spout : spouts_) {
    if (spout->task().spec().group == group) spout->Abort(txid, before);
  }
  for (Task* task : TasksOf(group)) task->Abort(txid, before);
  progress_.erase(progress_.lower_bound({group, txid, Attempt()}),
                  progress_.lower_bound({group, txid, before}));
}

void Executor::Dispatch(const DataMessage& message) {
  std::visit(Overloaded{
                 [&](const DataFrame& frame) {
                   Task& task = *tasks_.at(frame.to);
                   Report(task, frame.id, task.OnFrame(frame));
                 },
                 [&](const EndMarker& marker) {
                   Task& task = *tasks_.at(marker.to);
                   Report(task, marker.id, task.OnEnd(marker));
                 },
             },
             message);
}

bool Executor::EmitSlice() {
  SpoutDriver* oldest = nullptr;
  for (auto& spout : spouts_) {
    if (!spout->has_work()) continue;
    if (oldest == nullptr || spout->oldest_txid() < oldest->oldest_txid()) oldest = spout.get();
  }
  if (oldest == nullptr) return false;
  const BatchId id = oldest->oldest();
  if (std::optional<BatchId> ended = oldest->Step(*options_.events)) {
    Report(oldest->task(), *ended, oldest->task().EndEmission(*ended));
  } else {
    TellProgress(id);
  }
  return true;
}

void Executor::Report(Task& task, const BatchId& id, Task::Outcome outcome) {
  if (outcome == Task::Outcome::kFailed) {
    TellFailure(id, task.failure());
    return;
  }
  if (outcome == Task::Outcome::kWaiting) TellProgress(id);
  if (outcome != Task::Outcome::kDone) return;
  TaskDone(id);
  BatchId next;
  for (;;) {
    Task::Outcome staged = task.StageNext(&next);
    if (staged == Task::Outcome::kFailed) TellFailure(next, task.failure());
    if (staged != Task::Outcome::kDone) return;
    TaskDone(next);
  }
}

void Executor::TellProgress(const BatchId& id) {
  const Nanos now = options_.clock->MonotonicNanos();
  std::optional<Nanos>& told_at = progress_[id].told_at;
  if (!told_at) told_at = now;  // its begin is known
  if (now - *told_at < kProgressToldMs * kMillisecond) return;
  told_at = now;
  options_.events->OnWord(id.group, word::Progressed{id});
}

void Executor::TellFailure(const BatchId& id, const Status& cause) {
  options_.events->OnWord(id.group, word::Failed{id, cause});
}

void Executor::TaskDone(const BatchId& id) {
  Progress& progress = progress_[id];
  const std::vector<Task*>& tasks = TasksOf(id.group);
  if (++progress.tasks_done < tasks.size()) return;
  std::string record;
  for (Task* task : tasks) {
    if (!task->commits()) continue;
    Status status = task->AppendRecord(id, record);
    if (!status.ok()) {
      TellFailure(id, status);
      return;
    }
  }
  options_.events->OnStaged(options_.index, id, std::move(record));
}

void Executor::PollSpouts() {
  Nanos now = options_.clock->MonotonicNanos();
  for (auto& spout : spouts_) {
    if (spout->next_poll() && *spout->next_poll() <= now) spout->Poll(now, *options_.events);
  }
}

std::optional<Nanos> Executor::NextPoll() const {
  std::optional<Nanos> next;
  for (const auto& spout : spouts_) {
    if (spout->next_poll())
      next = next ? std::min(*next, *spout->next_poll()) : *spout->next_poll();
  }
  return next;
}

const std::vector<Task*>& Executor::TasksOf(GroupId group) const {
  static const std::vector<Task*> kNone;
  auto it = group_tasks_.find(group);
  return it == group_tasks_.end() ? kNone : it->second;
}

SpoutDriver* Executor::FindSpout(EmitterId emitter) {
  for (auto& spout : spouts_) {
    if (spout->spec().emitter == emitter) return spout.get();
  }
  return nullptr;
}

}  // namespace trident
