// SPDX-License-Identifier: Apache-2.0
#include "coordinator/decision_log.h"

#include <gtest/gtest.h>

#include "state/memory_store.h"

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

}  // namespace
}  // namespace trident
