// SPDX-License-Identifier: Apache-2.0
//
// The ends of a program: for each its exit code and its last line.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "trident/run/program.h"
#include "trident/spouts/fixed_batch_spout.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<Text> kTaken{"taken"};
constexpr Field<int64_t> kCount{"count"};

// A program whose function takes each of a hundred words. It ends this process.
[[noreturn]] void RunWords(std::function<std::string(Text)> take,
                           std::vector<std::string> options = {}) {
  std::vector<OwnedRow<Text>> words;
  for (int i = 0; i < 100; ++i) words.push_back({Concat("w", i)});
  const Program program{
      .name = "words", .build = [&](const ProgramArgs&) -> StatusOr<Topology> {
        Topology topology("words");
        topology.NewStream("words", FixedBatchSpout::Make(Fields(kWord), {.batch_rows = 10}, words))
            .Each(
                kWord, [take](Text word, Emit<Text>& emit) { emit(take(word)); }, kTaken)
            .Name("take")
            .GroupBy(kTaken)
            .PersistentAggregate({.name = "counts"}, Count(), kCount);
        return topology;
      }};
  options.insert(options.begin(), {"words", "run", "--quiet"});
  std::vector<char*> argv;
  for (std::string& option : options) argv.push_back(option.data());
  std::exit(RunProgram(static_cast<int>(argv.size()), argv.data(), program));
}

std::string Same(Text word) { return std::string(word); }

[[noreturn]] void HangForever() {
  for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

class ProgramEndTest : public testing::Test {
 protected:
  ProgramEndTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

using testing::ExitedWithCode;

TEST_F(ProgramEndTest, DoneIsZero) {
  EXPECT_EXIT(RunWords(Same), ExitedWithCode(0), "words: the input has ended and is committed\n$");
}

TEST_F(ProgramEndTest, DoneWithRowsPutAsideIsThreeAndSaysHowMany) {
  const auto take = [](Text word) {
    if (word == "w7" || word == "w8") throw std::runtime_error("no");
    return Same(word);
  };
  EXPECT_EXIT(RunWords(take, {"--on-failure", "dead-letter"}), ExitedWithCode(3),
              "words: the input has ended and is committed; 2 rows were put aside, see the state "
              "dead-letters\n$");
}

TEST_F(ProgramEndTest, FailedIsOneAndNamesTheOptionThatHelps) {
  const auto take = [](Text word) -> std::string {
    if (word == "w7") throw std::runtime_error("no");
    return Same(word);
  };
  EXPECT_EXIT(RunWords(take, {"--retry-limit", "0"}), ExitedWithCode(1),
              "words: failed: batch group 1 stops at txid 1 .*step \"take\" threw at row 7 "
              ".*--on-failure dead-letter");
}

TEST_F(ProgramEndTest, AKeyThatIsTooLongFailsTheRunAndIsNoBadUsage) {
  const auto take = [](Text) { return std::string(kKeyBytesMax + 1, 'x'); };
  EXPECT_EXIT(RunWords(take, {"--retry-limit", "0"}), ExitedWithCode(1), "words: failed: .*key");
}

TEST_F(ProgramEndTest, RefusedIsTwo) {
  EXPECT_EXIT(RunWords(Same, {"--state", "/nowhere/at/all"}), ExitedWithCode(2),
              "words: cannot make the state directory");
}

TEST_F(ProgramEndTest, InterruptedIsFourAndSaysWhereTheNextRunGoesOn) {
  const auto take = [](Text word) {
    if (word == "w55") ::raise(SIGTERM);
    if (word >= "w5" && word.size() == 3) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return Same(word);
  };
  EXPECT_EXIT(RunWords(take), ExitedWithCode(4),
              "words: interrupted: its state was in memory and is gone\n$");
}

TEST_F(ProgramEndTest, AFunctionThatNeverReturnsIsNamedAndEndsTheProcess) {
  const auto take = [](Text word) {
    if (word == "w13") HangForever();
    return Same(word);
  };
  EXPECT_EXIT(RunWords(take, {"--progress-deadline-s", "1"}), ExitedWithCode(5),
              "words: ended by force: step \"take\" has not returned for . s: partition 0, txid 2, "
              "row 3 of its slice");
}

TEST_F(ProgramEndTest, ASignalEndsAProcessWhoseFunctionNeverReturns) {
  const auto take = [](Text word) {
    if (word == "w13") {
      ::raise(SIGTERM);
      HangForever();
    }
    return Same(word);
  };
  EXPECT_EXIT(RunWords(take, {"--progress-deadline-s", "1"}), ExitedWithCode(5),
              "words: ended by force: .*\"take\".*Before that: interrupted");
}

TEST_F(ProgramEndTest, ASecondSignalEndsTheProcessAtOnce) {
  const auto take = [](Text word) {
    if (word == "w13") {
      ::raise(SIGTERM);
      ::raise(SIGTERM);
    }
    return Same(word);
  };
  EXPECT_EXIT(RunWords(take), ExitedWithCode(5), "");
}

TEST_F(ProgramEndTest, AReaderOfTheLogThatGoesAwayDoesNotEndTheRun) {
  const auto take = [](Text word) {
    ::raise(SIGPIPE);
    return Same(word);
  };
  EXPECT_EXIT(RunWords(take), ExitedWithCode(0), "");
}

}  // namespace
}  // namespace trident
