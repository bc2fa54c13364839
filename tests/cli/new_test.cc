// SPDX-License-Identifier: Apache-2.0
//
// `trident new`, up to the files that it writes. That they build and pass their test is
// install.templates (cmake/install_case.cmake).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "tests/cli/served_words.h"
#include "tests/support/paths.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::StartsWith;

constexpr char kTemplatesFolder[] = "coordinator/cli/templates";

// Files with their content, by their names within `folder`.
std::map<std::string, std::string> FilesIn(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    files[fs::relative(entry.path(), folder).string()] = ReadText(entry.path());
  }
  return files;
}

std::vector<std::string> TemplatesInTheTree() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(InSourceTree(kTemplatesFolder))) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

class NewTest : public testing::Test {
 protected:
  // `trident new` with these arguments, in a directory of the test's own.
  Ended New(std::vector<std::string> arguments, Rights rights = Rights::kOwn) const {
    arguments.insert(arguments.begin(), "new");
    arguments.insert(arguments.end(), {"--dir", dir_.path()});
    return RunTrident(arguments, rights);
  }
  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }

  TempDir dir_;
};

TEST_F(NewTest, AProjectIsTheFilesOfItsTemplateWithTheNameInPlace) {
  ASSERT_GE(TemplatesInTheTree().size(), 3u);
  for (const std::string& from : TemplatesInTheTree()) {
    SCOPED_TRACE(from);
    const std::string name = "my-" + from;
    const Ended ended = New({name, "--template", from});
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::map<std::string, std::string> expected;
    std::string listed;
    for (const auto& [file, text] :
         FilesIn(InSourceTree(std::string(kTemplatesFolder) + "/" + from))) {
      ASSERT_THAT(file, EndsWith(".in"));
      const std::string made = file.substr(0, file.size() - 3);
      expected[made] = Replaced(Replaced(text, "@NAME@", name), "@VERSION@", "0.1");
      listed += Path(name) + "/" + made + "\n";
    }
    EXPECT_EQ(FilesIn(Path(name)), expected);
    EXPECT_EQ(ended.out, listed);
    EXPECT_EQ(ended.err, "(project " + name + ", from the template " + from +
                             "; its README.md tells how to build it, run it and ask it)\n");
  }
}

TEST_F(NewTest, EachTemplateHasWhatAProjectNeedsAndNoPlaceholderIsLeft) {
  for (const std::string& from : TemplatesInTheTree()) {
    SCOPED_TRACE(from);
    ASSERT_EQ(New({"p1", "--template", from}).code, 0);
    const std::map<std::string, std::string> files = FilesIn(Path("p1"));
    for (const char* file : {".gitignore", "CMakeLists.txt", "README.md", "main.cc", "topology.h",
                             "topology.cc", "topology_test.cc"}) {
      EXPECT_THAT(files, Contains(Key(file)));
    }
    for (const auto& [file, text] : files) EXPECT_THAT(text, Not(HasSubstr("@"))) << file;
    EXPECT_THAT(files.at("CMakeLists.txt"), HasSubstr("find_package(trident 0.1 REQUIRED)"));
    EXPECT_THAT(files.at("topology.cc"), HasSubstr("trident::Topology topology(\"p1\");"));
    EXPECT_THAT(files.at("topology_test.cc"), Not(HasSubstr("gtest")));
    for (const char* part : {"cmake --build build", "ctest --test-dir build", "build/p1 run ",
                             "trident drpc ", "## Build and test", "## Run", "## Ask"}) {
      EXPECT_THAT(files.at("README.md"), HasSubstr(part));
    }
    fs::remove_all(Path("p1"));
  }
}

TEST_F(NewTest, WithoutATemplateItIsTheWordCount) {
  ASSERT_EQ(New({"words"}).code, 0);
  EXPECT_THAT(ReadText(Path("words/README.md")), StartsWith("# words: counts the words of text"));
}

