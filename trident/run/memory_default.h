// SPDX-License-Identifier: Apache-2.0
//
// The memory that a program takes if nobody says how much: kMemoryBytesDefault, or half of what the
// machine has free or its container (cgroup) allows, if that is less.
#ifndef TRIDENT_TRIDENT_RUN_MEMORY_DEFAULT_H_
#define TRIDENT_TRIDENT_RUN_MEMORY_DEFAULT_H_

#include <cstdint>
#include <string>

namespace trident {

// Where the system tells of its memory.
struct MemoryFiles {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

struct MemoryDefault {
  uint64_t bytes = 0;  // at least kMemoryBytesMin
  std::string reason;  // "half of what its container allows, 512 MiB"; empty: nothing is scarce
  // Why no run can live here, and what to do: the container allows less than the least budget.
  // Empty: one can.
  std::string refusal;
};
// What cannot be read is taken for unlimited.
MemoryDefault DefaultMemory(const MemoryFiles& files);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_MEMORY_DEFAULT_H_
