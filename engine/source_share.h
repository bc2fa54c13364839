// SPDX-License-Identifier: Apache-2.0
//
// SourceShare: which source partitions of a spout each of its tasks reads. In one process the
// partitions go to the tasks in turn. Several processes list the partitions each by itself, maybe
// in another order, one sooner than another. So they agree on a list, which is dealt out in turn;
// whatever is not in it belongs to the task that its name tells. Each partition has one task by
// this, whatever a process has seen.
#ifndef TRIDENT_ENGINE_SOURCE_SHARE_H_
#define TRIDENT_ENGINE_SOURCE_SHARE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/source.h"
#include "base/status.h"
#include "engine/spout.h"

namespace trident {

// Immutable, so any thread may use it.
class SourceShare {
 public:
  // Another process reads all of the spout.
  SourceShare() = default;
  // What this process lists, and what comes up later, goes to these tasks in turn.
  static SourceShare InTurn(std::vector<std::string> listed, std::vector<uint32_t> tasks);
  // The tasks 0 to `tasks` - 1 of all processes share what they have agreed on. `listed` is what
  // this one has found.
  static SourceShare Agreed(std::vector<std::string> agreed, std::vector<std::string> listed,
                            uint32_t tasks);

  // Whether the task may ever read anything.
  bool HasTask(uint32_t task) const;
  // The partitions of a task that are known.
  std::vector<std::string> Of(uint32_t task) const;
  // What the spout of this process has listed, in its order.
  const std::vector<std::string>& listed() const { return listed_; }
  // Whether a partition that the spout told of later, as the `place`-th from 0, is the task's.
  bool IsOf(uint32_t task, size_t place, const std::string& name) const;
  // What this process lists, and is not agreed on.
  std::vector<std::string> NotAgreed() const;
  // A partition of the task that is agreed on, and that this process does not list.
  std::optional<std::string> FirstMissing(uint32_t task) const;

 private:
  uint32_t TaskInTurn(size_t place) const { return tasks_[place % tasks_.size()]; }

  std::vector<std::string> listed_;
  std::vector<std::string> agreed_;
  std::unordered_set<std::string> agreed_names_;
  bool by_name_ = false;  // what is not agreed on
  std::vector<uint32_t> tasks_;
};

// Has the spout go on from where the state knows it to stand, and list its source partitions.
// Requests about dead letters, which stand among the positions, are none of the spout's.
StatusOr<std::vector<std::string>> ListSources(Spout& spout, std::vector<SourcePosition> committed);

}  // namespace trident

#endif  // TRIDENT_ENGINE_SOURCE_SHARE_H_