TEST_F(NewTest, AsJsonItIsOneObject) {
  const Ended ended = New({"words", "-o", "json"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.err, "");
  const std::string folder = Path("words");
  EXPECT_THAT(ended.out,
              StartsWith("{\"project\":\"words\",\"template\":\"wordcount\",\"folder\":\"" +
                         folder + "\",\"files\":[\"" + folder + "/.gitignore\",\""));
  EXPECT_THAT(ended.out, EndsWith("\"" + folder + "/topology_test.cc\"]}\n"));
}

TEST_F(NewTest, AnEmptyFolderIsFilled) {
  fs::create_directory(Path("words"));
  EXPECT_EQ(New({"words"}).code, 0);
  EXPECT_EQ(FilesIn(Path("words")).size(), 7u);
}

TEST_F(NewTest, WhatIsThereStaysAsItIs) {
  fs::create_directory(Path("full"));
  WriteText(Path("full/README.md"), "mine");
  WriteText(Path("file"), "mine");
  fs::create_symlink("nowhere", Path("link"));
  const std::map<std::string, std::string> before = FilesIn(dir_.path());
  const Ended full = New({"full"});
  EXPECT_EQ(full.code, 4);
  EXPECT_EQ(full.err, "trident: the folder '" + Path("full") +
                          "' is there and is not empty; nothing was changed. Choose another name, "
                          "or another place with --dir\n");
  for (const char* name : {"file", "link"}) {
    const Ended ended = New({name});
    EXPECT_EQ(ended.code, 4);
    EXPECT_EQ(ended.err, "trident: '" + Path(name) +
                             "' is there and is no folder; nothing was changed. Choose another "
                             "name, or another place with --dir\n");
  }
  EXPECT_EQ(FilesIn(dir_.path()), before);
}

TEST_F(NewTest, ANameThatCannotBeOneIsRefusedBeforeAnythingIsMade) {
  const std::string rule =
      "trident: expected a name of letters, digits, - and _ that begins with a letter and has at "
      "most 64 characters, found '";
  for (const std::string& name :
       std::vector<std::string>{"", "1st", "_x", "a b", "a.b", "..", "a+b", "caf\xc3\xa9", "a;b",
                                "$(x)", "[a]", "a\\b", std::string(65, 'a')}) {
    const Ended ended = New({name});
    EXPECT_EQ(ended.code, 2) << name;
    EXPECT_EQ(ended.err, rule + Replaced(name, "\x1b", "\\x1b") + "'\n");
  }
  EXPECT_EQ(New({"\x1b[2J\n"}).err, rule + "\\x1b[2J\\n'\n");
  for (const char* name : {"sub/words", "../words", "/tmp/words", "words/"}) {
    const Ended ended = New({name});
    EXPECT_EQ(ended.code, 2) << name;
    EXPECT_EQ(ended.err, rule + name + "'; where the project is made is said with --dir\n");
  }
  for (const char* name : {"test", "all", "install", "clean", "help", "CMakeFiles", "Testing"}) {
    const Ended ended = New({name});
    EXPECT_EQ(ended.code, 2) << name;
    EXPECT_EQ(ended.err, Concat("trident: the name '", name,
                                "' is one that CMake uses itself; choose another one\n"));
  }
  EXPECT_TRUE(fs::is_empty(dir_.path()));
  EXPECT_EQ(New({std::string(64, 'a')}).code, 0);
}

TEST_F(NewTest, ATemplateThatIsNotThereIsSaidWithThoseThatAre) {
  const Ended ended = New({"words", "--template", "wordcont"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.err,
            "trident: there is no template 'wordcont'; did you mean 'wordcount'? The templates "
            "are: custom-state, drpc, wordcount\n");
  EXPECT_EQ(New({"words", "--template", ""}).code, 2);
  EXPECT_TRUE(fs::is_empty(dir_.path()));
}

TEST_F(NewTest, AFolderThatCannotBeMadeIsSaidWithTheReason) {
  const Ended nowhere = RunTrident({"new", "words", "--dir", Path("nowhere")});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_EQ(nowhere.err, "trident: cannot make the folder '" + Path("nowhere/words") +
                             "': No such file or directory; make '" + Path("nowhere") +
                             "' first, or choose another one with --dir\n");
  fs::permissions(dir_.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const Ended refused = New({"words"}, Rights::kNoOverride);
  fs::permissions(dir_.path(), fs::perms::owner_all);
  EXPECT_EQ(refused.code, 4);
  EXPECT_EQ(refused.err, "trident: cannot make the folder '" + Path("words") +
                             "': Permission denied; choose another place with --dir\n");
}

TEST_F(NewTest, AnEmptyFolderThatCannotBeWrittenStaysEmpty) {
  fs::create_directory(Path("words"));
  fs::permissions(Path("words"), fs::perms::owner_read | fs::perms::owner_exec);
  const Ended refused = New({"words"}, Rights::kNoOverride);
  fs::permissions(Path("words"), fs::perms::owner_all);
  EXPECT_EQ(refused.code, 4);
  EXPECT_EQ(refused.err, "trident: cannot write '" + Path("words/.gitignore") +
                             "': Permission denied; nothing is left of the project\n");
  EXPECT_TRUE(fs::is_empty(Path("words")));
}

TEST_F(NewTest, APlaceWithControlCharactersReachesTheTerminalEscaped) {
  const std::string place = Path("\x1b[2J\n");
  fs::create_directory(place);
  const Ended ended = RunTrident({"new", "words", "--dir", place});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, HasSubstr("/\\x1b[2J\\n/words/main.cc\n"));
  EXPECT_THAT(ended.out + ended.err, Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace trident
