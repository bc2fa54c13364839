// SPDX-License-Identifier: Apache-2.0
#include "state/map/scan_orders.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace trident {
namespace {

constexpr TxId kOldest(5);

std::shared_ptr<const ScanOrder> OrderAt(const ScanOrders& orders, TxId at) {
  auto order = std::make_shared<ScanOrder>();
  order->at = at;
  order->generation = orders.generation();
  order->slots = {3, 1, 2};
  return order;
}

TEST(ScanOrdersTest, AnOrderIsWorthMakingForTheSecondPageAlsoIfOthersScanMeanwhile) {
  ScanOrders orders;
  EXPECT_FALSE(orders.NotePage(TxId(7)));
  EXPECT_TRUE(orders.NotePage(TxId(7)));
  EXPECT_FALSE(orders.NotePage(TxId(8)));
  EXPECT_TRUE(orders.NotePage(TxId(7)));
  EXPECT_TRUE(orders.NotePage(TxId(8)));
  for (uint64_t txid = 100; txid < 200; ++txid) EXPECT_FALSE(orders.NotePage(TxId(txid)));
  EXPECT_FALSE(orders.NotePage(TxId(7))) << "that was long ago";
}

TEST(ScanOrdersTest, TheLatestOrdersAreKeptAndFoundAtTheirTxidsOnly) {
  ScanOrders orders;
  EXPECT_EQ(orders.Find(TxId(7), kOldest), nullptr);
  const auto seventh = OrderAt(orders, TxId(7)), eighth = OrderAt(orders, TxId(8));
  orders.Keep(seventh);
  EXPECT_EQ(orders.Find(TxId(7), kOldest), seventh);
  EXPECT_EQ(orders.Find(TxId(8), kOldest), nullptr);
  orders.Keep(eighth);
  EXPECT_EQ(orders.Find(TxId(8), kOldest), eighth);
  EXPECT_EQ(orders.Find(TxId(7), kOldest), seventh);
  EXPECT_EQ(orders.bytes(), 2 * seventh->slots.capacity() * sizeof(uint32_t));
  for (uint64_t txid = 9; txid < 8 + ScanOrders::kOrdersMax; ++txid) {
    orders.Keep(OrderAt(orders, TxId(txid)));
  }
  EXPECT_EQ(orders.Find(TxId(8), kOldest), nullptr) << "it was not found for the longest time";
  EXPECT_EQ(orders.Find(TxId(7), kOldest), seventh);
}

TEST(ScanOrdersTest, ANewGenerationEndsEveryOrderAlsoThoseInTheHandsOfReaders) {
  ScanOrders orders;
  auto order = OrderAt(orders, TxId(7));
  const std::weak_ptr<const ScanOrder> kept = order;
  orders.Keep(order);
  EXPECT_TRUE(orders.IsCurrent(*order, kOldest));
  EXPECT_EQ(orders.bytes(), order->slots.capacity() * sizeof(uint32_t));
  orders.NextGeneration();
  EXPECT_FALSE(orders.IsCurrent(*order, kOldest));
  EXPECT_EQ(orders.Find(TxId(7), kOldest), nullptr);
  EXPECT_EQ(orders.bytes(), 0u);
  EXPECT_DEATH(orders.Keep(order), "");
  order = nullptr;
  EXPECT_TRUE(kept.expired()) << "its memory is given back";
}

TEST(ScanOrdersTest, AnOrderEndsWithItsTxid) {
  ScanOrders orders;
  const auto order = OrderAt(orders, TxId(7));
  orders.Keep(order);
  orders.DropUnreadable(TxId(7));
  EXPECT_EQ(orders.Find(TxId(7), TxId(7)), order);
  EXPECT_EQ(orders.Find(TxId(7), TxId(8)), nullptr) << "not readable, though still kept";
  EXPECT_FALSE(orders.IsCurrent(*order, TxId(8)));
  EXPECT_NE(orders.bytes(), 0u);
  orders.DropUnreadable(TxId(8));
  EXPECT_EQ(orders.bytes(), 0u);
}

}  // namespace
}  // namespace trident
