// SPDX-License-Identifier: Apache-2.0
//
// A partition with values of every kind: a number, a text, a list, a type of the program. Whatever
// happens to it, reads and scans are those of a plain map, the account of its memory is what a walk
// over all values finds, and a combiner that throws costs nothing but its key.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/rng.h"
#include "tests/state/map/partition_of_values.h"
#include "tests/state/seeds.h"

namespace trident {
namespace {

template <class V>
class MapPartitionValuesTest : public PartitionOfValues<V> {};
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
        switch (rng.Below(13)) {
          case 12:
            // Also a key that cannot be read may be replaced or removed.
            TRIDENT_CHECK_OK(
                this->PutUnread(key, rng.Chance(0.3) ? std::nullopt : std::optional(n)));
            return;
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

// Readers of the txids before see what was replaced, although nobody has looked at it.
TYPED_TEST(MapPartitionValuesTest, ValuesThatWereReplacedUnreadAreReadAtTheTxidsBefore) {
  for (const bool is_delta : {false, true}) {
    for (const bool is_folded_before_the_put : {false, true}) {
      TRIDENT_CHECK_OK(this->PutUnread("key", 5));
      this->Commit();
      this->Fold();
      this->Restart();
      if (is_delta) {
        this->Add("key", 6);
        this->Commit();
      }
      if (is_folded_before_the_put) this->BeginFold();
      TRIDENT_CHECK_OK(this->PutUnread("key", 9));
      this->Commit();
      if (!is_folded_before_the_put) this->BeginFold();
      TRIDENT_CHECK_OK(this->Merge());
      this->ExpectReads({"key"});
      TRIDENT_CHECK_OK(this->Install());
      this->ExpectReads({"key"});
      TRIDENT_CHECK_OK(this->Finish());
      this->ExpectReads({"key"});
      for (TxId at = this->oldest(); at <= this->published(); at = at.Next()) {
        this->ExpectScan(at, {});
      }
      this->ExpectAccountIsRight();
    }
  }
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
