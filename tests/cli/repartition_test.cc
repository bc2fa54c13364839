// SPDX-License-Identifier: Apache-2.0
//
// A state gets another number of partitions: what it holds stays the same, whatever happens
// meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/codec.h"
#include "base/rng.h"
#include "coordinator/cli/directory/base_check.h"
#include "coordinator/cli/directory/decided_txids.h"
#include "coordinator/cli/directory/partition_markers.h"
#include "coordinator/cli/directory/redo_changes.h"
#include "coordinator/cli/directory/repartition.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "coordinator/cli/directory/state_rows.h"
#include "state/disk/memory_store.h"
#include "state/disk/store_layout.h"
#include "tests/cli/directory_life.h"
#include "tests/cli/folded_directory.h"
#include "tests/cli/served_words.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

using testing::HasSubstr;

constexpr Field<Text> kUser{"user"};
constexpr Field<int64_t> kDay{"day"};
constexpr Field<Text> kWhat{"what"};
constexpr Field<int64_t> kSum{"sum"};
constexpr Field<Text> kAll{"all"};

struct Joined {  // of texts; the command does not know how to combine them
  using Value = std::string;
  static constexpr std::string_view kCombiner = "joined";
  Value Zero() const { return {}; }
  Value Init(Text text) const { return Value(text); }
  Value Combine(const Value& a, const Value& b) const { return a + b; }
};

uint64_t Seed() {
  const char* text = std::getenv("TRIDENT_SEED");
  return text == nullptr ? std::random_device()() : std::strtoull(text, nullptr, 10);
}

struct Partitions {
  uint32_t texts = 8;
  uint32_t sums = 8;
};

// A state of texts, one of sums with a key of two fields, and a total.
Topology Random(uint64_t seed, size_t rows, const Partitions& partitions) {
  Rng rng(seed);
  std::vector<OwnedRow<Text, int64_t, Text>> made;
  for (size_t i = 0; i < rows; ++i) {
    std::string user(rng.Below(4), static_cast<char>(rng.Below(256) & 0x7f));
    made.push_back({user + std::to_string(rng.Below(40)), static_cast<int64_t>(rng.Below(9)) - 4,
                    std::string(1, static_cast<char>('a' + rng.Below(26)))});
  }
  Topology topology("random");
  auto stream = topology.NewStream(
      "rows", FixedBatchSpout::Make(Fields(kUser, kDay, kWhat), {.batch_rows = 20}, made));
  stream.GroupBy(kUser).PersistentAggregate({.name = "texts", .partitions = partitions.texts},
                                            kWhat, Joined(), kAll);
  stream.GroupBy(Fields(kUser, kDay))
      .PersistentAggregate({.name = "sums", .partitions = partitions.sums}, kDay, Sum(), kSum);
  stream.PersistentAggregate({.name = "total", .partitions = 1}, Count(), kSum);
  return topology;
}

Status Go(const std::string& state, uint64_t seed, size_t rows, const Partitions& partitions) {
  auto run = Run::Start(Random(seed, rows, partitions),
                        {.state_dir = state, .memory_bytes = 64 * kMiB, .sync = CommitSync::kNone});
  return run.ok() ? (*run)->AwaitEnd() : run.status();
}

std::string Dump(const std::string& state, const std::string& name) {
  const Ended dump = RunTrident({"state", "dump", state, name, "-o", "json"});
  EXPECT_EQ(dump.code, 0) << dump.err;
  return dump.out;
}

void ExpectSound(const std::string& state) {
  const Ended verified = RunTrident({"state", "verify", state});
  EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
}

TEST(RepartitionTest, ADumpIsTheSameBeforeAndAfterAndAtEveryNumber) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("TRIDENT_SEED=" + std::to_string(seed));
  TempDir dir;
  const std::string state = dir.path() + "/state";
  ASSERT_TRUE(Go(state, seed, 500, {}).ok());
  const std::string texts = Dump(state, "texts"), sums = Dump(state, "sums");
  EXPECT_THAT(texts, HasSubstr("\"value\":\""));
  Rng rng(seed);
  for (const uint32_t n : {1u, 3u, 64u, 2u, 200u, 1 + static_cast<uint32_t>(rng.Below(300)), 8u}) {
    SCOPED_TRACE(n);
    for (const char* name : {"texts", "sums"}) {
      const Ended done = RunTrident({"state", "repartition", state, name, std::to_string(n)});
      EXPECT_EQ(done.code, 0) << done.err;
      EXPECT_THAT(done.out, HasSubstr(" in " + std::to_string(n) + " partitions now, before in "));
    }
    ExpectSound(state);
    EXPECT_EQ(Dump(state, "texts"), texts);
    EXPECT_EQ(Dump(state, "sums"), sums);
  }
}

