// SPDX-License-Identifier: Apache-2.0
//
// Trident's tests of its states (S2, S4 in tests/README.md) over a map state of our own.
// A batch that comes again is a new attempt here: the old one is aborted, and no kind of state can
// tell that it was there.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "tests/state/state_harness.h"

namespace trident {
namespace {

using Value = std::optional<int64_t>;

class MapReplayTest : public ::testing::Test {
 protected:
  Attempt attempt() const { return {Epoch(1), attempt_}; }
  Value Get(std::string_view key = "a") {
    const HashedKey hashed{key, HashBytes(key)};
    Value found;
    Status status = h_.share().ReadNewest({&hashed, 1}, [&](size_t, const int64_t* value) {
      if (value != nullptr) found = *value;
    });
    EXPECT_TRUE(status.ok()) << status;
    return found;
  }
  // Changes the key; its new value.
  Value Set(std::string_view key, const std::function<Value(const int64_t*)>& next) {
    const HashedKey hashed{key, HashBytes(key)};
    Status status =
        h_.share().Stage(h_.published().Next(), attempt(), {&hashed, 1},
                         [&](size_t, const int64_t* old) -> Value { return next(old); });
    EXPECT_TRUE(status.ok()) << status;
    return Get(key);
  }
  Value Upd(int64_t n, std::string_view key = "a") {
    return Set(key, [n](const int64_t* old) { return Value(old == nullptr ? n : *old + n); });
  }
  void Put(std::string_view key, int64_t value) {
    Set(key, [value](const int64_t*) { return Value(value); });
  }
  Value Remove(std::string_view key) {
    return Set(key, [](const int64_t*) { return Value(); });
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

  StateHarness h_;
  uint32_t attempt_ = 1;
};

TEST_F(MapReplayTest, TridentS2ABatchThatComesAgainStartsFromTheValueBeforeIt) {
  EXPECT_EQ(Get(), std::nullopt);
  EXPECT_EQ(Upd(1), 1);
  EXPECT_EQ(Get(), 1);
  EXPECT_EQ(Upd(2), 3);
  EXPECT_EQ(Get(), 3);
  Again();
  EXPECT_EQ(Get(), std::nullopt);
  EXPECT_EQ(Upd(2), 2);
  Commit();
  EXPECT_EQ(Get(), 2);
  EXPECT_EQ(Upd(3), 5);
  EXPECT_EQ(Upd(1), 6);
  Commit();
  EXPECT_EQ(*h_.ReadAll(TxId(2)), (Content{{"a", 6}}));
}

TEST_F(MapReplayTest, TridentS4ARemovalIsForgottenWithItsAttempt) {
  Put("a", 1);
  Put("b", 2);
  Commit();
  EXPECT_EQ(Remove("a"), std::nullopt);
  EXPECT_EQ(Get("b"), 2);
  Again();
  EXPECT_EQ(Get("a"), 1);
  EXPECT_EQ(Get("b"), 2);
  EXPECT_EQ(Remove("a"), std::nullopt);
  Commit();
  EXPECT_EQ(Get("a"), std::nullopt);
  EXPECT_EQ(Get("b"), 2);
  EXPECT_EQ(*h_.ReadAll(TxId(2)), (Content{{"b", 2}}));
}

// The newest value is the one of the newest staged txid, also over keys that are in the base alone.
TEST_F(MapReplayTest, ReadNewestSeesStagedChangesOverCommittedAndFoldedOnes) {
  Put("a", 1);
  Put("b", 2);
  Commit();
  Rng rng(7);
  while (h_.store().fold().HasWork()) ASSERT_TRUE(h_.store().fold().FoldSlice().ok());
  ASSERT_TRUE(h_.KillAndOpen(rng).ok());
  EXPECT_EQ(Get("a"), 1) << "from the base";
  EXPECT_EQ(Upd(5, "b"), 7);
  EXPECT_EQ(Get("c"), std::nullopt);
  EXPECT_EQ(*h_.ReadAll(TxId(1)), (Content{{"a", 1}, {"b", 2}})) << "readers see what is committed";
}

}  // namespace
}  // namespace trident
