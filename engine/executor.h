// SPDX-License-Identifier: Apache-2.0
//
// Executor: one thread that owns tasks and lets them work. Order of work: what it is told, then
// frames, then one slice of the oldest emission, so that what has begun ends before more begins.
#ifndef TRIDENT_ENGINE_EXECUTOR_H_
#define TRIDENT_ENGINE_EXECUTOR_H_

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/work_mark.h"
#include "engine/exchange_writer.h"
#include "engine/executor_events.h"
#include "engine/mailbox.h"
#include "engine/spout_driver.h"
#include "engine/task.h"
#include "engine/transport/transport.h"

namespace trident {

class Executor final : public FrameSender {
 public:
  struct Options {
    uint32_t index = 0;
    const Clock* clock = nullptr;
    Transport* transport = nullptr;  // for tasks on other executors
    ExecutorEvents* events = nullptr;
    WorkMark* mark = nullptr;  // that its thread writes; null: one of its own
  };
  explicit Executor(const Options& options)
      : options_(options), mark_(options.mark != nullptr ? *options.mark : own_mark_) {}

  // Before the first RunOnce.
  Task* AddTask(TaskSpec spec, const BatchId& applied);
  Status AddSpout(SpoutDriver::Spec spec, TaskAddress task);

  // From any thread.
  void Post(Control control) { mailbox_.Put(std::move(control)); }
  void Deliver(DataMessage message) { mailbox_.Put(std::move(message)); }

  // Does some work on the calling thread, which must be the same for all calls; false when there
  // was none.
  bool RunOnce();
  // Runs until Stop.
  void Run();
  void Stop() { mailbox_.Interrupt(); }
  // When the next idle source wants to be polled; for a driver that has no thread.
  std::optional<Nanos> NextPoll() const;

  // Which call of the program's code it is in. Any thread.
  const WorkMark& mark() const { return mark_; }

  bool HasTasks(GroupId group) const { return group_tasks_.contains(group); }

  // FrameSender, for this executor's tasks.
  void Send(DataMessage message) override;
  void SendTogether(std::vector<DataMessage> messages) override;
  std::optional<WorkerId> FarWorkerOf(const TaskAddress& to) const override;

 private:
  struct Progress {
    size_t tasks_done = 0;
    std::optional<Nanos> told_at;  // that there is progress
  };

  void Handle(Control& control);
  void Obey(word::Emit& emit);
  void Obey(const word::Begin& begin);
  void Obey(const word::Permit& permit);
  void Obey(const word::Apply& apply);
  void Obey(const word::Publish& publish);
  void Obey(const word::Abort& abort);
  void Forget(const BatchId& cancelled);
  void Dispatch(const DataMessage& message);
  void DrainLocal();
  bool EmitSlice();
  void PollSpouts();
  void Report(Task& task, const BatchId& id, Task::Outcome outcome);
  void TaskDone(const BatchId& id);
  void TellProgress(const BatchId& id);
  void TellFailure(const BatchId& id, const Status& cause);
  SpoutDriver* FindSpout(EmitterId emitter);
  const std::vector<Task*>& TasksOf(GroupId group) const;

  const Options options_;
  Mailbox mailbox_;
  WorkMark own_mark_;
  WorkMark& mark_;
  std::map<TaskAddress, std::unique_ptr<Task>> tasks_;
  std::map<GroupId, std::vector<Task*>> group_tasks_;
  std::vector<std::unique_ptr<SpoutDriver>> spouts_;
  std::deque<DataMessage> local_;  // frames from our own tasks to our own tasks
  std::map<BatchId, Progress> progress_;
  std::vector<Control> controls_in_;
  std::vector<DataMessage> messages_in_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_EXECUTOR_H_
