// SPDX-License-Identifier: Apache-2.0
//
// A scripted life of a RocksStore (redo, decisions, folds, trims, flushes, compactions) on a disk
// that fails at every operation, fills up or turns read-only at every operation, loses at every
// sync what it was to write, and loses power at every operation. After each fault the store must
// hold what plain maps hold after some allowed step, byte for byte in all tables. Nothing else is
// right.
//
// TRIDENT_SOAK=1 tries many more losses of power.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "state/disk/rocks_store.h"
#include "state/disk/rocks_store_testing.h"
#include "tests/state/disk/store_script.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

using Fault = FaultyDisk::Fault;

// A directory with some life behind it, the script that continues it, and what a store must hold
// after each step of it.
class Life {
 public:
  Life() : script_(CommitsAndFolds(9, 16)) {
    PlainTables tables;
    const auto store = RocksStore::Open(SmallStoreOptions(dir_.path())).value();
    for (const StoreStep& step : CommitsAndFolds(1, 8)) {
      TRIDENT_CHECK_OK(step.run(*store));
      step.apply(tables);
    }
    contents_.push_back(ContentOf(tables));
    for (const StoreStep& step : script_) {
      step.apply(tables);
      contents_.push_back(ContentOf(tables));
    }
  }

  const std::vector<StoreStep>& script() const { return script_; }
  void CopyTo(const std::string& dir) const { CopyTree(dir_.path(), dir); }
  // How many steps lead to `content`; the trim of nothing leads nowhere, so there may be several.
  bool IsAfter(const std::string& content, size_t least, size_t most) const {
    for (size_t steps = least; steps <= std::min(most, script_.size()); ++steps) {
      if (content == contents_[steps]) return true;
    }
    return false;
  }

 private:
  TempDir dir_;
  std::vector<StoreStep> script_;
  std::vector<std::string> contents_;
};

const Life& TheLife() {
  static const Life* const life = new Life();
  return *life;
}

// One run of the script over a disk with a fault, and what came of it.
class FaultyRun {
 public:
  FaultyRun(const Life& life, uint64_t fail_at, Fault fault) : life_(life) {
    life.CopyTo(dir_.path());
    disk_.FailAt(fail_at, fault);
    StatusOr<std::unique_ptr<RocksStore>> store =
        OpenRocksStoreOn(disk_.env(), SmallStoreOptions(dir_.path()));
    if (!store.ok()) {
      error_ = store.status();
      return;
    }
    for (const StoreStep& step : life.script()) {
      error_ = step.run(**store);
      if (!error_.ok()) break;
      ++acknowledged_;
      if (step.is_durable) durable_ = acknowledged_;
    }
    if (!error_.ok()) CheckRefusesWritesAndReads(**store);
  }

  bool failed() const { return disk_.failed(); }
  uint64_t operations() const { return disk_.operations(); }
  uint64_t file_syncs() const { return disk_.file_syncs(); }
  FaultyDisk& disk() { return disk_; }
  size_t acknowledged() const { return acknowledged_; }
  size_t durable() const { return durable_; }
  const Status& error() const { return error_; }

  // Opens again without faults, also as a reader; the store must be between two steps.
  void CheckFinds(size_t least, size_t most) {
    disk_.Repair();
    CheckAReaderFinds(least, most);
    StatusOr<std::unique_ptr<RocksStore>> store =
        OpenRocksStoreOn(disk_.env(), SmallStoreOptions(dir_.path()));
    ASSERT_TRUE(store.ok()) << store.status();
    const StatusOr<std::string> content = ContentOf(**store);
    ASSERT_TRUE(content.ok()) << content.status();
    ASSERT_TRUE(life_.IsAfter(*content, least, most))
        << "not as after any of the steps " << least << " to " << most;
    ASSERT_TRUE((*store)->VerifyChecksums().ok());
    WriteSet more;
    more.Put(Table::kMeta, "more", "");
    ASSERT_TRUE((*store)->Write(more, Durability::kSynced).ok());
  }

