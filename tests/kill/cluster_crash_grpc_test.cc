// SPDX-License-Identifier: Apache-2.0
//
// Rows that end the worker that processes them, one of three: after some starts exactly they are in
// the dead letters, or the topology halts and says where. Whoever ends is started again, as a
// supervisor does.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "tests/kill/free_address.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "trident/run/process_end.h"

namespace trident {
namespace {

constexpr uint32_t kWorkers = 3;
constexpr int kFiles = 3;
constexpr int kWordsPerFile = 2000;
constexpr int kEndsMax = 40;
constexpr Nanos kTimeMax = 90 * kSecond;

class ClusterCrashTest : public ::testing::Test {
 protected:
  ClusterCrashTest() {
    for (int file = 0; file < kFiles; ++file) {
      std::ofstream out(In(Concat("input", file)));
      for (int word = 0; word < kWordsPerFile; ++word) out << "w" << file << "-" << word << "\n";
    }
    Rng rng(std::random_device{}());
    leader_ = FreeAddress(rng);
  }

  std::string In(const std::string& name) const { return dir_.path() + "/" + name; }
  void Start(uint32_t worker, const std::vector<std::string>& more) {
    std::vector<std::string> words = {"tests/crash_topology",
                                      "worker",
                                      "--quiet",
                                      "--state",
                                      In(Concat("state", worker)),
                                      "--workers",
                                      Concat(kWorkers),
                                      "--worker",
                                      Concat(worker),
                                      "--leader",
                                      leader_,
                                      "--executors",
                                      "2",
                                      "--sync",
                                      "none",
                                      "--memory-mib",
                                      "64"};
    for (int file = 0; file < kFiles; ++file) {
      words.insert(words.end(), {"--input", In(Concat("input", file))});
    }
    words.insert(words.end(), more.begin(), more.end());
    processes_[worker] = std::make_unique<Background>(words, In("log"));
  }
  struct Outcome {
    int code = -1;  // of the leader, when it ended in order
    int ends = 0;   // of processes that did not
    std::string said;
  };
  Outcome RunUntilItEnds(const std::vector<std::string>& more) {
    std::filesystem::remove(In("log"));
    Outcome outcome;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) Start(worker, more);
    const Nanos until = RealClock().MonotonicNanos() + kTimeMax;
    while (outcome.code < 0 && outcome.ends < kEndsMax && RealClock().MonotonicNanos() < until) {
      ::poll(nullptr, 0, 5);
      for (uint32_t worker = 0; worker < kWorkers; ++worker) {
        if (processes_[worker] == nullptr) continue;
        const auto code = processes_[worker]->EndsWithin(0);
        if (!code) continue;
        processes_[worker].reset();
        if (*code >= 5) {
          ++outcome.ends;
          Start(worker, more);
        } else if (worker == 0) {
          outcome.code = *code;
        }
      }
    }
    for (auto& process : processes_) {
      const bool hears_of_the_end = outcome.code == kExitDone || outcome.code == kExitRowsAside;
      if (process != nullptr && !process->EndsWithin(hears_of_the_end ? 5'000 : 0)) {
        process->End(SIGTERM);
      }
      process.reset();
    }
    std::ifstream log(In("log"));
    outcome.said.assign((std::istreambuf_iterator<char>(log)), {});
    EXPECT_GE(outcome.code, 0) << "it goes on for ever:\n" << outcome.said;
    return outcome;
  }
  // Over all directories.
  std::string Dump(const std::string& state) const {
    std::string all;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      const Ended dump = RunTrident({"state", "dump", In(Concat("state", worker)), state});
      EXPECT_EQ(dump.code, 0) << dump.err;
      all += dump.out;
    }
    return all;
  }
  static int Lines(const std::string& text) {
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  }
  void ExpectOnlyThisRowIsAside(const std::string& word) {
    const std::string letters = Dump("dead-letters");
    EXPECT_EQ(Lines(letters), 1) << letters;
    EXPECT_NE(letters.find(word), std::string::npos) << letters;
    const std::string counts = Dump("counts");
    EXPECT_EQ(Lines(counts), kFiles * kWordsPerFile - 1);
    EXPECT_EQ(("\n" + counts).find("\n" + word + "\t"), std::string::npos);
  }

