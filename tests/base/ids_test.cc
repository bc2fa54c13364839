// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>

namespace trident {
namespace {

template <class A, class B>
concept Comparable = requires(A a, B b) {
  a == b;
};
template <class A, class B>
concept Ordered = requires(A a, B b) {
  a < b;
};

static_assert(Comparable<TxId, TxId> && Ordered<TxId, TxId>);
static_assert(!Comparable<TxId, Epoch>, "ids of two kinds do not mix");
static_assert(!Comparable<TxId, uint64_t>, "an id is not a number");
static_assert(!std::is_convertible_v<uint64_t, TxId> && !std::is_convertible_v<TxId, uint64_t>);
static_assert(!std::is_convertible_v<PartitionId, StageId>);
static_assert(sizeof(TxId) == 8 && sizeof(PartitionId) == 4, "an id costs what its number costs");

TEST(IdsTest, FirstBatchIsOneAndZeroIsBeforeAll) {
  EXPECT_EQ(TxId().value(), 0u);
  EXPECT_EQ(TxId().Next(), TxId(1));
  EXPECT_EQ(TxId(1).Prev(), TxId());
  EXPECT_LT(TxId(), TxId(1));
}

TEST(IdsTest, AttemptsOfALaterEpochAreLaterWhateverTheirCounter) {
  const Attempt old{Epoch(1), 900};
  const Attempt fresh{Epoch(2), 0};
  EXPECT_LT(old, fresh);
  EXPECT_LT(fresh, (Attempt{Epoch(2), 1}));
  EXPECT_NE(old, (Attempt{Epoch(2), 900}));
}

TEST(IdsTest, ShowAsMessagesShowThem) {
  EXPECT_EQ(ToString(TxId(42)), "42");
  EXPECT_EQ(ToString(Attempt{Epoch(3), 7}), "3.7");
}

TEST(IdsTest, HashTellsThemApart) {
  std::unordered_set<PartitionId> seen;
  for (uint32_t i = 0; i < 100; ++i) seen.insert(PartitionId(i));
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_EQ(seen.count(PartitionId(99)), 1u);
  EXPECT_EQ(seen.count(PartitionId(100)), 0u);
}

}  // namespace
}  // namespace trident
