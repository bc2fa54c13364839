// SPDX-License-Identifier: Apache-2.0
#include "engine/worker.h"

#include "base/check.h"
#include "base/letter_partition.h"

namespace trident {

Worker::Worker(WorkerOptions options) : options_(std::move(options)) {
  for (uint32_t i = 0; i < options_.executors; ++i) {
    Transport* network = options_.network != nullptr ? options_.network : &transport_;
    executors_.push_back(std::make_unique<Executor>(
        Executor::Options{.index = i,
                          .clock = options_.clock,
                          .transport = network,
                          .events = options_.events,
                          .mark = options_.marks == nullptr ? nullptr : options_.marks + i}));
  }
}

Worker::~Worker() { Stop(); }

Status Worker::Build(const std::vector<StageSpec>& stages) {
  for (const StageSpec& stage : stages) {
    auto found = options_.applied.find(stage.group);
    BatchId applied =
        found == options_.applied.end() ? BatchId{stage.group, TxId{}, Attempt{}} : found->second;
    for (uint32_t i = 0; i < stage.tasks; ++i) {
      if (!HasTask(stage, i)) continue;
      Executor* executor = executors_[i % executors_.size()].get();
      TaskAddress address{stage.id, i};
      executor->AddTask(TaskSpec{.address = address,
                                 .group = stage.group,
                                 .name = stage.name,
                                 .inputs = stage.inputs,
                                 .make_chain = [make = stage.make_chain, address,
                                                executor] { return make(address, executor); }},
                        applied);
      gate_.AddTask(address, stage.group, stage.inputs);
      transport_.Connect(address, [executor](DataMessage m) { executor->Deliver(std::move(m)); });
    }
    if (stage.spout == nullptr) continue;
    auto partitions = ResumeSpout(stage);
    if (!partitions.ok()) return Annotate(partitions.status(), "spout \"" + stage.name + "\"");
    sources_.push_back({.group = stage.group,
                        .id = stage.spout_id,
                        .spout = stage.spout,
                        .partitions = *std::move(partitions)});
    for (uint32_t i = 0; i < stage.tasks; ++i) {
      if (HasTask(stage, i)) TRIDENT_RETURN_IF_ERROR(AddSpoutTask(stage, i, sources_.back()));
    }
  }
  return absl::OkStatus();
}

StatusOr<std::vector<std::string>> Worker::ResumeSpout(const StageSpec& stage) const {
  std::vector<SourcePosition> committed;
  if (options_.committed) committed = options_.committed(stage.group, stage.spout_id);
  std::erase_if(committed, [](const SourcePosition& position) {
    return position.partition == kLetterPartition;  // no partition of the spout's own
  });
  TRIDENT_RETURN_IF_ERROR(stage.spout->Resume(committed));
  return stage.spout->Partitions();
}

Status Worker::AddSpoutTask(const StageSpec& stage, uint32_t task, const Source& source) {
  Executor* executor = executors_[task % executors_.size()].get();
  SpoutDriver::Spec spec{.emitter = {stage.spout_id, task},
                         .incarnation = options_.incarnation,
                         .spout = stage.spout,
                         .partitions = source.partitions,
                         .tasks = stage.tasks,
                         .checks_content = options_.repeats_cuts.contains(stage.group),
                         .throwing = stage.throwing,
                         .letters = task == 0 ? stage.letters : nullptr,
                         .rows_lost = source.rows_lost};
  // A cut that is repeated must have the same content each time, also of what was put aside. And
  // requests about letters end with the process.
  if (spec.checks_content) {
    spec.throwing = SpoutDriver::Spec::Throwing::kFailsTheAttempt;
    spec.letters = nullptr;
  }
  emitters_.push_back({spec.emitter, stage.group});
  executor_of_emitter_[spec.emitter] = executor;
  Status opened = executor->AddSpout(std::move(spec), TaskAddress{stage.id, task});
  return Annotate(opened, "spout \"" + stage.name + "\"");
}

uint32_t Worker::ExecutorsOf(GroupId group) const {
  uint32_t n = 0;
  for (const auto& executor : executors_) n += executor->HasTasks(group) ? 1 : 0;
  return n;
}

void Worker::Start() {
  for (auto& executor : executors_) {
    threads_.emplace_back([e = executor.get()] { e->Run(); });
  }
}

void Worker::Stop() {
  for (auto& executor : executors_) executor->Stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Status Worker::Deliver(DataMessage message) {
  TRIDENT_RETURN_IF_ERROR(gate_.Judge(message));
  transport_.Send(std::move(message));
  return absl::OkStatus();
}

void Worker::Tell(WordToWorker word) {
  if (const auto* emit = std::get_if<word::Emit>(&word)) {
    auto it = executor_of_emitter_.find(emit->emitter);
    TRIDENT_CHECK(it != executor_of_emitter_.end()) << "no such spout task";
    return it->second->Post(std::move(word));
  }
  for (auto& executor : executors_) executor->Post(word);
}

}  // namespace trident
