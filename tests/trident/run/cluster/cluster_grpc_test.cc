// SPDX-License-Identifier: Apache-2.0
//
// A topology over several workers with real stores, links and threads; each worker stands for a
// process of its own.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/key_encoding.h"
#include "base/logging.h"
#include "base/mutex.h"
#include "tests/support/temp_dir.h"
#include "trident/functions/aggregators.h"
#include "trident/run/cluster/cluster_run.h"
#include "trident/spouts/generator_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr uint32_t kPartitions = 4;
constexpr GroupId kGroup{1};

std::string WordOf(const GeneratedRow& row) {
  const uint64_t n = row.rng().Below(5000);
  return n % 7 == 0 ? Concat("a word that is longer than its place ", n) : Concat("w", n);
}

std::shared_ptr<const LogicalPlan> CountWords(uint64_t rows) {
  Topology topology("words");
  auto spout = GeneratorSpout::Make(
      Fields(kWord), {.partitions = kPartitions, .rows_per_partition = rows, .seed = 7},
      [](const GeneratedRow& row, Emit<Text>& emit) { emit(WordOf(row)); });
  topology.NewStream("words", *std::move(spout))
      .GroupBy(kWord)
      .PersistentAggregate(StateOptions{.name = "counts"}, Count(), kCount);
  return *topology.Build();
}

std::map<std::string, int64_t> ExpectedCounts(uint64_t rows) {
  std::map<std::string, int64_t> counts;
  for (uint32_t partition = 0; partition < kPartitions; ++partition) {
    for (uint64_t i = 0; i < rows; ++i) {
      ++counts[WordOf({.seed = 7, .partition = partition, .index = i})];
    }
  }
  return counts;
}

class Cluster {
 public:
  Cluster(uint32_t workers, uint64_t rows) : rows_(rows), processes_(workers) {}

  void Start(uint32_t worker) {
    RunOptions options;
    options.state_dir = dir_.path() + Concat("/worker", worker);
    options.batch_rows = 500;
    options.memory_bytes = uint64_t{128} << 20;
    ClusterOptions cluster;
    cluster.workers = static_cast<uint32_t>(processes_.size());
    cluster.worker = worker;
    cluster.token = "a secret";
    if (worker == 0) {
      cluster.control_address = control_address_.empty() ? "127.0.0.1:0" : control_address_;
    } else {
      cluster.leader = control_address_;
    }
    auto run = ClusterRun::Start(CountWords(rows_), options, cluster);
    ASSERT_TRUE(run.ok()) << run.status();
    processes_[worker] = *std::move(run);
    if (worker == 0) control_address_ = processes_[0]->control_address();
  }
  void End(uint32_t worker) { processes_[worker].reset(); }
  ClusterRun& process(uint32_t worker) { return *processes_[worker]; }

  // The counts over all workers, once all of it is visible everywhere.
  std::map<std::string, int64_t> Counts() {
    const TxId last = processes_[0]->StatusOf(kGroup)->last_decided;
    std::map<std::string, int64_t> counts;
    const std::vector<KeyField> key_fields = {{.name = "word", .type = &TypeOf<Text>()}};
    for (const auto& process : processes_) {
      const auto parts = process->parts();
      auto snapshot = parts->states().Pin(kGroup, ReadAt::AtLeast(last, 10 * kSecond));
      EXPECT_TRUE(snapshot.ok()) << snapshot.status();
      const ReadableState* state = *parts->states().Find("counts");
      KeyRange range = KeyRange::All();
      for (bool more = true; more;) {
        const auto page = state->Scan(last, range, {});
        EXPECT_TRUE(page.ok()) << page.status();
        if (!page.ok()) return counts;
        for (const StateRow& row : page->rows) {
          ByteReader in(row.value);
          counts[ToString((*DecodeKey(key_fields, row.key))[0])] = Codec<int64_t>::Decode(in);
        }
        more = page->resume.has_value();
        if (more) range.begin = *page->resume;
      }
    }
    return counts;
  }
  // Waits until the leader has decided so many batches more.
  void AwaitBatches(uint64_t batches) {
    std::optional<TxId> from;
    for (;;) {
      const auto status = processes_[0]->StatusOf(kGroup);
      if (status && !from) from = status->last_decided;
      if (status && status->last_decided.value() >= from->value() + batches) return;
      const auto ended = processes_[0]->AwaitEndFor(5 * kMillisecond);
      ASSERT_TRUE(ended.ok()) << ended.status();
      if (*ended) return;
    }
  }

 private:
  const uint64_t rows_;
  TempDir dir_;
  std::string control_address_;
  std::vector<std::unique_ptr<ClusterRun>> processes_;
};

TEST(ClusterGrpc, ThreeWorkersCountEachWordOnce) {
  constexpr uint64_t kRows = 20'000;
  Cluster cluster(3, kRows);
  for (uint32_t worker = 0; worker < 3; ++worker) cluster.Start(worker);
  const auto ended = cluster.process(0).AwaitEndFor(60 * kSecond);
  ASSERT_TRUE(ended.ok()) << ended.status();
  ASSERT_TRUE(*ended) << cluster.process(0).Describe();
  EXPECT_EQ(cluster.Counts(), ExpectedCounts(kRows));
  // The others hear of it too.
  for (const uint32_t worker : {1u, 2u}) {
    EXPECT_TRUE(*cluster.process(worker).AwaitEndFor(10 * kSecond)) << worker;
  }
}

TEST(ClusterGrpc, AWorkerAndTheLeaderGoAndComeAgainAmidTheWork) {
  constexpr uint64_t kRows = 100'000;
  Cluster cluster(3, kRows);
  for (uint32_t worker = 0; worker < 3; ++worker) cluster.Start(worker);
  for (const uint32_t victim : {1u, 2u, 0u, 1u, 0u}) {
    cluster.AwaitBatches(5);
    if (HasFatalFailure()) return;
    cluster.End(victim);
    cluster.Start(victim);
  }
  const auto ended = cluster.process(0).AwaitEndFor(60 * kSecond);
  ASSERT_TRUE(ended.ok()) << ended.status();
  ASSERT_TRUE(*ended) << cluster.process(0).Describe();
  EXPECT_EQ(cluster.Counts(), ExpectedCounts(kRows));
}

}  // namespace
}  // namespace trident