  const TempDir dir_;
  std::string leader_;
  std::array<std::unique_ptr<Background>, kWorkers> processes_;
};

TEST_F(ClusterCrashTest, ARowThatAbortsGoesToTheDeadLettersAfterSomeStarts) {
  const Outcome outcome = RunUntilItEnds({"--on-failure", "dead-letter", "--how", "abort", "--at",
                                          "w1-1234", "--batch-rows", "400", "--retry-limit", "2"});
  EXPECT_EQ(outcome.code, kExitRowsAside) << outcome.said;
  EXPECT_GE(outcome.ends, 4) << "one end is no proof";
  EXPECT_LE(outcome.ends, 12) << outcome.said;
  EXPECT_NE(outcome.said.find("while step \"take\" worked (txid "), std::string::npos)
      << outcome.said;
  EXPECT_NE(outcome.said.find("so its row goes to the dead letters"), std::string::npos)
      << outcome.said;
  ExpectOnlyThisRowIsAside("w1-1234");
}

// It is read by one worker, and mostly ends another.
TEST_F(ClusterCrashTest, ARowThatEndsAWorkerBehindAnExchangeIsFound) {
  for (const char* word : {"w2-77", "w0-1999"}) {
    SCOPED_TRACE(word);
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      std::filesystem::remove_all(In(Concat("state", worker)));
    }
    const Outcome outcome =
        RunUntilItEnds({"--on-failure", "dead-letter", "--how", "overflow", "--at", word,
                        "--behind", "--batch-rows", "400", "--retry-limit", "1"});
    EXPECT_EQ(outcome.code, kExitRowsAside) << outcome.said;
    ExpectOnlyThisRowIsAside(word);
  }
}

TEST_F(ClusterCrashTest, ARowWhoseCallNeverReturnsIsFound) {
  const Outcome outcome =
      RunUntilItEnds({"--on-failure", "dead-letter", "--how", "hang", "--at", "w0-100",
                      "--progress-deadline-s", "1", "--batch-rows", "400", "--retry-limit", "0"});
  EXPECT_EQ(outcome.code, kExitRowsAside) << outcome.said;
  EXPECT_NE(outcome.said.find("step \"take\" has not returned for "), std::string::npos)
      << outcome.said;
  ExpectOnlyThisRowIsAside("w0-100");
}

TEST_F(ClusterCrashTest, UnderStopItHaltsNamesThePlaceAndTriesAgainAtTheNextStart) {
  const std::vector<std::string> exits = {"--how",        "exit", "--at",          "w1-0",
                                          "--batch-rows", "400",  "--retry-limit", "2"};
  const Outcome outcome = RunUntilItEnds(exits);
  EXPECT_EQ(outcome.code, 1) << outcome.said;
  EXPECT_NE(outcome.said.find("batch group 1 stops at txid "), std::string::npos) << outcome.said;
  EXPECT_NE(outcome.said.find("while step \"take\" worked (txid "), std::string::npos)
      << outcome.said;
  EXPECT_NE(outcome.said.find("--on-failure dead-letter"), std::string::npos) << outcome.said;
  const Outcome again = RunUntilItEnds(exits);
  EXPECT_EQ(again.code, 1);
  EXPECT_GE(again.ends, 1) << "one more try";
  EXPECT_EQ(RunUntilItEnds({}).code, 0) << "the program was put right";
  EXPECT_EQ(Lines(Dump("counts")), kFiles * kWordsPerFile);
  EXPECT_EQ(Dump("dead-letters"), "");
}

}  // namespace
}  // namespace trident
