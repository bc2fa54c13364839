// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_control.h"

#include <thread>

#include "coordinator/serve/view_codec.h"
#include "trident/run/parts/shown_parts.h"

namespace trident {
namespace {

std::string WaitsFor(const std::vector<WorkerId>& workers) {
  std::string text = "an epoch begins; it waits for worker";
  for (const WorkerId worker : workers) text += Concat(" ", worker.value());
  return workers.empty() ? "an epoch begins" : text;
}

}  // namespace

StatusOr<TopologyView> ClusterControl::View() const {
  if (parts_.leader == nullptr) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string bytes, AskLeader(ProcessQuestion::kBatches));
    v1::BatchesResponse answer;
    if (answer.ParseFromString(bytes)) return FromProto(answer);
    return Internal("the leader's answer cannot be read");
  }
  TopologyView view;
  view.name = parts_.topology;
  view.epoch = parts_.leader->leading();
  for (const GroupId group : parts_.groups) {
    const std::optional<GroupStatus> status = parts_.leader->StatusOf(group);
    const std::optional<GroupCounters> counters = parts_.leader->CountersOf(group);
    BatchGroupView shown;
    if (status && counters) {
      shown = ViewOf({group, *status, *counters});
    } else {
      shown.name = std::to_string(group.value());
      shown.last_decided = parts_.states->Published(group);
      shown.waits_for = WaitsFor(parts_.leader->awaited());
    }
    // Each worker knows of the sources that it reads, and nobody asks them.
    shown.lag = {.rows = {}, .bytes = {}, .unknown_partitions = 1};
    shown.max_pending = parts_.max_pending;
    shown.age_limit = parts_.batch_age;
    view.groups.push_back(std::move(shown));
  }
  return view;
}

WorkerView ClusterControl::About() const {
  const ClusterWorker::Working working = parts_.worker->working();
  WorkerView about{.worker = parts_.self,
                   .leads = parts_.leader != nullptr,
                   .address = parts_.address_of(parts_.self),
                   .away = {},
                   .epoch = working.epoch,
                   .executors = parts_.executors,
                   .tasks = parts_.tasks,
                   .states = parts_.parts_here};
  for (const GroupId group : parts_.groups) {
    const TxId published =
        working.parts == nullptr ? TxId() : working.parts->states().Published(group);
    about.published.emplace_back(std::to_string(group.value()), published);
  }
  parts_.facts->AddTo(about);
  return about;
}

StatusOr<WorkerView> ClusterControl::AboutOther(WorkerId worker) const {
  TRIDENT_ASSIGN_OR_RETURN(const std::string bytes, parts_.ask(worker, ProcessQuestion::kAbout));
  v1::Worker answer;
  if (!answer.ParseFromString(bytes)) return Internal("its answer cannot be read");
  WorkerView about = FromProto(answer);
  about.worker = worker;
  return about;
}

// All are asked at once, so that those who are away cost no more than one of them.
std::vector<WorkerView> ClusterControl::Workers() const {
  std::vector<WorkerView> all(parts_.workers);
  std::vector<std::thread> asking;
  for (uint32_t number = 0; number < parts_.workers; ++number) {
    const WorkerId worker(number);
    if (worker == parts_.self) {
      all[number] = About();
      continue;
    }
    asking.emplace_back([this, worker, &view = all[number]] {
      StatusOr<WorkerView> about = AboutOther(worker);
      view = about.ok() ? *std::move(about)
                        : WorkerView{.worker = worker,
                                     .leads = worker == WorkerId(0),
                                     .address = parts_.address_of(worker),
                                     .away = about.status()};
    });
  }
  for (std::thread& thread : asking) thread.join();
  return all;
}

StatusOr<std::string> ClusterControl::Explain(ExplainFormat format) const {
  return format == ExplainFormat::kDot ? parts_.explain_dot : parts_.explain_text;
}

Status ClusterControl::Pause() {
  if (parts_.leader == nullptr) return AskLeader(ProcessQuestion::kPause).status();
  parts_.leader->Pause();
  return absl::OkStatus();
}

Status ClusterControl::Resume() {
  if (parts_.leader == nullptr) return AskLeader(ProcessQuestion::kResume).status();
  parts_.leader->Resume();
  return absl::OkStatus();
}

std::string ClusterControl::Metrics() const {
  std::string out = Concat("trident_worker ", parts_.self.value(), "\n");
  if (parts_.leader != nullptr) {
    for (const GroupId group : parts_.groups) {
      const std::optional<GroupStatus> status = parts_.leader->StatusOf(group);
      const std::optional<GroupCounters> counters = parts_.leader->CountersOf(group);
      if (status && counters) AddGroupMetrics({group, *status, *counters}, out);
    }
  }
  const ClusterWorker::Working working = parts_.worker->working();
  out += Concat("trident_epoch ", working.epoch.value(), "\n");
  if (working.parts != nullptr) AddStateMetrics(working.parts->states(), out);
  return out;
}

StatusOr<BackupFiles> ClusterControl::NewBackup() {
  return FailedPrecondition(
      "several workers cannot be backed up while they run so far: each of their directories would "
      "be at another txid. Stop all of them and copy the directories");
}

std::vector<LetterStanding> ClusterControl::DoWithLetters(LetterAction action,
                                                          const std::vector<LetterName>& letters) {
  // Letters are kept by the first worker, which leads.
  const ClusterWorker::Working working = parts_.worker->working();
  if (parts_.leader == nullptr || working.parts == nullptr) {
    const Status why =
        parts_.leader == nullptr
            ? FailedPrecondition("this process is worker ", parts_.self.value(),
                                 "; letters are tried again and dropped at the leader: ask the "
                                 "--address of the process that was started with `lead`")
            : Unavailable(WaitsFor(parts_.leader->awaited()));
    return std::vector<LetterStanding>(letters.size(),
                                       {LetterStanding::Now::kRefused, std::string(Message(why))});
  }
  return working.parts->letters().Do(action, letters, [this](GroupId group) {
    const std::optional<GroupStatus> status = parts_.leader->StatusOf(group);
    return status ? status->halted : Unavailable(WaitsFor(parts_.leader->awaited()));
  });
}

}  // namespace trident
