// SPDX-License-Identifier: Apache-2.0
//
// Folds append, changes are applied, txids cease to be readable: each value lies over the base that
// it was computed over, and no base is kept for nobody.
#include "state/map/earlier_bases.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "tests/state/seeds.h"

namespace trident {
namespace {

class EmptyView final : public BaseView {
 public:
  Status MultiGet(std::span<const std::string_view>,
                  const std::function<void(size_t, std::string_view)>&) const override {
    return absl::OkStatus();
  }
  std::unique_ptr<Cursor> NewCursor(const CursorOptions&) const override { return nullptr; }
};

BaseRef NewView() { return std::make_shared<EmptyView>(); }

TEST(EarlierBasesTest, AReplacedValueLiesOverTheFirstViewWithoutTheChangeThatReplacedIt) {
  EarlierBases bases;
  const BaseRef first = NewView(), second = NewView();
  bases.BeginAppending(TxId(10), first);
  bases.EndAppending();
  bases.BeginAppending(TxId(20), second);
  EXPECT_EQ(bases.UnderReplaced(ShortTxId(TxId(3))), first);
  EXPECT_EQ(bases.UnderReplaced(ShortTxId(TxId(10))), first);
  EXPECT_EQ(bases.UnderReplaced(ShortTxId(TxId(11))), second);
  EXPECT_EQ(bases.UnderReplaced(ShortTxId(TxId(20))), second);
  EXPECT_EQ(bases.UnderReplaced(ShortTxId(TxId(21))), nullptr) << "no fold has brought it in";
}

TEST(EarlierBasesTest, TheViewOfTheFoldThatIsAppendingStaysWhoeverMayRead) {
  EarlierBases bases;
  EXPECT_FALSE(bases.IsAppending());
  std::weak_ptr<const BaseView> view;
  {
    const BaseRef before = NewView();
    view = before;
    bases.BeginAppending(TxId(10), before);
  }
  bases.Release(TxId(50));
  EXPECT_TRUE(bases.IsAppending());
  EXPECT_EQ(bases.BeforeFold(), view.lock());
  bases.EndAppending();
  EXPECT_FALSE(bases.IsAppending());
  EXPECT_FALSE(view.expired()) << "until somebody releases it";
  bases.Release(TxId(50));
  EXPECT_TRUE(view.expired());
}

// The oracle keeps all views that there ever were.
void PlayHistory(uint64_t seed) {
  Rng rng(seed);
  EarlierBases bases;
  struct Taken {
    uint64_t until;
    std::weak_ptr<const BaseView> view;
  };
  std::vector<Taken> all;
  // Near the place where the low half of a txid wraps around.
  uint64_t applied = (uint64_t{1} << 32) - 100, oldest = applied, folded = applied;
  for (int step = 0; step < 400; ++step) {
    switch (rng.Below(4)) {
      case 0:
        applied += rng.Below(5);
        break;
      case 1:
        oldest += rng.Below(applied - oldest + 1);
        bases.Release(TxId(oldest));
        break;
      case 2:
        if (bases.IsAppending()) {
          bases.EndAppending();
        } else {
          folded += rng.Below(applied - folded + 1);
          BaseRef view = NewView();
          all.push_back({folded, view});
          bases.BeginAppending(TxId(folded), std::move(view));
        }
        break;
      default:
        for (uint64_t by = oldest + 1; by <= applied; ++by) {
          size_t i = 0;
          while (i < all.size() && all[i].until < by) ++i;
          const BaseRef expected = i < all.size() ? all[i].view.lock() : nullptr;
          ASSERT_EQ(i < all.size(), expected != nullptr) << "it was released too early";
          ASSERT_EQ(bases.UnderReplaced(ShortTxId(TxId(by))), expected) << by;
        }
    }
    if (bases.IsAppending()) {
      ASSERT_EQ(bases.BeforeFold(), all.back().view.lock());
    }
  }
  bases.EndAppending();
  bases.Release(TxId(applied));
  for (const Taken& taken : all) ASSERT_TRUE(taken.view.expired()) << "it was kept for nobody";
}

TEST(EarlierBasesTest, EveryReadableValueFindsTheBaseOfItsTimeAndNoBaseStaysForever) {
  for (const uint64_t seed : TestSeeds(100, 50)) {
    SCOPED_TRACE(Repro(
        "EarlierBasesTest.EveryReadableValueFindsTheBaseOfItsTimeAndNoBaseStaysForever", seed));
    ASSERT_NO_FATAL_FAILURE(PlayHistory(seed));
  }
}

}  // namespace
}  // namespace trident
