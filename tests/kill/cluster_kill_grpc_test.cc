// SPDX-License-Identifier: Apache-2.0
//
// Three processes of one topology that are killed, or stopped for a while, at random moments: the
// states of all directories equal an independent count.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/status.h"
#include "tests/kill/free_address.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "trident/run/process_end.h"

namespace trident {
namespace {

constexpr uint32_t kWorkers = 3;
constexpr int kLinesPerInput = 40'000;
constexpr uint64_t kWorkMsMax = 500;  // between two faults
constexpr uint64_t kTakeoverMs = 60;  // so soon after a start an epoch is about to begin
constexpr uint64_t kAwayMsMax = 300;  // from a kill to the next start
// Longer than the silence after which a peer counts as gone, so that the others go on without it.
constexpr uint64_t kStopMsMin = 1500, kStopMsMax = 3000;
// Much longer than the work that is left after the last fault.
constexpr int kEndMsMax = 60'000;
constexpr int kFarewellMsMax = 5'000;

int FaultsWanted() {
  const char* text = std::getenv("TRIDENT_TEST_KILLS");
  return text == nullptr ? 40 : std::atoi(text);
}

uint64_t Seed() {
  const char* text = std::getenv("TRIDENT_SEED");
  return text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 10);
}

using Counts = std::map<std::string, int64_t>;

// Writes an input of random words, and counts it in another way than the engine does.
Counts WriteInput(const std::string& path, Rng& rng) {
  Counts counts;
  std::ofstream out(path);
  for (int line = 0; line < kLinesPerInput; ++line) {
    for (uint64_t word = rng.Below(8); word > 0; --word) {
      const std::string text = Concat("w", rng.Below(1 + rng.Below(500)));
      ++counts[text];
      out << text << (word > 1 ? " " : "");
    }
    out << "\n";
  }
  return counts;
}

int64_t LettersOf(const Counts& counts) {
  int64_t letters = 0;
  for (const auto& [word, count] : counts) letters += static_cast<int64_t>(word.size()) * count;
  return letters;
}

class ClusterKillTest : public testing::Test {
 protected:
  ClusterKillTest() : seed_(Seed()), rng_(seed_) {
    ::setenv("TRIDENT_LOG", "info", 1);  // of the processes: it tells of the epochs
    std::printf("seed %lu: TRIDENT_SEED=%lu repeats the moments\n", seed_, seed_);
  }

  std::string DirOf(uint32_t worker) const { return Concat(round_dir_, "/worker", worker); }
  std::string LogOf(uint32_t worker) const { return Concat(round_dir_, "/log", worker); }
  void NewRound(int round) {
    round_dir_ = Concat(dir_.path(), "/", round);
    std::filesystem::create_directories(round_dir_);
    kind_ = 1 + round % 3;
    leader_ = FreeAddress(rng_);
  }

  void Start(uint32_t worker) {
    const std::vector<std::string> words = {
        "tests/cluster_topology", DirOf(worker), Concat(round_dir_, "/input"), Concat(kind_),
        Concat(worker),           leader_};
    processes_[worker] = std::make_unique<Background>(words, LogOf(worker));
  }
  void Kill(uint32_t worker) { processes_[worker].reset(); }
  void StartWhoIsAway() {
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      if (processes_[worker] == nullptr) Start(worker);
    }
  }

  // Lets all go on for so long. False: the leader has ended, as it should, or the test has failed.
  bool LetWork(uint64_t milliseconds) {
    if (processes_[0] == nullptr) {
      ::poll(nullptr, 0, static_cast<int>(milliseconds));
    } else if (const auto code = processes_[0]->EndsWithin(static_cast<int>(milliseconds))) {
      EXPECT_EQ(*code, kExitDone) << Said();
      processes_[0] = nullptr;
      return false;
    }
    for (uint32_t worker = 1; worker < kWorkers; ++worker) {
      if (processes_[worker] == nullptr) continue;
      const auto code = processes_[worker]->EndsWithin(0);
      EXPECT_FALSE(code) << "worker " << worker << " ended by itself with " << *code << Said();
      if (code) processes_[worker] = nullptr;
    }
    return !HasFailure();
  }

  // Stops a process, lets it go on later; meanwhile another one may be killed. As LetWork.
  bool StopForAWhile() {
    const auto stopped = static_cast<uint32_t>(rng_.Below(kWorkers));
    ::kill(processes_[stopped]->pid(), SIGSTOP);
    if (rng_.Chance(0.3)) Kill((stopped + 1 + rng_.Below(kWorkers - 1)) % kWorkers);
    uint64_t left = kStopMsMin + rng_.Below(kStopMsMax - kStopMsMin);
    const uint64_t away = rng_.Below(kAwayMsMax);
    bool goes_on = LetWork(away);
    if (goes_on) {
      StartWhoIsAway();
      goes_on = LetWork(left - away);
    }
    if (processes_[stopped] != nullptr) ::kill(processes_[stopped]->pid(), SIGCONT);
    return goes_on;
  }

