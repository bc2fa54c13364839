// SPDX-License-Identifier: Apache-2.0
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"

namespace trident::tidy {
namespace {

struct Ban {
  std::vector<std::string_view> names;
  // Files and folders that may use them.
  std::vector<std::string_view> owners;
  std::string_view instead;
};

const std::vector<Ban>& Bans() {
  static const std::vector<Ban> bans = {
      {{"steady_clock::now", "system_clock::now", "high_resolution_clock::now", "clock_gettime",
        "gettimeofday", "absl::Now"},
       {"base/clock.cc"},
       "take a Clock; only base/clock.cc reads the machine's"},
      {{"std::random_device", "std::mt19937", "std::mt19937_64", "std::rand", "rand()", "srand",
        "drand48", "absl::BitGen"},
       {"tests"},
       "use Rng with a seed, so that a run repeats"},
      {{"sleep_for", "sleep_until", "usleep", "nanosleep", "absl::SleepFor"},
       {"tests"},
       "wait on a CondVar for what should happen"},
      {{"std::mutex", "std::recursive_mutex", "std::shared_mutex", "std::condition_variable",
        "std::lock_guard", "std::unique_lock", "std::scoped_lock", "absl::Mutex",
        "absl::MutexLock"},
       {"base/mutex.h"},
       "use Mutex, MutexLock and CondVar of base/mutex.h, which the compiler checks"},
      {{"std::cout", "std::cerr", "printf", "fprintf", "puts"},
       {"base/check.cc", "coordinator/cli", "trident/run", "examples", "tests"},
       "return a Status or use TRIDENT_LOG; only programs write to the console"},
      {{"std::thread", "std::jthread", "std::async", "pthread_create"},
       {"engine", "state", "coordinator", "trident/run", "trident/spouts", "tests", "examples"},
       "threads belong to executors, the fold and the shells around them"},
      {{"std::views", "std::ranges::views"},
       {},
       "clang 14 does not compile views with this standard library"},
  };
  return bans;
}

bool IsWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// True when `name` stands in `line` as a whole word. "printf" is not found in "snprintf", and
// "std::rand" not in "std::random_device".
bool HasWord(std::string_view line, std::string_view name) {
  for (size_t at = line.find(name); at != std::string_view::npos; at = line.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool starts = at == 0 || !IsWordChar(line[at - 1]);
    const bool ends = end == line.size() || !IsWordChar(name.back()) || !IsWordChar(line[end]);
    if (starts && ends) return true;
  }
  return false;
}

bool Owns(const Ban& ban, const std::string& path) {
  for (std::string_view owner : ban.owners) {
    if (IsUnder(path, owner)) return true;
  }
  return false;
}

}  // namespace

Findings CheckBannedCalls(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    if (!file.IsCpp()) continue;
    for (const Ban& ban : Bans()) {
      if (Owns(ban, path)) continue;
      for (size_t i = 0; i < file.code().size(); ++i) {
        for (std::string_view name : ban.names) {
          if (!HasWord(file.code()[i], name)) continue;
          found.push_back(path + ":" + std::to_string(i + 1) + ": " + std::string(name) + ": " +
                          std::string(ban.instead));
        }
      }
    }
  }
  return found;
}

}  // namespace trident::tidy
