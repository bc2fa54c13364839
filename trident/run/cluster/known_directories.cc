// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/known_directories.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/salted_hash.h"
#include "coordinator/cluster/participant_log.h"

namespace trident {

std::string NewDirectoryName(const DurableStore& store) {
  const uint64_t made_at = static_cast<uint64_t>(RealClock().WallNanos());
  const uint64_t made_by = SaltedHash(Concat(store.Where(), " ", ::getpid(), " ", made_at));
  char name[33];
  std::snprintf(name, sizeof name, "%016llx%016llx", static_cast<unsigned long long>(made_at),
                static_cast<unsigned long long>(made_by));
  return name;
}

Status JudgeDirectory(DurableStore& leader, WorkerId worker, const std::string& directory) {
  const std::string name = directory.substr(0, directory.find(' '));
  TRIDENT_ASSIGN_OR_RETURN(const std::string known, ParticipantLog::MemberOf(leader, worker));
  if (known.empty()) {
    WriteSet changes;
    ParticipantLog::AddMember(worker, name, changes);
    return leader.Write(changes, Durability::kBuffered);
  }
  if (name == known) return absl::OkStatus();
  return FailedPrecondition("worker ", worker.value(),
                            " of this topology has another directory than ",
                            directory.substr(std::min(directory.size(), name.size() + 1)),
                            ": start it with its own, or with the --worker that this one is");
}

}  // namespace trident
