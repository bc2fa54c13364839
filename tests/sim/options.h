// SPDX-License-Identifier: Apache-2.0
//
// What one schedule consists of: the topology's shape, its input, and how much of each fault. All
// of it follows from the seed, so a seed is a schedule.
#ifndef TRIDENT_TESTS_SIM_OPTIONS_H_
#define TRIDENT_TESTS_SIM_OPTIONS_H_

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/source.h"
#include "state/map/partition_context.h"
#include "trident/run/run.h"

namespace trident::sim {

enum class WorkloadKind : uint8_t { kWordCount, kBank, kRing };
const char* ToString(WorkloadKind kind);

struct Options {
  uint64_t seed = 0;
  WorkloadKind workload = WorkloadKind::kWordCount;
  RunOptions run;

  // The topology.
  uint32_t streams = 1;  // each is a batch group of its own
  uint32_t state_partitions = 2;
  uint32_t state_tasks = 0;  // 0: as many as executors
  StateKind state_kind = StateKind::kOpaque;
  uint64_t state_bytes = 0;
  uint64_t fold_commits = 4;
  FoldDeltas fold_deltas = FoldDeltas::kWhateverIsCheaper;

  // Each stream's source.
  SpoutKind spout = SpoutKind::kTransactional;
  uint32_t source_partitions = 1;
  uint32_t spout_tasks = 1;
  uint64_t rows_per_partition = 10;
  double blank_rows = 0;   // positions that hold no row
  double poison_rows = 0;  // rows that can never be processed
  double short_reads = 0;  // reads that give less than there is
  Nanos input_lasts = 0;   // the input arrives within this

  // Faults go on for so many steps.
  uint32_t fault_steps = 300;
  uint32_t crashes_max = 4;
  // Of each step.
  double crash = 0;
  double pause = 0;
  double hold = 0;
  // Of each write.
  double crash_in_write = 0;
  double write_fails = 0;
  // Of each crash: the machine loses power, else the process dies.
  double power_loss = 0;
  // Of each row, of each read.
  double row_throws = 0;
  double read_fails = 0;
  // Of each frame between executors.
  double late = 0;
  double repeated = 0;
  double lost = 0;
  // Frames between executors travel as bytes, and of each: a byte of it changes.
  bool far = false;
  double damaged = 0;
  // How much less often than the others one executor works.
  uint32_t slow_executor = 0;  // which
  double slowness = 0;
};

// Different seeds differ in everything, also in which faults there are at all.
Options OptionsFor(WorkloadKind workload, uint64_t seed);

// One line, for the report of a failing seed.
std::string Describe(const Options& options);

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_OPTIONS_H_
