// SPDX-License-Identifier: Apache-2.0
#include "coordinator/decision_log.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "state/disk/memory_store.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

constexpr GroupId kGroup{1};

WriteSet Decided(DecisionLog& log, uint64_t txid) {
  WriteSet changes;
  DecisionRecord record;
  record.txid = TxId(txid);
  record.attempt = {Epoch(1), 1};
  EXPECT_TRUE(log.Append(kGroup, record, changes).ok());
  return changes;
}

TxId LastIn(MemoryStore& store) {
  DecisionLog log(store);
  EXPECT_TRUE(log.Load().ok());
  return log.LastDecided(kGroup);
}

TEST(DecisionLogTest, TrimmingKeepsTheNewestOfWhatIsDurable) {
  MemoryStore store;
  DecisionLog log(store);
  for (uint64_t txid = 1; txid <= 3; ++txid) {
    ASSERT_TRUE(store.Write(Decided(log, txid), Durability::kSynced).ok());
  }
  Decided(log, 4);  // is on its way to the disk, and will not come there
  ASSERT_TRUE(log.Trim(kGroup, TxId(3)).ok());
  EXPECT_EQ(LastIn(store), TxId(3));
  ASSERT_TRUE(log.Trim(kGroup, TxId(3)).ok());
  EXPECT_EQ(LastIn(store), TxId(3));
}

TEST(DecisionLogTest, TrimmingDeletesWhatIsBeforeTheFoldedTxid) {
  MemoryStore store;
  DecisionLog log(store);
  for (uint64_t txid = 1; txid <= 3; ++txid) {
    ASSERT_TRUE(store.Write(Decided(log, txid), Durability::kSynced).ok());
  }
  ASSERT_TRUE(log.Trim(kGroup, TxId(3)).ok());
  EXPECT_FALSE(log.AttemptOf(kGroup, TxId(2)).has_value());
  const uint64_t left = store.MemoryBytes();
  ASSERT_TRUE(log.Trim(kGroup, TxId(3)).ok());
  EXPECT_EQ(store.MemoryBytes(), left);
  EXPECT_EQ(LastIn(store), TxId(3));
}

TEST(DecisionLogTest, TheRedoThatAWorkerVotedForIsKnownAfterAStartUnlessTheRecordDoesNotSay) {
  MemoryStore store;
  DecisionLog log(store);
  for (uint64_t txid = 1; txid <= 2; ++txid) {
    DecisionRecord record;
    record.txid = TxId(txid);
    record.attempt = {Epoch(1), 1};
    const uint64_t checksum = txid == 1 ? 0 : 77;  // earlier releases wrote 0
    record.votes = {{.worker = WorkerId(0), .rows = 1, .checksum = checksum}};
    WriteSet changes;
    ASSERT_TRUE(log.Append(kGroup, record, changes).ok());
    ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
  }
  DecisionLog again(store);
  ASSERT_TRUE(again.Load().ok());
  EXPECT_EQ(again.RedoChecksumOf(kGroup, TxId(1)), std::nullopt);
  EXPECT_EQ(again.RedoChecksumOf(kGroup, TxId(2)), 77u);
  EXPECT_EQ(again.RedoChecksumOf(kGroup, TxId(3)), std::nullopt);
}

TEST(DecisionLogTest, APartitionHasMovedWhenTheDecisionIsDurable) {
  const SpoutId spout(1);
  MemoryStore store;
  DecisionLog log(store);
  EXPECT_EQ(log.CommittedPosition(kGroup, spout, "a"), "");
  DecisionRecord record;
  record.txid = TxId(1);
  record.attempt = {Epoch(1), 1};
  record.ranges = {{.emitter = {spout, 0}, .partition = "a", .start = "", .end = "7"}};
  WriteSet changes;
  ASSERT_TRUE(log.Append(kGroup, record, changes).ok());
  EXPECT_EQ(log.CommittedPosition(kGroup, spout, "a"), "") << "the write may fail";
  ASSERT_TRUE(store.Write(changes, Durability::kSynced).ok());
  log.Written(kGroup, record);
  DecisionLog again(store);
  ASSERT_TRUE(again.Load().ok());
  for (const DecisionLog* each : {&log, &again}) {
    EXPECT_EQ(each->CommittedPosition(kGroup, spout, "a"), "7");
    EXPECT_EQ(each->CommittedPosition(kGroup, spout, "b"), "");
    EXPECT_EQ(each->CommittedPosition(kGroup, SpoutId(2), "a"), "");
    EXPECT_EQ(each->CommittedPosition(GroupId(2), spout, "a"), "");
  }
}

TEST(DecisionLogTest, TheBatchTimeIsKeptOverAStartAndNeverGoesBack) {
  MemoryStore store;
  DecisionLog log(store);
  const auto append = [&](uint64_t txid, int64_t time) {
    DecisionRecord record;
    record.txid = TxId(txid);
    record.attempt = {Epoch(1), 1};
    record.batch_time_micros = time;
    WriteSet changes;
    const Status appended = log.Append(kGroup, record, changes);
    if (!appended.ok()) return appended;
    return store.Write(changes, Durability::kSynced);
  };
  EXPECT_EQ(log.LastBatchTime(kGroup), 0);
  EXPECT_TRUE(append(1, 500).ok());
  EXPECT_TRUE(append(2, 500).ok());
  EXPECT_EQ(append(3, 499).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(append(3, 501).ok());
  DecisionLog again(store);
  ASSERT_TRUE(again.Load().ok());
  EXPECT_EQ(again.LastBatchTime(kGroup), 501);
  EXPECT_EQ(again.LastBatchTime(GroupId(2)), 0);
}

// Releases before wrote no time.
TEST(DecisionLogTest, ARecordOfVersion1HasNoBatchTime) {
  std::string content;
  for (const uint64_t number : {9, 2, 1, 5, 0, 0}) PutVarint(content, number);
  const StatusOr<DecisionRecord> record = DecodeDecision(Seal(1, content));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->txid, TxId(9));
  EXPECT_EQ(record->rows, 5u);
  EXPECT_EQ(record->batch_time_micros, 0);
  DecisionRecord timed = *record;
  timed.batch_time_micros = 77;
  EXPECT_EQ(DecodeDecision(EncodeDecision(timed))->batch_time_micros, 77);
}

}  // namespace
}  // namespace trident
