// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/group_config.h"

#include <algorithm>

#include "base/limits.h"
#include "state/disk/memory_budget.h"

namespace trident {
namespace {

// What user-defined states ask of their group: see trident/states/README.md.
void AskForUserStates(const Plan& plan, GroupConfig& config) {
  for (const LogicalNode& node : plan.logical->nodes()) {
    if (plan.groups[node.id] != config.group || node.writes == nullptr) continue;
    if (!node.writes->user_defined()) continue;
    config.staging = Staging::kOneAtATime;
    // It takes a txid once; so the txid must hold the same rows whenever it comes again.
    if (node.writes->spec().kind == StateKind::kTransactional) {
      config.cut_logging = CutLogging::kBeforeStage;
    }
  }
}

// `exchange_bytes` is what the batches of the group may take together.
BatchLimits LimitsWithin(uint64_t exchange_bytes, const RunOptions& options) {
  const uint64_t a_batch = exchange_bytes / std::max(options.max_pending, 1u);
  auto within = [a_batch](uint64_t asked, uint64_t memory_of_one) {
    return std::min(asked, std::max<uint64_t>(a_batch / memory_of_one, 1));
  };
  return {within(options.batch_rows, kBatchMemoryBytesPerRow),
          within(options.batch_bytes, kBatchMemoryBytesPerByte)};
}

}  // namespace

GroupConfig GroupConfigOf(GroupId group, const Plan& plan, const RunOptions& options) {
  const uint64_t exchange = ShareMemory(options.memory_bytes).exchange / plan.group_ids.size();
  GroupConfig config;
  config.group = group;
  config.max_pending = options.max_pending;
  config.limits = LimitsWithin(exchange, options);
  config.age_max = options.batch_age;
  config.retry_limit = options.retry_limit;
  config.progress_deadline = options.progress_deadline;
  config.policy =
      options.on_failure == OnFailure::kStop ? FailurePolicy::kStop : FailurePolicy::kDeadLetter;
  for (const StageSpec& stage : MakeStages(plan, {})) {
    if (stage.group != group || stage.spout == nullptr) continue;
    config.spouts.push_back({stage.spout_id, stage.spout->kind(), stage.tasks});
  }
  AskForUserStates(plan, config);
  return config;
}

}  // namespace trident
