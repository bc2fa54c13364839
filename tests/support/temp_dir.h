// SPDX-License-Identifier: Apache-2.0
//
// TempDir: a directory that lives as long as the test that made it; in memory where there is a file
// system in memory, because a test's fsync protects nothing. What tests left that were killed is
// removed by the next one, or it would fill the memory.
#ifndef TRIDENT_TESTS_SUPPORT_TEMP_DIR_H_
#define TRIDENT_TESTS_SUPPORT_TEMP_DIR_H_

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.h"

namespace trident {

class TempDir {
 public:
  TempDir() {
    const char* chosen = std::getenv("TMPDIR");
    if (chosen == nullptr) chosen = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    [[maybe_unused]] static const bool once = RemoveThoseOfTheDead(chosen);
    path_ = std::string(chosen) + "/" + kPrefix + std::to_string(::getpid()) + "_XXXXXX";
    TRIDENT_CHECK(::mkdtemp(path_.data()) != nullptr) << path_;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  static constexpr const char* kPrefix = "trident_test_";

  static bool RemoveThoseOfTheDead(const std::string& where) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(where, ignored)) {
      const std::string name = entry.path().filename();
      if (name.rfind(kPrefix, 0) != 0) continue;
      const int pid = std::atoi(name.c_str() + std::string(kPrefix).size());
      if (pid <= 0 || ::kill(pid, 0) == 0 || errno != ESRCH) continue;
      std::filesystem::remove_all(entry.path(), ignored);
    }
    return true;
  }

  std::string path_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_SUPPORT_TEMP_DIR_H_
