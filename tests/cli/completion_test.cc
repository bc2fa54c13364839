// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>

#include "tests/cli/served_words.h"
#include "tests/support/process.h"

namespace trident {
namespace {

using testing::HasSubstr;

// What bash offers behind these words, the last of which is being typed.
std::string Offered(const std::vector<std::string>& words) {
  const TempDir dir;
  const Ended script = RunTrident({"completion", "bash"});
  EXPECT_EQ(script.code, 0);
  WriteText(dir.path() + "/script", script.out);
  std::string line = "bash -c 'source " + dir.path() + "/script; COMP_WORDS=(trident";
  for (const std::string& word : words) line += " \"" + word + "\"";
  line += "); COMP_CWORD=" + std::to_string(words.size()) +
          "; _trident; echo \"${COMPREPLY[*]}\"' 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> bash(::popen(line.c_str(), "r"), ::pclose);
  std::array<char, 4096> buffer{};
  return std::fgets(buffer.data(), buffer.size(), bash.get()) == nullptr ? "" : buffer.data();
}

TEST(CompletionTest, BashOffersTheCommandsThatBeginAsTyped) {
  EXPECT_EQ(Offered({"st"}), "state\n");
  EXPECT_EQ(Offered({"state", "g"}), "get\n");
  EXPECT_EQ(Offered({"state", "get", "--at"}), "--at --at-least\n");
  EXPECT_EQ(Offered({"completion", ""}), "bash zsh fish\n");
  EXPECT_EQ(Offered({"nonsense", "x"}), "\n");
}

TEST(CompletionTest, BashOffersTheTemplatesOfAProject) {
  EXPECT_EQ(Offered({"ne"}), "new\n");
  EXPECT_EQ(Offered({"new", "x", "--te"}), "--template\n");
  EXPECT_EQ(Offered({"new", "x", "--template", ""}), "custom-state drpc wordcount\n");
  EXPECT_EQ(Offered({"new", "--template", "d"}), "drpc\n");
}

TEST(CompletionTest, OptionsAndTheirValuesAreNoCommands) {
  EXPECT_EQ(Offered({"--address", "127.0.0.1:1", "state", "v"}), "verify\n");
  EXPECT_EQ(Offered({"-o", "json", "ex"}), "explain\n");
  EXPECT_EQ(Offered({"--address", "state", "bat"}), "batches\n")
      << "a value that reads like a command is a value";
}

TEST(CompletionTest, EveryCommandIsInTheScriptOfEveryShell) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const Ended script = RunTrident({"completion", shell});
    EXPECT_EQ(script.code, 0);
    EXPECT_EQ(script.err, "");
    for (const char* command : {"state", "list", "get", "scan", "watch", "verify", "dump", "drpc",
                                "functions", "batches", "explain", "metrics", "pause", "resume",
                                "version", "new", "completion", "output", "address"}) {
      EXPECT_THAT(script.out, HasSubstr(command)) << shell;
    }
  }
}

}  // namespace
}  // namespace trident
