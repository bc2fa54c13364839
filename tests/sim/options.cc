// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/options.h"

#include "base/clock.h"
#include "base/rng.h"

namespace trident::sim {
namespace {

// A fault that is there in some schedules only, so that a few faults also meet undisturbed.
double Rate(Rng& rng, double chance, double max) {
  const bool there = rng.Chance(chance);
  const double rate = max * rng.Unit();
  return there ? rate : 0;
}

void ShapeTopology(Rng& rng, Options& options) {
  options.run.executors = static_cast<uint32_t>(1 + rng.Below(3));
  options.run.max_pending = static_cast<uint32_t>(1 + rng.Below(4));
  options.run.batch_rows = 1 + rng.Below(7);
  options.run.batch_age = rng.Chance(0.2) ? kMillisecond : 0;
  options.run.retry_limit = static_cast<uint32_t>(2 + rng.Below(3));
  options.run.readable_versions = 1 + rng.Below(5);
  options.run.sync = rng.Chance(0.75) ? CommitSync::kFsync : CommitSync::kNone;
  options.streams = rng.Chance(0.2) ? 2 : 1;
  options.state_partitions = static_cast<uint32_t>(1 + rng.Below(4));
  options.state_tasks = rng.Chance(0.5) ? 0 : static_cast<uint32_t>(1 + rng.Below(3));
  options.state_kind = rng.Chance(0.5) ? StateKind::kOpaque : StateKind::kTransactional;
  options.state_bytes = rng.Chance(0.5) ? 24 * (1 + rng.Below(400)) : 0;
  options.fold_commits = 1 + rng.Below(8);
}

void ShapeSource(Rng& rng, Options& options) {
  options.spout = rng.Chance(0.5) ? SpoutKind::kOpaque : SpoutKind::kTransactional;
  options.source_partitions = static_cast<uint32_t>(1 + rng.Below(3));
  options.spout_tasks = static_cast<uint32_t>(1 + rng.Below(options.source_partitions));
  options.rows_per_partition = 3 + rng.Below(10);
  options.blank_rows = Rate(rng, 0.3, 0.4);
  options.short_reads = Rate(rng, 0.3, 0.5);
  options.input_lasts =
      rng.Chance(0.4) ? static_cast<Nanos>(rng.Below(20 * kMillisecond)) : Nanos{0};
}

void AddFaults(Rng& rng, Options& options) {
  options.fault_steps = static_cast<uint32_t>(100 + rng.Below(400));
  options.crash = Rate(rng, 0.5, 0.02);
  options.pause = Rate(rng, 0.2, 0.02);
  options.hold = Rate(rng, 0.2, 0.02);
  options.crash_in_write = Rate(rng, 0.4, 0.2);
  options.write_fails = Rate(rng, 0.3, 0.1);
  options.power_loss = rng.Unit();
  options.row_throws = Rate(rng, 0.4, 0.1);
  options.read_fails = Rate(rng, 0.25, 0.1);
  options.late = Rate(rng, 0.5, 0.3);
  options.repeated = Rate(rng, 0.5, 0.3);
  options.lost = Rate(rng, 0.15, 0.05);
  options.slow_executor = static_cast<uint32_t>(rng.Below(options.run.executors));
  options.slowness = Rate(rng, 0.4, 0.98);
}

}  // namespace

const char* ToString(WorkloadKind kind) {
  switch (kind) {
    case WorkloadKind::kWordCount:
      return "WordCount";
    case WorkloadKind::kBank:
      return "Bank";
    case WorkloadKind::kRing:
      return "Ring";
  }
  return "?";
}

Options OptionsFor(WorkloadKind workload, uint64_t seed) {
  Rng rng(Mix64(seed) + static_cast<uint64_t>(workload));
  Options options;
  options.seed = seed;
  options.workload = workload;
  ShapeTopology(rng, options);
  ShapeSource(rng, options);
  if (rng.Chance(0.9)) AddFaults(rng, options);
  const bool diverts = rng.Chance(0.4);
  const double poison = Rate(rng, 0.6, 0.15);
  if (diverts) options.run.on_failure = OnFailure::kDeadLetter;
  if (diverts || rng.Chance(0.1)) options.poison_rows = poison;
  if (rng.Chance(0.5)) options.fold_deltas = FoldDeltas::kUnread;
  options.far = rng.Chance(0.4);
  if (options.far && options.lost > 0) options.damaged = options.lost;
  return options;
}

std::string Describe(const Options& o) {
  const RunOptions& run = o.run;
  return Concat(ToString(o.workload), ": streams ", o.streams, ", executors ", run.executors,
                ", pending ", run.max_pending, ", batch rows ", run.batch_rows, ", retries ",
                run.retry_limit, ", ", run.on_failure == OnFailure::kStop ? "stops" : "diverts",
                ", ", run.sync == CommitSync::kFsync ? "synced" : "not synced", ", versions ",
                run.readable_versions, ", states of ", o.state_partitions, " on ", o.state_tasks,
                " tasks, state bytes ", o.state_bytes, ", fold after ", o.fold_commits,
                o.fold_deltas == FoldDeltas::kUnread ? " unread, " : ", ",
                o.spout == SpoutKind::kOpaque ? "opaque" : "transactional", " spout of ",
                o.source_partitions, " on ", o.spout_tasks, ", rows ", o.rows_per_partition,
                ", blank ", o.blank_rows, ", poison ", o.poison_rows, ", short ", o.short_reads,
                ", faults for ", o.fault_steps, ": crash ", o.crash, "/", o.crash_in_write,
                ", power ", o.power_loss, ", write fails ", o.write_fails, ", throws ",
                o.row_throws, ", read fails ", o.read_fails, ", late ", o.late, ", repeated ",
                o.repeated, ", lost ", o.lost, o.far ? ", as bytes" : "", ", damaged ", o.damaged,
                ", slow ", o.slowness, ", pause ", o.pause, ", hold ", o.hold);
}

}  // namespace trident::sim