  bool DoFault() {
    ++faults_;
    const double what = rng_.Unit();
    if (what < 0.15) return StopForAWhile();
    if (what < 0.30) {
      for (uint32_t worker = 0; worker < kWorkers; ++worker) Kill(worker);
    } else {
      Kill(static_cast<uint32_t>(rng_.Below(kWorkers)));
      if (rng_.Chance(0.2)) Kill(static_cast<uint32_t>(rng_.Below(kWorkers)));
    }
    const bool goes_on = LetWork(rng_.Below(kAwayMsMax));
    if (goes_on) StartWhoIsAway();
    return goes_on;
  }

  // Until the leader ends by itself.
  void RunThroughFaults(int wanted) {
    StartWhoIsAway();
    while (faults_ < wanted) {
      const uint64_t most = rng_.Chance(0.3) ? kTakeoverMs : kWorkMsMax;
      if (!LetWork(rng_.Below(most)) || !DoFault()) return;
    }
    if (LetWork(kEndMsMax)) ADD_FAILURE() << "it goes on for ever" << Said();
  }

  // The leader has told them that all is done.
  void AwaitWorkers() {
    for (auto& process : processes_) {
      if (process == nullptr) continue;
      auto code = process->EndsWithin(kFarewellMsMax);
      if (!code) {  // it was stopped meanwhile, and did not hear of it
        ::kill(process->pid(), SIGTERM);
        code = process->EndsWithin(kFarewellMsMax);
      }
      EXPECT_TRUE(code == kExitDone || code == kExitInterrupted) << Said();
      process = nullptr;
    }
  }

  // Of a state, over all directories; each key is in one of them.
  Counts Dump(const std::string& state) const {
    Counts counts;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      const Ended dump = RunTrident({"state", "dump", DirOf(worker), state});
      EXPECT_EQ(dump.code, 0) << dump.err;
      std::istringstream in(dump.out);
      for (std::string line; std::getline(in, line);) {
        const size_t tab = line.rfind('\t');
        const std::string key = line.substr(0, tab == std::string::npos ? 0 : tab);
        const int64_t count = std::atoll(line.c_str() + (tab == std::string::npos ? 0 : tab + 1));
        EXPECT_TRUE(counts.emplace(key, count).second) << "'" << key << "' is in two directories";
      }
    }
    return counts;
  }

  // Waits until the leader says that an epoch after `last` has started; which. 0: it does not.
  int AwaitEpochAfter(int last) {
    constexpr int kLookMs = 20;
    for (int waited = 0; waited < kEndMsMax; waited += kLookMs) {
      std::ifstream file(LogOf(0));
      for (std::string line; std::getline(file, line);) {
        if (line.find(" has started, of ") == std::string::npos) continue;
        const int epoch = std::atoi(line.c_str() + line.find(" epoch ") + 7);
        if (epoch > last) return epoch;
      }
      if (!LetWork(kLookMs)) return 0;
    }
    return 0;
  }

  // The last that the processes said, for people.
  std::string Said() const {
    std::string all;
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      std::ifstream file(LogOf(worker));
      const std::string text((std::istreambuf_iterator<char>(file)), {});
      all += Concat("\n--- worker ", worker, ":\n",
                    text.substr(text.size() > 3000 ? text.size() - 3000 : 0));
    }
    return all;
  }

  const uint64_t seed_;
  Rng rng_;
  const TempDir dir_;
  std::string round_dir_;
  std::string leader_;
  int kind_ = 1;
  int faults_ = 0;
  std::array<std::unique_ptr<Background>, kWorkers> processes_;  // null: is away
};

TEST_F(ClusterKillTest, StatesEqualAnIndependentCountAfterAnyKillsAndStops) {
  const int wanted = FaultsWanted();
  for (int round = 0; faults_ < wanted && !HasFailure(); ++round) {
    NewRound(round);
    const Counts expected = WriteInput(Concat(round_dir_, "/input"), rng_);
    const int before = faults_;
    RunThroughFaults(std::min(wanted, before + 14));
    AwaitWorkers();
    if (HasFailure()) return;
    EXPECT_EQ(Dump("counts"), expected) << "kind " << kind_ << Said();
    EXPECT_EQ(Dump("letters"), Counts({{"", LettersOf(expected)}})) << "kind " << kind_;
    std::printf("round %d: %d faults\n", round, faults_ - before);
  }
}

// Those whose links to it broke see the end of a worker too; they do not end another epoch by that.
TEST_F(ClusterKillTest, AWorkerThatIsKilledCostsOneEpoch) {
  constexpr int kKills = 12;
  NewRound(0);
  WriteInput(Concat(round_dir_, "/input"), rng_);
  StartWhoIsAway();
  const int first = AwaitEpochAfter(0);
  int last = first;
  for (int kill = 0; kill < kKills && last > 0; ++kill) {
    const uint32_t victim = 1 + kill % 2;
    Kill(victim);
    Start(victim);
    last = AwaitEpochAfter(last);
  }
  ASSERT_GT(last, 0) << "it ended too early, or no epoch starts" << Said();
  std::printf("%d kills, %d epochs\n", kKills, last - first);
  // Some more, for a machine on which a process is starved for a second. When each kill ended two
  // epochs there were about twice as many.
  EXPECT_LE(last, first + kKills + kKills / 2) << Said();
}

}  // namespace
}  // namespace trident
