// SPDX-License-Identifier: Apache-2.0
//
// `trident new` on a disk that fills up, or turns read-only, at each call that it may refuse.
#include <filesystem>
#include <fstream>
#include <string>

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

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class NewProjectTest : public testing::Test {
 protected:
  std::string project() const { return dir_.path() + "/words"; }
  std::string report() const { return dir_.path() + "/report"; }

  Ended New(const DiskFault& fault) const {
    fs::remove_all(project());
    std::ofstream(report()).flush();
    return RunProgramToEnd(
        {"trident", "new", "words", "--dir", dir_.path()},
        {.environment = {"LD_PRELOAD=" + InBuild("tests/faulty_libc.so"), "FAULTY_DIR=" + project(),
                         "FAULTY_KIND=" + fault.kind, Concat("FAULTY_CALL=", fault.call),
                         "FAULTY_REPORT=" + report(), "ASAN_OPTIONS=verify_asan_link_order=0"}});
  }
  bool WasRefused() const { return fs::file_size(report()) > 0; }

  TempDir dir_;
};

TEST_F(NewProjectTest, OnADiskThatFillsUpNothingIsLeft) {
  int call = 1;
  for (;; ++call) {
    const Ended ended = New({.kind = "full", .call = call});
    if (!WasRefused()) break;
    SCOPED_TRACE(Concat("call ", call, ": ", ended.err));
    EXPECT_EQ(ended.code, 4);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, StartsWith("trident: cannot "));
    EXPECT_THAT(ended.err, HasSubstr("': No space left on device; "));
    if (call > 1) {
      EXPECT_THAT(ended.err, EndsWith("; nothing is left of the project\n"));
    }
    EXPECT_FALSE(fs::exists(project()));
  }
  EXPECT_GT(call, 1 + 7 * 2) << "the folder, and each of the files made and written";
}

TEST_F(NewProjectTest, WhatCannotBeRemovedEitherIsNamed) {
  // The folder and the first file are made; the second file is refused, and so are the removals.
  const Ended ended = New({.kind = "readonly", .call = 4});
  ASSERT_TRUE(WasRefused());
  EXPECT_EQ(ended.code, 4);
  EXPECT_EQ(ended.err, "trident: cannot write '" + project() +
                           "/CMakeLists.txt': Read-only file system; these are left and could not "
                           "be removed: '" +
                           project() + "/.gitignore', '" + project() + "'\n");
  EXPECT_TRUE(fs::exists(project() + "/.gitignore"));
}

}  // namespace
}  // namespace trident