 private:
  void CheckAReaderFinds(size_t least, size_t most) {
    RocksStoreOptions options = SmallStoreOptions(dir_.path());
    options.access = RocksStoreOptions::Access::kReadOnly;
    const StatusOr<std::unique_ptr<RocksStore>> store = OpenRocksStoreOn(disk_.env(), options);
    ASSERT_TRUE(store.ok()) << store.status();
    const StatusOr<std::string> content = ContentOf(**store);
    ASSERT_TRUE(content.ok()) << content.status();
    ASSERT_TRUE(life_.IsAfter(*content, least, most)) << "as a reader sees it";
    for (const RocksStore::CheckedFile& file : (*store)->CheckFiles()) {
      ASSERT_TRUE(file.status.ok()) << file.status;
    }
  }
  void CheckRefusesWritesAndReads(RocksStore& store) {
    WriteSet more;
    more.Put(Table::kMeta, "more", "");
    EXPECT_EQ(store.Write(more, Durability::kSynced).code(), StatusCode::kFailedPrecondition);
    EXPECT_EQ(store.Health().code(), StatusCode::kFailedPrecondition);
    const StatusOr<std::string> content = ContentOf(store);
    ASSERT_TRUE(content.ok()) << "what was committed stays readable: " << content.status();
    EXPECT_TRUE(life_.IsAfter(*content, acknowledged_, acknowledged_ + 1));
  }

  const Life& life_;
  TempDir dir_;
  FaultyDisk disk_;
  Status error_;
  size_t acknowledged_ = 0;
  size_t durable_ = 0;
};

struct WholeRun {
  uint64_t operations = 0;
  uint64_t file_syncs = 0;
};
WholeRun RunWithoutFaults() {
  FaultyRun run(TheLife(), 0, Fault::kInputOutput);
  EXPECT_TRUE(run.error().ok()) << run.error();
  EXPECT_EQ(run.acknowledged(), TheLife().script().size());
  const WholeRun whole{run.operations(), run.file_syncs()};
  run.CheckFinds(run.acknowledged(), run.acknowledged());
  return whole;
}

// ---- every operation fails ----

// `stride` 1 tries every operation.
void FailOperations(Fault fault, StatusCode expected, uint64_t stride) {
  const uint64_t operations = RunWithoutFaults().operations;
  ASSERT_GT(operations, 100u);
  uint64_t tried = 0;
  uint64_t noticed = 0;
  for (uint64_t n = 1; n <= operations; n += stride) {
    SCOPED_TRACE(Concat("operation ", n, " of ", operations));
    FaultyRun run(TheLife(), n, fault);
    ++tried;
    if (!run.error().ok()) {
      ++noticed;
      EXPECT_TRUE(run.error().code() == expected ||
                  run.error().code() == StatusCode::kFailedPrecondition)
          << run.error();
    }
    run.CheckFinds(run.acknowledged(), run.acknowledged() + 1);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(noticed, tried / 2);
}

TEST(DiskFaultTest, AnInputOutputErrorAtEveryOperationLosesNothingAcknowledged) {
  FailOperations(Fault::kInputOutput, StatusCode::kUnavailable, 1);
}

TEST(DiskFaultTest, AFullDiskAtEveryOperationLosesNothingAcknowledged) {
  FailOperations(Fault::kDiskFull, StatusCode::kResourceExhausted, 1);
}

// As file systems do when they find themselves damaged.
TEST(DiskFaultTest, AFileSystemThatTurnsReadOnlyLosesNothingAcknowledged) {
  FailOperations(Fault::kReadOnly, StatusCode::kPermissionDenied, Soak() ? 1 : 5);
}

// ---- syncs fail, and the power fails after them ----

TEST(DiskFaultTest, AFailedSyncAndThenAPowerLossKeepWhatWasAcknowledgedAsDurable) {
  const uint64_t syncs = RunWithoutFaults().file_syncs;
  ASSERT_GT(syncs, 20u);
  uint64_t noticed = 0;
  for (uint64_t n = 1; n <= syncs; ++n) {
    SCOPED_TRACE(Concat("sync ", n, " of ", syncs));
    FaultyRun run(TheLife(), n, Fault::kFailedSync);
    noticed += run.error().ok() ? 0 : 1;
    Rng rng(n);
    run.disk().LosePower(rng);
    run.CheckFinds(run.durable(), run.acknowledged() + 1);
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(noticed, syncs / 2);
}

// ---- the power fails at every operation ----

TEST(DiskFaultTest, APowerLossAtEveryOperationKeepsWhatWasAcknowledgedAsDurable) {
  const uint64_t operations = RunWithoutFaults().operations;
  const uint64_t seeds = Soak() ? 40 : 1;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    for (uint64_t n = 1; n <= operations; ++n) {
      SCOPED_TRACE(Concat("operation ", n, " of ", operations, ", seed ", seed));
      FaultyRun run(TheLife(), n, Fault::kPowerCut);
      Rng rng(seed * operations + n);
      run.disk().LosePower(rng);
      run.CheckFinds(run.durable(), run.acknowledged() + 1);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace trident
