// SPDX-License-Identifier: Apache-2.0
//
// The commands that change a directory at rest, on a disk that fills up, or turns read-only, at
// each call that it may refuse: what they changed is done or not, and nothing is damaged.
#include <filesystem>
#include <fstream>
#include <functional>
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

class StateChangeDiskTest : public testing::TestWithParam<const char*> {
 protected:
  StateChangeDiskTest() {
    words_.Write(50);
    EXPECT_EQ(words_.Count({"--batch-rows", "5"}).code, 0);
    fs::create_directories(disk());
  }
  std::string disk() const { return dir_.path() + "/disk"; }
  std::string state() const { return disk() + "/state"; }
  std::string report() const { return dir_.path() + "/report"; }
  std::string Dump(const std::string& name) const {
    const Ended dump = RunTrident({"state", "dump", state(), name});
    return dump.code == 0 ? dump.out : Concat("code ", dump.code);
  }

  // Runs the command on a fresh copy until a call of it is refused no more. After each, `check` is
  // told whether the command says that it is done.
  void RefuseEachCall(const std::vector<std::string>& command,
                      const std::function<void(bool)>& check) {
    int call = 1;
    for (;; ++call) {
      fs::remove_all(state());
      fs::copy(words_.state(), state(), fs::copy_options::recursive);
      std::ofstream(report()).flush();
      const Ended ended = RunProgramToEnd(
          command,
          {.environment = {"LD_PRELOAD=" + InBuild("tests/faulty_libc.so"), "FAULTY_DIR=" + disk(),
                           Concat("FAULTY_KIND=", GetParam()), Concat("FAULTY_CALL=", call),
                           "FAULTY_REPORT=" + report(), "ASAN_OPTIONS=verify_asan_link_order=0"}});
      SCOPED_TRACE(Concat("call ", call, ": ", ended.err));
      EXPECT_TRUE(ended.code == 0 || ended.code == 4) << ended.code;
      const Ended verified = RunTrident({"state", "verify", state()});
      EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
      check(ended.code == 0);
      if (fs::file_size(report()) == 0) {
        EXPECT_EQ(ended.code, 0) << ended.err;
        break;
      }
      if (HasFailure()) return;
    }
    EXPECT_GT(call, 3);
  }

  TempDir dir_;
  WordsOnDisk words_;
};

INSTANTIATE_TEST_SUITE_P(Each, StateChangeDiskTest, testing::Values("full", "readonly"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(StateChangeDiskTest, AStateHasItsOldPartitionsOrItsNewOnes) {
  const Ended before = RunTrident({"state", "dump", words_.state(), "counts"});
  ASSERT_EQ(before.code, 0);
  RefuseEachCall({"trident", "state", "repartition", state(), "counts", "3"}, [&](bool done) {
    EXPECT_EQ(Dump("counts"), before.out);
    const std::string verified = RunTrident({"state", "verify", state()}).out;
    const bool has_new = verified.find(", 3 partitions") != std::string::npos;
    EXPECT_NE(has_new, verified.find(", 64 partitions") != std::string::npos);
    EXPECT_TRUE(has_new || !done);
  });
}

TEST_P(StateChangeDiskTest, AStateIsDroppedOrNot) {
  const Ended before = RunTrident({"state", "dump", words_.state(), "counts"});
  RefuseEachCall({"trident", "state", "drop", state(), "counts", "--yes"}, [&](bool done) {
    const std::string dump = Dump("counts");
    EXPECT_TRUE(dump == "code 1" || (!done && dump == before.out)) << dump;
  });
}

}  // namespace
}  // namespace trident
