// SPDX-License-Identifier: Apache-2.0
//
// `trident backup` and `trident restore` on a disk that fills up at each call that it may refuse:
// of what they were making nothing is left, and what they copy stays as it is.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "tests/faulty_disk/words_on_disk.h"
#include "tests/support/paths.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::StartsWith;

class BackupDiskTest : public testing::Test {
 protected:
  BackupDiskTest() {
    words_.Write(50);
    EXPECT_EQ(words_.Count({"--batch-rows", "5"}).code, 0);
    fs::create_directories(target_dir());
  }
  std::string target_dir() const { return dir_.path() + "/disk"; }
  std::string target() const { return target_dir() + "/made"; }

  // Runs the command until a call of it is refused no more, with one refused call more each time.
  void RefuseEachCall(const std::vector<std::string>& command) {
    int call = 1;
    for (;; ++call) {
      std::ofstream(report()).flush();
      const Ended ended = RunProgramToEnd(
          command, {.environment = {"LD_PRELOAD=" + InBuild("tests/faulty_libc.so"),
                                    "FAULTY_DIR=" + target_dir(), "FAULTY_KIND=full",
                                    Concat("FAULTY_CALL=", call), "FAULTY_REPORT=" + report(),
                                    "ASAN_OPTIONS=verify_asan_link_order=0"}});
      if (fs::file_size(report()) == 0) {
        EXPECT_EQ(ended.code, 0) << ended.err;
        break;
      }
      SCOPED_TRACE(Concat("call ", call, ": ", ended.err));
      EXPECT_EQ(ended.code, 4);
      EXPECT_EQ(ended.out, "");
      EXPECT_THAT(ended.err, StartsWith("trident: cannot "));
      EXPECT_THAT(ended.err, HasSubstr(": No space left on device. Free space on its disk"));
      EXPECT_FALSE(fs::exists(target() + ".partial"));
      // The last sync comes after the folder has its name.
      if (fs::exists(target())) fs::remove_all(target());
      if (HasFailure()) return;
    }
    EXPECT_GT(call, 3 * 6) << "each of the files made, written and synced";
  }
  std::string report() const { return dir_.path() + "/report"; }

  TempDir dir_;
  WordsOnDisk words_;
};

TEST_F(BackupDiskTest, ABackupThatFindsNoRoomLeavesNothing) {
  const auto before = words_.Files();
  RefuseEachCall({"trident", "backup", target(), "--from", words_.state()});
  EXPECT_TRUE(words_.Files() == before);
}

TEST_F(BackupDiskTest, ARestoreThatFindsNoRoomLeavesNothing) {
  const std::string backup = dir_.path() + "/backup";
  ASSERT_EQ(RunTrident({"backup", backup, "--from", words_.state()}).code, 0);
  RefuseEachCall({"trident", "restore", backup, target()});
}

}  // namespace
}  // namespace trident
