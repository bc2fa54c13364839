// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "tests/cli/served_words.h"
#include "tests/support/paths.h"

namespace trident {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const ServedWords& Words() {
  static const ServedWords* const words = new ServedWords();
  return *words;
}

struct Refusal {
  std::vector<std::string> arguments;
  int code;
  std::string says;
};

void ExpectRefused(const Refusal& refusal, const Ended& ended) {
  std::string line;
  for (const std::string& argument : refusal.arguments) line += " " + argument;
  SCOPED_TRACE("trident" + line);
  EXPECT_EQ(ended.code, refusal.code);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, StartsWith("trident: " + refusal.says));
  const size_t lines = std::count(ended.err.begin(), ended.err.end(), '\n');
  EXPECT_EQ(lines, refusal.code == 2 && ended.err.find("--help") != std::string::npos ? 2u : 1u);
}

TEST(RefusalsTest, WhatATopologyDoesNotHaveIsSaidWithWhatItHas) {
  const std::vector<Refusal> refusals = {
      {{"state", "get", "cuonts", "the"},
       1,
       "there is no state 'cuonts'; did you mean 'counts'? The states are: counts, dead-letters\n"},
      {{"state", "scan", ""}, 1, "there is no state ''; the states are: counts, dead-letters\n"},
      {{"state", "watch", "Counts"}, 1, "there is no state 'Counts'; did you mean 'counts'?"},
      {{"drpc", "wrods", "x"},
       1,
       "there is no DRPC function 'wrods'; did you mean 'words'? The functions are: total, words"},
      {{"state", "get", "counts", "\x1b[2J\n"},
       1,
       "state 'counts' has no key [\\x1b[2J\\n] at txid 3; "},
      {{"state", "get", "counts", "[the,cow]"}, 1, "state 'counts' has no key [[the,cow]] at"},
      {{"state", "get", "counts", "--", "-5"}, 1, "state 'counts' has no key [-5] at txid 3; "},
      {{"state", "get", "counts", ""}, 1, "state 'counts' has no key [] at txid 3; "},
      {{"state", "get", "counts", "the", "--at", "0"}, 1, "state 'counts' has no key [the] at"},
      {{"state", "get", "counts", "the", "--at", "99"},
       4,
       "txid 99 of group 1 is not committed yet: readable are "},
      {{"state", "get", "counts", "the", "--at-least", "99", "--timeout", "0.05"},
       4,
       "txid 99 was not committed within 50 ms; allow more with --timeout SECONDS, or see with "
       "`trident batches`"},
      {{"state", "scan", "counts", "--at-least", "99", "--timeout", "0.05"},
       4,
       "txid 99 was not committed within 50 ms; "},
      {{"state", "scan", "counts", "--from", "z", "--to", "a"},
       2,
       "state counts[word:text]: the range ends before it begins; swap `from` and `to`"},
      {{"state", "get", "counts"},
       2,
       "the key of state 'counts' is [word:text]: expected 1 value, found 0; give one for each "
       "field, or use `state scan` with --prefix\n"},
      {{"state", "get", "counts", "the", "cow"},
       2,
       "the key of state 'counts' is [word:text]: expected 1 value, found 2; quote a value that "
       "has spaces\n"},
      {{"state", "get", "dead-letters", "lines", "one", "0"}, 2, "key field 'txid': "},
      {{"state", "scan", "counts", "--prefix", "a", "--prefix", "b"},
       2,
       "the key of state 'counts' is [word:text]: expected 1 value, found 2"},
  };
  for (const Refusal& refusal : refusals) ExpectRefused(refusal, Words().Ask(refusal.arguments));
}

