// SPDX-License-Identifier: Apache-2.0
#include "state/disk/store_layout.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace trident {
namespace {

template <class Key>
int Order(const Key& a, const Key& b) {
  return a < b ? -1 : b < a;
}

TEST(StoreLayoutTest, OrderOfTxidKeysIsOrderOfGroupThenTxid) {
  Rng rng(1);
  for (int round = 0; round < 10'000; ++round) {
    auto number = [&] { return rng() >> rng.Below(64); };
    const auto a = std::pair(GroupId(static_cast<uint32_t>(number())), TxId(number()));
    auto b = std::pair(GroupId(static_cast<uint32_t>(number())), TxId(number()));
    if (rng.Chance(0.5)) b.first = a.first;
    for (auto key : {RedoKey, DecisionKey, CutKey}) {
      ASSERT_EQ(Order(key(a.first, a.second), key(b.first, b.second)), Order(a, b));
    }
  }
}

TEST(StoreLayoutTest, TxidKeysReturnAndAreNotMistakenForEachOther) {
  const TxIdKey expected{GroupId(9), TxId(1ull << 40)};
  const std::string redo = RedoKey(expected.group, expected.txid);
  const std::string decision = DecisionKey(expected.group, expected.txid);
  const std::string cut = CutKey(expected.group, expected.txid);
  EXPECT_EQ(ParseRedoKey(redo), expected);
  EXPECT_EQ(ParseDecisionKey(decision), expected);
  EXPECT_EQ(ParseCutKey(cut), expected);
  EXPECT_EQ(ParseDecisionKey(cut), std::nullopt);
  EXPECT_EQ(ParseCutKey(decision), std::nullopt);
  EXPECT_EQ(ParseRedoKey(decision), std::nullopt);
  EXPECT_EQ(ParseDecisionKey(redo), std::nullopt);
  for (const std::string& key : {redo + "x", redo.substr(1), std::string()}) {
    EXPECT_EQ(ParseRedoKey(key), std::nullopt);
  }
}

TEST(StoreLayoutTest, AMarkerStandsBeforeAllKeysOfItsPartitionAndNoOther) {
  const StateId state(1);
  for (uint32_t p : {0u, 1u, 255u, 256u, 4095u}) {
    const PartitionId partition(p);
    const std::string marker = MarkerKey(state, partition);
    for (const std::string& key :
         {std::string(), std::string("\0", 1), std::string("\xff\xff"), std::string("the")}) {
      const std::string base = BaseKey(state, partition, key);
      EXPECT_LT(marker, base);
      EXPECT_LT(base, PartitionEnd(state, partition));
      EXPECT_LT(base, MarkerKey(state, partition.Next()));
      EXPECT_GE(base, BasePrefix(state, partition));
      EXPECT_TRUE(base.starts_with(BasePrefix(state, partition)));
    }
    EXPECT_FALSE(marker.starts_with(BasePrefix(state, partition)));
    EXPECT_LE(PartitionEnd(state, partition), MarkerKey(state, partition.Next()));
    EXPECT_LT(PartitionEnd(state, partition), MarkerKey(state.Next(), PartitionId(0)));
  }
}

TEST(StoreLayoutTest, BaseKeysReturn) {
  const std::string marker = MarkerKey(StateId(7), PartitionId(63));
  const std::optional<ParsedBaseKey> m = ParseBaseKey(marker);
  ASSERT_TRUE(m.has_value());
  EXPECT_TRUE(m->is_marker);
  EXPECT_EQ(m->state, StateId(7));
  EXPECT_EQ(m->partition, PartitionId(63));

  const std::string key = BaseKey(StateId(7), PartitionId(63), "cat");
  const std::optional<ParsedBaseKey> k = ParseBaseKey(key);
  ASSERT_TRUE(k.has_value());
  EXPECT_FALSE(k->is_marker);
  EXPECT_EQ(k->state, StateId(7));
  EXPECT_EQ(k->partition, PartitionId(63));
  EXPECT_EQ(k->key, "cat");
  EXPECT_EQ(key.size(), kBasePrefixBytes + 3);

  std::string unknown_tag = key;
  unknown_tag[8] = 2;
  for (const std::string& bad : {std::string(), marker.substr(1), marker + "x", unknown_tag}) {
    EXPECT_FALSE(ParseBaseKey(bad).has_value());
  }
}

TEST(StoreLayoutTest, MarkersReturnAndEveryFlippedBitOfThemIsRefused) {
  const Marker marker{TxId(12), {Epoch(3), 4}, 0xfeed, 1'000'000};
  const std::string bytes = EncodeMarker(marker);
  EXPECT_EQ(DecodeMarker(bytes).value(), marker);
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string bad = bytes;
    bad[i / 8] ^= static_cast<char>(1 << (i % 8));
    ASSERT_EQ(DecodeMarker(bad).status().code(), StatusCode::kDataLoss) << "bit " << i;
  }
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    ASSERT_EQ(DecodeMarker(bytes.substr(0, cut)).status().code(), StatusCode::kDataLoss);
  }
  EXPECT_EQ(DecodeMarker(Seal(1, "short")).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(DecodeMarker(Seal(2, bytes)).status().code(), StatusCode::kFailedPrecondition);
}

TEST(StoreLayoutTest, ErrorsNameTheValueAndBothVersions) {
  EXPECT_EQ(Message(Unseal("owner", 1, Seal(3, "x")).status()),
            "owner has version 3, this program reads version 1: use the release that wrote it");
  EXPECT_EQ(Unseal("owner", 3, Seal(3, "x")).value(), "x");
  EXPECT_EQ(Unseal("owner", 3, Seal(3, "")).value(), "");
  EXPECT_EQ(Message(Unseal("owner", 1, "abc").status()),
            "owner is damaged: expected at least 9 bytes, found 3");
}

}  // namespace
}  // namespace trident
