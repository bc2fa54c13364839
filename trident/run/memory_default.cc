// SPDX-License-Identifier: Apache-2.0
#include "trident/run/memory_default.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "absl/strings/numbers.h"
#include "base/limits.h"
#include "base/status.h"

namespace trident {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// The file's number; "max", and whatever is no number, is unlimited.
uint64_t LimitIn(const std::string& path) {
  std::string word;
  uint64_t bytes = 0;
  if (std::ifstream(path) >> word && absl::SimpleAtoi(word, &bytes)) return bytes;
  return kUnlimited;
}

// The least limit of a group and of those that it lies in. Inside a container the path is often
// that of the host, and only the root of `dir` is there.
uint64_t LimitAbove(const std::string& dir, std::string group, const std::string& file) {
  uint64_t least = LimitIn(Concat(dir, "/", file));
  while (!group.empty() && group != "/") {
    least = std::min(least, LimitIn(Concat(dir, group, "/", file)));
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
  return least;
}

uint64_t ContainerLimit(const MemoryFiles& files) {
  std::ifstream groups(files.proc + "/self/cgroup");
  uint64_t least = kUnlimited;
  // "0::/path" of version 2, "5:memory:/path" of version 1.
  for (std::string line; std::getline(groups, line);) {
    const size_t path = line.find('/');
    if (path == std::string::npos) continue;
    const std::string group = line.substr(path);
    if (line.starts_with("0::")) {
      least = std::min(least, LimitAbove(files.cgroup, group, "memory.max"));
    } else if (line.find(":memory:") != std::string::npos) {
      least = std::min(least, LimitAbove(files.cgroup + "/memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

uint64_t FreeMemory(const MemoryFiles& files) {
  std::ifstream info(files.proc + "/meminfo");
  uint64_t kib = 0;
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("MemAvailable:")) continue;
    const size_t digit = line.find_first_of("0123456789");
    if (digit == std::string::npos) break;
    if (absl::SimpleAtoi(line.substr(digit, line.find(' ', digit) - digit), &kib))
      return kib * 1024;
  }
  return kUnlimited;
}

}  // namespace

MemoryDefault DefaultMemory(const MemoryFiles& files) {
  const uint64_t allowed = ContainerLimit(files);
  const uint64_t free = FreeMemory(files);
  const uint64_t half = std::min(allowed, free) / 2;
  if (half >= static_cast<uint64_t>(kMemoryBytesDefault)) return {kMemoryBytesDefault, "", ""};
  const char* const what = allowed <= free ? "what its container allows, " : "what is free, ";
  const std::string there = Concat(what, std::min(allowed, free) / kMiB, " MiB");
  constexpr uint64_t kLeast = kMemoryBytesMin;
  if (half >= kLeast) return {half, "half of " + there, ""};
  const std::string beside = Concat("it takes up to ", kMemoryBytesBesideBudget / kMiB,
                                    " MiB beside that, so that it needs ",
                                    (kMemoryBytesMin + kMemoryBytesBesideBudget) / kMiB, " MiB");
  MemoryDefault least{
      kLeast, Concat("the least that there is, although half of ", there, ", is less; ", beside),
      ""};
  if (allowed < kLeast) {
    least.refusal =
        Concat("its container allows ", allowed / kMiB, " MiB of memory, and a run takes at least ",
               kLeast / kMiB, " MiB; ", beside, ". Give the container more");
  }
  return least;
}

}  // namespace trident
