// SPDX-License-Identifier: Apache-2.0
//
// A disk that fills up, or turns read-only, at each call that it may refuse.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "base/status.h"
#include "tests/faulty_disk/words_on_disk.h"
#include "tests/state/disk/store_script.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

using testing::EndsWith;
using testing::HasSubstr;

const std::vector<std::string> kBatches = {"--batch-rows", "100"};
constexpr int kBatchRows = 100;

// What is said of it by the system, and what is to be done.
struct Words {
  std::string what;
  std::string advice;
};
Words WordsFor(const std::string& kind) {
  if (kind == "full") {
    return {"No space left on device", "Free space on its disk and restart the process"};
  }
  return {"Read-only file system",
          "Make it readable and writable for this user, or choose another directory"};
}

// What the program itself says; what it logs stands on other lines.
std::string LineOf(const std::string& program, const std::string& text) {
  const size_t start = text.find(program + ": ");
  if (start == std::string::npos) return text;
  EXPECT_EQ(text.find("\n" + program + ": ", start), std::string::npos) << text;
  return text.substr(start, text.find('\n', start) - start);
}

class FullDiskTest : public testing::Test {
 protected:
  // What may be refused while a directory is made or opened, and the batches of the text are
  // committed: from one call later on each time, always on the same directory (`made`; "": none),
  // until the last call is reached.
  void RefuseEachCall(DiskFault fault, const std::string& made) {
    for (;; ++fault.call) {
      words_.RemoveState();
      if (!made.empty()) CopyTree(made, words_.state());
      const FaultyStart start = words_.Count(kBatches, fault);
      if (start.refused.empty()) break;
      SCOPED_TRACE(Concat("call ", fault.call, ", ", start.refused.front()));
      Remember(start.refused.front());
      ExpectSaidAndKept(fault, start);
      ExpectGoesOn(kBatches);
      if (testing::Test::HasFatalFailure()) return;
      const bool is_made_now = start.refused.front().find("/db/") != std::string::npos;
      if (made.empty() && is_made_now) break;
    }
  }
  // A directory with one batch, and a text that is longer.
  std::string MakeState() {
    words_.Write(kBatchRows);
    EXPECT_EQ(words_.Count(kBatches).code, 0);
    words_.Write(4 * kBatchRows);
    const std::string made = words_.state() + ".made";
    fs::rename(words_.state(), made);
    return made;
  }

  // Either all was committed, or it is said why not, and whole batches are there, in order.
  void ExpectSaidAndKept(const DiskFault& fault, const FaultyStart& start) {
    if (start.ended.code == 0) {
      ASSERT_EQ(words_.Found(), words_.Expected());
      return;
    }
    const std::string line = LineOf("wordcount", start.ended.err);
    EXPECT_THAT(line, HasSubstr(words_.state()));
    // A start that may not write is refused; a lack of room is a failure at any time.
    const bool had_begun = line.find("wordcount: failed: ") != std::string::npos;
    EXPECT_EQ(start.ended.code, had_begun || fault.kind == "full" ? 1 : 2) << start.ended.err;
    EXPECT_THAT(line, HasSubstr(WordsFor(fault.kind).what));
    const std::string goes_on = "; the next run goes on with txid ";
    EXPECT_EQ(line.find(goes_on) != std::string::npos, had_begun) << line;
    EXPECT_THAT(line.substr(0, line.find(goes_on)), EndsWith(WordsFor(fault.kind).advice));
    const WordCounts found = words_.Found();
    ASSERT_EQ(found, words_.Expected(LinesIn(found)));
  }
  // When the disk takes writes again, the command does what is left.
  void ExpectGoesOn(const std::vector<std::string>& flags) {
    const Ended again = words_.Count(flags);
    ASSERT_EQ(again.code, 0) << again.err;
    ASSERT_EQ(words_.Found(), words_.Expected());
  }

  // The first refused calls, by the kind of their file: "write .log" and so on.
  void Remember(const std::string& refused) {
    const fs::path path(refused.substr(refused.find(' ') + 1));
    const std::string name = path.filename();
    const std::string kind =
        path.has_extension() ? path.extension().string() : name.substr(0, name.find('-'));
    ++struck_[refused.substr(0, refused.find(' ') + 1) + kind];
  }
  bool HasStruck(const std::vector<std::string>& calls) {
    return std::all_of(calls.begin(), calls.end(), [&](const auto& c) { return struck_[c] > 0; });
  }
  void ExpectStruck(const std::vector<std::string>& calls) {
    for (const std::string& call : calls) EXPECT_GE(struck_[call], 1) << call;
  }

  WordsOnDisk words_;
  std::map<std::string, int> struck_;
};

TEST_F(FullDiskTest, ADirectoryThatFindsNoRoomIsMadeLater) {
  words_.Write(2 * kBatchRows);
  RefuseEachCall({.kind = "full"}, "");
  ExpectStruck({"mkdir state", "open LOCK", "mkdir .new", "write MANIFEST", "fdatasync MANIFEST",
                "write HIGHWATER", "write FORMAT", "fsync state"});
}

TEST_F(FullDiskTest, ABatchThatFindsNoRoomIsCommittedLater) {
  RefuseEachCall({.kind = "full"}, MakeState());
  ExpectStruck({"write MANIFEST", "write .log", "fdatasync .log"});
}

// As file systems do when they find themselves damaged.
TEST_F(FullDiskTest, ADiskThatTurnsReadOnlyKeepsWhatIsThere) {
  RefuseEachCall({.kind = "readonly"}, MakeState());
  ExpectStruck({"access state", "rename CURRENT", "write .log", "fdatasync .log"});
}

// A fold is due after kFoldCommitsDefault commits; what its thread asks of the disk is refused
// from one call later on each time, until a whole fold gets through.
TEST_F(FullDiskTest, AFoldThatFindsNoRoomLosesNothing) {
  const std::vector<std::string> small = {"--batch-rows", "1",      "--max-pending",
                                          "64",           "--sync", "none"};
  // So many that a fold begins before the input ends, also on a machine that is busy.
  words_.Write(static_cast<int>(9 * kFoldCommitsDefault));
  const std::vector<std::string> calls = {"open .sst", "write .sst",     "fdatasync .sst",
                                          "link .sst", "write MANIFEST", "fdatasync MANIFEST"};
  DiskFault fault{.kind = "full", .since = words_.state() + "/ingest"};
  for (int missed = 0;; ++fault.call) {
    words_.RemoveState();
    const FaultyStart start = words_.Count(small, fault);
    if (start.refused.empty() && !HasStruck(calls) && ++missed < 50) {
      --fault.call;  // the input ended before the fold came so far: once more
      continue;
    }
    if (start.refused.empty() || start.refused.front().ends_with("/2.sst")) break;
    SCOPED_TRACE(Concat("call ", fault.call, ", ", start.refused.front()));
    Remember(start.refused.front());
    ASSERT_NE(start.ended.code, 0);
    ExpectSaidAndKept(fault, start);
    ASSERT_GE(LinesIn(words_.Found()), static_cast<int64_t>(kFoldCommitsDefault));
    ExpectGoesOn({"--sync", "none"});
    if (HasFatalFailure()) return;
  }
  ExpectStruck(calls);
}

}  // namespace
}  // namespace trident
