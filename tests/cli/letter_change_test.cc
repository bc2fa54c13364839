// SPDX-License-Identifier: Apache-2.0
//
// `deadletters retry` and `drop`, against a running topology.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "tests/cli/served_words.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

using testing::HasSubstr;
using testing::Not;

class LetterChangeTest : public testing::Test {
 protected:
  LetterChangeTest() {
    WriteText(input(), "good\nbad1\nbad2\nbad3\n");
    Start({"--on-failure", "dead-letter"});
  }
  void Start(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"tests/letter_topology",
                                      "run",
                                      "--input",
                                      input(),
                                      "--state",
                                      state(),
                                      "--mended",
                                      dir_.path() + "/mended",
                                      "--batch-rows",
                                      "2",
                                      "--sync",
                                      "none",
                                      "--quiet",
                                      "--keep-serving",
                                      "--address",
                                      "127.0.0.1:0"};
    words.insert(words.end(), more.begin(), more.end());
    program_ = std::make_unique<Background>(words);
    const std::string line = program_->AwaitLine("serving on ");
    program_->AwaitLine("the input has ended");
    address_ = line.substr(line.rfind(' ') + 1);
  }
  void End() { program_->End(SIGTERM); }
  void Mend() const { WriteText(dir_.path() + "/mended", "yes"); }
  Ended Ask(std::vector<std::string> words) const {
    words.insert(words.end(), {"--address", address_});
    return RunTrident(words);
  }
  Ended Letters(std::vector<std::string> words) const {
    words.insert(words.begin(), "deadletters");
    return Ask(words);
  }
  std::string Counts() const { return Ask({"state", "scan", "counts"}).out; }
  std::string input() const { return dir_.path() + "/text"; }
  std::string state() const { return dir_.path() + "/state"; }

  TempDir dir_;
  std::unique_ptr<Background> program_;
  std::string address_;
};

TEST_F(LetterChangeTest, OneThatFailsAgainIsALetterStillAndCountsItsTries) {
  const Ended retried = Letters({"retry", "lines", "1", "0"});
  EXPECT_EQ(retried.code, 4) << retried.err;
  EXPECT_EQ(retried.out,
            "lines 1 0: is a letter still\nretried: 0 letters are gone, 1 is a letter still\n");
  EXPECT_THAT(Letters({"show", "lines", "1", "0"}).out, HasSubstr("it is bad"));
  EXPECT_THAT(Letters({"show", "lines", "1", "0"}).out, HasSubstr("; try 2\n"));
  EXPECT_THAT(Letters({"list"}).out, HasSubstr("lines   3        1 to 2\n"));
  EXPECT_EQ(Counts(), "good\t1\n");
  const std::string batches = Ask({"batches"}).out;
  EXPECT_THAT(batches, HasSubstr("; 4 rows committed since the start\n"));
  EXPECT_THAT(batches, HasSubstr("; 3 dead letters since the start, 1 tried again\n"));
}

