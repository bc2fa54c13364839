// SPDX-License-Identifier: Apache-2.0
#include "base/logging.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace trident {
namespace {

// Catches the lines, and puts level and destination back.
class LoggingTest : public testing::Test {
 protected:
  LoggingTest() : level_before_(MinLogLevel()) {
    SetLogSink([this](LogLevel level, std::string_view line) {
      lines_.emplace_back(level, std::string(line));
    });
  }
  ~LoggingTest() override {
    SetLogSink(nullptr);
    SetMinLogLevel(level_before_);
  }

  const LogLevel level_before_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

TEST_F(LoggingTest, LineNamesItsPlaceFromTheRootOfTheTree) {
  SetMinLogLevel(LogLevel::INFO);
  TRIDENT_LOG(INFO) << "fold took " << 12 << " ms";
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0].first, LogLevel::INFO);
  EXPECT_EQ(lines_[0].second.rfind("tests/base/logging_test.cc:", 0), 0u) << lines_[0].second;
  EXPECT_NE(lines_[0].second.find(" fold took 12 ms"), std::string::npos) << lines_[0].second;
}

// As a cache of compiled files may have it.
TEST_F(LoggingTest, ThePlaceOfAFileThatWasCompiledElsewhereIsFromTheRootToo) {
  for (const char* file : {"/elsewhere/trident/tree/trident/spouts/text_pipe_spout.cc",
                           "../trident/spouts/text_pipe_spout.cc"}) {
    logging_internal::LogLine(LogLevel::WARN, file, 7).stream() << "x";
    EXPECT_EQ(lines_.back().second, "trident/spouts/text_pipe_spout.cc:7 x");
  }
}

TEST_F(LoggingTest, LevelBelowTheLeastIsDroppedAndNotEvaluated) {
  SetMinLogLevel(LogLevel::WARN);
  int evaluated = 0;
  TRIDENT_LOG(INFO) << ++evaluated;
  TRIDENT_LOG(DEBUG) << ++evaluated;
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(evaluated, 0);
  TRIDENT_LOG(WARN) << ++evaluated;
  TRIDENT_LOG(ERROR) << ++evaluated;
  EXPECT_EQ(lines_.size(), 2u);
  EXPECT_EQ(evaluated, 2);
}

TEST_F(LoggingTest, OffDropsErrorsToo) {
  SetMinLogLevel(LogLevel::OFF);
  TRIDENT_LOG(ERROR) << "unheard";
  EXPECT_TRUE(lines_.empty());
}

TEST_F(LoggingTest, MacroIsOneStatementInsideAnUnbracedIf) {
  SetMinLogLevel(LogLevel::INFO);
  bool reached_else = false;
  if (lines_.empty())
    TRIDENT_LOG(INFO) << "then";
  else
    reached_else = true;
  EXPECT_FALSE(reached_else);
  EXPECT_EQ(lines_.size(), 1u);
}

TEST_F(LoggingTest, WithoutASinkLinesGoToStderr) {
  SetMinLogLevel(LogLevel::WARN);
  SetLogSink(nullptr);
  testing::internal::CaptureStderr();
  TRIDENT_LOG(WARN) << "disk is nearly full";
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_NE(written.find("disk is nearly full\n"), std::string::npos) << written;
}

TEST_F(LoggingTest, LevelsAreNamedInAnyCase) {
  EXPECT_EQ(LogLevelNamed("debug", LogLevel::OFF), LogLevel::DEBUG);
  EXPECT_EQ(LogLevelNamed("INFO", LogLevel::OFF), LogLevel::INFO);
  EXPECT_EQ(LogLevelNamed("Warning", LogLevel::OFF), LogLevel::WARN);
  EXPECT_EQ(LogLevelNamed("loud", LogLevel::ERROR), LogLevel::ERROR);
  EXPECT_EQ(LogLevelNamed("", LogLevel::WARN), LogLevel::WARN);
}

TEST_F(LoggingTest, LinesOfManyThreadsArriveWholeAndOneAtATime) {
  SetMinLogLevel(LogLevel::INFO);
  constexpr int kThreads = 4, kLines = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < kLines; ++i) TRIDENT_LOG(INFO) << "from " << t << " line " << i << ".";
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(lines_.size(), static_cast<size_t>(kThreads * kLines));
  for (const auto& [level, line] : lines_) EXPECT_EQ(line.back(), '.') << line;
}

}  // namespace
}  // namespace trident
