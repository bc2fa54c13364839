// SPDX-License-Identifier: Apache-2.0
#include "trident/run/local_control.h"

#include "trident/run/parts/shown_parts.h"

namespace trident {

BatchGroupView LocalControl::ViewOf(GroupId id) const {
  BatchGroupView view =
      trident::ViewOf({id, parts_.coordinator->StatusOf(id), parts_.coordinator->CountersOf(id)});
  view.max_pending = parts_.max_pending;
  view.age_limit = parts_.batch_age;
  view.lag = parts_.lag_of(id);
  const SpoutCounts counts = parts_.counts_of(id);
  view.source_rows_skipped = counts.skipped;
  view.source_rows_repaired = counts.repaired;
  view.source_rows_left = counts.left;
  return view;
}

StatusOr<TopologyView> LocalControl::View() const {
  TopologyView view;
  view.name = parts_.topology;
  view.epoch = parts_.epoch;
  for (GroupId group : parts_.coordinator->groups()) view.groups.push_back(ViewOf(group));
  return view;
}

StatusOr<std::string> LocalControl::Explain(ExplainFormat format) const {
  return format == ExplainFormat::kDot ? parts_.explain_dot : parts_.explain_text;
}

Status LocalControl::Pause() {
  parts_.coordinator->PostAll(batch_event::Pause{});
  return absl::OkStatus();
}

Status LocalControl::Resume() {
  parts_.coordinator->PostAll(batch_event::Resume{});
  return absl::OkStatus();
}

std::vector<WorkerView> LocalControl::Workers() const {
  WorkerView about = parts_.about;
  for (const GroupId group : parts_.coordinator->groups()) {
    about.published.emplace_back(std::to_string(group.value()), parts_.states->Published(group));
  }
  parts_.facts->AddTo(about);
  return {about};
}

std::string LocalControl::Metrics() const {
  std::string out;
  for (GroupId group : parts_.coordinator->groups()) {
    AddGroupMetrics(
        {group, parts_.coordinator->StatusOf(group), parts_.coordinator->CountersOf(group)}, out);
    AddSourceMetrics(group, parts_.counts_of(group), parts_.lag_of(group), out);
  }
  AddStateMetrics(*parts_.states, out);
  return out;
}

StatusOr<BackupFiles> LocalControl::NewBackup() {
  TRIDENT_ASSIGN_OR_RETURN(const StoreCopy copy, parts_.store->NewCopy());
  BackupFiles backup{.files = {}, .held = copy.held};
  for (const StoreCopy::File& file : copy.files) {
    backup.files.push_back({.name = file.name, .path = file.path, .bytes = file.bytes});
  }
  return backup;
}

std::vector<LetterStanding> LocalControl::DoWithLetters(LetterAction action,
                                                        const std::vector<LetterName>& letters) {
  return parts_.letters->Do(action, letters, [this](GroupId group) {
    return parts_.coordinator->StatusOf(group).halted;
  });
}

}  // namespace trident
