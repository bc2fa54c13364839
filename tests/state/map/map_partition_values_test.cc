// SPDX-License-Identifier: Apache-2.0
//
// A partition with values of every kind: a number, a text, a list, a type of the program. Whatever
// happens to it, reads and scans are those of a plain map, the account of its memory is what a walk
// over all values finds, and a combiner that throws costs nothing but its key.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/coding.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/user_value.h"
#include "base/value_size.h"
#include "state/disk/memory_store.h"
#include "state/map/map_partition.h"
#include "tests/state/seeds.h"
#include "tests/state/typed_values.h"

namespace trident {

namespace {

constexpr Attempt kAttempt{Epoch(1), 1};
// A value that a combiner refuses to add to while it is not repaired.
constexpr int64_t kPoison = int64_t{1} << 50;
bool repaired = true;

// The value that stands for a number, or one that is poison; whether a value has poison in it.
template <class V>
V ValueOf(int64_t n) {
  return ValuesOf<V>::Of(n);
}
bool HasPoison(int64_t v) { return v >= kPoison; }
bool HasPoison(const std::string& v) {
  static const std::string poison = ValueOf<std::string>(kPoison);
  return v.find(poison) != std::string::npos;
}
bool HasPoison(const std::vector<int64_t>& v) {
  return std::find(v.begin(), v.end(), kPoison) != v.end();
}
bool HasPoison(const UserValue& v) { return HasPoison(v.As<Note>().text); }
template <class V>
V Plus(const V& a, const V& b) {
  return ValuesOf<V>::Join(a, b);
}

template <class V>
class MapPartitionValuesTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kWindow = 3;

  MapPartitionValuesTest() {
    options_.combine = [](const V& value, const V& delta) {
      if (!repaired && HasPoison(value)) throw std::overflow_error("poison");
      return Plus(value, delta);
    };
    options_.codec = CodecOf<V>();
    partition_ = std::make_unique<MapPartition<V>>(ContextOf(), options_);
    partition_->StartEmpty(TxId(0));
    timeline_.Start(TxId(0), kAttempt);
    history_.push_back({});
  }
  ~MapPartitionValuesTest() override { repaired = true; }

  PartitionContext ContextOf() {
    return {.state = StateId(1),
            .partition = PartitionId(0),
            .durable = &store_,
            .timeline = &timeline_,
            .budget = &budget_,
            .fold_deltas = fold_deltas_};
  }
  static HashedKey Hashed(const std::string& key) { return {key, HashBytes(key)}; }
  TxId published() const { return TxId(history_.size() - 1); }
  TxId next() const { return published().Next(); }

  Status Put(const std::string& key, int64_t n) {
    const HashedKey hashed = Hashed(key);
    TRIDENT_RETURN_IF_ERROR(partition_->Stage(next(), kAttempt, {&hashed, 1},
                                              [&](size_t, const V*) { return ValueOf<V>(n); }));
    staged_.insert_or_assign(key, ValueOf<V>(n));
    touched_ = next();
    return absl::OkStatus();
  }
  Status Remove(const std::string& key) {
    const HashedKey hashed = Hashed(key);
    TRIDENT_RETURN_IF_ERROR(
        partition_->Stage(next(), kAttempt, {&hashed, 1},
                          [&](size_t, const V*) -> std::optional<V> { return std::nullopt; }));
    staged_.erase(key);
    touched_ = next();
    return absl::OkStatus();
  }
  // More than half of what a value may have.
  static V Large() {
    V large = ValueOf<V>((int64_t{1} << 60) / 7 * 7);
    while (2 * EncodedBytes(large) <= kValueBytesMax) large = Plus(large, large);
    return large;
  }
  void Add(const std::string& key, int64_t n) { AddValue(key, ValueOf<V>(n)); }
  void AddValue(const std::string& key, const V& delta) {
    const HashedKey hashed = Hashed(key);
    TRIDENT_CHECK_OK(
        partition_->StageDelta(next(), kAttempt, {&hashed, 1}, {&delta, 1}, options_.combine));
    touched_ = next();
    const auto old = staged_.find(key);
    staged_.insert_or_assign(key, old == staged_.end() ? delta : Plus(old->second, delta));
  }
  void Commit() {
    if (next() != touched_) return;
    std::string redo;
    partition_->AppendRedo(next(), redo);
    partition_->Apply(next(), kAttempt);
    timeline_.Publish(next(), kAttempt);
    history_.push_back(staged_);
  }
  void Abort() {
    partition_->Abort(next());
    staged_ = history_.back();
    touched_ = TxId(0);
  }

