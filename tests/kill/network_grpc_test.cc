// SPDX-License-Identifier: Apache-2.0
//
// Three processes of one topology on three machines, with TLS between them. The network fails in
// each of the ways that it has; when it is whole again, so is the topology, without a hand, and
// each word is counted once.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "tests/kill/namespaces.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

constexpr uint32_t kMachines = 3;
constexpr int kStepMs = 20;
constexpr int kBeginMsMax = 20'000;
// More than the silence after which a peer counts as gone.
constexpr int kFaultMs = 2'500;
// From the end of the fault until every worker answers with all that was written; mostly less than
// a second or two.
constexpr int kHealMsMax = 30'000;

using Counts = std::map<std::string, int64_t>;

class NetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = Namespaces::Make(kMachines);
    if (!made.ok()) GTEST_SKIP() << "this system makes no network namespaces: " << made.status();
    network_ = std::make_unique<Namespaces>(*std::move(made));
    ::setenv("TRIDENT_LOG", "info", 1);  // of the processes: it tells of the epochs
    MakeSecrets();
    std::filesystem::create_directories(In("input"));
    Write(200);
    for (uint32_t machine = 0; machine < kMachines; ++machine) Start(machine);
    ASSERT_TRUE(AwaitAll(kBeginMsMax)) << Said();
  }
  void TearDown() override {
    for (auto& process : processes_) process.reset();
    network_.reset();
  }

  std::string In(const std::string& name) const { return dir_.path() + "/" + name; }
  // One certificate for all machines, which is its own authority.
  void MakeSecrets() const {
    std::string names;
    for (uint32_t machine = 0; machine < kMachines; ++machine) {
      names += (machine == 0 ? "IP:" : ",IP:") + Namespaces::AddressOf(machine);
    }
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
        "/CN=machines -addext subjectAltName=" +
        names + " -keyout " + In("key") + " -out " + In("cert") + " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
    ASSERT_EQ(::chmod(In("key").c_str(), 0600), 0);
    std::ofstream(In("token")) << "a secret of three machines\n";
  }
  void Start(uint32_t machine) {
    const std::string self = Namespaces::AddressOf(machine);
    const std::vector<std::string> words = {"wordcount",
                                            "worker",
                                            "--input",
                                            machine == 0 ? In("input") : "/nowhere",
                                            "--follow",
                                            "--workers",
                                            Concat(kMachines),
                                            "--worker",
                                            Concat(machine),
                                            "--leader",
                                            Namespaces::AddressOf(0) + ":7500",
                                            "--exchange-address",
                                            self + ":7501",
                                            "--state",
                                            In(Concat("state", machine)),
                                            "--address",
                                            "127.0.0.1:7411",
                                            "--token-file",
                                            In("token"),
                                            "--peer-tls-cert",
                                            In("cert"),
                                            "--peer-tls-key",
                                            In("key"),
                                            "--peer-tls-ca",
                                            In("cert"),
                                            "--quiet"};
    processes_[machine] = std::make_unique<Background>(
        words, In(Concat("log", machine)), Surroundings{.network = network_->FileOf(machine)});
  }

  // Adds so many lines to the input, and a last one that was not there before.
  void Write(int lines) {
    std::ofstream out(In("input/text"), std::ios::app);
    for (int i = 0; i < lines; ++i) {
      const std::string word = Concat("w", ++written_ % 977);
      out << word << " and\n";
      ++expected_[word];
      ++expected_["and"];
    }
    last_ = Concat("last", written_);
    out << last_ << "\n";
    ++expected_[last_];
  }
  // Lets the processes work, with input, for so long.
  void WriteFor(int milliseconds) {
    for (int at = 0; at < milliseconds; at += kStepMs) {
      Write(100);
      ::poll(nullptr, 0, kStepMs);
    }
  }

  // What a worker answers for the state; nullopt: nothing.
  std::optional<Counts> Ask(uint32_t machine) {
    const Ended scan = RunProgramToEnd(
        {"trident", "state", "scan", "counts", "--address", "127.0.0.1:7411", "--timeout", "2"},
        {.network = network_->FileOf(machine)});
    if (scan.code != 0) return std::nullopt;
    Counts counts;
    std::istringstream in(scan.out);
    for (std::string line; std::getline(in, line);) {
      const size_t tab = line.rfind('\t');
      if (tab != std::string::npos) counts[line.substr(0, tab)] = std::atoll(&line[tab + 1]);
    }
    return counts;
  }
  std::string WorkersSeenBy(uint32_t machine) {
    return RunProgramToEnd({"trident", "workers", "--address", "127.0.0.1:7411", "-o", "json"},
                           {.network = network_->FileOf(machine)})
        .out;
  }
  // Waits until each worker has counted all that was written, and each word so often.
  bool AwaitAll(int milliseconds) {
    const Nanos deadline = RealClock().MonotonicNanos() + milliseconds * kMillisecond;
    for (uint32_t machine = 0; machine < kMachines;) {
      const std::optional<Counts> counts = Ask(machine);
      if (counts && counts->contains(last_)) {
        EXPECT_EQ(*counts, expected_) << "worker " << machine;
        ++machine;
        continue;
      }
      for (auto& process : processes_) {
        const auto code = process->EndsWithin(0);
        EXPECT_FALSE(code) << "a process ended with " << *code;
        if (code) return false;
      }
      ::poll(nullptr, 0, kStepMs);
      if (RealClock().MonotonicNanos() > deadline) return false;
    }
    return true;
  }
  // The network fails while there is work, and is whole again.
  enum class Epoch : uint8_t { kEnds, kMayGoOn };
  void Fail(Epoch epoch, const std::function<void(Namespaces&)>& fault) {
    WriteFor(200);
    const int before = EpochsStarted();
    fault(*network_);
    WriteFor(kFaultMs);
    network_->Heal();
    WriteFor(100);
    EXPECT_TRUE(AwaitAll(kHealMsMax)) << Said();
    const int least = before + (epoch == Epoch::kEnds ? 1 : 0);
    EXPECT_GE(EpochsStarted(), least) << "nothing failed";
  }
  int EpochsStarted() const {
    std::ifstream file(In("log0"));
    int epochs = 0;
    for (std::string line; std::getline(file, line);) {
      if (line.find(" has started, of ") != std::string::npos) ++epochs;
    }
    return epochs;
  }
  std::string Said() const {
    std::string all;
    for (uint32_t machine = 0; machine < kMachines; ++machine) {
      std::ifstream file(In(Concat("log", machine)));
      const std::string text((std::istreambuf_iterator<char>(file)), {});
      all += Concat("\n--- worker ", machine, ":\n",
                    text.substr(text.size() > 2000 ? text.size() - 2000 : 0));
    }
    return all;
  }

  const TempDir dir_;
  std::unique_ptr<Namespaces> network_;
  std::array<std::unique_ptr<Background>, kMachines> processes_;
  Counts expected_;
  uint64_t written_ = 0;
  std::string last_;
};

