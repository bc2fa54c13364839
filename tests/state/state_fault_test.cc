// SPDX-License-Identifier: Apache-2.0
//
// A whole state (redo, decisions, folds and recovery over RocksDB) on a disk that fails at every
// operation. After each fault what was committed stays readable, the next start finds it, and the
// history goes on to the same end as if nothing had been.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "state/disk/rocks_store_testing.h"
#include "state/fold.h"
#include "tests/state/disk/store_script.h"
#include "tests/state/state_harness.h"
#include "tests/state/typed_maps.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

using Fault = FaultyDisk::Fault;

constexpr uint64_t kFirst = 4;  // txids before it are committed without faults
constexpr uint64_t kLast = 10;

// Every second txid adds to keys that nobody has read; its fold appends.
bool Adds(uint64_t t) { return t % 2 == 0; }

// Of txid t; a function of nothing else.
NumberedChanges ChangesOf(uint64_t t) {
  Rng rng(t);
  NumberedChanges changes;
  for (int i = 0; i < 12; ++i) {
    auto& value = changes[Concat("key", rng.Below(40))];
    if (Adds(t) || !rng.Chance(0.2)) value = static_cast<int64_t>(rng.Below(1000));
  }
  return changes;
}

// By txid, from plain maps.
template <class V>
std::vector<Content<V>> AllContents() {
  std::vector<Content<V>> contents(1);
  for (uint64_t t = 1; t <= kLast; ++t) {
    Content<V> next = contents.back();
    for (const auto& [key, value] : ChangesOf(t)) {
      if (!Adds(t)) next.erase(key);
      if (value) AddTo(next, key, ValuesOf<V>::Of(*value));
    }
    contents.push_back(std::move(next));
  }
  return contents;
}

// A state in a directory on a faulty disk.
template <class V>
class FaultyState {
 public:
  explicit FaultyState(const std::string& dir)
      : dir_(dir), state_({.store = {.fold_deltas = FoldDeltas::kUnread}}) {}
  ~FaultyState() { Close(); }

  Status Open() {
    TRIDENT_ASSIGN_OR_RETURN(store_, OpenRocksStoreOn(disk_.env(), SmallStoreOptions(dir_)));
    return state_.Open(*store_);
  }
  void Close() {
    state_.Close();
    store_.reset();
  }
  // Commits up to txid `last`, with a fold after every third.
  Status GoOn(uint64_t last) {
    while (state_.published() < TxId(last)) {
      const uint64_t t = state_.published().value() + 1;
      state_.history().resize(t);
      TRIDENT_RETURN_IF_ERROR(Commit(t));
      if (t % 3 == 0) TRIDENT_RETURN_IF_ERROR(state_.store().fold().FoldAll());
    }
    return absl::OkStatus();
  }
  uint64_t published() { return state_.published().value(); }
  void ExpectHolds(const std::vector<Content<V>>& contents) {
    const StatusOr<Content<V>> content = state_.ReadAll(state_.published());
    ASSERT_TRUE(content.ok()) << content.status();
    ASSERT_EQ(*content, contents[published()]);
  }
  FaultyDisk& disk() { return disk_; }

 private:
  Status Commit(uint64_t t) {
    const NumberedChanges changes = ChangesOf(t);
    if (!Adds(t)) return state_.TryCommit(changes);
    std::map<std::string, int64_t> deltas;
    for (const auto& [key, delta] : changes) deltas[key] = *delta;
    return state_.TryCommitDeltas(deltas);
  }

  const std::string dir_;
  FaultyDisk disk_;
  std::unique_ptr<RocksStore> store_;
  StateOverStore<V> state_;
};

template <class V>
class StateFaultTest : public testing::Test {
 protected:
  StateFaultTest() : contents_(AllContents<V>()) {
    FaultyState<V> state(start_.path());
    TRIDENT_CHECK_OK(state.Open());
    TRIDENT_CHECK_OK(state.GoOn(kFirst - 1));
  }

  uint64_t OperationsWithoutFaults() {
    TempDir dir;
    CopyTree(start_.path(), dir.path());
    FaultyState<V> state(dir.path());
    EXPECT_TRUE(state.Open().ok());
    state.disk().FailAt(0, Fault::kInputOutput);
    EXPECT_TRUE(state.GoOn(kLast).ok());
    const uint64_t operations = state.disk().operations();
    state.ExpectHolds(contents_);
    return operations;
  }

  // The n-th operation after the start fails.
  void Fail(uint64_t n, Fault fault) {
    TempDir dir;
    CopyTree(start_.path(), dir.path());
    FaultyState<V> state(dir.path());
    ASSERT_TRUE(state.Open().ok());
    state.disk().FailAt(n, fault);
    const Status error = state.GoOn(kLast);
    const uint64_t acknowledged = state.published();
    ASSERT_NO_FATAL_FAILURE(state.ExpectHolds(contents_)) << "what was committed stays readable";
    state.Close();
    if (fault == Fault::kPowerCut) {
      Rng rng(n);
      state.disk().LosePower(rng);
    }
    state.disk().Repair();
    const Status opened = state.Open();
    ASSERT_TRUE(opened.ok()) << opened << " after " << error;
    ASSERT_GE(state.published(), acknowledged);
    ASSERT_LE(state.published(), acknowledged + (error.ok() ? 0 : 1));
    ASSERT_NO_FATAL_FAILURE(state.ExpectHolds(contents_));
    const Status went_on = state.GoOn(kLast);
    ASSERT_TRUE(went_on.ok()) << went_on;
    state.Close();
    ASSERT_TRUE(state.Open().ok());
    ASSERT_EQ(state.published(), kLast);
    ASSERT_NO_FATAL_FAILURE(state.ExpectHolds(contents_));
  }

  void FailEverywhere(Fault fault) {
    const uint64_t operations = OperationsWithoutFaults();
    ASSERT_GT(operations, 30u);
    // Numbers meet every fault; the other types meet every third one each, and not the same ones.
    uint64_t first = 1, step = 3;
    if (std::is_same_v<V, int64_t>) step = 1;
    if (std::is_same_v<V, std::vector<int64_t>>) first = 2;
    if (std::is_same_v<V, UserValue>) first = 3;
    for (uint64_t n = first; n <= operations; n += step) {
      SCOPED_TRACE(Concat("operation ", n, " of ", operations));
      ASSERT_NO_FATAL_FAILURE(Fail(n, fault));
    }
  }

  const std::vector<Content<V>> contents_;
  TempDir start_;
};

TYPED_TEST_SUITE(StateFaultTest, StateValues);

TYPED_TEST(StateFaultTest, AnInputOutputErrorAtEveryOperation) {
  this->FailEverywhere(Fault::kInputOutput);
}

TYPED_TEST(StateFaultTest, AFullDiskAtEveryOperation) { this->FailEverywhere(Fault::kDiskFull); }

TYPED_TEST(StateFaultTest, APowerLossAtEveryOperation) { this->FailEverywhere(Fault::kPowerCut); }

}  // namespace
}  // namespace trident
