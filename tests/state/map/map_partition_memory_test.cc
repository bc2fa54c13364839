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
#include "tests/state/typed_values.h"

namespace trident {
namespace {

constexpr Attempt kAttempt{Epoch(1), 1};

template <class V>
class MapPartitionMemoryTest : public testing::Test {
 protected:
  MapPartitionMemoryTest() {
    options_ = {.combine = &ValuesOf<V>::Join, .codec = CodecOf<V>()};
    // The base has one long value, of which memory knows nothing.
    MapPartition<V> earlier(context_, options_);
    earlier.StartEmpty(TxId(0));
    timeline_.Start(TxId(0), kAttempt);
    StageDelta(earlier, TxId(1), Large());
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

  // Owns 1,000 bytes at least, or nothing if its type never does.
  static V Large() {
    V large = Small();
    while (kHoldsHeap<V> && Encoded(large).size() < 1'000)
      large = ValuesOf<V>::Join(large, Small());
    return large;
  }
  static V Small() { return ValuesOf<V>::Of(1); }
  // By how much an account grows at least that comes to know a large value.
  static constexpr int64_t kGrowth = kHoldsHeap<V> ? 900 : 0;

  void StageDelta(MapPartition<V>& partition, TxId t, const V& delta) {
    TRIDENT_CHECK_OK(
        partition.StageDelta(t, kAttempt, {&key_, 1}, {&delta, 1}, &ValuesOf<V>::Join));
  }
  // The newest value, which makes all of them known.
  V Read() {
    V found{};
    TRIDENT_CHECK_OK(
        partition_.ReadNewest({&key_, 1}, [&](size_t, const V* value) { found = *value; }));
    return found;
  }
  void Commit(MapPartition<V>& partition, TxId t) {
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
  MapOptions<V> options_;
  const PartitionContext context_{.state = StateId(1),
                                  .partition = PartitionId(0),
                                  .durable = &store_,
                                  .timeline = &timeline_,
                                  .budget = &budget_,
                                  .fold_deltas = FoldDeltas::kWhateverIsCheaper};
  const HashedKey key_{"key", HashBytes("key")};
  MapPartition<V> partition_{context_, options_};
  MemoryBudget::Use before_;
};

TYPED_TEST_SUITE(MapPartitionMemoryTest, StateValues);

TYPED_TEST(MapPartitionMemoryTest, AStagedValueThatComesToBeKnownCountsWithItsWholeLength) {
  this->StageDelta(this->partition_, TxId(2), this->Small());
  const int64_t unread = this->Held().staged;
  EXPECT_EQ(this->Read(), ValuesOf<TypeParam>::Join(this->Large(), this->Small()));
  EXPECT_GE(this->Held().staged, unread + this->kGrowth);
  this->Commit(this->partition_, TxId(2));
  EXPECT_EQ(this->Held().staged, 0);
}

TYPED_TEST(MapPartitionMemoryTest, APreviousValueThatComesToBeKnownIsGoneWithItsWholeLength) {
  this->StageDelta(this->partition_, TxId(2), this->Small());
  this->Commit(this->partition_, TxId(2));
  const TxId pinned = this->timeline_.HoldPublished().txid;
  this->StageDelta(this->partition_, TxId(3), this->Small());
  this->Commit(this->partition_, TxId(3));
  const int64_t unread = this->Held().versions;
  EXPECT_GE(HeapBytes(this->Read()), static_cast<size_t>(this->kGrowth));
  EXPECT_GE(this->Held().versions, unread + this->kGrowth);
  this->timeline_.ReleaseHold(pinned);
  this->StageDelta(this->partition_, TxId(4), this->Small());
  this->Commit(this->partition_, TxId(4));
  // The value that txid 4 replaced is there for nobody, either.
  this->StageDelta(this->partition_, TxId(5), this->Small());
  this->Commit(this->partition_, TxId(5));
  EXPECT_EQ(this->Held().versions, 0);
}

}  // namespace
}  // namespace trident
