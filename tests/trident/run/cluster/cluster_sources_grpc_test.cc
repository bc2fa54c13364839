// SPDX-License-Identifier: Apache-2.0
//
// Several workers read files that come, grow and are rotated while they are read.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/coding.h"
#include "tests/support/temp_dir.h"
#include "trident/functions/aggregators.h"
#include "trident/run/cluster/cluster_run.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<Text> kLine{"line"};
constexpr Field<int64_t> kCount{"count"};
constexpr uint32_t kWorkers = 3;

// Counts each line below a followed directory.
class FollowedFiles : public ::testing::Test {
 protected:
  void StartWorker(uint32_t worker) {
    TextFileOptions text;
    text.paths = {input()};
    text.follow = Follow::kYes;
    text.rotate_wait_nanos = 50 * kMillisecond;
    Topology topology("lines");
    topology.NewStream("lines", *TextFileSpout::Make(std::move(text)))
        .GroupBy(kLine)
        .PersistentAggregate(StateOptions{.name = "counts"}, Count(), kCount);
    RunOptions options;
    options.state_dir = dir_.path() + Concat("/worker", worker);
    options.batch_rows = 100;
    options.memory_bytes = uint64_t{128} << 20;
    ClusterOptions cluster;
    cluster.workers = kWorkers;
    cluster.worker = worker;
    (worker == 0 ? cluster.control_address : cluster.leader) = control_address_;
    auto run = ClusterRun::Start(*topology.Build(), options, cluster);
    ASSERT_TRUE(run.ok()) << run.status();
    processes_[worker] = *std::move(run);
    control_address_ = processes_[0]->control_address();
  }
  void StartAll() {
    for (uint32_t worker = 0; worker < kWorkers; ++worker) {
      StartWorker(worker);
      if (HasFatalFailure()) return;
    }
  }
  std::string input() const { return dir_.path() + "/input"; }
  std::string PathOf(const std::string& file) const { return input() + "/" + file; }
  // Each line is another one, so that it shows where it is from.
  void Append(const std::string& file, int lines) {
    std::ofstream out(PathOf(file), std::ios::app);
    for (int i = 0; i < lines; ++i) {
      const std::string line = Concat("line ", written_.size(), ", written to ", file);
      out << line << "\n";
      written_.push_back(line);
    }
  }
  // Waits until every line is counted, and has each counted once.
  void AwaitAll() {
    const Nanos deadline = RealClock().MonotonicNanos() + 30 * kSecond;
    std::map<std::string, int64_t> counts;
    while (RealClock().MonotonicNanos() < deadline) {
      for (const auto& process : processes_) {
        const auto ended = process->AwaitEndFor(5 * kMillisecond);
        ASSERT_TRUE(ended.ok()) << ended.status();
      }
      counts = Counts();
      if (counts.size() == written_.size()) break;
    }
    EXPECT_EQ(counts.size(), written_.size());
    for (const auto& [line, count] : counts) EXPECT_EQ(count, 1) << line;
  }
  std::map<std::string, int64_t> Counts() {
    std::map<std::string, int64_t> counts;
    const StateCatalog& states = processes_[1]->states();
    const auto state = states.Find("counts");
    const auto snapshot = states.Pin(processes_[1]->groups()[0], ReadAt::Latest());
    if (!state.ok() || !snapshot.ok()) return counts;
    KeyRange range = KeyRange::All();
    for (bool more = true; more;) {
      const auto page = (*state)->Scan(snapshot->txid(), range, {});
      if (!page.ok()) return {};
      for (const StateRow& row : page->rows) {
        ByteReader in(row.value);
        counts[row.key] = Codec<int64_t>::Decode(in);
      }
      more = page->resume.has_value();
      if (more) range.begin = *page->resume;
    }
    return counts;
  }

  TempDir dir_;
  std::vector<std::unique_ptr<ClusterRun>> processes_{kWorkers};
  std::string control_address_ = "127.0.0.1:0";
  std::vector<std::string> written_;
};

TEST_F(FollowedFiles, EachLineIsCountedOnceWhateverComesAndGoes) {
  ASSERT_EQ(std::system(("mkdir -p " + input()).c_str()), 0);
  for (const char* file : {"d", "b", "a"}) Append(file, 300);
  StartAll();
  if (HasFatalFailure()) return;
  AwaitAll();
  // Files come up, in no order of their names.
  for (const char* file : {"z", "c", "0", "m"}) Append(file, 200);
  AwaitAll();
  // They grow, and are rotated, twice.
  for (int round = 1; round <= 2; ++round) {
    for (const char* file : {"a", "m"}) {
      Append(file, 50);
      ASSERT_EQ(std::rename(PathOf(file).c_str(), (PathOf(file) + Concat(".", round)).c_str()), 0);
      Append(file, 50);
    }
    AwaitAll();
    if (HasFailure()) return;
  }
  // A worker, and the leader, come again: the epoch lists the files anew.
  for (const uint32_t victim : {1u, 0u}) {
    processes_[victim].reset();
    Append(Concat("after ", victim), 100);
    StartWorker(victim);
    if (HasFatalFailure()) return;
    Append("z", 30);
    AwaitAll();
  }
}

}  // namespace
}  // namespace trident
