// SPDX-License-Identifier: Apache-2.0
//
// What one simulated history consists of: the group's configuration, its input, and how much of
// each fault. All of it follows from the seed, so a seed is a history.
#ifndef TRIDENT_TESTS_PROTOCOL_MODEL_OPTIONS_H_
#define TRIDENT_TESTS_PROTOCOL_MODEL_OPTIONS_H_

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "coordinator/protocol/batch_protocol_types.h"

namespace trident::model {

struct Options {
  uint64_t seed = 0;
  GroupConfig config;
  uint32_t sources_per_task = 1;  // source partitions
  uint64_t rows_per_source = 20;
  double blank_rows = 0;     // share of positions that hold no row
  uint32_t poison_rows = 0;  // rows that no worker can stage
  // Staging one of them ends the process: leader, workers and spout tasks at once.
  bool poison_kills = false;
  // The emitter finds these rows by itself and puts them aside, where the group lets it.
  bool names_poison = false;
  Nanos input_lasts = 0;  // the input arrives within this
  Nanos faults_last = 0;  // afterwards nothing fails any more

  // Of each message.
  double lost = 0;
  double repeated = 0;
  double late = 0;  // by more than a deadline
  // Of each stage, and of each write of a decision or cut.
  double stage_fails = 0;
  double write_unknown = 0;
  // How often, within faults_last.
  uint32_t coordinator_crashes = 0;
  uint32_t coordinator_zombies = 0;
  uint32_t worker_crashes = 0;
  uint32_t worker_suspicions = 0;  // reported as lost though it lives
  uint32_t spout_crashes = 0;
  uint32_t pauses = 0;
  uint32_t kills = 0;  // of the process, from outside
  // Of each answer: a spout that forgot where it stood and begins at its beginning. The group may
  // halt over it, but must not commit it.
  double forgets = 0;

  // Nothing fails but rows that cannot be staged.
  bool undisturbed = false;
};

// Different seeds differ in everything, also in which faults there are at all.
Options OptionsFor(uint64_t seed);

// One line, for the report of a failing seed.
std::string Describe(const Options& options);

}  // namespace trident::model

#endif  // TRIDENT_TESTS_PROTOCOL_MODEL_OPTIONS_H_
