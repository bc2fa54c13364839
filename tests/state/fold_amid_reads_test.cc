// SPDX-License-Identifier: Apache-2.0
//
// Commits and reads within each other and amid a fold: what other threads could do at any of the
// moments when no lock is held, by chance and yet the same for the same seed.
#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "tests/state/hooked_store.h"
#include "tests/state/seeds.h"
#include "tests/state/state_harness.h"
#include "tests/state/typed_maps.h"

namespace trident {
namespace {

// Work on a thread of its own that goes on only while Advance waits for it: one of the two threads
// runs at a time.
class SteppedThread {
 public:
  explicit SteppedThread(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          Pause();
          work();
          MutexLock lock(mutex_);
          done_ = true;
          Hand(Turn::kOther);
        }) {
    MutexLock lock(mutex_);
    while (turn_ != Turn::kOther) changed_.Wait(mutex_);
  }
  // REQUIRES: it is done.
  ~SteppedThread() { thread_.join(); }
  // The work, up to its next pause. False: it is done.
  bool Advance() {
    MutexLock lock(mutex_);
    if (done_) return false;
    Hand(Turn::kWork);
    while (turn_ != Turn::kOther) changed_.Wait(mutex_);
    return !done_;
  }
  // By the work.
  void Pause() {
    MutexLock lock(mutex_);
    Hand(Turn::kOther);
    while (turn_ != Turn::kWork) changed_.Wait(mutex_);
  }
  bool IsThisThread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  enum class Turn : uint8_t { kWork, kOther };
  void Hand(Turn turn) TRIDENT_REQUIRES(mutex_) {
    turn_ = turn;
    changed_.NotifyAll();
  }

  Mutex mutex_;
  CondVar changed_;
  Turn turn_ TRIDENT_GUARDED_BY(mutex_) = Turn::kWork;
  bool done_ TRIDENT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

template <class V>
class BusyHistory {
 public:
  explicit BusyHistory(uint64_t seed) : rng_(seed), state_(OptionsFrom(rng_)) {
    const Status opened = state_.Open(store_);
    EXPECT_TRUE(opened.ok()) << opened;
    store_.SetHook([this] { Meanwhile(); });
  }
  ~BusyHistory() {
    while (fold_ != nullptr) AdvanceFold();
    store_.SetHook(nullptr);
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      meanwhile_left_ = 12;
      switch (rng_.Below(6)) {
        case 0:
          AdvanceFold();
          break;
        case 1:
        case 2:
          Read();
          break;
        default:
          Commit();
      }
    }
  }

 private:
  static constexpr uint64_t kKeys = 60;

  static V Of(TxId t) { return ValuesOf<V>::Of(static_cast<int64_t>(t.value())); }
  static HarnessOptions OptionsFrom(Rng& rng) {
    HarnessOptions options;
    options.partitions = rng.Chance(0.3) ? 1 : 3;
    options.store.readable_versions = 1 + rng.Below(8);
    options.store.fold_deltas = rng.Chance(0.7) ? FoldDeltas::kUnread : FoldDeltas();
    return options;
  }

  // Within a call into the store. Who holds the locks of an owner, or is a part of this itself,
  // lets nobody else go on.
  void Meanwhile() {
    if (fold_ != nullptr && fold_->IsThisThread()) return fold_->Pause();
    if (committing_ || within_) return;
    within_ = true;
    uint64_t n = std::min(rng_.Below(5), meanwhile_left_);
    meanwhile_left_ -= n;
    for (; n > 0 && !testing::Test::HasFailure(); --n) {
      switch (rng_.Below(4)) {
        case 0:
          Commit();
          break;
        case 1:
          Read();
          break;
        default:
          AdvanceFold();
      }
    }
    within_ = false;
  }

  void AdvanceFold() {
    if (fold_ == nullptr) {
      fold_ = std::make_unique<SteppedThread>([this] {
        const Status folded = state_.store().fold().FoldSlice();
        EXPECT_TRUE(folded.ok()) << folded;
      });
    }
    if (!fold_->Advance()) fold_ = nullptr;
  }

  void Commit() {
    committing_ = true;
    const TxId t = state_.published().Next();
    const Attempt attempt{Epoch(1), 1};
    Content<V> after = state_.history().back();
    std::vector<std::string> names;
    for (uint64_t n = 1 + rng_.Below(12); n > 0; --n) {
      names.push_back(Concat("k", rng_.Below(kKeys)));
    }
    std::vector<HashedKey> keys;
    for (const std::string& name : names) keys.push_back({name, HashBytes(name)});
    Stage(t, attempt, names, keys, after);
    const Status decided = state_.Decide(t, attempt);
    ASSERT_TRUE(decided.ok()) << decided;
    state_.ApplyAndPublish(t, attempt, std::move(after));
    committing_ = false;
  }

