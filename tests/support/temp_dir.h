// SPDX-License-Identifier: Apache-2.0
//
// TempDir: a directory that lives as long as the test that made it; in memory where there is a file
// system in memory, because a test's fsync protects nothing.
#ifndef TRIDENT_TESTS_SUPPORT_TEMP_DIR_H_
#define TRIDENT_TESTS_SUPPORT_TEMP_DIR_H_

#include <unistd.h>

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
    path_ = std::string(chosen) + "/trident_test_XXXXXX";
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
  std::string path_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_SUPPORT_TEMP_DIR_H_
