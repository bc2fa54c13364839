// SPDX-License-Identifier: Apache-2.0
//
// The disk model of MemoryStore. What every DurableStore must do is tested in
// durable_store_test.cc.
#include "state/disk/memory_store.h"

#include <set>

#include <gtest/gtest.h>

namespace trident {
namespace {

using Outcome = MemoryStore::Failure::Outcome;

Status Put(MemoryStore& store, const std::string& key, Durability durability,
           const std::string& value = "v") {
  WriteSet changes;
  changes.Put(Table::kMeta, key, value);
  return store.Write(changes, durability);
}

std::string KeysOf(const MemoryStore& store, Table table = Table::kMeta) {
  std::string keys;
  const std::unique_ptr<Cursor> cursor = store.NewCursor(table);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) keys += cursor->key();
  return keys;
}

Status InstallOne(MemoryStore& store, std::string_view key) {
  std::unique_ptr<BulkLoad> load = store.NewBulkLoad(Table::kBase).value();
  TRIDENT_RETURN_IF_ERROR(load->Put(key, "v"));
  return load->Install();
}

TEST(MemoryStoreTest, APowerLossKeepsAPrefixOfTheBufferedWritesAndAllSyncedOnes) {
  std::set<std::string> found;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    MemoryStore store;
    ASSERT_TRUE(Put(store, "a", Durability::kBuffered).ok());
    ASSERT_TRUE(Put(store, "b", Durability::kSynced).ok());
    ASSERT_TRUE(Put(store, "c", Durability::kBuffered).ok());
    ASSERT_TRUE(Put(store, "d", Durability::kBuffered).ok());
    Rng rng(seed);
    found.insert(KeysOf(*store.Crash(rng)));
  }
  EXPECT_EQ(found, (std::set<std::string>{"ab", "abc", "abcd"}));
}

TEST(MemoryStoreTest, APowerLossUndoesOverwritesDeletesAndRanges) {
  MemoryStore store;
  WriteSet before;
  for (const char* key : {"1", "2", "3", "4"}) before.Put(Table::kRedo, key, "old");
  ASSERT_TRUE(store.Write(before, Durability::kSynced).ok());
  const uint64_t bytes = store.MemoryBytes();
  WriteSet after;
  after.Put(Table::kRedo, "1", "newer");
  after.DeleteRange(Table::kRedo, "1", "3");
  after.Delete(Table::kRedo, "4");
  after.Put(Table::kRedo, "2", "again");
  after.Put(Table::kRedo, "2", "and again");
  ASSERT_TRUE(store.Write(after, Durability::kBuffered).ok());
  EXPECT_EQ(KeysOf(store, Table::kRedo), "23");
  std::unique_ptr<MemoryStore> reopened;
  for (uint64_t seed = 0; reopened == nullptr || KeysOf(*reopened, Table::kRedo) == "23"; ++seed) {
    ASSERT_LT(seed, 100u) << "the power loss never lost the buffered write";
    MemoryStore again;
    ASSERT_TRUE(again.Write(before, Durability::kSynced).ok());
    ASSERT_TRUE(again.Write(after, Durability::kBuffered).ok());
    Rng rng(seed);
    reopened = again.Crash(rng);
  }
  EXPECT_EQ(KeysOf(*reopened, Table::kRedo), "1234");
  for (const char* key : {"1", "2", "3", "4"}) {
    EXPECT_EQ(reopened->Get(Table::kRedo, key).value(), "old");
  }
  EXPECT_EQ(reopened->MemoryBytes(), bytes);
}

TEST(MemoryStoreTest, AKillKeepsWhatWasWrittenAndAPowerLossAfterItMayNot) {
  std::set<std::string> found;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    MemoryStore store;
    ASSERT_TRUE(Put(store, "a", Durability::kBuffered).ok());
    Rng rng(seed);
    const std::unique_ptr<MemoryStore> killed = store.Kill(rng);
    ASSERT_EQ(KeysOf(*killed), "a");
    ASSERT_TRUE(Put(*killed, "b", Durability::kBuffered).ok());
    found.insert(KeysOf(*killed->Crash(rng)));
  }
  EXPECT_EQ(found, (std::set<std::string>{"", "a", "ab"}));
}

TEST(MemoryStoreTest, WhatAMachineFindsAfterAPowerLossIsDurable) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    MemoryStore store;
    ASSERT_TRUE(Put(store, "a", Durability::kBuffered).ok());
    Rng rng(seed);
    const std::unique_ptr<MemoryStore> once = store.Crash(rng);
    const std::string found = KeysOf(*once);
    EXPECT_EQ(KeysOf(*once->Crash(rng)), found);
  }
}

TEST(MemoryStoreTest, AnInstalledBulkLoadSurvivesAPowerLoss) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    MemoryStore store;
    ASSERT_TRUE(Put(store, "a", Durability::kBuffered).ok());
    ASSERT_TRUE(InstallOne(store, "k").ok());
    Rng rng(seed);
    EXPECT_EQ(KeysOf(*store.Crash(rng), Table::kBase), "k");
  }
}

