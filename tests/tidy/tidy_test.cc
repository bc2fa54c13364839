// SPDX-License-Identifier: Apache-2.0
//
// Two tests a rule: the project keeps it, and the rule sees what breaks it.
#include <initializer_list>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "tests/support/paths.h"
#include "tests/tidy/rules.h"
#include "tests/tidy/source_tree.h"

namespace trident::tidy {
namespace {

const SourceTree& Project() {
  static const SourceTree tree = ReadSourceTree(InSourceTree(""));
  return tree;
}

SourceTree Tree(std::initializer_list<std::pair<std::string, std::string>> files) {
  SourceTree tree;
  for (const auto& [path, text] : files) tree.Add(path, text);
  return tree;
}

std::string Text(const Findings& findings) {
  std::string text;
  for (const std::string& finding : findings) text += finding + "\n";
  return text;
}

// The rule finds exactly one thing in a tree of this one file, at this line.
void ExpectCaught(Findings (*rule)(const SourceTree&), const std::string& path, int line,
                  const std::string& text) {
  const Findings found = rule(Tree({{path, text}}));
  ASSERT_EQ(found.size(), 1u) << path << "\n" << text << "\n" << Text(found);
  EXPECT_EQ(found[0].rfind(path + ":" + std::to_string(line) + ":", 0), 0u) << found[0];
}

void ExpectFine(Findings (*rule)(const SourceTree&), const std::string& path,
                const std::string& text) {
  EXPECT_EQ(Text(rule(Tree({{path, text}}))), "") << path << "\n" << text;
}

// ---- the project ----

TEST(ProjectTest, IsReadInTheWhole) {
  EXPECT_TRUE(Project().Has("base/ids.h"));
  EXPECT_TRUE(Project().Has("tests/tidy/tidy_test.cc"));
  EXPECT_TRUE(Project().Has("Makefile"));
  EXPECT_TRUE(Project().Has(".ci/run"));
  for (const auto& [path, file] : Project().files()) {
    EXPECT_NE(path.rfind("build", 0), 0u) << path;
  }
}

void ExpectKept(Findings (*rule)(const SourceTree&)) {
  const Findings found = rule(Project());
  EXPECT_TRUE(found.empty()) << Text(found);
}

TEST(ProjectTest, FoldersIncludeOnlyWhatTheMapAllows) { ExpectKept(CheckIncludeMap); }
TEST(ProjectTest, TheIncludeMapAllowsNothingThatNobodyDoes) { ExpectKept(CheckIncludeMapIsTight); }
TEST(ProjectTest, NoFoldersIncludeEachOther) { EXPECT_EQ(Text(CheckIncludeMapHasNoCircles()), ""); }
TEST(ProjectTest, IncludesNameFilesThatAreThere) { ExpectKept(CheckIncludesResolve); }
TEST(ProjectTest, ForeignHeadersStayBehindTheirFiles) { ExpectKept(CheckForeignHeaders); }
TEST(ProjectTest, InstalledHeadersNeedNoOtherPackage) { ExpectKept(CheckInstalledHeaders); }
TEST(ProjectTest, CommitProtocolHasNoInputOutputClockOrThread) { ExpectKept(CheckProtocolIsPure); }
TEST(ProjectTest, EveryFileIsUsed) { ExpectKept(CheckNoDeadFiles); }
TEST(ProjectTest, SourceFilesNameTheirLicence) { ExpectKept(CheckLicenceLine); }
TEST(ProjectTest, LinesAndFilesAreShort) { ExpectKept(CheckLengths); }
TEST(ProjectTest, IncludeGuardsSpellThePath) { ExpectKept(CheckIncludeGuards); }
TEST(ProjectTest, EveryFolderHasAReadme) { ExpectKept(CheckReadmes); }
TEST(ProjectTest, ReadmesNameEveryHeader) { ExpectKept(CheckReadmesNameHeaders); }
TEST(ProjectTest, NoForbiddenWords) { ExpectKept(CheckForbiddenWords); }
TEST(ProjectTest, InstalledCommentsNameTheirSubject) { ExpectKept(CheckInstalledComments); }
TEST(ProjectTest, MessagesNameWhatAPersonCanDo) { ExpectKept(CheckMessagesNameNoCode); }
TEST(ProjectTest, OperationsQuoteWhatProgramsSay) { ExpectKept(CheckOperationsQuoteMessages); }
TEST(ProjectTest, ClocksRandomnessSleepLocksAndConsoleHaveOwners) { ExpectKept(CheckBannedCalls); }

// ---- the rules ----

TEST(IncludeMapTest, SeesEachForbiddenDirection) {
  const std::pair<std::string, std::string> forbidden[] = {
      {"base/a.h", "state/b.h"},
      {"base/a.h", "proto/b.pb.h"},
      {"proto/a.h", "base/b.h"},
      {"state/a.cc", "engine/b.h"},
      {"engine/a.h", "state/b.h"},
      {"engine/a.h", "engine/partitioners/b.h"},
      {"engine/partitioners/a.cc", "trident/b.h"},
      {"engine/transport/a.h", "engine/b.h"},
      {"coordinator/a.cc", "trident/b.h"},
      {"coordinator/a.cc", "engine/b.h"},
      {"coordinator/cli/main.cc", "trident/run/b.h"},
      {"trident/a.cc", "coordinator/b.h"},
      {"trident/operators/a.h", "trident/run/b.h"},
      {"examples/a.cc", "engine/b.h"},
      {"examples/a.cc", "state/b.h"},
      {"trident/run/a.cc", "tests/b.h"},
      {"state/a.cc", "tests/support/b.h"},
  };
  for (const auto& [path, target] : forbidden) {
    ExpectCaught(CheckIncludeMap, path, 2, "// x\n#include \"" + target + "\"\n");
  }
}

TEST(IncludeMapTest, AllowsTheMapsDirections) {
  const std::pair<std::string, std::string> allowed[] = {
      {"state/a.h", "base/b.h"},
      {"engine/a.cc", "base/b.h"},
      {"engine/a.cc", "engine/transport/b.h"},
      {"engine/a.cc", "engine/c.h"},
      {"coordinator/cli/a.cc", "proto/b.pb.h"},
      {"trident/a.h", "engine/b.h"},
      {"trident/run/a.h", "trident/b.h"},
      {"trident/run/a.h", "coordinator/b.h"},
      {"examples/a.cc", "trident/run/b.h"},
      {"tests/sim/a.cc", "coordinator/b.h"},
      {"state/disk/a.cc", "rocksdb/db.h"},
  };
  for (const auto& [path, target] : allowed) {
    ExpectFine(CheckIncludeMap, path, "#include \"" + target + "\"\n");
  }
}

TEST(IncludeMapTest, SeesALineThatNobodyNeeds) {
  // A tree without files needs no line at all.
  EXPECT_FALSE(CheckIncludeMapIsTight(Tree({})).empty());
}

TEST(IncludeMapTest, DoesNotReadComments) {
  ExpectFine(CheckIncludeMap, "base/a.h",
             "// #include \"state/b.h\"\n/*\n#include \"state/b.h\"\n*/\n");
}

TEST(IncludesResolveTest, SeesAMissingFileAndAPathFromElsewhere) {
  ExpectCaught(CheckIncludesResolve, "base/a.h", 1, "#include \"base/gone.h\"\n");
  ExpectCaught(CheckIncludesResolve, "state/a.h", 1, "#include \"proto/gone.pb.h\"\n");
  EXPECT_EQ(
      CheckIncludesResolve(Tree({{"base/a.h", ""}, {"base/b.h", "#include \"a.h\"\n"}})).size(),
      1u);
  EXPECT_EQ(Text(CheckIncludesResolve(Tree({{"proto/a.proto", ""},
                                            {"base/a.h", "#include <vector>\n"},
                                            {"state/a.cc", "#include \"proto/a.pb.h\"\n"}}))),
            "");
}

TEST(ForeignHeadersTest, SeesRocksDbOutsideStateSources) {
  ExpectCaught(CheckForeignHeaders, "state/disk/a.h", 1, "#include <rocksdb/db.h>\n");
  ExpectCaught(CheckForeignHeaders, "state/a.cc", 1, "#include <rocksdb/db.h>\n");
  ExpectCaught(CheckForeignHeaders, "coordinator/a.cc", 1, "#include \"rocksdb/db.h\"\n");
  ExpectFine(CheckForeignHeaders, "state/disk/a.cc", "#include <rocksdb/db.h>\n");
  ExpectFine(CheckForeignHeaders, "tests/state/a_test.cc", "#include <rocksdb/db.h>\n");
}

TEST(ForeignHeadersTest, SeesGrpcOutsideServicesAndTransport) {
  ExpectCaught(CheckForeignHeaders, "coordinator/shell.h", 1, "#include <grpcpp/grpcpp.h>\n");
  ExpectCaught(CheckForeignHeaders, "engine/links/a.h", 1, "#include <grpcpp/grpcpp.h>\n");
  ExpectCaught(CheckForeignHeaders, "engine/a.cc", 1, "#include <grpcpp/grpcpp.h>\n");
  ExpectCaught(CheckForeignHeaders, "trident/a.cc", 1, "#include \"proto/a.grpc.pb.h\"\n");
  ExpectCaught(CheckForeignHeaders, "coordinator/cluster/control_server.h", 1,
               "#include <grpcpp/grpcpp.h>\n");
  ExpectFine(CheckForeignHeaders, "engine/links/a.cc", "#include <grpcpp/grpcpp.h>\n");
  ExpectFine(CheckForeignHeaders, "coordinator/cluster/grpc_stream.h",
             "#include <grpcpp/grpcpp.h>\n");
  ExpectFine(CheckForeignHeaders, "coordinator/serve/query_service.h",
             "#include <grpcpp/grpcpp.h>\n");
}

TEST(ForeignHeadersTest, SeesGeneratedMessagesInAHeader) {
  ExpectCaught(CheckForeignHeaders, "trident/stream.h", 1, "#include \"proto/plan.pb.h\"\n");
  ExpectFine(CheckForeignHeaders, "trident/plan_codec.h", "#include \"proto/plan.pb.h\"\n");
  ExpectFine(CheckForeignHeaders, "trident/planner/planner.cc", "#include \"proto/plan.pb.h\"\n");
}

TEST(InstalledHeadersTest, SeesWhatAProgramOutsideTheTreeWouldMiss) {
  const auto findings = [](const std::string& path, const std::string& text) {
    return CheckInstalledHeaders(Tree({{"cmake/public_headers.txt", "# x\ntrident/face.h\n"},
                                       {"trident/face.h", "#include \"" + path + "\"\n"},
                                       {"coordinator/b.h", ""},
                                       {"trident/own.h", "#include <unistd.h>\n"},
                                       {path, text}}));
  };
  EXPECT_EQ(Text(findings("engine/a.h",
                          "#include <vector>\n#include <xxhash.h>\n"
                          "#include \"absl/status/status.h\"\n")),
            "");
  for (const char* foreign : {"<google/protobuf/message.h>", "<spdlog/spdlog.h>", "<unistd.h>"}) {
    const Findings found = findings("engine/a.h", std::string("\n#include ") + foreign + "\n");
    ASSERT_EQ(found.size(), 1u) << foreign;
    EXPECT_EQ(found[0].rfind("engine/a.h:2:", 0), 0u) << found[0];
  }
  EXPECT_EQ(findings("engine/a.h", "#include \"coordinator/b.h\"\n").size(), 1u);
  EXPECT_EQ(findings("state/map/a.h", "").size(), 1u);
  EXPECT_EQ(CheckInstalledHeaders(Tree({{"cmake/public_headers.txt", "trident/gone.h\n"}})).size(),
            1u);
}

TEST(ProtocolIsPureTest, SeesAThreadTwoIncludesAway) {
  const SourceTree tree =
      Tree({{"coordinator/protocol/batch_protocol.h", "#include \"base/a.h\"\n"},
            {"base/a.h", "\n#include \"base/b.h\"\n"},
            {"base/b.h", "#include <thread>\n"}});
  const Findings found = CheckProtocolIsPure(tree);
  ASSERT_EQ(found.size(), 1u) << Text(found);
  EXPECT_EQ(found[0].rfind("base/b.h:1:", 0), 0u) << found[0];
}

TEST(ProtocolIsPureTest, SeesAThreadBehindAHeader) {
  const SourceTree tree = Tree({{"coordinator/protocol/batch_protocol.h",
                                 "#include \"coordinator/protocol/batch_timers.h\"\n"},
                                {"coordinator/protocol/batch_timers.h", ""},
                                {"coordinator/protocol/batch_timers.cc", "#include <chrono>\n"}});
  EXPECT_EQ(CheckProtocolIsPure(tree).size(), 1u);
}

TEST(ProtocolIsPureTest, SeesAClock) {
  ExpectCaught(CheckProtocolIsPure, "coordinator/protocol/batch_protocol.cc", 1,
               "Step(RealClock());\n");
  ExpectFine(CheckProtocolIsPure, "coordinator/shell.cc", "#include <thread>\nRealClock();\n");
}

TEST(DeadFilesTest, SeesAHeaderThatNobodyIncludes) {
  ExpectCaught(CheckNoDeadFiles, "base/a.h", 1, "#include \"base/a.h\"\n");
  const std::string include = "#include \"base/a.h\"\n";
  EXPECT_EQ(Text(CheckNoDeadFiles(Tree({{"base/a.h", ""}, {"base/b.cc", include}}))), "");
  EXPECT_EQ(Text(CheckNoDeadFiles(Tree({{"base/a.h", ""}, {"state/a.cc", include}}))), "");
}

TEST(DeadFilesTest, SeesAHeaderThatOnlyItsOwnSourceIncludes) {
  const std::string include = "#include \"base/a.h\"\n";
  EXPECT_EQ(CheckNoDeadFiles(Tree({{"base/a.h", ""}, {"base/a.cc", include}})).size(), 1u);
  EXPECT_EQ(
      CheckNoDeadFiles(Tree({{"base/a.h", ""}, {"base/a.cc", include}, {"state/b.cc", include}}))
          .size(),
      0u);
}

TEST(DeadFilesTest, SeesASourceThatNothingBuilds) {
  ExpectCaught(CheckNoDeadFiles, "misc/a.cc", 1, "");
  ExpectCaught(CheckNoDeadFiles, "examples/more/a.cc", 1, "");
  ExpectCaught(CheckNoDeadFiles, "tests/state/helper.cc", 1, "");
  EXPECT_EQ(Text(CheckNoDeadFiles(Tree({{"tests/kill/program/a.cc", ""},
                                        {"tests/kill/extra.cmake", "add_executable(a a.cc)\n"}}))),
            "");
  EXPECT_EQ(CheckNoDeadFiles(Tree({{"tests/kill/program/b.cc", ""},
                                   {"tests/kill/extra.cmake", "add_executable(a a.cc)\n"}}))
                .size(),
            1u);
  ExpectFine(CheckNoDeadFiles, "tests/state/map/hot_table_test.cc", "");
  ExpectFine(CheckNoDeadFiles, "tests/fuzz/frame_fuzz.cc", "");
}

TEST(LicenceLineTest, SeesAFileWithoutIt) {
  const std::string licence = "// SPDX-License-Identifier: Apache-2.0\n";
  ExpectCaught(CheckLicenceLine, "base/a.h", 1, "#include <vector>\n" + licence);
  ExpectCaught(CheckLicenceLine, "base/empty.cc", 1, "");
  ExpectCaught(CheckLicenceLine, "scripts/run", 2, "#!/bin/sh\necho\n");
  ExpectFine(CheckLicenceLine, "base/a.h", licence);
  ExpectFine(CheckLicenceLine, "scripts/run", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n");
  ExpectFine(CheckLicenceLine, "docs/a.md", "# Title\n");
}

TEST(LengthsTest, SeesALongLineAndALongFile) {
  ExpectCaught(CheckLengths, "base/a.h", 2, "\n" + std::string(101, 'x') + "\n");
  ExpectFine(CheckLengths, "base/a.h", std::string(100, 'x') + "\n");
  std::string letters;
  for (int i = 0; i < 100; ++i) letters += "\xc3\xa9";
  ExpectFine(CheckLengths, "base/a.h", letters + "\n");
  std::string lines;
  for (int i = 0; i < 600; ++i) lines += "x\n";
  ExpectFine(CheckLengths, "base/a.h", lines);
  ExpectCaught(CheckLengths, "base/a.h", 601, lines + "x\n");
}

TEST(IncludeGuardsTest, SeesAGuardThatSpellsAnotherPath) {
  const std::string good =
      "#ifndef TRIDENT_STATE_MAP_HOT_TABLE_H_\n#define TRIDENT_STATE_MAP_HOT_TABLE_H_\n"
      "#endif  // TRIDENT_STATE_MAP_HOT_TABLE_H_\n";
  ExpectFine(CheckIncludeGuards, "state/map/hot_table.h", good);
  ExpectCaught(CheckIncludeGuards, "state/hot_table.h", 1, good);
  ExpectCaught(CheckIncludeGuards, "state/map/hot_table.h", 1, "#pragma once\n");
}

TEST(ReadmesTest, SeesAFolderWithoutOne) {
  EXPECT_EQ(CheckReadmes(Tree({{"state/a.cc", ""}})).size(), 1u);
  EXPECT_EQ(CheckReadmes(Tree({{"engine/README.md", ""}, {"engine/partitioners/a.cc", ""}})).size(),
            1u);
  EXPECT_EQ(CheckReadmes(Tree({{"tests/sim/a_test.cc", ""}})).size(), 1u);
  // The folder that the tests mirror speaks for them.
  EXPECT_EQ(Text(CheckReadmes(Tree({{"state/README.md", ""}, {"tests/state/a_test.cc", ""}}))), "");
  EXPECT_EQ(Text(CheckReadmes(
                Tree({{"tests/install/README.md", ""}, {"tests/install/consumer/a.cc", ""}}))),
            "");
  EXPECT_EQ(CheckReadmes(Tree({{"tests/README.md", ""}, {"tests/sim/a_test.cc", ""}})).size(), 1u);
}

TEST(ReadmesNameHeadersTest, SeesAHeaderThatItsReadmeLeavesOut) {
  const auto findings = [](const std::string& path, const std::string& readme) {
    return CheckReadmesNameHeaders(
        Tree({{path, ""}, {path.substr(0, path.rfind('/')) + "/README.md", readme}}));
  };
  const Findings found = findings("state/map/hot_table.h", "| `hot_table.cc` | keys |\n");
  ASSERT_EQ(found.size(), 1u) << Text(found);
  EXPECT_EQ(found[0].rfind("state/map/hot_table.h:1:", 0), 0u) << found[0];
  // The README of another folder, a word that is no code, a longer name, an end that is no family.
  EXPECT_EQ(CheckReadmesNameHeaders(Tree({{"state/map/a.h", ""},
                                          {"state/map/README.md", ""},
                                          {"state/README.md", "`a.h`, `map/a.h`\n"}}))
                .size(),
            1u);
  EXPECT_EQ(findings("base/a.h", "a.h and `b.h`\n").size(), 1u);
  EXPECT_EQ(findings("base/a.h", "`aa.h`\n").size(), 1u);
  EXPECT_EQ(findings("trident/a_stage.h", "`stage.h`, `_stage`, `.h`, ``\n").size(), 1u);
}

TEST(ReadmesNameHeadersTest, TakesAnEndForAllThatHaveItAndLeavesTestsAlone) {
  EXPECT_EQ(Text(CheckReadmesNameHeaders(
                Tree({{"state/map/a.h", ""},
                      {"state/map/b_stage.h", ""},
                      {"state/map/c_stage.h", ""},
                      {"state/map/README.md", "# map\n| `x.h`, `a.h` | `_stage.h` |\n"}}))),
            "");
  EXPECT_EQ(Text(CheckReadmesNameHeaders(
                Tree({{"tests/sim/a.h", ""}, {"tests/sim/README.md", "# sim\n"}}))),
            "");
}

TEST(ForbiddenWordsTest, SeesRemindersAndMachinePaths) {
  ExpectCaught(CheckForbiddenWords, "base/a.h", 1, "// TODO: later\n");
  ExpectCaught(CheckForbiddenWords, "docs/a.md", 2, "\nFIXME\n");
  ExpectCaught(CheckForbiddenWords, "scripts/run", 1, "cd /home/me/trident\n");
  ExpectFine(CheckForbiddenWords, "LICENSE", "TODO\n");
}

// The findings in a header that a public header includes.
Findings FindInInstalledHeader(const std::string& text) {
  return CheckInstalledComments(Tree({{"cmake/public_headers.txt", "trident/face.h\n"},
                                      {"trident/face.h", "#include \"engine/a.h\"\n"},
                                      {"engine/a.h", text}}));
}

TEST(InstalledCommentsTest, SeesASentenceThatBeginsWithWhatOrOf) {
  for (const char* comment :
       {"// What a reader is asked for.", "  // Of the selected rows.", "/// What it is.",
        "int x;  // Of a request batch: how many.", "// It is quiet. What is streamed is lost.",
        "// One (a batch). Of no rows: zero.", "F(\"//\");  // What F gives."}) {
    const Findings found = FindInInstalledHeader(std::string("\n") + comment + "\n");
    ASSERT_EQ(found.size(), 1u) << comment << "\n" << Text(found);
    EXPECT_EQ(found[0].rfind("engine/a.h:2:", 0), 0u) << found[0];
  }
}

TEST(InstalledCommentsTest, AllowsOtherWordsCodeAndTheLibrarysOwnInside) {
  for (const char* line :
       {"// Whatever it is. Often so.", "// Says what is read of it.", "//", "////", "int x;",
        "F(\"// What\");  // the name", "F(\"a. Of b\");", "Call(What, Of);"}) {
    EXPECT_EQ(Text(FindInInstalledHeader(std::string(line) + "\n")), "") << line;
  }
  ExpectFine(CheckInstalledComments, "state/map/a.h", "// What a partition holds.\n");
}

TEST(BannedCallsTest, SeesEachCallOutsideItsOwner) {
  const std::pair<std::string, std::string> banned[] = {
      {"engine/a.cc", "auto t = std::chrono::steady_clock::now();"},
      {"tests/sim/a.cc", "auto t = std::chrono::system_clock::now();"},
      {"state/a.cc", "clock_gettime(CLOCK_MONOTONIC, &t);"},
      {"engine/a.cc", "std::random_device seed;"},
      {"base/rng.h", "int x = rand();"},
      {"coordinator/a.cc", "std::this_thread::sleep_for(delay);"},
      {"state/a.h", "std::mutex mutex_;"},
      {"tests/a/b_test.cc", "absl::MutexLock lock(&mu);"},
      {"engine/a.cc", "std::cout << 1;"},
      {"state/a.cc", "printf(\"x\");"},
      {"trident/a.cc", "std::thread t;"},
      {"engine/a.cc", "for (int x : v | std::views::reverse) {}"},
  };
  for (const auto& [path, code] : banned) ExpectCaught(CheckBannedCalls, path, 1, code + "\n");
}

TEST(BannedCallsTest, AllowsOwnersCommentsTextAndLongerNames) {
  const std::pair<std::string, std::string> allowed[] = {
      {"base/clock.cc", "std::chrono::steady_clock::now();"},
      {"base/mutex.h", "std::mutex mutex_;"},
      {"tests/kill/a_test.cc", "std::this_thread::sleep_for(delay);"},
      {"coordinator/cli/main.cc", "std::cout << 1;"},
      {"engine/a.cc", "// a std::mutex would be wrong here"},
      {"engine/a.cc", "/* std::mutex\n std::mutex */ int x;"},
      {"engine/a.cc", "Say(\"std::mutex \\\" std::mutex\");"},
      {"engine/a.cc", "auto s = R\"(std::mutex\n\"std::mutex\")\";"},
      {"engine/a.cc", "snprintf(buffer, n, x);"},
      {"engine/a.cc", "char c = '\"'; int n = 1'000; F('\"');"},
  };
  for (const auto& [path, code] : allowed) ExpectFine(CheckBannedCalls, path, code + "\n");
}

TEST(BannedCallsTest, SeesCodeAfterALiteral) {
  ExpectCaught(CheckBannedCalls, "engine/a.cc", 2,
               "char c = '\"'; int n = 1'000;\nstd::mutex m;\n");
  ExpectCaught(CheckBannedCalls, "engine/a.cc", 3, "auto s = R\"x(a\n)\" b)x\";\nstd::mutex m;\n");
}

TEST(MessageTest, NamesNoCode) {
  for (const std::string text :
       {"Raise kLineBytesMax", "choose LongLine::kSkip", "set RunOptions::memory_bytes"}) {
    ExpectCaught(CheckMessagesNameNoCode, "state/a.cc", 2,
                 "// x\nreturn InvalidArgument(\"" + text + "\");\n");
  }
  ExpectFine(CheckMessagesNameNoCode, "state/a.cc",
             "// kLineBytesMax\nSay(\"std::exception ::1 [::1]:7411 kB k1 lines\");\n");
  ExpectFine(CheckMessagesNameNoCode, "state/a.h",
             "static_assert(kGood,\n \"derive it from trident::State\"\n \"or kOther\");\n");
  ExpectFine(CheckMessagesNameNoCode, "tests/a.cc", "Say(\"kLineBytesMax\");\n");
}

TEST(OperationsTest, QuotesAreMessages) {
  const std::string code =
      "Say(\"the disk \", disk, \" is full: \"\n    \"free some\");\nSay(\"state '\", name, \"' is "
      "new\");\n";
  const std::string head = "| what | what is shown | do |\n|---|---|---|\n";
  const auto found = [&](const std::string& row) {
    return CheckOperationsQuoteMessages(
        Tree({{"state/a.cc", code}, {"docs/operations.md", head + row}}));
  };
  EXPECT_EQ(Text(found("| x | `the disk ... is full: free some`, `state 'a' is new` | `sudo` |\n")),
            "");
  const Findings wrong = found("| x | `the disk is full` | y |\n");
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_EQ(wrong[0], "docs/operations.md:3: no program says \"the disk is full\"");
}

}  // namespace
}  // namespace trident::tidy