  void Stage(TxId t, Attempt attempt, const std::vector<std::string>& names,
             const std::vector<HashedKey>& keys, Content<V>& after) {
    if (rng_.Chance(0.75)) {
      const std::vector<V> deltas(keys.size(), Of(t));
      for (const std::string& name : names) AddTo(after, name, deltas[0]);
      const Status staged = state_.share().StageDelta(t, attempt, keys, std::span<const V>(deltas),
                                                      &ValuesOf<V>::Sum);
      ASSERT_TRUE(staged.ok()) << staged;
      return;
    }
    const bool removes = rng_.Chance(0.3);
    const Status staged =
        state_.share().Stage(t, attempt, keys, [&](size_t i, const V* old) -> std::optional<V> {
          const auto before = after.find(names[i]);
          EXPECT_EQ(old == nullptr, before == after.end());
          if (old != nullptr && before != after.end()) {
            EXPECT_EQ(*old, before->second);
          }
          after.erase(names[i]);
          if (removes) return std::nullopt;
          return after.emplace(names[i], Of(t)).first->second;
        });
    ASSERT_TRUE(staged.ok()) << staged;
  }

  // A txid that is readable when the read begins, and held until it ends.
  void Read() {
    const uint64_t newest = state_.published().value();
    const uint64_t back = std::min(newest, rng_.Below(state_.options().store.readable_versions));
    StatusOr<Snapshot> pin =
        state_.store().Pin(kHarnessGroup, ReadAt::Exactly(TxId(newest - back)));
    if (!pin.ok()) return;
    const TxId at = pin->txid();
    const Content<V> expected = state_.At(at);
    if (rng_.Chance(0.3)) {
      const StatusOr<Content<V>> all = state_.ReadAll(at, 1 + rng_.Below(kKeys));
      ASSERT_TRUE(all.ok()) << all.status();
      ASSERT_EQ(*all, expected) << "at " << at.value() << " of " << newest;
      return;
    }
    std::vector<std::string> names;
    for (int i = 0; i < 10; ++i) names.push_back(Concat("k", rng_.Below(kKeys)));
    std::vector<HashedKey> keys;
    for (const std::string& name : names) keys.push_back({name, HashBytes(name)});
    std::vector<std::optional<V>> values(keys.size());
    const Status read = state_.map().GetAll(at, keys, [&](size_t i, const V* value) {
      if (value != nullptr) values[i] = *value;
    });
    ASSERT_TRUE(read.ok()) << read;
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto found = expected.find(names[i]);
      ASSERT_EQ(values[i], found == expected.end() ? std::nullopt : std::optional(found->second))
          << names[i] << " at " << at.value() << " of " << newest;
    }
  }

  Rng rng_;
  HookedStore store_;
  StateOverStore<V> state_;
  std::unique_ptr<SteppedThread> fold_;
  uint64_t meanwhile_left_ = 0;  // so that a long read ends
  bool committing_ = false;
  bool within_ = false;
};

template <class V>
class FoldAmidReadsTest : public testing::Test {};
TYPED_TEST_SUITE(FoldAmidReadsTest, StateValues);

TYPED_TEST(FoldAmidReadsTest, EveryReadIsOfItsTxIdWhateverHappensMeanwhile) {
  for (uint64_t seed : TestSeeds(60, 20)) {
    SCOPED_TRACE(Repro("FoldAmidReadsTest/*.EveryReadIsOfItsTxIdWhateverHappensMeanwhile", seed));
    BusyHistory<TypeParam>(seed).Run(200);
    if (testing::Test::HasFailure()) return;
  }
}

// 600 keys in the base, of which memory knows nothing.
template <class V>
class UnreadFoldTest : public testing::Test {
 protected:
  UnreadFoldTest() : state_({.store = {.fold_deltas = FoldDeltas::kUnread}}) {
    TRIDENT_CHECK_OK(state_.Open(store_));
    TRIDENT_CHECK_OK(state_.TryCommitDeltas(Deltas(0, 600)));
    TRIDENT_CHECK_OK(state_.store().fold().FoldAll());
    std::vector<Content<V>> history = state_.history();
    TRIDENT_CHECK_OK(state_.Open(store_));
    state_.history() = std::move(history);
  }
  ~UnreadFoldTest() override { store_.SetHook(nullptr); }

  // One more for each of these keys.
  static std::map<std::string, int64_t> Deltas(int begin, int end) {
    std::map<std::string, int64_t> deltas;
    for (int i = begin; i < end; ++i) deltas[Concat("k", i)] = 1;
    return deltas;
  }
  void ExpectHolds(TxId at) {
    const StatusOr<Content<V>> all = state_.ReadAll(at, 100);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(*all, state_.At(at));
  }

