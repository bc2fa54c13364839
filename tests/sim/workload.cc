// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/workload.h"

#include <sstream>
#include <stdexcept>

namespace trident::sim {

void Workload::MayThrow(Text row) const {
  if (trial_.poison_on && row.find(kPoison) != Text::npos) {
    ++trial_.strikes_so_far;
    throw std::runtime_error("a row that cannot be processed");
  }
  if (trial_.Strikes(trial_.options.row_throws)) throw std::runtime_error("not this time");
}

StateOptions Workload::StateNamed(std::string name) const {
  return {.name = std::move(name),
          .kind = trial_.options.state_kind,
          .partitions = trial_.options.state_partitions};
}

std::unique_ptr<Workload> MakeWorkload(Trial& trial) {
  switch (trial.options.workload) {
    case WorkloadKind::kWordCount:
      return MakeWordCount(trial);
    case WorkloadKind::kBank:
      return MakeBank(trial);
    case WorkloadKind::kRing:
      return MakeRing(trial);
  }
  return nullptr;
}

std::string NameFor(const std::string& what, uint32_t number) {
  return number == 0 ? what : Concat(what, "-", number + 1);
}

std::vector<std::string> WordsOf(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

int64_t NumberAt(const Content& content, const std::string& key) {
  const auto found = content.find(key);
  return found == content.end() ? 0 : std::stoll(found->second);
}

}  // namespace trident::sim
