// SPDX-License-Identifier: Apache-2.0
//
// Recovery: much redo, which several threads replay, and redo or decisions that are not what they
// should be.
#include "state/recovery.h"
#include "base/limits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "tests/state/state_harness.h"
#include "tests/state/typed_maps.h"

namespace trident {
namespace {

constexpr GroupId kGroup = kHarnessGroup;

NumberedChanges RandomChanges(Rng& rng, uint64_t keys) {
  NumberedChanges changes;
  for (uint64_t i = 0; i < keys; ++i) {
    std::optional<int64_t>& value = changes[Concat("key number ", rng.Below(3 * keys))];
    if (rng.Below(5) > 0) value = static_cast<int64_t>(rng.Below(1'000'000));
  }
  return changes;
}

template <class V>
class RecoveryTest : public ::testing::Test {};
TYPED_TEST_SUITE(RecoveryTest, StateValues);

TYPED_TEST(RecoveryTest, MuchRedoIsReplayedToWhatWasCommitted) {
  for (const uint32_t partitions : {1u, 3u, 16u}) {
    Rng rng(partitions);
    StateHarness<TypeParam> h({.partitions = partitions, .store = {}});
    constexpr uint64_t kTxids = 24;
    // Values that own memory make more redo of fewer rows.
    const uint64_t keys = kHoldsHeap<TypeParam> ? 10'000 : 20'000;
    for (uint64_t t = 1; t <= kTxids; ++t) {
      h.Commit(RandomChanges(rng, keys));
      // Some partitions are folded part of the way, so that they need less than the others.
      if (t == 5) {
        ASSERT_TRUE(h.store().fold().FoldSlice().ok());
      }
    }
    ASSERT_TRUE(h.KillAndOpen(rng).ok());
    EXPECT_GT(h.report().bytes_replayed, 4u * kMiB) << "so much that threads share it";
    EXPECT_EQ(h.published(), TxId(kTxids));
    EXPECT_EQ(*h.ReadAll(TxId(kTxids), 10'000), h.At(TxId(kTxids)));
  }
}

template <class V>
class DamagedRedoTest : public ::testing::Test {
 protected:
  DamagedRedoTest() {
    for (int64_t i = 1; i <= 5; ++i) h_.Commit({{"a", i}, {"b", -i}});
  }
  void Write(const WriteSet& changes) {
    ASSERT_TRUE(h_.durable().Write(changes, Durability::kSynced).ok());
  }
  std::string Redo(TxId t) { return **h_.durable().Get(Table::kRedo, RedoKey(kGroup, t)); }
  // What opening says, which must be that the store is damaged.
  std::string Refusal() {
    const Status opened = h_.KillAndOpen(rng_);
    EXPECT_EQ(opened.code(), StatusCode::kDataLoss) << opened;
    return std::string(Message(opened));
  }
  static bool Says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  Rng rng_{1};
  StateHarness<V> h_;
};
TYPED_TEST_SUITE(DamagedRedoTest, StateValues);

TYPED_TEST(DamagedRedoTest, ADecidedTxidWithoutRedoIsNamed) {
  WriteSet changes;
  changes.Delete(Table::kRedo, RedoKey(kGroup, TxId(3)));
  this->Write(changes);
  const std::string refusal = this->Refusal();
  EXPECT_TRUE(this->Says(refusal,
                         "txid 3 of group 7 was decided, but is neither in the base nor in the "
                         "redo in memory, whose decisions reach to txid 5"))
      << refusal;
  EXPECT_TRUE(this->Says(refusal, "restore the state directory from a backup")) << refusal;
}

TYPED_TEST(DamagedRedoTest, TheLastDecidedTxidWithoutRedoIsNamed) {
  WriteSet changes;
  changes.Delete(Table::kRedo, RedoKey(kGroup, TxId(5)));
  this->Write(changes);
  EXPECT_TRUE(this->Says(this->Refusal(), "txid 5 of group 7 was decided, but is neither"));
}

TYPED_TEST(DamagedRedoTest, RedoOfAnotherTxidIsNamed) {
  WriteSet changes;
  changes.Put(Table::kRedo, RedoKey(kGroup, TxId(3)), this->Redo(TxId(4)));
  this->Write(changes);
  EXPECT_TRUE(this->Says(this->Refusal(), "txid 3")) << this->Refusal();
}

TYPED_TEST(DamagedRedoTest, AnyFlippedBitOfRedoIsNoticed) {
  std::string redo = this->Redo(TxId(2));
  for (size_t bit = 0; bit < 8 * redo.size(); bit += 7) {
    std::string flipped = redo;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    WriteSet changes;
    changes.Put(Table::kRedo, RedoKey(kGroup, TxId(2)), flipped);
    this->Write(changes);
    const Status opened = this->h_.KillAndOpen(this->rng_);
    ASSERT_FALSE(opened.ok()) << "bit " << bit;
  }
}

TYPED_TEST(DamagedRedoTest, RedoOfAnAttemptThatWasNotDecidedIsNamed) {
  WriteSet changes;
  changes.Put(Table::kDecision, DecisionKey(kGroup, TxId(4)),
              StoredDecisions::Encode(Attempt{Epoch(1), 2}));
  this->Write(changes);
  EXPECT_TRUE(this->Says(this->Refusal(),
                         "txid 4 of group 7 was decided for attempt 1.2, but the redo in "
                         "memory has attempt 1.1"));
}

TYPED_TEST(DamagedRedoTest, OtherRedoThanTheOneThatWasVotedForIsNamed) {
  RedoHeader header;
  header.group = kGroup;
  header.txid = TxId(3);
  header.attempt = Attempt{Epoch(1), 1};
  WriteSet changes;
  changes.Put(Table::kRedo, RedoKey(kGroup, TxId(3)), RedoRecordBuilder(header).Finish());
  this->Write(changes);
  EXPECT_TRUE(
      this->Says(this->Refusal(), "txid 3 of group 7 was decided for redo with the checksum "));
}

TYPED_TEST(DamagedRedoTest, RedoOfAStateThatTheStoreDoesNotHaveIsNamed) {
  RedoHeader header;
  header.group = kGroup;
  header.txid = TxId(3);
  header.attempt = Attempt{Epoch(1), 1};
  RedoRecordBuilder record(header);
  record.AddSection(StateSection(StateId(99), PartitionId(0)), 0, "");
  WriteSet changes;
  changes.Put(Table::kRedo, RedoKey(kGroup, TxId(3)), std::move(record).Finish());
  changes.Put(Table::kDecision, DecisionKey(kGroup, TxId(3)),
              StoredDecisions::Encode(header.attempt));
  this->Write(changes);
  EXPECT_TRUE(
      this->Says(this->Refusal(), "changes state 99, partition 0, which the store does not have"));
}

TYPED_TEST(DamagedRedoTest, UndecidedRedoIsDropped) {
  WriteSet changes;
  changes.Put(Table::kRedo, RedoKey(kGroup, TxId(6)), "of no decision");
  this->Write(changes);
  ASSERT_TRUE(this->h_.KillAndOpen(this->rng_).ok());
  EXPECT_EQ(this->h_.report().records_dropped, 1u);
  EXPECT_EQ(*this->h_.ReadAll(TxId(5)), this->h_.At(TxId(5)));
  EXPECT_EQ(*this->h_.durable().Get(Table::kRedo, RedoKey(kGroup, TxId(6))), std::nullopt);
}

}  // namespace
}  // namespace trident