  // ---- a fold, step by step ----
  void BeginFold() {
    fold_ = partition_->BeginFold(published(), kAttempt);
    while (fold_->Collect(3)) {
    }
  }
  Status Merge() { return fold_->Merge(); }
  Status Install() {
    TRIDENT_ASSIGN_OR_RETURN(auto load, store_.NewBulkLoad(Table::kBase));
    TRIDENT_RETURN_IF_ERROR(fold_->WriteTo(*load));
    fold_->ReleaseRows();
    return load->Install();
  }
  Status Finish() {
    const Status finished = fold_->Finish();
    marker_ = fold_->marker();
    fold_ = nullptr;
    return finished;
  }
  void Fold() {
    BeginFold();
    TRIDENT_CHECK_OK(Merge());
    TRIDENT_CHECK_OK(Install());
    TRIDENT_CHECK_OK(Finish());
  }
  // Another life of the process, which has only what the base has.
  void Restart() {
    partition_ = std::make_unique<MapPartition<V>>(ContextOf(), options_);
    partition_->StartFrom(marker_);
    first_ = marker_.txid;
  }

  // ---- checks ----
  void ExpectAccountIsRight() {
    const auto walked = partition_->WalkValues(), accounted = partition_->AccountedValues();
    ASSERT_EQ(walked.entries, accounted.entries);
    ASSERT_EQ(walked.previous, accounted.previous);
    ASSERT_EQ(walked.staged, accounted.staged);
  }
  TxId oldest() const { return std::max(timeline_.oldest(), first_); }
  static bool IsBad(const std::string& key) { return key[0] == 'x'; }
  void ExpectReads(const std::vector<std::string>& keys) {
    for (TxId at = oldest(); at <= published(); at = at.Next()) {
      const Content<V>& content = history_[at.value()];
      for (const std::string& key : keys) {
        const auto got = partition_->Get(at, Hashed(key));
        if (!got.ok() && IsBad(key) && !repaired) {
          EXPECT_NE(Message(got.status()).find("poison"), std::string_view::npos) << got.status();
          continue;
        }
        ASSERT_TRUE(got.ok()) << key << ": " << got.status();
        const auto expected = content.find(key);
        ASSERT_EQ(got->has_value(), expected != content.end()) << key << " at " << at.value();
        if (!got->has_value()) continue;
        ASSERT_EQ(Encoded(**got), Encoded(expected->second)) << key << " at " << at.value();
      }
    }
  }
  void ExpectScan(TxId at, PageLimits limits) {
    std::map<std::string, std::string> expected, got;
    for (const auto& [key, value] : history_[at.value()]) expected[key] = Encoded(value);
    KeyRange range = KeyRange::All();
    for (;;) {
      auto page = partition_->Scan(at, range, limits);
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_LE(page->rows.size(), limits.rows);
      uint64_t bytes = 0;
      for (const auto& [key, value] : page->rows) {
        ASSERT_TRUE(got.empty() || got.rbegin()->first < key);
        got[key] = Encoded(value);
        bytes += key.size() + got[key].size();
      }
      if (page->rows.size() > 1) {
        ASSERT_LE(bytes, limits.bytes + 16 * page->rows.size());
      }
      if (!page->resume) break;
      ASSERT_LT(range.begin, *page->resume);
      range.begin = *page->resume;
    }
    ASSERT_EQ(got, expected);
  }

