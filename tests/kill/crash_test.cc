// SPDX-License-Identifier: Apache-2.0
//
// Rows that end their process: after some starts exactly they are in the dead letters, or the start
// halts and says where.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/status.h"
#include "tests/support/process.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

constexpr int kFiles = 3;
constexpr int kWordsPerFile = 2000;
constexpr int kStartsMax = 30;

class CrashTest : public testing::Test {
 protected:
  CrashTest() : root_(fs::path(testing::TempDir()) / Concat("crash_", ::getpid())) {
    fs::remove_all(root_);
    fs::create_directories(root_);
    for (int file = 0; file < kFiles; ++file) {
      std::ofstream out(root_ / Concat("input", file));
      for (int word = 0; word < kWordsPerFile; ++word) out << "w" << file << "-" << word << "\n";
    }
  }
  ~CrashTest() override { fs::remove_all(root_); }

  Ended Run(std::vector<std::string> more) {
    std::vector<std::string> words = {
        "tests/crash_topology",
        "run",
        "--quiet",
        "--state",
        State(),
        "--executors",
        "2",
        "--sync",
        "none",
        "--memory-mib",
        "64",
    };
    for (int file = 0; file < kFiles; ++file) {
      words.push_back("--input");
      words.push_back(root_ / Concat("input", file));
    }
    words.insert(words.end(), more.begin(), more.end());
    return RunProgramToEnd(words);
  }
  // Starts until the process ends in order; says which code, what was said last, and how many ends
  // came before.
  struct Outcome {
    Ended last;
    int crashes = 0;
    std::string said;  // by all of them
  };
  Outcome RunUntilItEnds(const std::vector<std::string>& more) {
    Outcome outcome;
    for (; outcome.crashes < kStartsMax; ++outcome.crashes) {
      outcome.last = Run(more);
      outcome.said += outcome.last.err;
      if (outcome.last.code < 5) return outcome;
    }
    ADD_FAILURE() << "it goes on for ever:\n" << outcome.said;
    return outcome;
  }
  std::string State() const { return root_ / "state"; }
  std::string Dump(const std::string& state) {
    const Ended dump = RunTrident({"state", "dump", State(), state});
    EXPECT_EQ(dump.code, 0) << dump.err;
    return dump.out;
  }
  static int Lines(const std::string& text) {
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }
  void ExpectOnlyThisRowIsAside(const std::string& word) {
    const std::string letters = Dump("dead-letters");
    EXPECT_EQ(Lines(letters), 1) << letters;
    EXPECT_NE(letters.find(word), std::string::npos) << letters;
    EXPECT_NE(letters.find("\"take\""), std::string::npos) << letters;
    const std::string counts = Dump("counts");
    EXPECT_EQ(Lines(counts), kFiles * kWordsPerFile - 1);
    EXPECT_EQ(("\n" + counts).find("\n" + word + "\t"), std::string::npos);
  }

  const fs::path root_;
};

TEST_F(CrashTest, ARowThatAbortsGoesToTheDeadLettersAfterSomeStarts) {
  const Outcome outcome = RunUntilItEnds({"--on-failure", "dead-letter", "--how", "abort", "--at",
                                          "w1-1234", "--batch-rows", "400", "--retry-limit", "2"});
  EXPECT_EQ(outcome.last.code, 3) << outcome.said;
  EXPECT_GE(outcome.crashes, 4) << "one end is no proof";
  EXPECT_LE(outcome.crashes, 9);
  EXPECT_NE(outcome.said.find("the last process ended while step \"take\" worked (txid "),
            std::string::npos)
      << outcome.said;
  EXPECT_NE(outcome.said.find("/input1#0' at position '"), std::string::npos) << outcome.said;
  ExpectOnlyThisRowIsAside("w1-1234");
}

TEST_F(CrashTest, ARowThatOverflowsTheStackBehindAnExchangeIsFound) {
  const Outcome outcome =
      RunUntilItEnds({"--on-failure", "dead-letter", "--how", "overflow", "--at", "w2-77",
                      "--behind", "--batch-rows", "400", "--retry-limit", "1"});
  EXPECT_EQ(outcome.last.code, 3) << outcome.said;
  ExpectOnlyThisRowIsAside("w2-77");
}

