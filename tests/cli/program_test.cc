// SPDX-License-Identifier: Apache-2.0
//
// The command line that every topology has, as the example program shows it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/status.h"
#include "tests/cli/served_words.h"
#include "tests/support/paths.h"

namespace trident {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Ended RunWords(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "wordcount");
  return RunProgramToEnd(arguments);
}

class ProgramTest : public testing::Test {
 protected:
  ProgramTest() { WriteText(input(), kSentences); }

  std::string input() const { return dir_.path() + "/words.txt"; }
  std::string state() const { return dir_.path() + "/state"; }
  // `run` with these flags behind an input that is there.
  Ended RunWith(std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"run", "--input", input(), "--sync", "none"});
    return RunWords(flags);
  }

  TempDir dir_;
};

TEST_F(ProgramTest, ARunEndsWithItsInputAndIsFoundAgain) {
  const Ended first = RunWith({"--state", state(), "--quiet"});
  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(first.out, "");
  EXPECT_EQ(first.err, "wordcount: the input has ended and is committed\n");
  const Ended dump = RunTrident({"state", "dump", state(), "counts"});
  EXPECT_THAT(dump.out, HasSubstr("the\t4\n"));
  EXPECT_EQ(RunWith({"--state", state(), "--quiet"}).code, 0);
  EXPECT_EQ(RunTrident({"state", "dump", state(), "counts"}).out, dump.out) << "counted once";
}

