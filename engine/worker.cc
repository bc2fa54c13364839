// SPDX-License-Identifier: Apache-2.0
#include "engine/worker.h"

#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/logging.h"

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
    auto share = ShareOf(stage);
    if (!share.ok()) return Annotate(share.status(), "spout \"" + stage.name + "\"");
    sources_.push_back({.group = stage.group,
                        .id = stage.spout_id,
                        .spout = stage.spout,
                        .share = *std::move(share)});
    for (uint32_t i = 0; i < stage.tasks; ++i) {
      if (HasTask(stage, i)) TRIDENT_RETURN_IF_ERROR(AddSpoutTask(stage, i, sources_.back()));
    }
  }
  return absl::OkStatus();
}

StatusOr<std::shared_ptr<const SourceShare>> Worker::ShareOf(const StageSpec& stage) const {
  std::vector<SourcePosition> committed;
  if (options_.committed) committed = options_.committed(stage.group, stage.spout_id);
  if (options_.agreed != nullptr && !stage.spout->ReadsInOneProcess()) {
    TRIDENT_ASSIGN_OR_RETURN(SourceShare share, AgreedShareOf(stage, committed));
    return std::make_shared<const SourceShare>(std::move(share));
  }
  // It is the process with the first task that reads.
  if (!HasTask(stage, 0)) return std::make_shared<const SourceShare>();
  TRIDENT_ASSIGN_OR_RETURN(std::vector<std::string> listed,
                           ListSources(*stage.spout, std::move(committed)));
  std::vector<uint32_t> tasks;
  for (uint32_t task = 0; task < stage.tasks; ++task) {
    if (HasTask(stage, task)) tasks.push_back(task);
  }
  return std::make_shared<const SourceShare>(
      SourceShare::InTurn(std::move(listed), std::move(tasks)));
}

// They are read by whichever process has their task, if that finds them too.
void Worker::TellOfOthers(const StageSpec& stage, const SourceShare& share) {
  const std::vector<std::string> others = share.NotAgreed();
  if (others.empty()) return;
  TRIDENT_LOG(WARN) << "spout \"" << stage.name << "\": this process finds " << others.size()
                    << (others.size() == 1 ? " source partition" : " source partitions")
                    << " that the leader does not list, such as \"" << others.front()
                    << "\"; do all processes have the same input?";
}

// What is agreed on may be newer than what the spout has seen; then it looks again.
StatusOr<SourceShare> Worker::AgreedShareOf(const StageSpec& stage,
                                            const std::vector<SourcePosition>& committed) const {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> agreed, options_.agreed(stage.spout_id));
  std::optional<std::string> missing;
  for (int looks = 0; looks < 2; ++looks) {
    TRIDENT_ASSIGN_OR_RETURN(std::vector<std::string> listed, ListSources(*stage.spout, committed));
    SourceShare share = SourceShare::Agreed(agreed, std::move(listed), stage.tasks);
    missing = std::nullopt;
    for (uint32_t task = 0; !missing && task < stage.tasks; ++task) {
      if (HasTask(stage, task)) missing = share.FirstMissing(task);
    }
    if (missing) continue;
    TellOfOthers(stage, share);
    return share;
  }
  return FailedPrecondition(
      "this process is to read source partition \"", *missing,
      "\", which the leader lists and this process does not find; each process of a topology must "
      "find all of the input: give it the same, and start it again");
}

Status Worker::AddSpoutTask(const StageSpec& stage, uint32_t task, const Source& source) {
  Executor* executor = executors_[task % executors_.size()].get();
  SpoutDriver::Spec spec{.emitter = {stage.spout_id, task},
                         .incarnation = options_.incarnation,
                         .spout = stage.spout,
                         .sources = source.share,
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

std::vector<WorkMark::Seen> Worker::Look() const {
  std::vector<WorkMark::Seen> all;
  for (const auto& executor : executors_) all.push_back(executor->mark().Look());
  return all;
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