TEST(RefusalsTest, ACommandLineThatCannotBeIsExitCodeTwo) {
  const std::vector<Refusal> refusals = {
      {{}, 2, "A subcommand is required\n"},
      {{"state"}, 2, "A subcommand is required\n"},
      {{"stat", "list"}, 2, "there is no command 'stat'; did you mean 'state'? The commands are: "},
      {{"state", "lst"}, 2, "there is no command 'lst'; did you mean 'list'? The commands are: "},
      {{"drpc"}, 2, "function is required\n"},
      {{"state", "get"}, 2, "state is required\n"},
      {{"state", "get", "counts", "-x"},
       2,
       "The following argument was not expected: -x. A value that begins with - stands behind --"},
      {{"batches", "extra"}, 2, "The following argument was not expected: extra\n"},
      {{"batches", "--bogus"}, 2, "The following argument was not expected: --bogus. "},
      {{"state", "get", "s", "k", "--at", "-1"},
       2,
       "--at: expected a whole number from 0 to 18446744073709551615, found '-1'\n"},
      {{"state", "get", "s", "k", "--at-least", "1x"}, 2, "--at-least: expected a whole number"},
      {{"state", "get", "s", "k", "--at", "1", "--at-least", "1"}, 2, "--at excludes --at-least\n"},
      {{"state", "scan", "s", "--limit", "0"}, 2, "--limit: expected a whole number from 1 to "},
      {{"state", "scan", "s", "--limit", "18446744073709551616"}, 2, "--limit: expected a whole "},
      {{"state", "scan", "s", "--prefix", "a", "--from", "b"}, 2, "--prefix excludes --from\n"},
      {{"state", "watch", "s", "--from-txid", "0"}, 2, "--from-txid: expected a whole number"},
      {{"-o", "xml", "batches"}, 2, "--output: xml not in {text,json}\n"},
      {{"--timeout", "0", "batches"}, 2, "--timeout: expected a number from 0.001 to 86400, found"},
      {{"--timeout", "nan", "batches"}, 2, "--timeout: expected a number from 0.001 to 86400, "},
      {{"--timeout"}, 2, "--timeout: "},
      {{"--address", "nonsense", "batches"},
       2,
       "expected an address like 127.0.0.1:7411 or [::1]:7411, found 'nonsense': it has no port\n"},
      {{"--address", "127.0.0.1:99999", "batches"}, 2, "expected an address like 127.0.0.1:7411"},
      {{"--tls-ca", "x", "batches"}, 2, "--tls-ca requires --tls-cert\n"},
      {{"--tls-ca", "x", "--tls-cert", "y", "--tls-key", "z", "batches"},
       2,
       "cannot read the certificate from 'y': No such file or directory\n"},
      {{"completion"}, 2, "shell is required\n"},
      {{"completion", "tcsh"}, 2, "expected bash, zsh or fish, found 'tcsh'\n"},
      {{"new"}, 2, "name is required\n"},
      {{"new", "a", "b"}, 2, "The following argument was not expected: b\n"},
      {{"nwe", "a"}, 2, "there is no command 'nwe'; did you mean 'new'? The commands are: "},
      {{"state", "verify"}, 2, "dir is required\n"},
      {{"state", "dump"}, 2, "dir is required\n"},
      {{"state", "dump", "d", "s", "more"}, 2, "The following argument was not expected: more\n"},
  };
  for (const Refusal& refusal : refusals) ExpectRefused(refusal, RunTrident(refusal.arguments));
}

TEST(RefusalsTest, NobodyWhoAnswersIsExitCodeThree) {
  for (const char* command : {"batches", "functions", "explain", "metrics", "pause", "resume"}) {
    const Ended ended = RunTrident({command, "--address", "127.0.0.1:1"});
    EXPECT_EQ(ended.code, 3) << command;
    EXPECT_EQ(ended.err,
              "trident: cannot reach a topology at 127.0.0.1:1: Connection refused. Is one "
              "running? Start it with --address 127.0.0.1:1, or say where it is with --address "
              "HOST:PORT or TRIDENT_ADDRESS\n");
  }
  for (const char* command : {"list", "get", "scan", "watch"}) {
    std::vector<std::string> arguments = {"--address", "127.0.0.1:1", "state", command};
    if (command != std::string("list")) arguments.push_back("counts");
    EXPECT_EQ(RunTrident(arguments).code, 3) << command;
  }
}

TEST(RefusalsTest, AnAnswerThatCannotBeWrittenIsNoSuccess) {
  const std::string line =
      InBuild("trident") + " version --address 127.0.0.1:1 2>&1 >/dev/full; echo $?";
  const std::unique_ptr<FILE, int (*)(FILE*)> shell(::popen(line.c_str(), "r"), ::pclose);
  std::string said;
  for (int c = std::fgetc(shell.get()); c != EOF; c = std::fgetc(shell.get())) {
    said.push_back(static_cast<char>(c));
  }
  EXPECT_THAT(said, HasSubstr("trident: the answer could not be written whole to the standard"));
  EXPECT_THAT(said, testing::EndsWith("\n4\n"));
}

TEST(RefusalsTest, HelpIsAnAnswerAndNamesTheExitCodes) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--help"}, {"state", "get", "--help"}, {"-h"}}) {
    const Ended ended = RunTrident(arguments);
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.err, "");
    EXPECT_THAT(ended.out, HasSubstr("Exit codes: 0 done, 1 no such key"));
  }
}

}  // namespace
}  // namespace trident
