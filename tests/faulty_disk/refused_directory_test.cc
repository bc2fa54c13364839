// SPDX-License-Identifier: Apache-2.0
//
// State directories that a program cannot use. One that is in use: tests/cli/program_test.cc.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faulty_disk/words_on_disk.h"
#include "tests/state/disk/store_script.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class RefusedDirectoryTest : public testing::Test {
 protected:
  void CountSome() {
    words_.Write(100);
    ASSERT_EQ(words_.Count({}).code, 0);
  }
  // The exit code of a refused start, and one line.
  void ExpectRefused(const Ended& ended, const std::vector<std::string>& parts) {
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.err, StartsWith("wordcount: "));
    EXPECT_EQ(ended.err.find('\n'), ended.err.size() - 1) << ended.err;
    for (const std::string& part : parts) EXPECT_THAT(ended.err, HasSubstr(part));
  }
  void ExpectCountsRight() {
    const Ended again = words_.Count({});
    ASSERT_EQ(again.code, 0) << again.err;
    EXPECT_EQ(words_.Found(), words_.Expected());
  }
  // The newest log with content.
  std::string Log() const {
    std::string log;
    for (const auto& entry : fs::directory_iterator(words_.state() + "/db")) {
      if (entry.path().extension() == ".log" && entry.file_size() > 0) {
        log = std::max(log, entry.path().string());
      }
    }
    return log;
  }

  WordsOnDisk words_;
};

TEST_F(RefusedDirectoryTest, OneOnAReadOnlyDiskStaysAsItIs) {
  CountSome();
  words_.Write(100);
  const auto before = words_.Files();
  ExpectRefused(words_.Count({}, {.kind = "readonly"}).ended,
                {"cannot write to the state directory " + words_.state(), "Read-only file system",
                 "choose another directory"});
  EXPECT_EQ(words_.Files(), before);
  ExpectCountsRight();
}

TEST_F(RefusedDirectoryTest, OneThatIsNotThereIsNotMadeOnAReadOnlyDisk) {
  words_.Write(100);
  ExpectRefused(words_.Count({}, {.kind = "readonly"}).ended,
                {"cannot make the directory " + words_.state(), "Read-only file system",
                 "choose another directory"});
  EXPECT_FALSE(fs::exists(words_.state()));
  ExpectCountsRight();
}

TEST_F(RefusedDirectoryTest, OneOfANewerFormatStaysAsItIs) {
  CountSome();
  words_.Write(100);
  const std::string format = words_.state() + "/FORMAT";
  const std::string ours = ReadWholeFile(format);
  WriteWholeFile(format, "trident state directory, format 7\n");
  const auto before = words_.Files();
  ExpectRefused(words_.Count({}), {words_.state() + " has format 7", "reads and writes format 1",
                                   "Use the release that wrote it"});
  EXPECT_EQ(words_.Files(), before);
  WriteWholeFile(format, ours);
  ExpectCountsRight();
}

TEST_F(RefusedDirectoryTest, OneThatIsDamagedStaysAsItIs) {
  CountSome();
  words_.Write(100);
  const std::string good = ReadWholeFile(Log());
  std::string bad = good;
  bad[bad.size() / 2] ^= 1;
  WriteWholeFile(Log(), bad);
  const auto before = words_.Files();
  ExpectRefused(words_.Count({}),
                {words_.state() + " is damaged", "Restore the directory from a backup"});
  EXPECT_EQ(words_.Files(), before);
  WriteWholeFile(Log(), good);
  ExpectCountsRight();
}

TEST_F(RefusedDirectoryTest, OneOfAnotherTopologyKeepsItsCounts) {
  constexpr Field<Text> kLetter{"letter"};
  constexpr Field<int64_t> kCount{"count"};
  Topology letters("letters");
  letters
      .NewStream("letters",
                 FixedBatchSpout::Make(Fields(kLetter), {.batch_rows = 3}, {{"a"}, {"b"}}))
      .GroupBy(kLetter)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  {
    auto run = Run::Start(letters, {.state_dir = words_.state()});
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE((*run)->AwaitEnd().ok());
  }
  const WordCounts before = words_.Found();
  ASSERT_EQ(LinesIn(before), 2);
  words_.Write(100);
  ExpectRefused(words_.Count({}), {words_.state(), "letters", "wordcount"});
  EXPECT_EQ(words_.Found(), before);
}

}  // namespace
}  // namespace trident