using Way = Namespaces::Way;

TEST_F(NetworkTest, AWorkerIsCutOff) {
  Fail(Epoch::kEnds, [](Namespaces& network) { network.Cut(1, Way::kBoth); });
}
TEST_F(NetworkTest, AWorkerHearsNothing) {
  Fail(Epoch::kEnds, [](Namespaces& network) { network.Cut(2, Way::kIn); });
}
TEST_F(NetworkTest, AWorkerIsNotHeard) {
  Fail(Epoch::kEnds, [](Namespaces& network) { network.Cut(1, Way::kOut); });
}
TEST_F(NetworkTest, TheLeaderIsCutOff) {
  Fail(Epoch::kEnds, [](Namespaces& network) { network.Cut(0, Way::kBoth); });
}
TEST_F(NetworkTest, TheLeaderHearsNothing) {
  Fail(Epoch::kEnds, [](Namespaces& network) { network.Cut(0, Way::kIn); });
}
TEST_F(NetworkTest, TheLeaderIsNotHeard) {
  Fail(Epoch::kEnds, [](Namespaces& network) { network.Cut(0, Way::kOut); });
}
TEST_F(NetworkTest, TwoWorkersDoNotReachEachOther) {
  Fail(Epoch::kEnds, [](Namespaces& network) { network.CutBetween(1, 2); });
}
TEST_F(NetworkTest, ConnectionsOfAWorkerAreReset) {
  Fail(Epoch::kEnds, [](Namespaces& network) { network.Reset(1); });
}
TEST_F(NetworkTest, PacketsAreLost) {
  Fail(Epoch::kMayGoOn, [](Namespaces& network) {
    network.LosePackets(1, 10);
    network.LosePackets(0, 5);
  });
}
TEST_F(NetworkTest, ALinkIsSlow) {
  Fail(Epoch::kMayGoOn, [](Namespaces& network) { network.Slow(1, "2mbit"); });
}

TEST_F(NetworkTest, EachWorkerShowsAllAndWhoDoesNotAnswer) {
  for (uint32_t machine = 0; machine < kMachines; ++machine) {
    const std::string seen = WorkersSeenBy(machine);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), '\n'), kMachines) << seen;
    for (uint32_t other = 0; other < kMachines; ++other) {
      EXPECT_NE(seen.find(Concat("{\"worker\":", other,
                                 ",\"leads\":", other == 0 ? "true" : "false", ",\"address\":\"",
                                 Namespaces::AddressOf(other), ":7501\",\"away\":\"\",\"epoch\":")),
                std::string::npos)
          << seen;
    }
  }
  // Connections to a process that is killed end; to a machine that is cut off they do not.
  processes_[2]->End(SIGKILL);
  network_->Cut(1, Way::kBoth);
  const Ended list = RunProgramToEnd({"trident", "state", "list", "--address", "127.0.0.1:7411"},
                                     {.network = network_->FileOf(0)});
  EXPECT_NE(list.code, 0) << "a part of the keys is not all: " << list.out;
  const std::string seen = WorkersSeenBy(0);
  EXPECT_NE(seen.find("\"away\":\"asking worker 1 at 10.77.0.11:7501"), std::string::npos) << seen;
  EXPECT_NE(seen.find("\"away\":\"asking worker 2 at 10.77.0.12:7501"), std::string::npos) << seen;
  EXPECT_NE(seen.find("{\"worker\":0,\"leads\":true,\"address\":\"10.77.0.10:7501\",\"away\":\"\""),
            std::string::npos)
      << seen;
}

}  // namespace
}  // namespace trident