TEST(RepartitionTest, AProgramWithAnotherNumberIsToldHowAndThenGoesOn) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("TRIDENT_SEED=" + std::to_string(seed));
  TempDir dir;
  const std::string state = dir.path() + "/state", other = dir.path() + "/other";
  ASSERT_TRUE(Go(state, seed, 300, {}).ok());
  const Partitions changed{.texts = 5, .sums = 40};
  const Status refused = Go(state, seed, 500, changed);
  EXPECT_THAT(std::string(Message(refused)),
              HasSubstr("`trident state repartition " + state + " texts 5`"));
  EXPECT_EQ(RunTrident({"state", "repartition", state, "texts", "5"}).code, 0);
  EXPECT_EQ(RunTrident({"state", "repartition", state, "sums", "40"}).code, 0);
  ASSERT_TRUE(Go(state, seed, 500, changed).ok());
  ExpectSound(state);
  ASSERT_TRUE(Go(other, seed, 500, {}).ok());
  for (const char* name : {"texts", "sums", "total"}) {
    EXPECT_EQ(Dump(state, name), Dump(other, name)) << "as if it had always had so many";
  }
}

TEST(RepartitionTest, AFoldedStateKeepsItsRows) {
  TempDir temp;
  const std::string copy = temp.path() + "/copy";
  FoldedDirectory::Get().CopyTo(copy);
  for (const char* n : {"7", "100"}) {
    const Ended done = RunTrident({"state", "repartition", copy, "counts", n});
    EXPECT_EQ(done.code, 0) << done.err;
    EXPECT_EQ(RunTrident({"state", "dump", copy, "counts"}).out, FoldedDirectory::Get().counts());
  }
  ExpectSound(copy);
}

TEST(RepartitionTest, WhatCannotBeIsRefused) {
  TempDir temp;
  const std::string copy = temp.path() + "/copy";
  FoldedDirectory::Get().CopyTo(copy);
  EXPECT_EQ(RunTrident({"state", "repartition", copy, "count", "7"}).code, 1);
  for (const char* n : {"0", "-1", "x", "4097", "99999999999"}) {
    const Ended ended = RunTrident({"state", "repartition", copy, "counts", n});
    EXPECT_EQ(ended.code, 2) << n;
    EXPECT_THAT(ended.err, HasSubstr("expected a whole number from 1 to 4096, found '"));
  }
  EXPECT_EQ(RunTrident({"state", "repartition", copy, "counts"}).code, 2);
  const Ended same = RunTrident({"state", "repartition", copy, "counts", "64"});
  EXPECT_EQ(same.code, 0);
  EXPECT_THAT(same.out, HasSubstr("nothing was changed"));
  ServedWords words;
  const Ended in_use = RunTrident({"state", "repartition", words.state(), "counts", "3"});
  EXPECT_EQ(in_use.code, 4);
  EXPECT_THAT(in_use.err, HasSubstr("is in use by "));
}

// ---- crashes, over a store in memory ----

std::unique_ptr<MemoryStore> CopyOf(const DurableStore& from) {
  auto to = std::make_unique<MemoryStore>();
  WriteSet rows;
  for (const Table table : {Table::kMeta, Table::kRedo, Table::kDecision}) {
    const auto cursor = from.NewCursor(table);
    for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
      rows.Put(table, std::string(cursor->key()), std::string(cursor->value()));
    }
  }
  EXPECT_TRUE(to->Write(rows, Durability::kSynced).ok());
  auto load = to->NewBulkLoad(Table::kBase).value();
  const auto cursor = from.NewCursor(Table::kBase);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    EXPECT_TRUE(load->Put(cursor->key(), cursor->value()).ok());
  }
  EXPECT_TRUE(load->Install().ok());
  return to;
}

