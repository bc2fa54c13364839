// SPDX-License-Identifier: Apache-2.0
//
// A partition tells the memory budget the truth about values that own memory, wherever they stand
// when they come to be known.
#include <gtest/gtest.h>

#include <string>

#include "base/check.h"
#include "base/hash.h"
#include "base/status.h"
#include "state/disk/memory_budget.h"
#include "state/disk/memory_store.h"
#include "state/map/map_partition.h"
#include "state/view/group_timeline.h"

namespace trident {
namespace {

constexpr Attempt kAttempt{Epoch(1), 1};

class MapPartitionMemoryTest : public testing::Test {
 protected:
  MapPartitionMemoryTest() {
    options_.combine = [](const std::string& value, const std::string& delta) {
      return value + delta;
    };
    // The base has one long value, of which memory knows nothing.
    MapPartition<std::string> earlier(context_, options_);
    earlier.StartEmpty(TxId(0));
    timeline_.Start(TxId(0), kAttempt);
    StageDelta(earlier, TxId(1), std::string(1'000, 'b'));
    Commit(earlier, TxId(1));
    auto fold = earlier.BeginFold(TxId(1), kAttempt);
    while (fold->Collect(100)) {
    }
    TRIDENT_CHECK_OK(fold->Merge());
    auto load = store_.NewBulkLoad(Table::kBase);
    TRIDENT_CHECK_OK(load.status());
    TRIDENT_CHECK_OK(fold->WriteTo(**load));
    TRIDENT_CHECK_OK((*load)->Install());
    TRIDENT_CHECK_OK(fold->Finish());
    partition_.StartFrom(fold->marker());
    before_ = budget_.use();
  }

  void StageDelta(MapPartition<std::string>& partition, TxId t, const std::string& delta) {
    TRIDENT_CHECK_OK(partition.StageDelta(
        t, kAttempt, {&key_, 1}, {&delta, 1},
        [](const std::string& value, const std::string& more) { return value + more; }));
  }
  // The newest value, which makes all of them known.
  std::string Read() {
    std::string found;
    TRIDENT_CHECK_OK(partition_.ReadNewest(
        {&key_, 1}, [&](size_t, const std::string* value) { found = *value; }));
    return found;
  }
  void Commit(MapPartition<std::string>& partition, TxId t) {
    std::string redo;
    partition.AppendRedo(t, redo);
    partition.Apply(t, kAttempt);
    timeline_.Publish(t, kAttempt);
  }
  // What the budget counts for partition_ alone.
  MemoryBudget::Use Held() {
    partition_.Trim();
    return budget_.use().Minus(before_);
  }

  MemoryStore store_;
  GroupTimeline timeline_{GroupId(1), /*window=*/1};
  MemoryBudget budget_{100'000'000};
  MapOptions<std::string> options_;
  const PartitionContext context_{.state = StateId(1),
                                  .partition = PartitionId(0),
                                  .durable = &store_,
                                  .timeline = &timeline_,
                                  .budget = &budget_,
                                  .fold_deltas = FoldDeltas::kWhateverIsCheaper};
  const HashedKey key_{"key", HashBytes("key")};
  MapPartition<std::string> partition_{context_, options_};
  MemoryBudget::Use before_;
};

TEST_F(MapPartitionMemoryTest, AStagedValueThatComesToBeKnownCountsWithItsWholeLength) {
  StageDelta(partition_, TxId(2), "d");
  const int64_t unread = Held().staged;
  EXPECT_EQ(Read().size(), 1'001u);
  EXPECT_GE(Held().staged, unread + 1'000);
  Commit(partition_, TxId(2));
  EXPECT_EQ(Held().staged, 0);
}

TEST_F(MapPartitionMemoryTest, APreviousValueThatComesToBeKnownIsGoneWithItsWholeLength) {
  StageDelta(partition_, TxId(2), "d");
  Commit(partition_, TxId(2));
  const TxId pinned = timeline_.HoldPublished().txid;
  StageDelta(partition_, TxId(3), "e");
  Commit(partition_, TxId(3));
  const int64_t unread = Held().versions;
  EXPECT_EQ(Read().size(), 1'002u);
  EXPECT_GE(Held().versions, unread + 1'000);
  timeline_.ReleaseHold(pinned);
  StageDelta(partition_, TxId(4), std::string());
  Commit(partition_, TxId(4));
  // The value that txid 4 replaced is there for nobody, either.
  StageDelta(partition_, TxId(5), std::string());
  Commit(partition_, TxId(5));
  EXPECT_EQ(Held().versions, 0);
}

}  // namespace
}  // namespace trident
