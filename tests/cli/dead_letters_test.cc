// SPDX-License-Identifier: Apache-2.0
//
// `deadletters`: the same of a running topology as of its directory at rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "tests/cli/served_words.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

using testing::HasSubstr;

class DeadLettersTest : public testing::Test {
 protected:
  DeadLettersTest() {
    const std::string no_line(kLineBytesMax + 1, 'a');
    WriteText(dir_.path() + "/text", Concat("the cow\n", no_line, "\nthe moon\n", no_line, "\n"));
    std::vector<std::string> words = {"wordcount",    "run",
                                      "--input",      dir_.path() + "/text",
                                      "--state",      state(),
                                      "--batch-rows", "1",
                                      "--sync",       "none",
                                      "--quiet",      "--on-failure",
                                      "dead-letter",  "--keep-serving",
                                      "--address",    "127.0.0.1:0"};
    Background program(words);
    const std::string line = program.AwaitLine("serving on ");
    program.AwaitLine("the input has ended");
    const std::string address = line.substr(line.rfind(' ') + 1);
    list_ = Ask({"list", "--address", address});
    show_ = Ask({"show", "--address", address});
    EXPECT_EQ(program.End(SIGTERM), 3);
  }
  static Ended Ask(std::vector<std::string> words) {
    words.insert(words.begin(), "deadletters");
    return RunTrident(words);
  }
  Ended AtRest(std::vector<std::string> words) const {
    words.insert(words.end(), {"--from", state()});
    return Ask(words);
  }
  std::string state() const { return dir_.path() + "/state"; }

  TempDir dir_;
  Ended list_;  // of the running topology
  Ended show_;
};

TEST_F(DeadLettersTest, AreCountedByStream) {
  EXPECT_EQ(list_.code, 0) << list_.err;
  EXPECT_EQ(list_.out, "STREAM  LETTERS  TXIDS\nlines   2        2 to 4\n");
  EXPECT_EQ(AtRest({"list"}).out, list_.out);
  EXPECT_EQ(AtRest({"list", "-o", "json"}).out,
            R"({"stream":"lines","letters":2,"first_txid":2,"last_txid":4})"
            "\n");
}

TEST_F(DeadLettersTest, AreShownWithRowAndError) {
  EXPECT_EQ(show_.code, 0) << show_.err;
  EXPECT_THAT(show_.out, HasSubstr("lines 2 0\n  row    "));
  EXPECT_THAT(show_.out, HasSubstr("\n  error  "));
  EXPECT_THAT(show_.out, HasSubstr("has a line of more than 1048576 bytes"));
  EXPECT_EQ(AtRest({"show"}).out, show_.out);
  const Ended one = AtRest({"show", "lines", "4", "0"});
  EXPECT_THAT(one.out, HasSubstr("lines 4 0\n"));
  EXPECT_THAT(show_.out, HasSubstr(one.out));
  EXPECT_NE(one.out, show_.out);
}

TEST_F(DeadLettersTest, OneThatIsNotThereIsNotFound) {
  const Ended none = AtRest({"show", "lines", "3"});
  EXPECT_EQ(none.code, 1);
  EXPECT_THAT(none.err, HasSubstr("there is no such dead letter"));
  EXPECT_EQ(AtRest({"show", "lines", "x"}).code, 2);
  EXPECT_EQ(AtRest({"show", "a", "1", "2", "3"}).code, 2);
}

}  // namespace
}  // namespace trident