TEST_F(CrashTest, ARowWhoseCallNeverReturnsIsFound) {
  const Outcome outcome =
      RunUntilItEnds({"--on-failure", "dead-letter", "--how", "hang", "--at", "w0-100",
                      "--progress-deadline-s", "1", "--batch-rows", "400", "--retry-limit", "0"});
  EXPECT_EQ(outcome.last.code, 3) << outcome.said;
  ExpectOnlyThisRowIsAside("w0-100");
}

TEST_F(CrashTest, UnderStopTheStartHaltsNamesThePlaceAndTriesAgainAtTheNextOne) {
  const std::vector<std::string> exits = {"--how",        "exit", "--at",          "w1-0",
                                          "--batch-rows", "400",  "--retry-limit", "2"};
  const Outcome outcome = RunUntilItEnds(exits);
  EXPECT_EQ(outcome.last.code, 1) << outcome.said;
  EXPECT_NE(outcome.last.err.find("batch group 1 stops at txid "), std::string::npos);
  EXPECT_NE(outcome.last.err.find(" ended in it, the last one while step \"take\" worked (txid "),
            std::string::npos)
      << outcome.last.err;
  EXPECT_NE(outcome.last.err.find("--on-failure dead-letter"), std::string::npos);
  EXPECT_EQ(Run(exits).code, 5) << "one more try";
  EXPECT_EQ(RunUntilItEnds(exits).last.code, 1);
  EXPECT_EQ(Run({}).code, 0) << "the program was put right";
  EXPECT_EQ(Lines(Dump("counts")), kFiles * kWordsPerFile);
  EXPECT_EQ(Dump("dead-letters"), "");
}

TEST_F(CrashTest, WhatWasFoundUnderStopIsPutAsideWithoutAnotherEndOfTheProcess) {
  const std::vector<std::string> aborts = {"--how",        "abort", "--at",          "w1-0",
                                           "--batch-rows", "1",     "--retry-limit", "1"};
  EXPECT_EQ(RunUntilItEnds(aborts).last.code, 1);
  std::vector<std::string> diverts = aborts;
  diverts.insert(diverts.end(), {"--on-failure", "dead-letter"});
  const Outcome outcome = RunUntilItEnds(diverts);
  EXPECT_EQ(outcome.last.code, 3);
  EXPECT_LE(outcome.crashes, 1) << outcome.said;
}

// Wherever the program's code ends its process, the next start names the step.
TEST_F(CrashTest, ACombinerReducerOrAggregatorThatEndsItsProcessIsNamed) {
  for (const char* place : {"aggregator", "combiner", "reducer"}) {
    for (const char* how : {"abort", "overflow", "exit"}) {
      SCOPED_TRACE(Concat(how, " in the ", place));
      fs::remove_all(State());
      std::vector<std::string> words = {"--how", how,    "--at", "w1-1234",      "--retry-limit",
                                        "1",     "--in", place,  "--batch-rows", "400"};
      const Outcome outcome = RunUntilItEnds(words);
      EXPECT_EQ(outcome.last.code, 1) << outcome.said;
      const std::string step = place == std::string_view("aggregator") ? "combine taken -> count"
                               : place == std::string_view("combiner") ? "combined"
                                                                       : "reduced";
      EXPECT_NE(outcome.said.find(Concat("the last process ended while step \"", step)),
                std::string::npos)
          << outcome.said;
    }
  }
}

// Its deltas are combined with the base by the thread that folds, long after their batches.
TEST_F(CrashTest, AFoldThatEndsItsProcessNamesTheStateAndBlamesNoBatch) {
  const std::vector<std::string> once = {"--batch-rows", "1", "--in", "fold"};
  ASSERT_EQ(Run(once).code, 0);
  for (int file = 0; file < kFiles; ++file) {
    std::ofstream out(root_ / Concat("input", file), std::ios::app);
    for (int word = 0; word < kWordsPerFile; ++word) out << "w" << file << "-" << word << "\n";
  }
  std::vector<std::string> ends = once;
  ends.insert(ends.end(), {"--how", "abort"});
  EXPECT_GT(Run(ends).code, 5);
  const Ended next = Run(once);
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_NE(
      next.err.find("the last process ended while the fold of state folded worked (partition"),
      std::string::npos)
      << next.err;
  EXPECT_EQ(Run(once).err.find("the last process ended"), std::string::npos) << "said once";
}

}  // namespace
}  // namespace trident
