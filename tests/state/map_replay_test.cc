// SPDX-License-Identifier: Apache-2.0
//
// Trident's tests of its states (S2, S4 in tests/README.md) over a map state of our own.
// A batch that comes again is a new attempt here: the old one is aborted, and no kind of state can
// tell that it was there.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "tests/state/state_harness.h"
#include "tests/state/typed_maps.h"

namespace trident {
namespace {

template <class V>
class MapReplayTest : public ::testing::Test {
 protected:
  using Value = std::optional<V>;

  static V Of(int64_t n) { return ValuesOf<V>::Of(n); }
  static V Sum(int64_t a, int64_t b) { return ValuesOf<V>::Sum(Of(a), Of(b)); }
  Attempt attempt() const { return {Epoch(1), attempt_}; }
  Value Get(std::string_view key = "a") {
    const HashedKey hashed{key, HashBytes(key)};
    Value found;
    Status status = h_.share().ReadNewest({&hashed, 1}, [&](size_t, const V* value) {
      if (value != nullptr) found = *value;
    });
    EXPECT_TRUE(status.ok()) << status;
    return found;
  }
  // Changes the key; its new value.
  Value Set(std::string_view key, const std::function<Value(const V*)>& next) {
    const HashedKey hashed{key, HashBytes(key)};
    Status status = h_.share().Stage(h_.published().Next(), attempt(), {&hashed, 1},
                                     [&](size_t, const V* old) -> Value { return next(old); });
    EXPECT_TRUE(status.ok()) << status;
    return Get(key);
  }
  Value Upd(int64_t n, std::string_view key = "a") {
    return Set(key, [n](const V* old) {
      return Value(old == nullptr ? Of(n) : ValuesOf<V>::Sum(*old, Of(n)));
    });
  }
  void Put(std::string_view key, int64_t value) {
    Set(key, [value](const V*) { return Value(Of(value)); });
  }
  Value Remove(std::string_view key) {
    return Set(key, [](const V*) { return Value(); });
  }
  void Again() {
    h_.share().Abort(h_.published().Next());
    ++attempt_;
  }
  void Commit() {
    const TxId t = h_.published().Next();
    ASSERT_TRUE(h_.Decide(t, attempt()).ok());
    h_.ApplyAndPublish(t, attempt(), {});
  }

  StateHarness<V> h_;
  uint32_t attempt_ = 1;
};
TYPED_TEST_SUITE(MapReplayTest, StateValues);

TYPED_TEST(MapReplayTest, TridentS2ABatchThatComesAgainStartsFromTheValueBeforeIt) {
  EXPECT_EQ(this->Get(), std::nullopt);
  EXPECT_EQ(this->Upd(1), this->Of(1));
  EXPECT_EQ(this->Get(), this->Of(1));
  EXPECT_EQ(this->Upd(2), this->Sum(1, 2));
  EXPECT_EQ(this->Get(), this->Sum(1, 2));
  this->Again();
  EXPECT_EQ(this->Get(), std::nullopt);
  EXPECT_EQ(this->Upd(2), this->Of(2));
  this->Commit();
  EXPECT_EQ(this->Get(), this->Of(2));
  EXPECT_EQ(this->Upd(3), this->Sum(2, 3));
  EXPECT_EQ(this->Upd(1), ValuesOf<TypeParam>::Sum(this->Sum(2, 3), this->Of(1)));
  this->Commit();
  EXPECT_EQ(*this->h_.ReadAll(TxId(2)),
            (Content<TypeParam>{{"a", ValuesOf<TypeParam>::Sum(this->Sum(2, 3), this->Of(1))}}));
}

TYPED_TEST(MapReplayTest, TridentS4ARemovalIsForgottenWithItsAttempt) {
  this->Put("a", 1);
  this->Put("b", 2);
  this->Commit();
  EXPECT_EQ(this->Remove("a"), std::nullopt);
  EXPECT_EQ(this->Get("b"), this->Of(2));
  this->Again();
  EXPECT_EQ(this->Get("a"), this->Of(1));
  EXPECT_EQ(this->Get("b"), this->Of(2));
  EXPECT_EQ(this->Remove("a"), std::nullopt);
  this->Commit();
  EXPECT_EQ(this->Get("a"), std::nullopt);
  EXPECT_EQ(this->Get("b"), this->Of(2));
  EXPECT_EQ(*this->h_.ReadAll(TxId(2)), (Content<TypeParam>{{"b", this->Of(2)}}));
}

// The newest value is the one of the newest staged txid, also over keys that are in the base alone.
TYPED_TEST(MapReplayTest, ReadNewestSeesStagedChangesOverCommittedAndFoldedOnes) {
  this->Put("a", 1);
  this->Put("b", 2);
  this->Commit();
  Rng rng(7);
  while (this->h_.store().fold().HasWork()) ASSERT_TRUE(this->h_.store().fold().FoldSlice().ok());
  ASSERT_TRUE(this->h_.KillAndOpen(rng).ok());
  EXPECT_EQ(this->Get("a"), this->Of(1)) << "from the base";
  EXPECT_EQ(this->Upd(5, "b"), this->Sum(2, 5));
  EXPECT_EQ(this->Get("c"), std::nullopt);
  EXPECT_EQ(*this->h_.ReadAll(TxId(1)),
            (Content<TypeParam>{{"a", this->Of(1)}, {"b", this->Of(2)}}))
      << "readers see what is committed";
}

}  // namespace
}  // namespace trident
