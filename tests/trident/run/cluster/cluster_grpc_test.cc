// SPDX-License-Identifier: Apache-2.0
//
// A topology over several workers with real stores, links and threads; each worker stands for a
// process of its own.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/trident/run/cluster/word_cluster.h"

namespace trident {
namespace {

TEST(ClusterGrpc, ThreeWorkersCountEachWordOnce) {
  constexpr uint64_t kRows = 20'000;
  WordCluster cluster(3, kRows);
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
  WordCluster cluster(3, kRows);
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

TEST(ClusterGrpc, AStartThatIsRefusedMakesNoDirectory) {
  WordCluster cluster(2, 10);
  cluster.Start(0);
  const auto refused = cluster.TryStart(1, {.address = cluster.process(0).address()});
  ASSERT_TRUE(absl::IsUnavailable(refused.status())) << refused.status();
  EXPECT_FALSE(std::filesystem::exists(cluster.DirOf(1)));
}

// It would take the place of the right one, and lack what was decided.
TEST(ClusterGrpc, AnotherDirectoryOfAWorkerIsNotLetIn) {
  constexpr uint64_t kRows = 20'000;
  WordCluster cluster(2, kRows, WordCluster::AtEnd::kServes);
  cluster.Start(0);
  cluster.Start(1);
  cluster.AwaitBatches(3);
  if (HasFatalFailure()) return;
  const auto other =
      cluster.TryStart(1, {.address = "127.0.0.1:0", .dir = cluster.DirOf(1) + "-another"});
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_FALSE(*(*other)->AwaitEndFor(kSecond));
  EXPECT_FALSE((*other)->TakesPart());
  EXPECT_TRUE(cluster.process(1).TakesPart());
  // Nor when the right one is away, or the leader has come again.
  cluster.End(1);
  cluster.End(0);
  cluster.Start(0);
  EXPECT_FALSE(*(*other)->AwaitEndFor(kSecond));
  EXPECT_FALSE((*other)->TakesPart());
  cluster.Start(1);
  cluster.AwaitAll();
  EXPECT_EQ(cluster.Counts(), ExpectedCounts(kRows));
}

// It could not become the worker of another number.
TEST(ClusterGrpc, AStartThatIsRefusedLeavesTheDirectoryAsItWas) {
  WordCluster cluster(2, 10);
  cluster.Start(0);
  const StatusOr<std::unique_ptr<ClusterRun>> refused =
      cluster.TryStart(1, {.address = cluster.process(0).address()});
  ASSERT_TRUE(absl::IsUnavailable(refused.status())) << refused.status();
  const auto other = cluster.TryStart(1, {.address = "127.0.0.1:0", .workers = 3});
  EXPECT_TRUE(other.ok()) << other.status();
}

}  // namespace
}  // namespace trident
