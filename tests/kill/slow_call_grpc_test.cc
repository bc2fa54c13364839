// SPDX-License-Identifier: Apache-2.0
//
// A request that never returns: others of its function are answered, and the end of the process
// waits a bounded time and names it. A request that ends its process: the next start names it, and
// goes on.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/status.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

TEST(SlowCallTest, ACallThatNeverReturnsHoldsUpNoOtherAndIsNamedAtTheEnd) {
  TempDir dir;
  const std::string input = dir.path() + "/input";
  std::ofstream(input) << "word\n";
  Background program({"tests/crash_topology", "run", "--quiet", "--state", dir.path() + "/state",
                      "--input", input, "--keep-serving", "--address", "127.0.0.1:0",
                      "--progress-deadline-s", "20"});
  const std::string line = program.AwaitLine("serving on ");
  ASSERT_NE(line, "");
  const std::string address = line.substr(line.rfind(' ') + 1);
  const auto call = [&](const std::string& args, const std::string& timeout_s) {
    return RunTrident({"drpc", "echo", args, "--timeout", timeout_s, "--address", address});
  };
  EXPECT_EQ(call("hang", "0.2").code, 4) << "its client is gone";
  const Ended quick = call("hello", "20");
  EXPECT_EQ(quick.code, 0) << quick.err;
  EXPECT_NE(quick.out.find("hello"), std::string::npos);

  ::kill(program.pid(), SIGTERM);
  const std::string waits = program.AwaitLine("waits at most 10 s: ");
  EXPECT_NE(waits.find("DRPC function \"echo\" has not returned for "), std::string::npos) << waits;
  const std::string forced = program.AwaitLine("ended by force: ");
  EXPECT_NE(forced.find("DRPC function \"echo\""), std::string::npos) << forced;
}

TEST(SlowCallTest, ACallThatNobodyWaitsForAndThatDoesNotReturnEndsTheRun) {
  TempDir dir;
  const std::string input = dir.path() + "/input";
  std::ofstream(input) << "word\n";
  Background program({"tests/crash_topology", "run", "--quiet", "--state", dir.path() + "/state",
                      "--input", input, "--keep-serving", "--address", "127.0.0.1:0",
                      "--progress-deadline-s", "1"});
  const std::string line = program.AwaitLine("serving on ");
  ASSERT_NE(line, "");
  EXPECT_EQ(RunTrident({"drpc", "echo", "hang", "--timeout", "0.2", "--address",
                        line.substr(line.rfind(' ') + 1)})
                .code,
            4);
  const std::string told = program.AwaitLine("DRPC function \"echo\" has not returned for 1 s");
  EXPECT_NE(told.find("--progress-deadline-s"), std::string::npos) << told;
  EXPECT_NE(program.AwaitLine("failed: DRPC function \"echo\" has not returned for 2 s"), "");
  EXPECT_NE(program.AwaitLine("ended by force: "), "");
}

TEST(CrashingCallTest, ARequestThatEndsItsProcessIsNamedByTheNextStartAndBlamedOnNoBatch) {
  TempDir dir;
  const std::string input = dir.path() + "/input";
  std::ofstream(input) << "word\n";
  const std::vector<std::string> words = {"tests/crash_topology", "run",     "--quiet", "--state",
                                          dir.path() + "/state",  "--input", input};
  std::vector<std::string> serving = words;
  serving.insert(serving.end(), {"--keep-serving", "--address", "127.0.0.1:0"});
  for (const std::string how : {"abort", "overflow", "exit"}) {
    SCOPED_TRACE(how);
    Background program(serving);
    const std::string line = program.AwaitLine("serving on ");
    ASSERT_NE(line, "");
    program.AwaitLine("the input has ended");
    EXPECT_EQ(RunTrident({"drpc", "echo", how, "--address", line.substr(line.rfind(' ') + 1)}).code,
              3);
    EXPECT_EQ(program.AwaitLine("it goes on"), "") << "it has ended";
    const Ended next = RunProgramToEnd(words);
    EXPECT_EQ(next.code, 0) << next.err;
    EXPECT_NE(
        next.err.find("the last process ended while DRPC function \"echo\" worked in step \""),
        std::string::npos)
        << next.err;
    EXPECT_NE(next.err.find(Concat("\" on a request with an argument of ", how.size(),
                                   " bytes; no batch is to blame")),
              std::string::npos)
        << next.err;
    EXPECT_EQ(next.err.find("go one by one"), std::string::npos) << next.err;
    EXPECT_EQ(RunProgramToEnd(words).err.find("the last process ended"), std::string::npos);
  }
}

}  // namespace
}  // namespace trident