  HookedStore store_;
  StateOverStore<V> state_;
};
TYPED_TEST_SUITE(UnreadFoldTest, StateValues);

// 20,000 keys in one partition.
template <class V>
class FoldDeltasTest : public testing::Test {};
TYPED_TEST_SUITE(FoldDeltasTest, StateValues);

TYPED_TEST(FoldDeltasTest, FewDeltasAreLookedUpAndManyAreAppendedUnread) {
  HookedStore store;
  StateOverStore<TypeParam> state({.partitions = 1, .store = {}});
  ASSERT_TRUE(state.Open(store).ok());
  std::map<std::string, int64_t> all;
  for (int i = 0; i < 20'000; ++i) all[Concat("key", i)] = 1;
  ASSERT_TRUE(state.TryCommitDeltas(all).ok());
  ASSERT_TRUE(state.store().fold().FoldAll().ok());
  struct Reads {
    uint64_t keys, walks;
  };
  const auto fold = [&](uint64_t deltas, Reads& reads) {
    std::vector<Content<TypeParam>> history = state.history();
    ASSERT_TRUE(state.Open(store).ok());  // memory knows nothing
    state.history() = std::move(history);
    std::map<std::string, int64_t> some;
    for (const auto& [key, delta] : all) {
      if (some.size() < deltas) some[key] = 10;
    }
    ASSERT_TRUE(state.TryCommitDeltas(some).ok());
    const Reads before{store.keys_looked_up(), store.cursors()};
    ASSERT_TRUE(state.store().fold().FoldAll().ok());
    reads = {store.keys_looked_up() - before.keys, store.cursors() - before.walks};
  };
  struct Case {
    uint64_t deltas, least, most, walks;
  };
  // A sample of 1,000 is one in 15.
  for (const Case& c : {Case{200, 200, 200, 0}, {1'000, 60, 70, 0}, {6'000, 0, 0, 1}}) {
    Reads reads{};
    ASSERT_NO_FATAL_FAILURE(fold(c.deltas, reads));
    EXPECT_GE(reads.keys, c.least) << c.deltas;
    EXPECT_LE(reads.keys, c.most) << c.deltas;
    EXPECT_EQ(reads.walks, c.walks) << c.deltas;
  }
  EXPECT_EQ(state.map().ApproximateKeys(), 20'000u);
  const StatusOr<Content<TypeParam>> found = state.ReadAll(state.published(), 5'000);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, state.At(state.published()));
}

TYPED_TEST(UnreadFoldTest, KeysAreStillCountedAboutRight) {
  for (int round = 1; round <= 10; ++round) {
    // One half there already, one half new.
    ASSERT_TRUE(this->state_.TryCommitDeltas(this->Deltas(300 * round, 600 + 300 * round)).ok());
    ASSERT_TRUE(this->state_.store().fold().FoldAll().ok());
  }
  EXPECT_NEAR(static_cast<double>(this->state_.map().ApproximateKeys()), 3600, 360);
  const uint64_t before = this->state_.map().ApproximateKeys();
  std::vector<Content<TypeParam>> history = this->state_.history();
  ASSERT_TRUE(this->state_.Open(this->store_).ok());
  EXPECT_NEAR(static_cast<double>(this->state_.map().ApproximateKeys()),
              static_cast<double>(before), 100);
}

TYPED_TEST(UnreadFoldTest, AfterAFoldThatCannotEndReadsAreRightAndNothingIsFolded) {
  ASSERT_TRUE(this->state_.TryCommitDeltas(this->Deltas(0, 600)).ok());
  const TxId folded = this->state_.published();
  bool once = false;
  this->store_.SetHook([&] {
    if (std::exchange(once, true)) return;
    // So that the end of the fold has something to read.
    ASSERT_TRUE(this->state_.TryCommitDeltas(this->Deltas(0, 50)).ok());
    this->store_.FailNextView(DataLoss("a damaged block"));
  });
  const Status failed = this->state_.store().fold().FoldAll();
  EXPECT_EQ(failed, DataLoss("a damaged block"));
  this->ExpectHolds(folded);
  this->ExpectHolds(this->state_.published());
  ASSERT_TRUE(this->state_.TryCommitDeltas(this->Deltas(25, 75)).ok());
  this->ExpectHolds(this->state_.published());
  EXPECT_EQ(this->state_.store().fold().FoldSlice(), failed);
  // The next start comes back from base and redo.
  std::vector<Content<TypeParam>> history = this->state_.history();
  ASSERT_TRUE(this->state_.Open(this->store_).ok());
  this->state_.history() = std::move(history);
  this->ExpectHolds(this->state_.published());
  EXPECT_TRUE(this->state_.store().fold().FoldAll().ok());
  this->ExpectHolds(this->state_.published());
}

}  // namespace
}  // namespace trident