TEST(MemoryStoreTest, AFailedWriteIsInvisibleAndItsOutcomeAsScripted) {
  for (Outcome outcome : {Outcome::kLost, Outcome::kApplied}) {
    for (bool kill : {false, true}) {
      MemoryStore store;
      store.FailWriteAfter(1, MemoryStore::Failure::DiskFull(outcome));
      ASSERT_TRUE(Put(store, "a", Durability::kSynced).ok());
      EXPECT_EQ(Put(store, "b", Durability::kSynced).code(), StatusCode::kResourceExhausted);
      EXPECT_EQ(KeysOf(store), "a");
      Rng rng(7);
      const std::unique_ptr<MemoryStore> found = kill ? store.Kill(rng) : store.Crash(rng);
      EXPECT_EQ(KeysOf(*found), outcome == Outcome::kLost ? "a" : "ab");
      EXPECT_TRUE(Put(*found, "c", Durability::kSynced).ok()) << "a new store takes writes again";
    }
  }
}

TEST(MemoryStoreTest, AnUnknownOutcomeTakesBothValuesOverTheSeeds) {
  std::set<std::string> found;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    MemoryStore store;
    store.FailWriteAfter(0, MemoryStore::Failure::InputOutput());
    EXPECT_EQ(InstallOne(store, "k").code(), StatusCode::kUnavailable);
    Rng rng(seed);
    found.insert(KeysOf(*store.Crash(rng), Table::kBase));
  }
  EXPECT_EQ(found, (std::set<std::string>{"", "k"}));
}

TEST(MemoryStoreTest, AFailedWriteIsNotFoundWithoutTheBufferedOnesBeforeIt) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    MemoryStore store;
    store.FailWriteAfter(2, MemoryStore::Failure::InputOutput(Outcome::kApplied));
    ASSERT_TRUE(Put(store, "a", Durability::kBuffered).ok());
    ASSERT_TRUE(Put(store, "b", Durability::kBuffered).ok());
    ASSERT_FALSE(Put(store, "c", Durability::kSynced).ok());
    Rng rng(seed);
    const std::string found = KeysOf(*store.Crash(rng));
    EXPECT_TRUE(found == "" || found == "a" || found == "abc") << found;
  }
}

TEST(MemoryStoreTest, AfterAFailureWritesAreRefusedAndReadsAnswered) {
  MemoryStore store;
  ASSERT_TRUE(Put(store, "a", Durability::kSynced).ok());
  EXPECT_TRUE(store.Health().ok());
  store.FailWriteAfter(0, MemoryStore::Failure::InputOutput());
  ASSERT_FALSE(Put(store, "b", Durability::kSynced).ok());
  const Status refused = Put(store, "c", Durability::kSynced);
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(refused),
            "memory takes no more writes since one failed: memory: input/output "
            "error. Open it again");
  EXPECT_EQ(store.Health(), refused);
  EXPECT_EQ(store.NewBulkLoad(Table::kBase).status(), refused);
  EXPECT_EQ(store.Get(Table::kMeta, "a").value(), "v");
  EXPECT_EQ(store.writes(), 2u) << "a refused write does not reach the disk";
}

TEST(MemoryStoreTest, ADeadProcessCanDoNothing) {
  MemoryStore store;
  std::unique_ptr<BulkLoad> load = store.NewBulkLoad(Table::kBase).value();
  ASSERT_TRUE(load->Put("k", "v").ok());
  Rng rng(1);
  const std::unique_ptr<MemoryStore> found = store.Crash(rng);
  EXPECT_EQ(Put(store, "a", Durability::kSynced).code(), StatusCode::kAborted);
  EXPECT_EQ(store.Get(Table::kMeta, "a").status().code(), StatusCode::kAborted);
  EXPECT_EQ(load->Install().code(), StatusCode::kAborted);
  EXPECT_EQ(store.Health().code(), StatusCode::kAborted);
  EXPECT_EQ(KeysOf(*found, Table::kBase), "");
}

TEST(MemoryStoreTest, TheSameSeedFindsTheSameDisk) {
  auto run = [](uint64_t seed) {
    Rng rng(seed);
    auto store = std::make_unique<MemoryStore>();
    std::string trace;
    for (int step = 0; step < 300; ++step) {
      const std::string key(1, static_cast<char>('a' + rng.Below(20)));
      const auto durability = rng.Chance(0.3) ? Durability::kSynced : Durability::kBuffered;
      if (rng.Chance(0.05)) store->FailWriteAfter(rng.Below(3), MemoryStore::Failure::DiskFull());
      (void)Put(*store, key, durability, std::to_string(step));
      if (rng.Chance(0.1)) store = rng.Chance(0.5) ? store->Crash(rng) : store->Kill(rng);
      trace += KeysOf(*store) + ".";
    }
    return trace;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(MemoryStoreDeathTest, MisuseIsCaught) {
  MemoryStore store;
  WriteSet base;
  base.Put(Table::kBase, "k", "v");
  EXPECT_DEATH((void)store.Write(base, Durability::kSynced), "bulk loads alone");
  WriteSet meta;
  meta.DeleteRange(Table::kMeta, "a", "b");
  EXPECT_DEATH((void)store.Write(meta, Durability::kSynced), "no ranges are deleted");
  std::unique_ptr<BulkLoad> load = store.NewBulkLoad(Table::kBase).value();
  ASSERT_TRUE(load->Put("b", "v").ok());
  EXPECT_DEATH((void)load->Put("b", "v"), "must ascend");
}

}  // namespace
}  // namespace trident