TEST_F(LetterChangeTest, RowsGoThroughTheTopologyOnceItIsMended) {
  Mend();
  const Ended one = Letters({"retry", "lines", "1", "0"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(one.out, "retried: 1 letter is gone\n");
  EXPECT_EQ(Counts(), "bad1\t1\ngood\t1\n");
  const Ended rest = Letters({"retry", "--step", "take", "-o", "json"});
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_EQ(rest.out, R"({"stream":"lines","txid":2,"row":0,"now":"gone"})"
                      "\n"
                      R"({"stream":"lines","txid":2,"row":1,"now":"gone"})"
                      "\n");
  EXPECT_EQ(Counts(), "bad1\t1\nbad2\t1\nbad3\t1\ngood\t1\n");
  EXPECT_EQ(Letters({"retry", "lines", "1", "0"}).code, 1) << "it is gone";
  EXPECT_EQ(Letters({"retry", "--all"}).out, "retried: 0 letters are gone\n");
  EXPECT_EQ(Counts(), "bad1\t1\nbad2\t1\nbad3\t1\ngood\t1\n");
}

TEST_F(LetterChangeTest, DroppedLettersAreGoneAndNothingElseChanges) {
  EXPECT_EQ(Letters({"drop", "lines", "2"}).out, "dropped: 2 letters are gone\n");
  EXPECT_THAT(Letters({"list"}).out, HasSubstr("lines   1        1\n"));
  EXPECT_EQ(Letters({"drop", "--all"}).code, 0);
  EXPECT_EQ(Letters({"list"}).out, "STREAM  LETTERS  TXIDS\n");
  EXPECT_EQ(Counts(), "good\t1\n");
  Mend();
  EXPECT_EQ(Letters({"retry", "--all"}).out, "retried: 0 letters are gone\n");
  EXPECT_EQ(Counts(), "good\t1\n");
}

// Requests about letters are read as one more source partition, of which nobody needs to know.
TEST_F(LetterChangeTest, ARequestLeavesNoSourcePartitionToBeSeen) {
  ASSERT_EQ(Letters({"drop", "lines", "2"}).code, 0);
  End();
  EXPECT_THAT(RunTrident({"sources", state()}).out, Not(HasSubstr("dead letters")));
  EXPECT_THAT(RunTrident({"sources", state(), "forget", "lines"}).out,
              Not(HasSubstr("dead letters")));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"set", "lines", "(dead letters)", "1", "--yes"},
        {"forget", "lines", "(dead letters)", "--yes"}}) {
    std::vector<std::string> all = {"sources", state()};
    all.insert(all.end(), words.begin(), words.end());
    const Ended refused = RunTrident(all);
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err, HasSubstr("is no source partition: by it"));
    EXPECT_THAT(refused.err, HasSubstr("`trident deadletters`"));
  }
  const Ended again = RunProgramToEnd({"tests/letter_topology", "run", "--input", input(),
                                       "--state", state(), "--mended", dir_.path() + "/mended",
                                       "--sync", "none", "--on-failure", "dead-letter"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.err, Not(HasSubstr("does not read")));
  const Ended checked =
      RunProgramToEnd({"tests/letter_topology", "explain", "--input", input(), "--mended",
                       dir_.path() + "/mended", "--against", state()});
  EXPECT_EQ(checked.code, 0) << checked.err;
  EXPECT_THAT(checked.out, Not(HasSubstr("(dead letters)")));
}

TEST_F(LetterChangeTest, WhoNamesNoLetterIsAskedWhich) {
  const Ended none = Letters({"drop"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("say which letters: STREAM [TXID [ROW]], --step NAME, or --all"));
  EXPECT_EQ(Letters({"drop", "lines", "--all"}).code, 2);
  EXPECT_EQ(Letters({"drop", "lines", "7"}).code, 1);
  EXPECT_EQ(Letters({"retry", "--step", "tak"}).code, 1);
  EXPECT_EQ(Letters({"retry", "lines", "x"}).code, 2);
  EXPECT_THAT(Letters({"list"}).out, HasSubstr("lines   3 "));
}

TEST_F(LetterChangeTest, ATopologyThatStopsAtBadRowsRefusesAndSaysWhatToDo) {
  End();
  Start({});
  const Ended refused = Letters({"retry", "--all"});
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.out, HasSubstr("lines 1 0: refused: "));
  EXPECT_THAT(refused.out, HasSubstr("start it with --on-failure dead-letter"));
  EXPECT_THAT(refused.out, HasSubstr("0 letters are gone, 3 refused\n"));
}

TEST_F(LetterChangeTest, ATopologyThatIsPausedLeavesThemWhereTheyAre) {
  ASSERT_EQ(Ask({"pause"}).code, 0);
  const Ended waits = Letters({"drop", "--all", "--timeout", "0.2"});
  EXPECT_EQ(waits.code, 4);
  EXPECT_THAT(waits.err, HasSubstr("3 letters were asked for and wait for their batch still"));
  EXPECT_THAT(Letters({"list"}).out, HasSubstr("lines   3 "));
  ASSERT_EQ(Ask({"resume"}).code, 0);
  EXPECT_EQ(Letters({"drop", "--all"}).code, 0);
}

