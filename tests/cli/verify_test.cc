// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/rng.h"
#include "base/status.h"
#include "state/disk/rocks_store.h"
#include "tests/cli/directory_life.h"
#include "tests/cli/folded_directory.h"
#include "tests/cli/served_words.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const FoldedDirectory& Folded() { return FoldedDirectory::Get(); }

uint64_t Seed() {
  const char* text = std::getenv("TRIDENT_SEED");
  return text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 10);
}

TEST(VerifyTest, ASoundDirectoryIsDescribed) {
  const Ended text = RunTrident({"state", "verify", Folded().path()});
  EXPECT_EQ(text.code, 0);
  EXPECT_EQ(text.err, "");
  EXPECT_THAT(text.out, StartsWith("topology wordcount, format 1, epoch "));
  EXPECT_THAT(text.out, HasSubstr("\ngroup 1: decided up to txid "));
  EXPECT_THAT(text.out, HasSubstr("\nstate counts: key (word text), value int64 (sum), 64 "
                                  "partitions, opaque, group 1; 60 keys in the base, at txid "));
  EXPECT_THAT(text.out, EndsWith("\nno damage found\n"));
  const Ended json = RunTrident({"state", "verify", Folded().path(), "-o", "json"});
  EXPECT_EQ(json.code, 0);
  EXPECT_THAT(json.out, StartsWith("{\"directory\":\"" + Folded().path() +
                                   R"(","topology":"wordcount","format":1,"epoch":)"));
  EXPECT_THAT(json.out, EndsWith(R"("damage_count":0,"damage":[]})"
                                 "\n"));
}

TEST(VerifyTest, ADumpIsWhatTheLinesAddUpTo) {
  const Ended one = RunTrident({"state", "dump", Folded().path(), "counts"});
  EXPECT_EQ(one.code, 0);
  EXPECT_EQ(one.out, Folded().counts());
  EXPECT_THAT(one.err, StartsWith("(state counts: 60 rows at txid "));
  const Ended all = RunTrident({"state", "dump", Folded().path()});
  EXPECT_THAT(all.out, StartsWith("counts\tw0\t"));
  EXPECT_THAT(all.err, HasSubstr("(state dead-letters: 0 rows at txid "));
  const Ended json = RunTrident({"state", "dump", Folded().path(), "counts", "--output", "json"});
  EXPECT_THAT(json.out, StartsWith(R"({"state":"counts","key":["w0"],"value":)"));
}

TEST(VerifyTest, ReadingLeavesEveryByteAndTimeAsItWas) {
  const std::string before = FingerprintOf(Folded().path());
  for (const char* command : {"verify", "dump"}) {
    for (const char* output : {"text", "json"}) {
      EXPECT_EQ(RunTrident({"state", command, Folded().path(), "-o", output}).code, 0);
    }
  }
  EXPECT_TRUE(FingerprintOf(Folded().path()) == before) << "something of it has changed";
}

void SetModes(const fs::path& dir, mode_t dirs, mode_t files) {
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    ASSERT_EQ(::chmod(entry.path().c_str(), entry.is_directory() ? dirs : files), 0);
  }
  ASSERT_EQ(::chmod(dir.c_str(), dirs), 0);
}

TEST(VerifyTest, PermissionToReadIsEnoughAndLessIsSaid) {
  TempDir temp;
  const std::string copy = temp.path() + "/copy";
  Folded().CopyTo(copy);
  SetModes(copy, 0500, 0400);
  EXPECT_EQ(RunTrident({"state", "verify", copy}, Rights::kNoOverride).code, 0);
  const Ended dump = RunTrident({"state", "dump", copy, "counts"}, Rights::kNoOverride);
  EXPECT_EQ(dump.code, 0) << dump.err;
  EXPECT_EQ(dump.out, Folded().counts());

  ASSERT_EQ(::chmod((copy + "/db/CURRENT").c_str(), 0), 0);
  const Ended file = RunTrident({"state", "verify", copy}, Rights::kNoOverride);
  EXPECT_EQ(file.code, 4);
  EXPECT_THAT(file.err, HasSubstr("Permission denied"));
  EXPECT_THAT(file.err, HasSubstr(copy));
  ASSERT_EQ(::chmod(copy.c_str(), 0), 0);
  for (const char* command : {"verify", "dump"}) {
    const Ended none = RunTrident({"state", command, copy}, Rights::kNoOverride);
    EXPECT_EQ(none.code, 4);
    EXPECT_EQ(none.err, "trident: cannot read the state directory " + copy +
                            ": Permission denied. Make it readable and writable for this user, or "
                            "choose another directory\n");
  }
  SetModes(copy, 0700, 0600);
}

