// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/view_codec.h"

#include "base/utf8.h"

namespace trident {
namespace {

std::string Reason(const Status& status) {
  return status.ok() ? std::string() : ReadableText(Message(status));
}

void Fill(const BatchView& batch, v1::BatchInFlight& out) {
  out.set_txid(batch.txid.value());
  out.set_epoch(batch.attempt.epoch.value());
  out.set_attempt(batch.attempt.counter);
  out.set_phase(batch.phase);
  out.set_rows(batch.rows);
}

void Fill(const BatchGroupView& group, v1::BatchGroup& out) {
  out.set_name(ReadableText(group.name));
  out.set_last_decided(group.last_decided.value());
  for (const BatchView& batch : group.in_flight) Fill(batch, *out.add_in_flight());
  out.set_max_pending(static_cast<uint32_t>(group.max_pending));
  out.mutable_limits()->set_rows(group.rows_limit);
  out.mutable_limits()->set_bytes(group.bytes_limit);
  out.mutable_limits()->set_age_micros(static_cast<uint64_t>(group.age_limit / kMicrosecond));
  out.set_rows_committed(group.rows_committed);
  out.set_retries(group.retries);
  out.set_retries_total(group.retries_total);
  out.set_dead_letters(group.dead_letters);
  out.set_letters_retried(group.letters_retried);
  out.set_waits_for(ReadableText(group.waits_for));
  out.set_last_failure(Reason(group.last_failure));
  out.set_halted(Reason(group.halted));
  out.set_paused(group.paused);
  out.set_commit_p50_micros(static_cast<uint64_t>(group.commit_p50 / kMicrosecond));
  out.set_commit_p99_micros(static_cast<uint64_t>(group.commit_p99 / kMicrosecond));
  if (group.lag.rows) out.mutable_lag()->set_rows(*group.lag.rows);
  if (group.lag.bytes) out.mutable_lag()->set_bytes(*group.lag.bytes);
  out.mutable_lag()->set_unknown_partitions(group.lag.unknown_partitions);
  out.set_source_rows_skipped(group.source_rows_skipped);
  out.set_source_rows_repaired(group.source_rows_repaired);
  out.set_source_rows_left(group.source_rows_left);
}

Lag LagFrom(const v1::BatchGroup& group) {
  if (!group.has_lag()) return {.rows = {}, .bytes = {}, .unknown_partitions = 1};
  const v1::Lag& lag = group.lag();
  Lag out{.rows = {}, .bytes = {}, .unknown_partitions = lag.unknown_partitions()};
  if (lag.has_rows()) out.rows = lag.rows();
  if (lag.has_bytes()) out.bytes = lag.bytes();
  return out;
}

BatchGroupView GroupFrom(const v1::BatchGroup& group) {
  const auto reason = [](const std::string& text) {
    return text.empty() ? Status() : Aborted(text);
  };
  const auto nanos = [](uint64_t micros) { return static_cast<Nanos>(micros) * kMicrosecond; };
  BatchGroupView out{.name = group.name(),
                     .last_decided = TxId(group.last_decided()),
                     .in_flight = {},
                     .max_pending = static_cast<int32_t>(group.max_pending()),
                     .rows_limit = group.limits().rows(),
                     .bytes_limit = group.limits().bytes(),
                     .age_limit = nanos(group.limits().age_micros()),
                     .rows_committed = group.rows_committed(),
                     .retries = group.retries(),
                     .retries_total = group.retries_total(),
                     .dead_letters = group.dead_letters(),
                     .letters_retried = group.letters_retried(),
                     .waits_for = group.waits_for(),
                     .last_failure = reason(group.last_failure()),
                     .halted = reason(group.halted()),
                     .paused = group.paused(),
                     .commit_p50 = nanos(group.commit_p50_micros()),
                     .commit_p99 = nanos(group.commit_p99_micros()),
                     .lag = LagFrom(group),
                     .source_rows_skipped = group.source_rows_skipped(),
                     .source_rows_repaired = group.source_rows_repaired(),
                     .source_rows_left = group.source_rows_left()};
  for (const v1::BatchInFlight& batch : group.in_flight()) {
    out.in_flight.push_back({TxId(batch.txid()), Attempt{Epoch(batch.epoch()), batch.attempt()},
                             batch.phase(), batch.rows()});
  }
  return out;
}

}  // namespace

std::string ReadableText(std::string_view text) {
  return std::string(text.substr(0, ValidUtf8Prefix(text)));
}

void ToProto(const TopologyView& view, v1::BatchesResponse& out) {
  out.Clear();
  out.set_topology(ReadableText(view.name));
  out.set_epoch(view.epoch.value());
  for (const BatchGroupView& group : view.groups) Fill(group, *out.add_groups());
}

TopologyView FromProto(const v1::BatchesResponse& view) {
  TopologyView out{.name = view.topology(), .epoch = Epoch(view.epoch()), .groups = {}};
  for (const v1::BatchGroup& group : view.groups()) out.groups.push_back(GroupFrom(group));
  return out;
}

void ToProto(const WorkerView& view, v1::Worker& out) {
  out.Clear();
  out.set_worker(view.worker.value());
  out.set_leads(view.leads);
  out.set_address(ReadableText(view.address));
  out.set_away(Reason(view.away));
  out.set_epoch(view.epoch.value());
  out.set_executors(view.executors);
  out.set_tasks(view.tasks);
  for (const WorkerView::StatePart& part : view.states) {
    v1::Worker::StatePart& added = *out.add_states();
    added.set_state(ReadableText(part.state));
    added.set_first(part.first);
    added.set_count(part.count);
    added.set_of(part.of);
  }
  for (const auto& [name, published] : view.published) {
    v1::Worker::Group& added = *out.add_groups();
    added.set_name(ReadableText(name));
    added.set_published(published.value());
  }
  out.set_rows_read(view.rows_read);
  out.set_rows_per_second(view.rows_per_second);
  out.set_memory_bytes(view.memory_bytes);
  out.set_uptime_micros(static_cast<uint64_t>(view.uptime / kMicrosecond));
}

WorkerView FromProto(const v1::Worker& view) {
  WorkerView out{.worker = WorkerId(view.worker()),
                 .leads = view.leads(),
                 .address = view.address(),
                 .away = view.away().empty() ? Status() : Unavailable(view.away()),
                 .epoch = Epoch(view.epoch()),
                 .executors = view.executors(),
                 .tasks = view.tasks(),
                 .states = {},
                 .published = {},
                 .rows_read = view.rows_read(),
                 .rows_per_second = view.rows_per_second(),
                 .memory_bytes = view.memory_bytes(),
                 .uptime = static_cast<Nanos>(view.uptime_micros()) * kMicrosecond};
  for (const v1::Worker::StatePart& part : view.states()) {
    out.states.push_back({part.state(), part.first(), part.count(), part.of()});
  }
  for (const v1::Worker::Group& group : view.groups()) {
    out.published.emplace_back(group.name(), TxId(group.published()));
  }
  return out;
}

}  // namespace trident