TEST_F(LetterChangeTest, WhatTheSourceGaveNoRowForIsRefused) {
  End();
  WriteText(input(), Concat("good\nbad1\nbad2\nbad3\n", std::string(kLineBytesMax + 1, 'a'), "\n"));
  Start({"--on-failure", "dead-letter"});
  Mend();
  const Ended refused = Letters({"retry", "--all"});
  EXPECT_EQ(refused.code, 4);
  EXPECT_THAT(refused.out, HasSubstr(": refused: the row itself was not kept"));
  EXPECT_THAT(refused.out, HasSubstr("retried: 3 letters are gone, 1 refused\n"));
  EXPECT_EQ(Letters({"drop", "--all"}).code, 0);
}

TEST_F(LetterChangeTest, ALongRowIsCutUnlessAllOfItIsWanted) {
  End();
  const std::string bad = Concat("bad", std::string(5000, 'x'));
  WriteText(input(), Concat("good\nbad1\nbad2\nbad3\n", bad, "\n"));
  Start({"--on-failure", "dead-letter"});
  const Ended cut = Letters({"show"});
  EXPECT_THAT(cut.out, HasSubstr("... (cut; 5005 bytes, --whole shows them)\n"));
  EXPECT_THAT(cut.out, Not(HasSubstr(bad)));
  EXPECT_THAT(Letters({"show", "-o", "json"}).out, Not(HasSubstr(bad)));
  const Ended whole = Letters({"show", "--whole"});
  EXPECT_THAT(whole.out, HasSubstr(Concat("[", bad, "]")));
}

TEST_F(LetterChangeTest, ADirectoryThatARunningTopologyHasSaysWhomToAsk) {
  for (const char* command : {"list", "show"}) {
    const Ended refused = RunTrident({"deadletters", command, "--from", state()});
    EXPECT_EQ(refused.code, 4);
    EXPECT_THAT(refused.err,
                HasSubstr("while it runs, `trident deadletters` without --from asks it"));
  }
  EXPECT_THAT(RunTrident({"sources", state()}).err,
              HasSubstr("`trident batches` tells how far they are behind"));
  EXPECT_THAT(RunTrident({"backup", dir_.path() + "/b", "--from", state()}).err,
              HasSubstr("`trident backup TARGET` without --from copies what it holds"));
}

TEST_F(LetterChangeTest, TheStatesOfTheLettersAreNotChangedByAccident) {
  End();
  for (const char* name : {"dead-letters", "dead-letter-rows"}) {
    const Ended drop = RunTrident({"state", "drop", state(), name});
    EXPECT_EQ(drop.code, 4);
    EXPECT_THAT(drop.err, HasSubstr("To give them all up, say --yes"));
    EXPECT_EQ(RunTrident({"state", "rename", state(), name, "others"}).code, 4);
    EXPECT_EQ(RunTrident({"state", "rename", state(), "counts", Concat(name, "-7")}).code, 4);
    const Ended repartition = RunTrident({"state", "repartition", state(), name, "4"});
    EXPECT_EQ(repartition.code, 4);
    EXPECT_THAT(repartition.err, HasSubstr("a state of the engine's own"));
  }
  EXPECT_THAT(RunTrident({"deadletters", "list", "--from", state()}).out, HasSubstr("lines   3 "));
  EXPECT_EQ(RunTrident({"state", "drop", state(), "dead-letters", "--yes"}).code, 0);
  EXPECT_EQ(RunTrident({"state", "dump", state(), "dead-letter-rows"}).code, 1) << "it went too";
  EXPECT_EQ(RunTrident({"state", "verify", state()}).code, 0);
  Start({"--on-failure", "dead-letter"});
  EXPECT_EQ(Letters({"list"}).out, "STREAM  LETTERS  TXIDS\n");
}

}  // namespace
}  // namespace trident
