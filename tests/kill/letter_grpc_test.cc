// SPDX-License-Identifier: Apache-2.0
//
// Dead letters that are tried again or dropped while the process is killed: each word is counted
// once, or is one letter, after every kill.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/status.h"
#include "tests/support/process.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

constexpr int kGood = 50;
constexpr uint64_t kLifeMsMax = 60;
constexpr int kLivesMax = 200;

uint64_t Seed() {
  const char* text = std::getenv("TRIDENT_SEED");
  return text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 10);
}

class LetterKillTest : public testing::Test {
 protected:
  LetterKillTest()
      : seed_(Seed()),
        rng_(seed_),
        root_(fs::path(testing::TempDir()) / Concat("letters_", ::getpid())) {
    std::printf("seed %lu: TRIDENT_SEED=%lu repeats the moments\n", seed_, seed_);
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~LetterKillTest() override { fs::remove_all(root_); }

  void WriteInput(int bad) {
    bad_ = bad;
    std::ofstream out(root_ / "input");
    for (int i = 0; i < kGood; ++i) out << "good" << i << "\n";
    for (int i = 0; i < bad; ++i) out << "bad" << i << "\n";
  }
  std::vector<std::string> Words(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"tests/letter_topology",
                                      "run",
                                      "--quiet",
                                      "--input",
                                      root_ / "input",
                                      "--state",
                                      root_ / "state",
                                      "--mended",
                                      root_ / "mended",
                                      "--sync",
                                      "none",
                                      "--memory-mib",
                                      "64",
                                      "--retry-limit",
                                      "0",
                                      "--on-failure",
                                      "dead-letter"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void PutAside(const std::vector<std::string>& more) const {
    const Ended ended = RunProgramToEnd(Words(more));
    ASSERT_EQ(ended.code, 3) << ended.err;
  }
  void Mend() const { std::ofstream(root_ / "mended") << "yes"; }

  // What stands in a state, by its rows' first words.
  std::vector<std::string> Rows(const std::string& state) const {
    const Ended dump = RunTrident({"state", "dump", (root_ / "state").string(), state});
    EXPECT_EQ(dump.code, 0) << dump.err;
    std::vector<std::string> rows;
    std::istringstream in(dump.out);
    for (std::string line; std::getline(in, line);) rows.push_back(line);
    return rows;
  }
  // The bad words that are letters, and those that are counted; once at most, or the test fails.
  std::set<std::string> Letters() const {
    std::set<std::string> letters;
    for (const std::string& row : Rows("dead-letters")) {
      const size_t begin = row.find('[') + 1;
      const std::string word = row.substr(begin, row.find(']') - begin);
      EXPECT_TRUE(letters.insert(word).second) << word << " is two letters";
    }
    return letters;
  }
  std::set<std::string> Counted() const {
    std::set<std::string> counted;
    for (const std::string& row : Rows("counts")) {
      const std::string word = row.substr(0, row.find('\t'));
      EXPECT_EQ(row.substr(row.find('\t') + 1), "1") << word;
      if (word.starts_with("bad")) counted.insert(word);
    }
    return counted;
  }
  // Starts the topology and the command, and kills the topology after some time. True if the
  // command ended before.
  bool LiveFor(const std::vector<std::string>& command, const std::vector<std::string>& more) {
    std::vector<std::string> words = more;
    words.insert(words.end(), {"--keep-serving", "--address", "127.0.0.1:0"});
    Background topology(Words(words));
    const std::string line = topology.AwaitLine("serving on ");
    std::vector<std::string> asks = {"trident", "deadletters"};
    asks.insert(asks.end(), command.begin(), command.end());
    asks.insert(asks.end(), {"--address", line.substr(line.rfind(' ') + 1)});
    const Background asking(asks);
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, asking.pid(), 0));
    pollfd ended{fd, POLLIN, 0};
    const int n = ::poll(&ended, 1, static_cast<int>(rng_.Below(kLifeMsMax + 40 * lives_++)));
    ::close(fd);
    topology.End(SIGKILL);
    return n > 0;
  }
  // Until the command has got through.
  template <class Check>
  void LiveUntilDone(const std::vector<std::string>& command, const std::vector<std::string>& more,
                     const Check& check) {
    for (int life = 0; life < kLivesMax; ++life) {
      const bool done = LiveFor(command, more);
      check();
      if (done || testing::Test::HasFailure()) return;
    }
    ADD_FAILURE() << "it goes on for ever";
  }

  const uint64_t seed_;
  Rng rng_;
  const fs::path root_;
  int bad_ = 0;
  uint64_t lives_ = 0;
};

TEST_F(LetterKillTest, RowsThatAreTriedAgainCountOnceWheneverTheProcessIsKilled) {
  WriteInput(300);
  PutAside({});
  ASSERT_EQ(Letters().size(), 300u);
  Mend();
  size_t parts = 0;  // kills between the first and the last commit
  LiveUntilDone({"retry", "--all"}, {"--batch-rows", "1"}, [&] {
    const std::set<std::string> letters = Letters(), counted = Counted();
    EXPECT_EQ(letters.size() + counted.size(), 300u) << "seed " << seed_;
    for (const std::string& word : letters) EXPECT_FALSE(counted.contains(word)) << word;
    parts += !letters.empty() && !counted.empty() ? 1 : 0;
  });
  EXPECT_TRUE(Letters().empty());
  EXPECT_EQ(Counted().size(), 300u);
  std::printf("%lu lives, %zu of them ended amid the rows\n", lives_, parts);
}

TEST_F(LetterKillTest, RowsThatFailAgainStayOneLetterEach) {
  WriteInput(100);
  PutAside({});
  LiveUntilDone({"retry", "lines"}, {"--batch-rows", "7"}, [&] {
    EXPECT_EQ(Letters().size(), 100u) << "seed " << seed_;
    EXPECT_TRUE(Counted().empty());
  });
  for (const std::string& row : Rows("dead-letters")) {
    EXPECT_NE(row.find("; try "), std::string::npos) << row;
    EXPECT_NE(row.find("/input#0\", row "), std::string::npos) << "its first place: " << row;
  }
}

// There the batch has gone on, and is halved to find the row.
TEST_F(LetterKillTest, RowsThatFailBehindAnExchangeAreTriedAgainToo) {
  WriteInput(6);
  PutAside({"--behind"});
  ASSERT_EQ(Letters().size(), 6u);
  LiveUntilDone({"retry", "--step", "take"}, {"--behind"},
                [&] { EXPECT_EQ(Letters().size(), 6u) << "seed " << seed_; });
  Mend();
  LiveUntilDone({"retry", "--all"}, {"--behind", "--batch-rows", "1"},
                [&] { EXPECT_EQ(Letters().size() + Counted().size(), 6u) << "seed " << seed_; });
  EXPECT_EQ(Counted().size(), 6u);
}

TEST_F(LetterKillTest, LettersThatAreDroppedAreGoneAndNothingElseIs) {
  WriteInput(1000);
  PutAside({});
  const std::vector<std::string> counts = Rows("counts");
  size_t before = 1000;
  LiveUntilDone({"drop", "--all"}, {}, [&] {
    const size_t now = Letters().size();
    EXPECT_LE(now, before);
    before = now;
    EXPECT_EQ(Rows("counts"), counts);
    EXPECT_EQ(Rows("dead-letter-rows").size(), now) << "the row goes with its letter";
  });
  EXPECT_EQ(before, 0u);
}

}  // namespace
}  // namespace trident
