// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/codec.h"
#include "base/rng.h"
#include "tests/kill/word_topology.h"
#include "tests/support/paths.h"

extern char** environ;

namespace trident {
namespace {

namespace fs = std::filesystem;

// Between two kills; about as long as a start takes, and much longer.
constexpr uint64_t kLifeMsMax = 120;
// A run of the program after which it must have ended by itself, if nobody kills it.
constexpr int kLinesPerInput = 6'000;

int KillsWanted() {
  const char* text = std::getenv("TRIDENT_TEST_KILLS");
  return text == nullptr ? 60 : std::atoi(text);
}

uint64_t Seed() {
  const char* text = std::getenv("TRIDENT_SEED");
  return text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 10);
}

struct Expected {
  std::map<std::string, int64_t> counts;
  int64_t letters = 0;
};

// Writes an input of random words, and counts it in another way than the engine does.
Expected WriteInput(const fs::path& path, Rng& rng) {
  Expected expected;
  std::ofstream out(path);
  for (int line = 0; line < kLinesPerInput; ++line) {
    for (uint64_t word = rng.Below(8); word > 0; --word) {
      std::string text = "w" + std::to_string(rng.Below(1 + rng.Below(500)));
      ++expected.counts[text];
      expected.letters += static_cast<int64_t>(text.size());
      out << text << (word > 1 ? " " : "");
    }
    out << "\n";
  }
  return expected;
}

pid_t Spawn(const fs::path& dir, const fs::path& input, StateKind kind) {
  std::string program = InBuild("tests/kill_topology");
  std::string kind_text = std::to_string(static_cast<int>(kind));
  std::string dir_text = dir, input_text = input;
  char* argv[] = {program.data(), dir_text.data(), input_text.data(), kind_text.data(), nullptr};
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv, environ), 0) << program;
  return pid;
}

// Lets the program live for so long; true if it ended by itself before.
bool EndsWithin(pid_t pid, uint64_t milliseconds, int* status) {
  int fd = static_cast<int>(syscall(434 /* pidfd_open */, pid, 0));
  EXPECT_GE(fd, 0);
  pollfd ended{fd, POLLIN, 0};
  int n = poll(&ended, 1, static_cast<int>(milliseconds));
  close(fd);
  if (n == 0) return false;
  return waitpid(pid, status, 0) == pid;
}

// Kills the program again and again until it gets through; returns how often.
int RunThroughKills(const fs::path& dir, const fs::path& input, StateKind kind, Rng& rng) {
  for (int kills = 0;; ++kills) {
    pid_t pid = Spawn(dir, input, kind);
    int status = 0;
    // Lives get longer, so that the input is got through in the end.
    if (EndsWithin(pid, 5 + rng.Below(kLifeMsMax + 10 * static_cast<uint64_t>(kills)), &status)) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
      return kills;
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
}

template <class V>
std::map<std::string, V> ReadAll(Run& run, const std::string& name) {
  std::map<std::string, V> all;
  auto state = run.states().Find(name);
  EXPECT_TRUE(state.ok()) << state.status();
  KeyRange range = KeyRange::All();
  for (;;) {
    auto page = (*state)->Scan(run.states().Published(GroupId(1)), range, {});
    EXPECT_TRUE(page.ok()) << page.status();
    for (const StateRow& row : page->rows) {
      ByteReader reader(row.value);
      all[row.key] = Codec<V>::Decode(reader);
    }
    if (!page->resume) return all;
    range.begin = *page->resume;
  }
}

TEST(KillTest, StatesEqualAnIndependentCountAfterAnyKills) {
  uint64_t seed = Seed();
  SCOPED_TRACE("TRIDENT_SEED=" + std::to_string(seed));
  Rng rng(seed);
  fs::path root = fs::path(testing::TempDir()) / ("kill_" + std::to_string(getpid()));
  int wanted = KillsWanted();
  int kills = 0;
  for (int round = 0; kills < wanted && !testing::Test::HasFailure(); ++round) {
    fs::remove_all(root);
    fs::create_directories(root);
    auto kind = static_cast<StateKind>(1 + round % 3);
    Expected expected = WriteInput(root / "input", rng);
    kills += RunThroughKills(root / "state", root / "input", kind, rng);

    auto run = Run::Start(WordTopology(root / "input", kind), KillRunOptions(root / "state"));
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE((*run)->AwaitEnd().ok());
    EXPECT_EQ(ReadAll<int64_t>(**run, "counts"), expected.counts) << "kind " << ToString(kind);
    EXPECT_EQ(ReadAll<int64_t>(**run, "letters")[""], expected.letters);
  }
  fs::remove_all(root);
}

}  // namespace
}  // namespace trident
