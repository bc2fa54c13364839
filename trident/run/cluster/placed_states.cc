// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/placed_states.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/partition_assignment.h"
#include "coordinator/decision_log.h"
#include "state/disk/memory_store.h"
#include "state/state_store.h"
#include "trident/run/parts/declared_states.h"
#include "trident/run/parts/worker_parts.h"

namespace trident {
namespace {

// How many tasks write a state, by its name. Whatever is not here has one writer.
std::map<std::string, uint32_t> WritersOf(const Plan& plan) {
  std::map<std::string, uint32_t> writers;
  for (const PlannedStage& stage : plan.stages) {
    for (const NodeId node : stage.nodes) {
      const auto& state = plan.logical->nodes()[node].writes;
      if (state == nullptr) continue;
      writers[state->spec().name] = stage.tasks;
      writers[state->spec().name + std::string(kLastWriteSuffix)] = stage.tasks;
    }
  }
  return writers;
}

}  // namespace

// A store in memory, in which the states are declared, says what they are.
StatusOr<std::vector<PlacedState>> PlaceStates(const Plan& plan, const RunOptions& options,
                                               const DurableStore& store, uint32_t workers) {
  MemoryStore memory;
  const DecisionLog nothing_decided(memory);
  TRIDENT_ASSIGN_OR_RETURN(
      const std::unique_ptr<StateStore> states,
      StateStore::Open(memory, WorkerParts::OwnerOf(plan, WorkerId(0), workers), nothing_decided,
                       WorkerParts::StatesOf(options)));
  TRIDENT_RETURN_IF_ERROR(
      DeclareStates({.plan = plan, .options = options, .store = store, .states = *states},
                    [](const std::string&, const Status& outcome) { return outcome; })
          .status());
  const std::map<std::string, uint32_t> writers = WritersOf(plan);
  std::vector<PlacedState> placed;
  for (const ReadableState* state : states->List()) {
    PlacedState one{state->info(), {}};
    const StateSpec& spec = one.info.spec;
    const auto found = writers.find(spec.name);
    const uint32_t tasks = found == writers.end() ? 1 : found->second;
    for (uint32_t partition = 0; partition < spec.partitions; ++partition) {
      const uint32_t task = TaskOfPartition(partition, spec.partitions, tasks);
      one.owners.emplace_back(TaskOfPartition(task, tasks, workers));
    }
    placed.push_back(std::move(one));
  }
  return placed;
}

// By the law of their assignment they stand one behind the other.
std::vector<WorkerView::StatePart> PartsOf(WorkerId worker,
                                           const std::vector<PlacedState>& states) {
  std::vector<WorkerView::StatePart> parts;
  for (const PlacedState& state : states) {
    const std::vector<WorkerId>& owners = state.owners;
    const auto first = std::find(owners.begin(), owners.end(), worker);
    parts.push_back({.state = state.info.spec.name,
                     .first = static_cast<uint32_t>(first - owners.begin()),
                     .count = static_cast<uint32_t>(std::count(first, owners.end(), worker)),
                     .of = static_cast<uint32_t>(owners.size())});
  }
  return parts;
}

}  // namespace trident