// The rows of a state, of a store in which nothing is damaged.
std::vector<std::string> RowsOf(const DurableStore& store, const std::string& name) {
  const auto directory = RestingDirectory::ReadFrom(store).value();
  Findings findings;
  const DecidedTxIds decided(*directory, findings);
  const PartitionMarkers markers(*directory, decided, findings);
  const DecidedState from{*directory, decided, markers};
  const RedoChanges redo(from, {.which = RedoChanges::Keep::Which::kAll}, findings);
  CheckBase(from, redo, findings);
  EXPECT_TRUE(findings.clean()) << findings.ToStatus();
  const RestingState* state = directory->FindState(name).value();
  std::vector<std::string> rows;
  for (StateRows row(
           {*directory, *state, redo, PartitionId(0), PartitionId(state->stored().partitions)});
       row.Valid(); row.Next()) {
    rows.push_back(state->KeyText(row.key()) + "=" + row.value().value.value_or("?"));
    for (const std::string& delta : row.value().deltas) rows.back() += delta;
  }
  return rows;
}

StoredState StateIn(const DurableStore& store, const std::string& name) {
  const StoreIdentity identity = ReadIdentity(store).value();
  for (const StoredState& state : identity.states) {
    if (state.name == name) return state;
  }
  ADD_FAILURE() << "no state " << name;
  return {};
}

std::set<StateId> StatesInBase(const DurableStore& store) {
  std::set<StateId> ids;
  const auto cursor = store.NewCursor(Table::kBase);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    ids.insert(ParseBaseKey(cursor->key())->state);
  }
  return ids;
}

TEST(RepartitionCrashTest, ACrashAtAnyWriteLeavesTheOldPartitionsOrTheNewOnes) {
  const uint64_t seed = Seed();
  SCOPED_TRACE("TRIDENT_SEED=" + std::to_string(seed));
  TempDir dir;
  const std::string path = dir.path() + "/state";
  ASSERT_TRUE(Go(path, seed, 300, {}).ok());
  std::unique_ptr<MemoryStore> whole;
  {
    const auto files = RestingDirectory::OpenFiles(path);
    ASSERT_TRUE(files.ok());
    whole = CopyOf(**files);
  }
  const std::vector<std::string> rows = RowsOf(*whole, "texts"), sums = RowsOf(*whole, "sums");
  ASSERT_GT(rows.size(), 10u);
  Rng rng(seed);
  using Failure = MemoryStore::Failure;
  bool succeeded = false;
  std::set<uint32_t> left;
  for (uint64_t writes = 0; !succeeded; ++writes) {
    for (const auto outcome : {Failure::Outcome::kLost, Failure::Outcome::kApplied}) {
      SCOPED_TRACE(writes);
      auto store = CopyOf(*whole);
      store->FailWriteAfter(
          writes, rng.Chance(0.5) ? Failure::InputOutput(outcome) : Failure::DiskFull(outcome));
      succeeded = RepartitionStateOf(*store, "texts", 5).ok();
      store = rng.Chance(0.5) ? store->Crash(rng) : store->Kill(rng);
      const uint32_t found = StateIn(*store, "texts").partitions;
      left.insert(found);
      EXPECT_TRUE(found == 8 || found == 5) << found;
      EXPECT_TRUE(!succeeded || found == 5);
      EXPECT_EQ(RowsOf(*store, "texts"), rows);
      EXPECT_EQ(RowsOf(*store, "sums"), sums);
      // Whoever comes next ends it.
      const auto again = RepartitionStateOf(*store, "texts", 6);
      ASSERT_TRUE(again.ok()) << again.status();
      EXPECT_EQ(again->rows, rows.size());
      EXPECT_EQ(RowsOf(*store, "texts"), rows);
      std::set<StateId> live;
      const StoreIdentity identity = ReadIdentity(*store).value();
      for (const StoredState& state : identity.states) live.insert(state.id);
      for (StateId id : StatesInBase(*store)) EXPECT_TRUE(live.contains(id)) << id.value();
    }
    ASSERT_LT(writes, 20u);
  }
  EXPECT_EQ(left, (std::set<uint32_t>{5, 8}));
}

}  // namespace
}  // namespace trident