TEST_F(ProgramTest, WhatComesThroughAPipeIsCountedAndTheKindIsSaid) {
  const std::string pipe = dir_.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  // Open in both directions, so that neither side waits for the other.
  const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  const std::string_view text = kSentences;
  ASSERT_EQ(::write(writer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  Background program({"wordcount", "run", "--input", pipe, "--state", state()});
  EXPECT_NE(program.AwaitLine("each of its lines counts once while this process lives"), "");
  EXPECT_NE(program.AwaitLine("  5 rows  "), "");
  ::close(writer);
  EXPECT_NE(program.AwaitLine("the input has ended and is committed"), "");
  EXPECT_EQ(program.End(SIGTERM), 0);
  EXPECT_THAT(RunTrident({"state", "dump", state(), "counts"}).out, HasSubstr("the\t4\n"));
  EXPECT_THAT(RunWords({"run", "--input", "-", "--input", input()}).err,
              HasSubstr("must be the only --input"));
}

// The rest is lost with the process.
TEST_F(ProgramTest, WhatWasCommittedOfAPipeDoesNotCountAgainAfterAKillOrASignal) {
  const std::string pipe = dir_.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::string_view text = kSentences;
  for (const int signal : {SIGKILL, SIGTERM, SIGKILL}) {
    const int writer = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_GE(writer, 0);
    Background program({"wordcount", "run", "--input", pipe, "--state", state()});
    EXPECT_NE(program.AwaitLine("each of its lines counts once"), "");
    ASSERT_EQ(::write(writer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    EXPECT_NE(program.AwaitLine("  5 rows  "), "");
    EXPECT_EQ(program.End(signal), signal == SIGKILL ? 128 + SIGKILL : 4);
    ::close(writer);
  }
  EXPECT_THAT(RunTrident({"state", "dump", state(), "counts"}).out, HasSubstr("the\t12\n"));
}

TEST_F(ProgramTest, ALineThatFailsInAPipeStopsTheRunOrIsPutAside) {
  const std::string pipe = dir_.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  ::signal(SIGPIPE, SIG_IGN);
  // A key that is too long fails behind the exchange.
  const std::pair<std::string, std::string> lines[] = {
      {std::string(70'000, 'K'), "key"}, {std::string(2 << 20, 'L'), "has a line of more than"}};
  for (const auto& [line, reason] : lines) {
    for (const char* policy : {"stop", "dead-letter"}) {
      SCOPED_TRACE(Concat(reason, " under ", policy));
      const bool stops = policy == std::string("stop");
      fs::remove_all(state());
      Background program({"wordcount", "run", "--quiet", "--input", pipe, "--state", state(),
                          "--on-failure", policy, "--retry-limit", "1"});
      WriteText(pipe, "a\n" + line + "\nb\n");
      const std::string last = program.AwaitLine(stops ? "failed: " : "the input has ended");
      EXPECT_THAT(last, HasSubstr(stops ? reason : "; 1 row was put aside"));
      EXPECT_EQ(program.End(0), stops ? 1 : 3);
      if (stops) continue;
      EXPECT_THAT(RunTrident({"state", "dump", state(), "counts"}).out, HasSubstr("a\t1\nb\t1\n"));
    }
  }
}

TEST_F(ProgramTest, WhatIsNoTextInAPipeStopsTheRunAtOnce) {
  using std::string_literals::operator""s;
  const std::string pipe = dir_.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Background program({"wordcount", "run", "--input", pipe, "--quiet"});
  WriteText(pipe, "a\0b\n"s);
  const std::string line = program.AwaitLine("wordcount: failed: ");
  EXPECT_THAT(line, HasSubstr("is no text: it holds bytes of 0"));
  EXPECT_THAT(line, HasSubstr(" after 1 failed attempt, "));
  EXPECT_EQ(program.End(0), 1);
}

TEST_F(ProgramTest, RowsThatWereLeftOutAreSaidAtTheEnd) {
  WriteText(input(), "a\n" + std::string(2 << 20, 'x') + "\nb\nno end");
  const Ended ended = RunWith({"--long-line", "skip", "--quiet"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.err, "wordcount: not counted: 1 line without an end yet, the last of \"" +
                           input() + "\" (each counts once its end is written); 1 line left out " +
                           "as too long or no UTF-8, of \"" + input() + "\" (a line counts " +
                           "again here in each attempt of its batch)\n" +
                           "wordcount: the input has ended and is committed\n");
  EXPECT_THAT(RunWith({"--quiet"}).err, HasSubstr("(--long-line skip)"));
}

TEST_F(ProgramTest, AnotherInputThanBeforeIsSaidAtTheStart) {
  ASSERT_EQ(RunWith({"--state", state(), "--quiet"}).code, 0);
  const std::string other = dir_.path() + "/other.txt";
  WriteText(other, "a\n");
  fs::remove(input());
  const Ended gone_on =
      RunWords({"run", "--input", other, "--state", state(), "--quiet", "--sync", "none"});
  EXPECT_EQ(gone_on.code, 0);
  EXPECT_THAT(
      gone_on.err,
      HasSubstr("stream 'lines' does not read 1 source partition that it has read before: " +
                input() + "#0; each goes on where it stood if it comes back. It has 1 " +
                "source partition that it has not read before: " + other + "#0\n"));
  EXPECT_THAT(RunWords({"run", "--input", other, "--state", state(), "--quiet"}).err,
              Not(HasSubstr("has not read before")));
}

TEST_F(ProgramTest, ProgressIsALineOnStderr) {
  const Ended ended = RunWith({});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.err, StartsWith("txid 1  "));
  EXPECT_THAT(ended.err, HasSubstr("  5 rows  commit p50 "));
  EXPECT_THAT(ended.err, HasSubstr(" ms  lag 0 B\n"));
}

TEST_F(ProgramTest, HelpNamesTheFlagsAndExitCodes) {
  const Ended all = RunWords({"--help"});
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.out, StartsWith("Counts the words of text files, exactly once.\n"));
  EXPECT_THAT(all.out, HasSubstr("Exit codes: 0 done, 1 failed, 2 refused"));
  const Ended run = RunWords({"run", "--help"});
  EXPECT_EQ(run.code, 0);
  for (const char* flag :
       {"--input", "--follow", "--state", "--address", "--executors", "--memory-mib",
        "--max-pending", "--batch-rows", "--batch-bytes", "--batch-age-ms", "--retry-limit",
        "--progress-deadline-s", "--on-failure", "--sync", "--keep-serving", "--quiet",
        "--tls-cert", "--tls-key", "--tls-ca"}) {
    EXPECT_THAT(run.out, HasSubstr(flag));
  }
}

TEST_F(ProgramTest, ABadCommandLineIsExitCodeTwoAndSaysWhy) {
  struct Case {
    std::vector<std::string> arguments;
    std::string says;
  };
  const std::string in = input();
  const std::vector<Case> cases = {
      {{}, "A subcommand is required\n"},
      {{"rnu"},
       "there is no command 'rnu'; did you mean 'run'? The commands are: run, lead, worker, "
       "explain\n"},
      {{"run"}, "--input is required\n"},
      {{"explain"}, "--input is required\n"},
      {{"run", "--input"}, "--input: "},
      {{"run", "--input", in, "--bogus"}, "The following argument was not expected: --bogus\n"},
      {{"explain", "--input", in, "--state", "d"}, "The following arguments were not expected: "},
      {{"run", "--input", in, "--executors", "0"},
       "--executors: expected a whole number from 1 to 256, found '0'\n"},
      {{"run", "--input", in, "--executors", "x"}, "--executors: expected a whole number from 1"},
      {{"run", "--input", in, "--batch-rows", "-1"},
       "--batch-rows: expected a whole number from 1 to 18446744073709551615, found '-1'\n"},
      {{"run", "--input", in, "--batch-rows", "1e3"}, "--batch-rows: expected a whole number"},
      {{"run", "--input", in, "--batch-bytes", "0"}, "--batch-bytes: expected a whole number from"},
      {{"run", "--input", in, "--batch-age-ms", "nan"},
       "--batch-age-ms: expected a number from 0 to 3600000, found 'nan'\n"},
      {{"run", "--input", in, "--batch-age-ms", "-1"}, "--batch-age-ms: expected a number from 0"},
      {{"run", "--input", in, "--memory-mib", "63"},
       "--memory-mib: expected a whole number from 64 to 16777216, found '63'\n"},
      {{"run", "--input", in, "--max-pending", "65"},
       "--max-pending: expected a whole number from"},
      {{"run", "--input", in, "--retry-limit", "-1"},
       "--retry-limit: expected a whole number from"},
      {{"run", "--input", in, "--on-failure", "x"}, "--on-failure: x not in {stop,dead-letter}\n"},
      {{"run", "--input", in, "--sync", "maybe"}, "--sync: maybe not in {fsync,none}\n"},
      {{"run", "--input", in, "--tls-cert", "x"}, "--tls-cert requires --tls-key\n"},
      {{"run", "--input", in, "--tls-cert", "x", "--tls-key", "y", "--tls-ca", "z"},
       "there are TLS files, but no address to serve at"},
      {{"run", "--input", in, "--address", "nonsense"}, "expected an address like 127.0.0.1:7411"},
      {{"run", "--input", in, "--address", "127.0.0.1:70000"}, "expected an address like "},
      {{"run", "--input", in, "--address", "192.0.2.1:0"},
       "refusing to listen on 192.0.2.1:0 without TLS: "},
      {{"run", "--input", in, "--state", ""}, "--state: expected a directory, found ''; without "},
      {{"run", "--input", in, "--state", in}, "expected a state directory at " + in + ", found a"},
      {{"run", "--input", in, "--state", dir_.path()},
       "expected an empty directory or a state directory at " + dir_.path() + ", found '"},
  };
  for (const Case& c : cases) {
    std::string line;
    for (const std::string& argument : c.arguments) line += " " + argument;
    SCOPED_TRACE("wordcount" + line);
    const Ended ended = RunWords(c.arguments);
    EXPECT_EQ(ended.code, 2);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, StartsWith("wordcount: " + c.says));
  }
}

TEST_F(ProgramTest, WhatTheWorldRefusesIsExitCodeTwoAndSaysWhy) {
  const std::string none = dir_.path() + "/none";
  for (const char* command : {"run", "explain"}) {
    const Ended missing = RunWords({command, "--input", none});
    EXPECT_EQ(missing.code, 2);
    EXPECT_EQ(missing.err, "wordcount: stream \"lines\": the input file \"" + none +
                               "\" is not there (No such file or directory); check the path, and "
                               "that nothing moves or deletes it while it is read\n");
  }
  const Ended parent = RunWith({"--state", none + "/state"});
  EXPECT_EQ(parent.code, 2);
  EXPECT_EQ(parent.err, "wordcount: cannot make the state directory " + none +
                            "/state: its parent does not exist. Make the parent, or check the "
                            "path\n");
  EXPECT_FALSE(fs::exists(none));
}

TEST_F(ProgramTest, AnInputThatCannotBeReadIsNamed) {
  ASSERT_EQ(::chmod(input().c_str(), 0), 0);
  const Ended ended =
      RunProgramToEnd({"wordcount", "run", "--input", input()}, {.rights = Rights::kNoOverride});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr(input()));
  EXPECT_THAT(ended.err, HasSubstr("Permission denied"));
}

TEST_F(ProgramTest, AStateDirectoryInUseIsLeftToItsUser) {
  const ServedWords words;
  const Ended ended = RunWith({"--state", words.state()});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, StartsWith("wordcount: " + words.state() + " is in use by process "));
}

TEST_F(ProgramTest, AnAddressInUseIsNamed) {
  const ServedWords words;
  const Ended ended = RunWith({"--address", words.address()});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr(words.address()));
}

TEST_F(ProgramTest, ADirectoryIsReadFileByFileAndInputMayRepeat) {
  fs::create_directory(dir_.path() + "/more");
  WriteText(dir_.path() + "/more/a", "the end\n");
  WriteText(dir_.path() + "/more/b", "the\n");
  const Ended ended = RunWords({"run", "--input", input(), "--input", dir_.path() + "/more",
                                "--state", state(), "--sync", "none", "--quiet"});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(RunTrident({"state", "dump", state(), "counts"}).out, HasSubstr("the\t6\n"));
}

TEST_F(ProgramTest, AStateDirectoryThatIsTakenAwayEndsTheRun) {
  const std::string away = dir_.path() + "/away";
  for (const bool is_idle : {true, false}) {
    for (const bool is_moved : {true, false}) {
      SCOPED_TRACE(Concat(is_idle ? "idle " : "busy ", is_moved ? "moved" : "deleted"));
      std::vector<std::string> words = {"wordcount", "run",      "--input",   input(),
                                        "--state",   state(),    "--sync",    "none",
                                        "--quiet",   "--follow", "--address", "127.0.0.1:0"};
      Background program(words);
      ASSERT_NE(program.AwaitLine("serving on "), "");
      is_moved ? fs::rename(state(), away) : static_cast<void>(fs::remove_all(state()));
      if (!is_idle) std::ofstream(input(), std::ios::app) << "more words\n";
      const std::string line = program.AwaitLine("wordcount: failed: ");
      EXPECT_THAT(line,
                  HasSubstr(Concat("the state directory ", state(), " is gone: it was moved")));
      EXPECT_EQ(program.End(0), 1);
      if (is_moved) {
        EXPECT_EQ(RunTrident({"state", "verify", away}).code, 0);
      }
      fs::remove_all(away);
      fs::remove_all(state());
    }
  }
}

TEST_F(ProgramTest, AFollowedFileIsReadOnAndASignalEndsTheRunInOrder) {
  Background program({"wordcount", "run", "--follow", "--input", input(), "--state", state(),
                      "--sync", "none", "--quiet", "--address", "127.0.0.1:0"});
  const std::string line = program.AwaitLine("serving on ");
  const std::string address = line.substr(line.rfind(' ') + 1);
  const auto count_after = [&](const std::string& txid) {
    return RunTrident({"--address", address, "state", "get", "counts", "the", "--at-least", txid});
  };
  EXPECT_EQ(count_after("1").out, "the\t4\n");
  WriteText(input(), std::string(kSentences) + "the end\n");
  EXPECT_EQ(count_after("2").out, "the\t5\n");
  // While the topology is paused, what comes waits; it is seen all the same.
  const auto batches = [&](const std::string& format) {
    return RunTrident({"--address", address, "batches", "-o", format}).out;
  };
  EXPECT_THAT(batches("text"), HasSubstr("  lag           0 B\n"));
  ASSERT_EQ(RunTrident({"--address", address, "pause"}).code, 0);
  WriteText(input(), std::string(kSentences) + "the end\nthe very end\n");
  EXPECT_THAT(batches("text"), HasSubstr("  lag           13 B\n"));
  EXPECT_THAT(batches("json"),
              HasSubstr(R"("lag_rows":null,"lag_bytes":13,"lag_unknown_partitions":0)"));
  EXPECT_THAT(RunTrident({"--address", address, "metrics"}).out,
              HasSubstr("trident_lag_bytes{group=\"1\"} 13\n"));
  EXPECT_EQ(program.End(SIGINT), 4) << "input is left";
  EXPECT_EQ(RunTrident({"state", "verify", state()}).code, 0);
}

// ---- TLS ----

class TlsTest : public ProgramTest {
 protected:
  TlsTest() {
    fs::copy(InSourceTree("tests/coordinator/serve/tls"), Pem(""), fs::copy_options::recursive);
    for (const char* key : {"server.key", "client.key", "stranger.key"}) {
      ::chmod(Pem(key).c_str(), 0600);
    }
  }

  std::string Pem(const std::string& name) const { return dir_.path() + "/tls/" + name; }
  std::vector<std::string> With(const std::string& who, std::vector<std::string> arguments) const {
    for (const std::string& word :
         {std::string("--tls-ca"), Pem("ca.pem"), std::string("--tls-cert"), Pem(who + ".pem"),
          std::string("--tls-key"), Pem(who + ".key")}) {
      arguments.push_back(word);
    }
    return arguments;
  }
};

TEST_F(TlsTest, AClientWithACertificateIsAnsweredAndNobodyElse) {
  Background program(With("server", {"wordcount", "run", "--input", input(), "--keep-serving",
                                     "--quiet", "--address", "127.0.0.1:0"}));
  const std::string line = program.AwaitLine("serving on ");
  const std::string address = line.substr(line.rfind(' ') + 1);
  ASSERT_FALSE(program.AwaitLine("the input has ended").empty());
  const std::vector<std::string> get = {"--address", address, "state", "get", "counts", "the"};
  const Ended client = RunTrident(With("client", get));
  EXPECT_EQ(client.code, 0) << client.err;
  EXPECT_EQ(client.out, "the\t4\n");
  EXPECT_EQ(RunTrident(With("stranger", get)).code, 3);
  const Ended plain = RunTrident(get);
  EXPECT_EQ(plain.code, 3);
  EXPECT_THAT(plain.err, StartsWith("trident: cannot reach a topology at " + address + ": "));
}

TEST_F(TlsTest, AKeyThatOthersCanReadIsRefused) {
  ASSERT_EQ(::chmod(Pem("server.key").c_str(), 0644), 0);
  const Ended ended = RunProgramToEnd(
      With("server", {"wordcount", "run", "--input", input(), "--address", "127.0.0.1:0"}));
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr(Pem("server.key")));
}

}  // namespace
}  // namespace trident
