// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/shown_parts.h"

namespace trident {
namespace {

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

BatchGroupView ViewOf(const ShownGroup& shown) {
  const GroupStatus& status = shown.status;
  BatchGroupView view;
  view.name = std::to_string(shown.group.value());
  view.last_decided = status.last_decided;
  for (const InFlightBatch& batch : status.in_flight) {
    view.in_flight.push_back({batch.txid, batch.attempt, ToString(batch.phase), batch.rows});
  }
  view.rows_limit = status.limits.rows;
  view.bytes_limit = status.limits.bytes;
  view.rows_committed = shown.counters.rows_committed;
  view.retries = status.failures;
  view.retries_total = status.failures_total;
  view.dead_letters = status.rows_diverted;
  view.letters_retried = shown.counters.letters_retried;
  if (status.gate != EmitGate::kOpen) view.waits_for = ToString(status.gate);
  view.last_failure = status.last_failure;
  view.halted = status.halted;
  view.paused = status.paused;
  view.commit_p50 = shown.counters.commit_p50;
  view.commit_p99 = shown.counters.commit_p99;
  return view;
}

void AddMetric(const char* name, GroupId group, uint64_t value, std::string& out) {
  out += Concat("trident_", name, "{group=\"", group.value(), "\"} ", value, "\n");
}

void AddGroupMetrics(const ShownGroup& shown, std::string& out) {
  const auto add = [&](const char* name, uint64_t value) {
    AddMetric(name, shown.group, value, out);
  };
  add("last_decided_txid", shown.status.last_decided.value());
  add("rows_committed_total", shown.counters.rows_committed);
  add("batches_committed_total", shown.counters.batches_committed);
  add("batches_in_flight", shown.status.in_flight.size());
  add("batch_failures_total", shown.status.failures_total);
  add("rows_diverted_total", shown.status.rows_diverted);
  add("letters_retried_total", shown.counters.letters_retried);
  add("commit_p50_nanoseconds", static_cast<uint64_t>(shown.counters.commit_p50));
  add("commit_p99_nanoseconds", static_cast<uint64_t>(shown.counters.commit_p99));
}

void AddSourceMetrics(GroupId group, const SpoutCounts& counts, const Lag& lag, std::string& out) {
  AddMetric("source_rows_skipped_total", group, counts.skipped, out);
  AddMetric("source_rows_repaired_total", group, counts.repaired, out);
  AddMetric("source_rows_left", group, counts.left, out);
  if (lag.rows) AddMetric("lag_rows", group, *lag.rows, out);
  if (lag.bytes) AddMetric("lag_bytes", group, *lag.bytes, out);
  AddMetric("lag_unknown_partitions", group, lag.unknown_partitions, out);
}

void AddStateMetrics(StateStore& states, std::string& out) {
  for (const ReadableState* state : states.List()) {
    const std::string label = "{state=\"" + LabelOf(state->info().spec.name) + "\"} ";
    out += Concat("trident_state_unreadable_keys", label, state->UnreadableKeys(), "\n");
    if (state->info().spec.expire_after_micros == 0) continue;
    out += Concat("trident_state_keys_expired_total", label, state->KeysExpired(), "\n");
  }
  const MemoryBudget::Use use = states.budget().use();
  out += Concat("trident_state_bytes ", use.total(), "\n");
  out += Concat("trident_state_dirty_bytes ", use.dirty, "\n");
  out += Concat("trident_redo_bytes_waiting ", states.fold().RedoBytesWaiting(), "\n");
}

}  // namespace trident