  MemoryStore store_;
  GroupTimeline timeline_{GroupId(1), kWindow};
  MemoryBudget budget_{20'000};
  MapOptions<V> options_;
  FoldDeltas fold_deltas_ = FoldDeltas::kWhateverIsCheaper;
  std::unique_ptr<MapPartition<V>> partition_;
  std::unique_ptr<PartitionFold> fold_;
  Marker marker_;
  Content<V> staged_;
  TxId first_;    // that this life can read
  TxId touched_;  // the txid that has staged something
  std::vector<Content<V>> history_;
};

TYPED_TEST_SUITE(MapPartitionValuesTest, StateValues);

// Everything at once, in any order, with a fold that goes on meanwhile.
TYPED_TEST(MapPartitionValuesTest, IsAPlainMapWhateverHappensAndItsAccountIsWhatAWalkFinds) {
  using Test = MapPartitionValuesTest<TypeParam>;
  for (const uint64_t seed : TestSeeds(40, 10)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    class One : public Test {
      void TestBody() override {}

     public:
      void Play(uint64_t seed) {
        Rng rng(seed);
        const bool throws = rng.Chance(0.5);
        this->fold_deltas_ = rng.Chance(0.5) ? FoldDeltas::kUnread : FoldDeltas::kWhateverIsCheaper;
        this->partition_ =
            std::make_unique<MapPartition<TypeParam>>(this->ContextOf(), this->options_);
        this->partition_->StartEmpty(TxId(0));
        std::vector<std::string> keys;
        for (int i = 0; i < 24; ++i) keys.push_back(Concat("k", i, std::string(i % 3 * 12, '.')));
        for (int i = 0; i < 3; ++i) keys.push_back(Concat("x", i));
        for (const auto& key : keys) {
          TRIDENT_CHECK_OK(this->Put(key, this->IsBad(key) ? kPoison : 5));
        }
        this->Commit();
        repaired = !throws;
        int phase = 0;
        for (int step = 0; step < 400 && !::testing::Test::HasFatalFailure(); ++step) {
          Step(rng, keys, phase);
          this->ExpectAccountIsRight();
        }
        while (phase != 0) FoldStep(phase);
        this->Commit();
        repaired = true;
        this->ExpectReads(keys);
        for (TxId at = this->oldest(); at <= this->published(); at = at.Next()) {
          this->ExpectScan(at, {.rows = 1 + rng.Below(30), .bytes = 1 + rng.Below(3000)});
        }
        this->Fold();
        this->ExpectAccountIsRight();
        this->Restart();
        for (const auto& key : keys) {
          const auto got = this->partition_->Get(this->published(), this->Hashed(key));
          ASSERT_TRUE(got.ok()) << got.status();
          const auto expected = this->history_.back().find(key);
          ASSERT_EQ(got->has_value(), expected != this->history_.back().end()) << key;
          if (!got->has_value()) continue;
          ASSERT_EQ(Encoded(**got), Encoded(expected->second)) << key;
        }
      }

     private:
      void FoldStep(int& phase) {
        switch (phase) {
          case 0:
            this->BeginFold();
            break;
          case 1:
            TRIDENT_CHECK_OK(this->Merge());
            break;
          case 2:
            TRIDENT_CHECK_OK(this->Install());
            break;
          default:
            TRIDENT_CHECK_OK(this->Finish());
        }
        phase = (phase + 1) % 4;
      }
      void Step(Rng& rng, const std::vector<std::string>& keys, int& phase) {
        const std::string& key = keys[rng.Below(keys.size())];
        const auto n = static_cast<int64_t>(rng.Below(1000));
        switch (rng.Below(12)) {
          case 0:
          case 1:
            // What is known may be changed; a read of a key that cannot be read ends the attempt.
            if (!this->IsBad(key) && !this->Put(key, n).ok()) this->Abort();
            return;
          case 2:
            if (!this->IsBad(key) && !this->Remove(key).ok()) this->Abort();
            return;
          case 3:
          case 4:
          case 5:
            return AddUnlessItThrows(key, n);
          case 6:
            return this->Commit();
          case 7:
            return rng.Chance(0.3) ? this->Abort() : void();
          case 8:
            return this->partition_->Trim();
          case 9:
            return this->ExpectReads({key, keys[rng.Below(keys.size())]});
          default:
            return FoldStep(phase);
        }
      }
      // To add to a value that is known throws at once, before anything is decided.
      void AddUnlessItThrows(const std::string& key, int64_t n) {
        try {
          this->Add(key, n);
        } catch (const std::overflow_error&) {
          this->Abort();
        }
      }
    };
    One one;
    one.Play(seed);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// A value that only a repaired program can combine. All other keys go on; nothing is lost.
TYPED_TEST(MapPartitionValuesTest,
           ACombinerThatThrowsInAFoldCostsItsKeyAloneAndOnlyUntilItIsRepaired) {
  for (const std::string key : {"good", "x"}) {
    TRIDENT_CHECK_OK(this->Put(key, key == "x" ? kPoison : 3));
  }
  this->Commit();
  this->Fold();
  this->Restart();
  repaired = false;
  for (int round = 1; round <= 4; ++round) {
    this->Add("good", 7 * round);
    this->Add("x", 8 * round);
    this->Commit();
    this->BeginFold();
    TRIDENT_CHECK_OK(this->Merge());
    if (round % 2 == 0) {  // the key changes while it is folded
      this->Add("x", 100 + round);
      this->Commit();
    }
    TRIDENT_CHECK_OK(this->Install());
    TRIDENT_CHECK_OK(this->Finish());
    this->ExpectReads({"good", "x"});
    this->ExpectAccountIsRight();
    const Status bad = this->partition_->Get(this->published(), this->Hashed("x")).status();
    EXPECT_EQ(bad.code(), StatusCode::kAborted) << bad;
    EXPECT_NE(Message(bad).find("key 78 of state 1"), std::string_view::npos) << bad;
    EXPECT_FALSE(this->partition_->Scan(this->published(), KeyRange::All(), {}).ok());
  }
  repaired = true;
  this->ExpectReads({"good", "x"});
  this->Fold();
  this->ExpectReads({"good", "x"});
  this->Restart();
  this->ExpectReads({"good", "x"});
}

TYPED_TEST(MapPartitionValuesTest, ValuesOverTheLimitAreRefusedAsDeltasToo) {
  if constexpr (kHoldsHeap<TypeParam>) {
    const std::string name = "key";
    const HashedKey key = this->Hashed(name);
    TypeParam big = this->Large();
    while (EncodedBytes(big) <= kValueBytesMax) big = Plus(big, big);
    const Status delta = this->partition_->StageDelta(TxId(1), kAttempt, {&key, 1}, {&big, 1},
                                                      this->options_.combine);
    EXPECT_EQ(delta.code(), StatusCode::kInvalidArgument) << delta;
    EXPECT_NE(Message(delta).find("is over the limit of"), std::string_view::npos) << delta;
    this->partition_->Abort(TxId(1));
    const Status put = this->partition_->Stage(TxId(1), kAttempt, {&key, 1},
                                               [&](size_t, const TypeParam*) { return big; });
    EXPECT_EQ(put.code(), StatusCode::kInvalidArgument) << put;
    this->partition_->Abort(TxId(1));
    this->ExpectAccountIsRight();
    TRIDENT_CHECK_OK(this->Put("key", 7));
    this->Commit();
  }
}

// Nobody reads the base for a delta, so a sum can grow over the limit behind the commit.
TYPED_TEST(MapPartitionValuesTest, ASumOverTheLimitCostsItsKeyAloneAndNoFoldStops) {
  if constexpr (kHoldsHeap<TypeParam>) {
    this->AddValue("big", this->Large());
    this->Add("good", 3);
    this->Commit();
    for (int round = 1; round <= 2; ++round) {
      this->Fold();
      this->Restart();
      this->AddValue("big", this->Large());
      this->Add("good", round);
      this->Commit();
      this->ExpectReads({"good"});
      this->ExpectAccountIsRight();
      const Status read = this->partition_->Get(this->published(), this->Hashed("big")).status();
      EXPECT_EQ(read.code(), StatusCode::kAborted) << read;
      EXPECT_NE(Message(read).find("is over the limit of"), std::string_view::npos) << read;
      EXPECT_NE(Message(read).find("key 626967 of state 1"), std::string_view::npos) << read;
    }
  }
}

TYPED_TEST(MapPartitionValuesTest, ASumThatCannotBeWrittenIsRefusedBeforeTheCommitOrStaysApart) {
  if constexpr (std::is_same_v<TypeParam, UserValue>) {
    const auto note = [](const std::string& text) { return UserValue::Of(Note{text}); };
    const auto code = [&] {
      return this->partition_->Get(this->published(), this->Hashed("x")).status().code();
    };
    this->AddValue("x", note("left~"));
    this->Add("good", 3);
    this->Commit();
    EXPECT_THROW(this->AddValue("x", note("~right")), std::domain_error) << "it is known";
    this->Abort();
    this->Fold();
    this->ExpectReads({"good", "x"});
    this->Restart();
    this->AddValue("x", note("~right"));  // nobody knows over what
    this->Add("good", 4);
    this->Commit();
    this->Fold();
    this->ExpectReads({"good"});
    EXPECT_EQ(code(), StatusCode::kAborted);
    this->Restart();
    this->ExpectReads({"good"});
    EXPECT_EQ(code(), StatusCode::kAborted);
  }
}

// A page holds what it may, however large values are: memory of others is not copied for it.
TYPED_TEST(MapPartitionValuesTest, APageKeepsItsBytesInEveryWayToReadIt) {
  for (int i = 0; i < 40; ++i) TRIDENT_CHECK_OK(this->Put(Concat("k", i), 7 * (1 + i % 5)));
  this->Commit();
  for (const bool in_base : {false, true}) {
    if (in_base) {
      this->Fold();
      this->Restart();
    }
    for (const uint64_t bytes : {1u, 500u, 2'000u, 100'000u}) {
      this->ExpectScan(this->published(), {.rows = 1000, .bytes = bytes});
      this->ExpectScan(this->published(), {.rows = 3, .bytes = bytes});
    }
  }
}

}  // namespace
}  // namespace trident
