// SPDX-License-Identifier: Apache-2.0
//
// Worker: the executors of one process and the tasks on them. Task i of every stage goes to
// executor i modulo their number, so that an identity exchange stays on its thread.
#ifndef TRIDENT_ENGINE_WORKER_H_
#define TRIDENT_ENGINE_WORKER_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "engine/executor.h"
#include "engine/frame_gate.h"

namespace trident {

// A stage as the worker runs it: what the planner made of some part of a topology.
struct StageSpec {
  StageId id;
  GroupId group;
  std::string name;
  std::string stream;  // of a spout's stage: the name that the program gave to what it emits
  uint32_t tasks = 1;
  std::vector<InputSpec> inputs;
  // Makes the chain of one task; `sender` takes its frames.
  std::function<std::unique_ptr<Chain>(TaskAddress address, FrameSender* sender)> make_chain;
  // Of a spout's stage.
  std::shared_ptr<Spout> spout;
  SpoutId spout_id;
  // Where rows at which a function throws are put aside, its chains have a divert port.
  SpoutDriver::Spec::Throwing throwing = SpoutDriver::Spec::Throwing::kFailsTheAttempt;
  std::shared_ptr<LetterRequests> letters;  // see SpoutDriver::Spec
};

struct WorkerOptions {
  uint32_t executors = 1;
  const Clock* clock = &RealClock();
  ExecutorEvents* events = nullptr;  // outlives the worker
  Incarnation incarnation{1};
  // Carries frames between executors and hands them to Deliver, now or later, once or more often;
  // outlives the worker. Null: they are delivered at once.
  Transport* network = nullptr;
  // One for each executor, which its thread writes; they outlive the worker. Null: the executors
  // have marks of their own.
  WorkMark* marks = nullptr;
  // Which tasks of a stage are in this process. Null: all of them.
  std::function<bool(const StageSpec& stage, uint32_t task)> has_task = nullptr;
  // Groups whose logged cuts are repeated: see SpoutDriver::Spec::checks_content.
  std::set<GroupId> repeats_cuts;
  // Of each group that has committed before: its last applied txid and attempt.
  std::map<GroupId, BatchId> applied;
  // Where the source partitions of a spout stand, as the state knows; asked during Build. Null: the
  // state knows none.
  std::function<std::vector<SourcePosition>(GroupId, SpoutId)> committed;
  // The source partitions of a spout, as they are read by several processes; asked during Build.
  // Null: this process reads all that there are.
  std::function<StatusOr<std::vector<std::string>>(SpoutId)> agreed;
};

// Thread-safe once built, but for Build, Start and Stop.
class Worker {
 public:
  explicit Worker(WorkerOptions options);
  ~Worker();

  // Creates tasks and opens spouts. An error names the spout.
  Status Build(const std::vector<StageSpec>& stages);
  // Starts one thread per executor. Without Start, drive the executors with RunOnce.
  void Start();
  void Stop();

  size_t executors() const { return executors_.size(); }
  Executor& executor(size_t i) { return *executors_[i]; }
  // A message has arrived for one of the tasks. Not ok: none of them expects it, and it is dropped
  // (FrameGate).
  Status Deliver(DataMessage message);
  uint64_t refused_messages() const { return gate_.refused(); }
  // What the leader says: an Emit goes to the executor that runs the spout task, all else to every
  // executor.
  void Tell(WordToWorker word);
  struct Emitter {
    EmitterId id;
    GroupId group;
  };
  const std::vector<Emitter>& emitters() const { return emitters_; }
  // Each spout, and the source partitions that its tasks read from the start on.
  struct Source {
    GroupId group;
    SpoutId id;
    std::shared_ptr<Spout> spout;
    std::shared_ptr<const SourceShare> share;
    // Rows that failed attempts took along, because the spout cannot go back.
    std::shared_ptr<std::atomic<uint64_t>> rows_lost = std::make_shared<std::atomic<uint64_t>>(0);
  };
  const std::vector<Source>& sources() const { return sources_; }
  // What each executor is doing. Any thread.
  std::vector<WorkMark::Seen> Look() const;
  // How many executors have a task of the group.
  uint32_t ExecutorsOf(GroupId group) const;

 private:
  bool HasTask(const StageSpec& stage, uint32_t task) const {
    return options_.has_task == nullptr || options_.has_task(stage, task);
  }
  StatusOr<std::shared_ptr<const SourceShare>> ShareOf(const StageSpec& stage) const;
  static void TellOfOthers(const StageSpec& stage, const SourceShare& share);
  StatusOr<SourceShare> AgreedShareOf(const StageSpec& stage,
                                      const std::vector<SourcePosition>& committed) const;
  Status AddSpoutTask(const StageSpec& stage, uint32_t task, const Source& source);

  const WorkerOptions options_;
  InProcessTransport transport_;
  FrameGate gate_;
  std::vector<std::unique_ptr<Executor>> executors_;
  std::vector<Emitter> emitters_;
  std::vector<Source> sources_;
  std::map<EmitterId, Executor*> executor_of_emitter_;
  std::vector<std::thread> threads_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_WORKER_H_
