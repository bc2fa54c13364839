// SPDX-License-Identifier: Apache-2.0
//
// Accounts of several partitions over one budget, against sums that are made anew each time.
#include "state/map/memory_account.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <deque>

#include "base/rng.h"
#include "tests/state/seeds.h"

namespace trident {
namespace {

struct Partition {
  explicit Partition(MemoryBudget& budget) : account(budget) {}
  MemoryAccount account;
  MemoryAccount::Holdings held;
  int64_t heap[3] = {0, 0, 0};

  MemoryBudget::Use Use() const {
    MemoryBudget::Use use;
    use.entries = static_cast<int64_t>(held.entries) + heap[0];
    use.dirty = held.keys == 0 ? 0
                               : use.entries * static_cast<int64_t>(held.dirty) /
                                     static_cast<int64_t>(held.keys);
    use.versions = static_cast<int64_t>(held.previous) + heap[1];
    use.staged = static_cast<int64_t>(held.staged) + heap[2];
    use.idle = static_cast<int64_t>(held.idle);
    return use;
  }
  void Change(Rng& rng) {
    held = {.entries = rng.Below(5'000),
            .previous = rng.Below(5'000),
            .staged = rng.Below(5'000),
            .idle = rng.Below(5'000),
            .keys = rng.Below(4),
            .dirty = 0};
    held.dirty = rng.Below(held.keys + 1);
    const uint64_t place = rng.Below(3);
    const int64_t bytes = static_cast<int64_t>(rng.Below(3'000)) - heap[place] / 2;
    heap[place] += bytes;
    account.AddHeap(static_cast<ValuePlace>(place), bytes);
  }
};

void ExpectWithin(int64_t slack, const MemoryBudget::Use& counted, const MemoryBudget::Use& held) {
  EXPECT_LT(std::abs(counted.entries - held.entries), slack);
  EXPECT_LT(std::abs(counted.dirty - held.dirty), slack);
  EXPECT_LT(std::abs(counted.versions - held.versions), slack);
  EXPECT_LT(std::abs(counted.staged - held.staged), slack);
  EXPECT_LT(std::abs(counted.idle - held.idle), slack);
}

MemoryBudget::Use Sum(const std::deque<Partition>& partitions) {
  MemoryBudget::Use none, sum;
  for (const Partition& partition : partitions) sum = sum.Minus(none.Minus(partition.Use()));
  return sum;
}

void PlayHistory(uint64_t seed, int64_t slack) {
  Rng rng(seed);
  MemoryBudget budget(1'000'000);
  std::deque<Partition> partitions;
  for (int i = 0; i < 3; ++i) partitions.emplace_back(budget);
  for (int step = 0; step < 300 && !testing::Test::HasFailure(); ++step) {
    Partition& partition = partitions[rng.Below(partitions.size())];
    partition.Change(rng);
    partition.account.Report(partition.held, slack);
    EXPECT_EQ(partition.account.dirty_bytes(), static_cast<uint64_t>(partition.Use().dirty));
    ExpectWithin(3 * (slack - 1) + 1, budget.use(), Sum(partitions));
  }
  for (Partition& partition : partitions) partition.account.Report(partition.held, /*slack=*/1);
  ExpectWithin(1, budget.use(), Sum(partitions));
}

TEST(MemoryAccountTest, TheBudgetIsRightToTheSlackOfEachPartition) {
  for (const uint64_t seed : TestSeeds(50, 20)) {
    SCOPED_TRACE(Repro("MemoryAccountTest.TheBudgetIsRightToTheSlackOfEachPartition", seed));
    PlayHistory(seed, /*slack=*/1);
    PlayHistory(seed, /*slack=*/700);
  }
}

TEST(MemoryAccountTest, SmallChangesAreNotReported) {
  MemoryBudget budget(1'000'000);
  MemoryAccount account(budget);
  account.Report({.entries = 99}, /*slack=*/100);
  EXPECT_EQ(budget.use().entries, 0);
  account.AddHeap(ValuePlace::kEntry, 1);
  account.Report({.entries = 99}, /*slack=*/100);
  EXPECT_EQ(budget.use().entries, 100);
}

}  // namespace
}  // namespace trident
