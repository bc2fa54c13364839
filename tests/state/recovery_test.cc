// SPDX-License-Identifier: Apache-2.0
//
// Recovery: much redo, which several threads replay, and redo or decisions that are not what they
// should be.
#include "state/recovery.h"
#include "base/limits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/state/state_harness.h"

namespace trident {
namespace {

constexpr GroupId kGroup = StateOverStore::kGroup;

std::map<std::string, std::optional<int64_t>> RandomChanges(Rng& rng, uint64_t keys) {
  std::map<std::string, std::optional<int64_t>> changes;
  for (uint64_t i = 0; i < keys; ++i) {
    std::optional<int64_t>& value = changes[Concat("key number ", rng.Below(3 * keys))];
    if (rng.Below(5) > 0) value = static_cast<int64_t>(rng.Below(1'000'000));
  }
  return changes;
}

TEST(RecoveryTest, MuchRedoIsReplayedToWhatWasCommitted) {
  for (const uint32_t partitions : {1u, 3u, 16u}) {
    Rng rng(partitions);
    StateHarness h({.partitions = partitions, .store = {}});
    constexpr uint64_t kTxids = 24;
    for (uint64_t t = 1; t <= kTxids; ++t) {
      h.Commit(RandomChanges(rng, 20'000));
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
  StateHarness h_;
};

TEST_F(DamagedRedoTest, ADecidedTxidWithoutRedoIsNamed) {
  WriteSet changes;
  changes.Delete(Table::kRedo, RedoKey(kGroup, TxId(3)));
  Write(changes);
  const std::string refusal = Refusal();
  EXPECT_TRUE(Says(refusal,
                   "txid 3 of group 7 was decided, but is neither in the base nor in the "
                   "redo in memory, whose decisions reach to txid 5"))
      << refusal;
  EXPECT_TRUE(Says(refusal, "restore the state directory from a backup")) << refusal;
}

TEST_F(DamagedRedoTest, TheLastDecidedTxidWithoutRedoIsNamed) {
  WriteSet changes;
  changes.Delete(Table::kRedo, RedoKey(kGroup, TxId(5)));
  Write(changes);
  EXPECT_TRUE(Says(Refusal(), "txid 5 of group 7 was decided, but is neither"));
}

TEST_F(DamagedRedoTest, RedoOfAnotherTxidIsNamed) {
  WriteSet changes;
  changes.Put(Table::kRedo, RedoKey(kGroup, TxId(3)), Redo(TxId(4)));
  Write(changes);
  EXPECT_TRUE(Says(Refusal(), "txid 3")) << Refusal();
}

TEST_F(DamagedRedoTest, AnyFlippedBitOfRedoIsNoticed) {
  std::string redo = Redo(TxId(2));
  for (size_t bit = 0; bit < 8 * redo.size(); bit += 7) {
    std::string flipped = redo;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    WriteSet changes;
    changes.Put(Table::kRedo, RedoKey(kGroup, TxId(2)), flipped);
    Write(changes);
    const Status opened = h_.KillAndOpen(rng_);
    ASSERT_FALSE(opened.ok()) << "bit " << bit;
  }
}

TEST_F(DamagedRedoTest, RedoOfAnAttemptThatWasNotDecidedIsNamed) {
  WriteSet changes;
  changes.Put(Table::kDecision, DecisionKey(kGroup, TxId(4)),
              StoredDecisions::Encode(Attempt{Epoch(1), 2}));
  Write(changes);
  EXPECT_TRUE(Says(Refusal(),
                   "txid 4 of group 7 was decided for attempt 1.2, but the redo in "
                   "memory has attempt 1.1"));
}

TEST_F(DamagedRedoTest, OtherRedoThanTheOneThatWasVotedForIsNamed) {
  RedoHeader header;
  header.group = kGroup;
  header.txid = TxId(3);
  header.attempt = Attempt{Epoch(1), 1};
  WriteSet changes;
  changes.Put(Table::kRedo, RedoKey(kGroup, TxId(3)), RedoRecordBuilder(header).Finish());
  Write(changes);
  EXPECT_TRUE(Says(Refusal(), "txid 3 of group 7 was decided for redo with the checksum "));
}

TEST_F(DamagedRedoTest, RedoOfAStateThatTheStoreDoesNotHaveIsNamed) {
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
  Write(changes);
  EXPECT_TRUE(Says(Refusal(), "changes state 99, partition 0, which the store does not have"));
}

TEST_F(DamagedRedoTest, UndecidedRedoIsDropped) {
  WriteSet changes;
  changes.Put(Table::kRedo, RedoKey(kGroup, TxId(6)), "of no decision");
  Write(changes);
  ASSERT_TRUE(h_.KillAndOpen(rng_).ok());
  EXPECT_EQ(h_.report().records_dropped, 1u);
  EXPECT_EQ(*h_.ReadAll(TxId(5)), h_.At(TxId(5)));
  EXPECT_EQ(*h_.durable().Get(Table::kRedo, RedoKey(kGroup, TxId(6))), std::nullopt);
}

}  // namespace
}  // namespace trident
