// SPDX-License-Identifier: Apache-2.0
#include "engine/source_share.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/letter_partition.h"

namespace trident {

SourceShare SourceShare::InTurn(std::vector<std::string> listed, std::vector<uint32_t> tasks) {
  SourceShare share;
  share.listed_ = std::move(listed);
  share.tasks_ = std::move(tasks);
  return share;
}

SourceShare SourceShare::Agreed(std::vector<std::string> agreed, std::vector<std::string> listed,
                                uint32_t tasks) {
  TRIDENT_CHECK(tasks >= 1) << "a spout needs a task";
  SourceShare share;
  share.agreed_names_.insert(agreed.begin(), agreed.end());
  share.agreed_ = std::move(agreed);
  share.listed_ = std::move(listed);
  share.by_name_ = true;
  for (uint32_t task = 0; task < tasks; ++task) share.tasks_.push_back(task);
  return share;
}

bool SourceShare::HasTask(uint32_t task) const {
  return std::find(tasks_.begin(), tasks_.end(), task) != tasks_.end();
}

std::vector<std::string> SourceShare::Of(uint32_t task) const {
  std::vector<std::string> ours;
  if (!HasTask(task)) return ours;
  for (size_t place = 0; place < agreed_.size(); ++place) {
    if (TaskInTurn(place) == task) ours.push_back(agreed_[place]);
  }
  for (size_t place = 0; place < listed_.size(); ++place) {
    if (IsOf(task, place, listed_[place])) ours.push_back(listed_[place]);
  }
  return ours;
}

bool SourceShare::IsOf(uint32_t task, size_t place, const std::string& name) const {
  if (tasks_.empty()) return false;
  if (!by_name_) return TaskInTurn(place) == task;
  return !agreed_names_.contains(name) && TaskInTurn(HashBytes(name)) == task;
}

std::vector<std::string> SourceShare::NotAgreed() const {
  std::vector<std::string> others;
  for (const std::string& name : listed_) {
    if (by_name_ && !agreed_names_.contains(name)) others.push_back(name);
  }
  return others;
}

std::optional<std::string> SourceShare::FirstMissing(uint32_t task) const {
  const std::unordered_set<std::string_view> here(listed_.begin(), listed_.end());
  for (size_t place = 0; place < agreed_.size(); ++place) {
    if (TaskInTurn(place) == task && !here.contains(agreed_[place])) return agreed_[place];
  }
  return std::nullopt;
}

StatusOr<std::vector<std::string>> ListSources(Spout& spout,
                                               std::vector<SourcePosition> committed) {
  std::erase_if(committed,
                [](const SourcePosition& at) { return at.partition == kLetterPartition; });
  TRIDENT_RETURN_IF_ERROR(Guarded("Resume", [&] { return spout.Resume(committed); }));
  return Guarded("Partitions", [&] { return spout.Partitions(); });
}

}  // namespace trident
