// SPDX-License-Identifier: Apache-2.0
//
// The files of deploy/ fit the programs that they start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "tests/support/paths.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

std::string TextOf(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

fs::path Deploy() { return InSourceTree("deploy"); }

std::vector<fs::path> Units() {
  std::vector<fs::path> units;
  for (const auto& entry : fs::directory_iterator(Deploy() / "systemd")) {
    units.push_back(entry.path());
  }
  return units;
}

// What `text` has of "--option".
std::set<std::string> OptionsIn(const std::string& text) {
  static const std::regex option("--[a-z][a-z-]*");
  return {std::sregex_token_iterator(text.begin(), text.end(), option),
          std::sregex_token_iterator()};
}

void ExpectKnown(const std::string& command, const std::string& line) {
  const std::set<std::string> known =
      OptionsIn(RunProgramToEnd({"wordcount", command, "--help"}).out);
  const std::set<std::string> used = OptionsIn(line);
  ASSERT_TRUE(known.contains("--state") && used.contains("--state")) << line;
  for (const std::string& option : used) {
    EXPECT_TRUE(known.contains(option)) << command << " does not know " << option;
  }
}

// Runs a command of the shell; what it said, and "" if it went well.
std::string ErrorOf(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string said;
  for (int c = 0; (c = ::fgetc(pipe)) != EOF;) said += static_cast<char>(c);
  return ::pclose(pipe) == 0 ? "" : "failed: " + said;
}

TEST(DeployTest, TheProgramKnowsTheOptionsOfTheUnits) {
  ASSERT_EQ(Units().size(), 3u);
  for (const fs::path& unit : Units()) {
    const std::string text = TextOf(unit);
    std::smatch start;
    ASSERT_TRUE(std::regex_search(text, start, std::regex("\nExecStart=\\S+ (\\w+) (.*)")));
    ExpectKnown(start[1], start[2]);
  }
}

TEST(DeployTest, SystemdTakesTheUnits) {
  for (const fs::path& unit : Units()) {
    TempDir dir;
    std::string text = TextOf(unit);
    const std::string program = "/usr/local/bin/wordcount";
    text.replace(text.find(program), program.size(), InBuild("wordcount"));
    const std::string copy = dir.path() + "/" + unit.filename().string();
    std::ofstream(copy) << text;
    EXPECT_EQ(ErrorOf("systemd-analyze --man=no verify " + copy), "") << unit;
    std::ofstream(copy, std::ios::app) << "[Service]\nExecStart=nowhere\n";
    EXPECT_NE(ErrorOf("systemd-analyze --man=no verify " + copy), "") << "nothing is checked";
  }
}

TEST(DeployTest, TheManifestsHaveWhatTheProgramNeeds) {
  const std::string check =
      Concat("/usr/bin/python3 ", InSourceTree("tests/cli/manifest_check.py"), " ");
  for (const auto& [name, command] :
       {std::pair("wordcount", "run"), std::pair("wordcount-cluster", "worker")}) {
    SCOPED_TRACE(name);
    const std::string manifest = (Deploy() / "kubernetes" / Concat(name, ".yaml")).string();
    EXPECT_EQ(ErrorOf(check + manifest), "");
    const std::string text = TextOf(manifest);
    const size_t args = text.find("args:");
    ExpectKnown(command, text.substr(args, text.find("]", args) - args));
    const TempDir dir;
    for (const char* needed : {"/livez", "state\"", "clusterIP"}) {
      std::ofstream(dir.path() + "/m.yaml")
          << std::regex_replace(text, std::regex(needed), "other");
      EXPECT_NE(ErrorOf(check + dir.path() + "/m.yaml"), "") << needed;
    }
  }
}

}  // namespace
}  // namespace trident