TEST(VerifyTest, WhatIsNoStateDirectoryIsRefused) {
  TempDir temp;
  WriteText(temp.path() + "/thesis.txt", "text");
  fs::create_directory(temp.path() + "/empty");
  struct Case {
    std::string path;
    int code;
    std::string says;
  };
  const std::vector<Case> cases = {
      {temp.path() + "/none", 1,
       "there is no state directory " + temp.path() + "/none. Check the path"},
      {temp.path() + "/empty", 1,
       "there is no state in " + temp.path() + "/empty yet. Check the path"},
      {temp.path() + "/thesis.txt", 2,
       "expected a state directory at " + temp.path() + "/thesis.txt, found a file"},
      {temp.path(), 2,
       "expected a state directory at " + temp.path() +
           ", found a directory of other files. Check the path"},
      {"", 1, "there is no state directory . Check the path"},
  };
  for (const Case& c : cases) {
    for (const char* command : {"verify", "dump"}) {
      const Ended ended = RunTrident({"state", command, c.path});
      EXPECT_EQ(ended.code, c.code) << c.path;
      EXPECT_EQ(ended.err, "trident: " + c.says + "\n");
      EXPECT_EQ(ended.out, "");
    }
  }
  EXPECT_TRUE(fs::is_empty(temp.path() + "/empty"));
}

TEST(VerifyTest, ADirectoryThatNoTopologyHasClaimedYetIsSoundAndEmpty) {
  TempDir temp;
  const std::string dir = temp.path() + "/state";
  ASSERT_TRUE(RocksStore::Open({.dir = dir}).ok());
  const Ended verified = RunTrident({"state", "verify", dir});
  EXPECT_EQ(verified.code, 0);
  EXPECT_EQ(verified.out,
            "of no topology yet, format 1, epoch 0\n0 table files, 0 bytes\nno damage found\n");
  const Ended dump = RunTrident({"state", "dump", dir});
  EXPECT_EQ(dump.code, 0);
  EXPECT_EQ(dump.out + dump.err, "");
}

TEST(VerifyTest, AStateThatIsNotThereIsNamedWithThoseThatAre) {
  const Ended ended = RunTrident({"state", "dump", Folded().path(), "count"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err, "trident: there is no state 'count' in " + Folded().path() +
                           "; did you mean 'counts'? The states are: counts, dead-letters\n");
}

TEST(VerifyTest, ANewerFormatIsRefusedAndIsNoDamage) {
  TempDir temp;
  const std::string copy = temp.path() + "/copy";
  Folded().CopyTo(copy);
  WriteText(copy + "/FORMAT", "trident state directory, format 2\n");
  for (const char* command : {"verify", "dump"}) {
    const Ended ended = RunTrident({"state", command, copy});
    EXPECT_EQ(ended.code, 4);
    EXPECT_EQ(ended.err, "trident: " + copy +
                             " has format 2, this program reads and writes format 1. Use the "
                             "release that wrote it\n");
  }
}

TEST(VerifyTest, ADirectoryInUseIsLeftAloneAndItsUserNamed) {
  ServedWords words;
  const Ended ended = RunTrident({"state", "verify", words.state()});
  EXPECT_EQ(ended.code, 4);
  EXPECT_THAT(ended.err, StartsWith("trident: " + words.state() + " is in use by process "));
  EXPECT_THAT(ended.err,
              testing::ContainsRegex("process [0-9]+; while it runs, `trident state "
                                     "list` and `trident state scan` tell what it holds\n$"));
  EXPECT_EQ(RunTrident({"state", "dump", words.state()}).code, 4);
  EXPECT_EQ(words.Ask({"state", "get", "counts", "the"}).out, "the\t4\n");
  words.End(SIGTERM);
  EXPECT_EQ(RunTrident({"state", "verify", words.state()}).code, 0);
}

// Each batch is one line, so a dump at txid n is the counts of the first n lines.
TEST(VerifyTest, AfterAnyKillTheDirectoryIsSoundAndHoldsWhatWasDecided) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(Concat("TRIDENT_SEED=", seed));
  Rng rng(seed);
  TempDir temp;
  const std::string state = temp.path() + "/state", input = temp.path() + "/lines";
  const std::string text = RandomLines(seed, 6'000);
  WriteText(input, text);
  uint64_t last = 0;
  for (int kills = 0; kills < 8; ++kills) {
    Background program({"wordcount", "run", "--input", input, "--state", state, "--sync", "none",
                        "--batch-rows", "1", "--memory-mib", "64", "--address", "127.0.0.1:0",
                        "--quiet"});
    // From here on it commits; how far it gets is the machine's business.
    ASSERT_FALSE(program.AwaitLine("serving on ").empty());
    ::usleep(static_cast<useconds_t>(rng.Below(150'000)));
    program.End(SIGKILL);
    const Ended verified = RunTrident({"state", "verify", state});
    ASSERT_EQ(verified.code, 0) << verified.out << verified.err;
    const Ended dump = RunTrident({"state", "dump", state, "counts"});
    ASSERT_EQ(dump.code, 0) << dump.err;
    const uint64_t txid = TxIdOf(dump.err);
    EXPECT_GE(txid, last) << "what was decided stays decided";
    last = txid;
    ASSERT_EQ(dump.out, CountsOf(text, txid)) << "at txid " << txid;
  }
}

}  // namespace
}  // namespace trident
