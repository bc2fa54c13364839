// SPDX-License-Identifier: Apache-2.0
#include "trident/run/local_control.h"

namespace trident {
namespace {

void Line(std::string& out, const char* name, GroupId group, uint64_t value) {
  out += std::string("trident_") + name + "{group=\"" + std::to_string(group.value()) + "\"} " +
         std::to_string(value) + "\n";
}

// The name of a state as Prometheus wants the value of a label.
std::string LabelOf(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

}  // namespace

BatchGroupView LocalControl::ViewOf(GroupId id) const {
  GroupStatus status = parts_.coordinator->StatusOf(id);
  GroupCounters counters = parts_.coordinator->CountersOf(id);
  BatchGroupView view;
  view.name = std::to_string(id.value());
  view.last_decided = status.last_decided;
  for (const InFlightBatch& batch : status.in_flight) {
    view.in_flight.push_back({batch.txid, batch.attempt, ToString(batch.phase), batch.rows});
  }
  view.max_pending = parts_.max_pending;
  view.rows_limit = status.limits.rows;
  view.bytes_limit = status.limits.bytes;
  view.age_limit = parts_.batch_age;
  view.rows_committed = counters.rows_committed;
  view.retries = status.failures;
  view.retries_total = status.failures_total;
  view.dead_letters = status.rows_diverted;
  view.letters_retried = counters.letters_retried;
  if (status.gate != EmitGate::kOpen) view.waits_for = ToString(status.gate);
  view.last_failure = status.last_failure;
  view.halted = status.halted;
  view.paused = status.paused;
  view.commit_p50 = counters.commit_p50;
  view.commit_p99 = counters.commit_p99;
  view.lag = parts_.lag_of(id);
  const SpoutCounts counts = parts_.counts_of(id);
  view.source_rows_skipped = counts.skipped;
  view.source_rows_repaired = counts.repaired;
  view.source_rows_left = counts.left;
  return view;
}

TopologyView LocalControl::View() const {
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

std::string LocalControl::Metrics() const {
  std::string out;
  for (GroupId group : parts_.coordinator->groups()) {
    GroupStatus status = parts_.coordinator->StatusOf(group);
    GroupCounters counters = parts_.coordinator->CountersOf(group);
    Line(out, "last_decided_txid", group, status.last_decided.value());
    Line(out, "rows_committed_total", group, counters.rows_committed);
    Line(out, "batches_committed_total", group, counters.batches_committed);
    Line(out, "batches_in_flight", group, status.in_flight.size());
    Line(out, "batch_failures_total", group, status.failures_total);
    Line(out, "rows_diverted_total", group, status.rows_diverted);
    Line(out, "letters_retried_total", group, counters.letters_retried);
    const SpoutCounts counts = parts_.counts_of(group);
    Line(out, "source_rows_skipped_total", group, counts.skipped);
    Line(out, "source_rows_repaired_total", group, counts.repaired);
    Line(out, "source_rows_left", group, counts.left);
    const Lag lag = parts_.lag_of(group);
    if (lag.rows) Line(out, "lag_rows", group, *lag.rows);
    if (lag.bytes) Line(out, "lag_bytes", group, *lag.bytes);
    Line(out, "lag_unknown_partitions", group, lag.unknown_partitions);
    Line(out, "commit_p50_nanoseconds", group, static_cast<uint64_t>(counters.commit_p50));
    Line(out, "commit_p99_nanoseconds", group, static_cast<uint64_t>(counters.commit_p99));
  }
  for (const ReadableState* state : parts_.states->List()) {
    const std::string label = "{state=\"" + LabelOf(state->info().spec.name) + "\"} ";
    out += Concat("trident_state_unreadable_keys", label, state->UnreadableKeys(), "\n");
    if (state->info().spec.expire_after_micros == 0) continue;
    out += Concat("trident_state_keys_expired_total", label, state->KeysExpired(), "\n");
  }
  MemoryBudget::Use use = parts_.states->budget().use();
  out += "trident_state_bytes " + std::to_string(use.total()) + "\n";
  out += "trident_state_dirty_bytes " + std::to_string(use.dirty) + "\n";
  out += "trident_redo_bytes_waiting " + std::to_string(parts_.states->fold().RedoBytesWaiting()) +
         "\n";
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
