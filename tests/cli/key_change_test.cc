// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/key_change.h"

#include <gtest/gtest.h>

#include "base/codec.h"

namespace trident {
namespace {

template <class T>
std::string Encoded(const T& value) {
  std::string out;
  Codec<T>::Encode(value, out);
  return out;
}
std::string Int(int64_t value) { return Encoded(value); }

struct Row {
  RowOperation operation;
  int64_t value = 0;
};

StoredValue After(const std::vector<Row>& rows, std::optional<int64_t> before,
                  std::string_view combiner) {
  const StoredType type("int64");
  const Combining by{type, combiner};
  KeyChange change;
  for (const Row& row : rows) change.Add(row.operation, Int(row.value), by);
  StoredValue base;
  if (before) base.value = Int(*before);
  return change.Over(base, by);
}

StoredValue Whole(int64_t value) { return {Int(value), {}}; }

TEST(KeyChangeTest, DeltasOfAKnownCombinerAreCombinedOverTheBase) {
  const std::vector<Row> rows = {{RowOperation::kDelta, 2}, {RowOperation::kDelta, -5}};
  EXPECT_EQ(After(rows, 10, "sum"), Whole(7));
  EXPECT_EQ(After(rows, 1, "min"), Whole(-5));
  EXPECT_EQ(After(rows, 1, "max"), Whole(2));
  EXPECT_EQ(After(rows, std::nullopt, "sum"), Whole(-3)) << "over nothing a delta is the value";
}

TEST(KeyChangeTest, DeltasOfAnUnknownCombinerStayBesideTheValue) {
  const std::vector<Row> rows = {{RowOperation::kDelta, 2}, {RowOperation::kDelta, 3}};
  EXPECT_EQ(After(rows, 10, ""), (StoredValue{Int(10), {Int(2), Int(3)}}));
  EXPECT_EQ(After(rows, std::nullopt, "mean"), (StoredValue{Int(2), {Int(3)}}));
}

TEST(KeyChangeTest, AValueReplacesWhatWasBeforeAndDeltasGoOverIt) {
  EXPECT_EQ(After({{RowOperation::kReplace, 4}}, 10, "sum"), Whole(4));
  EXPECT_EQ(After({{RowOperation::kDelta, 1}, {RowOperation::kReplace, 4}}, 10, "sum"), Whole(4));
  EXPECT_EQ(After({{RowOperation::kAdd, 4}, {RowOperation::kDelta, 1}}, 10, "sum"), Whole(5));
}

TEST(KeyChangeTest, ARemovedKeyIsGoneUntilItIsWrittenAgain) {
  EXPECT_FALSE(After({{RowOperation::kRemove}}, 10, "sum").exists());
  EXPECT_FALSE(After({{RowOperation::kRemoveNothing}}, std::nullopt, "sum").exists());
  EXPECT_EQ(After({{RowOperation::kRemove}, {RowOperation::kDelta, 3}}, 10, "sum"), Whole(3));
}

TEST(KeyChangeTest, OnlyRowsThatSayTheValueAreWhole) {
  const StoredType type("int64");
  const Combining by{type, "mean"};
  KeyChange change;
  change.Add(RowOperation::kDelta, Int(1), by);
  EXPECT_FALSE(change.is_whole());
  change.Add(RowOperation::kReplace, Int(1), by);
  EXPECT_TRUE(change.is_whole());
  change.Add(RowOperation::kDelta, Int(1), by);
  EXPECT_FALSE(change.is_whole());
  change.Add(RowOperation::kRemove, "", by);
  EXPECT_TRUE(change.is_whole());
}

TEST(BaseValueTest, WhatWasAppendedIsCombinedWhereThatIsKnown) {
  const StoredType type("int64");
  const std::string three = Int(10) + Int(-300) + Int(2);
  EXPECT_EQ(ReadBaseValue(three, {type, "sum"}), Whole(-288));
  EXPECT_EQ(ReadBaseValue(three, {type, "mean"}), (StoredValue{Int(10), {Int(-300), Int(2)}}));
  EXPECT_EQ(ReadBaseValue(Int(10), {type, "sum"}), Whole(10));
  const StoredType text("list<text>");
  const std::string two = Encoded(std::vector<std::string>{"a", "bc"});
  EXPECT_EQ(ReadBaseValue(two + two, {text, "join"}), (StoredValue{two, {two}}));
}

TEST(BaseValueTest, BytesThatAreNoValuesStayOne) {
  const StoredType type("int64");
  for (const std::string& bytes : {std::string(), std::string("\x80"), Int(3) + "\xff"}) {
    EXPECT_EQ(ReadBaseValue(bytes, {type, "sum"}), (StoredValue{bytes, {}}));
    EXPECT_FALSE(type.DecodeAll(bytes).ok());
  }
}

TEST(StoredTypeTest, IntegersWrapAroundAsTheAggregatorDoes) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(StoredType("int64").Combine("sum", Int(most), Int(1)),
            Int(std::numeric_limits<int64_t>::min()));
}

TEST(StoredTypeTest, OnlyNumbersAndTimestampsAreCombinedAndTimestampsAreNotSummed) {
  const std::string early = Encoded(Timestamp{1}), late = Encoded(Timestamp{2});
  EXPECT_EQ(StoredType("timestamp").Combine("max", early, late), late);
  EXPECT_EQ(StoredType("timestamp").Combine("sum", early, late), std::nullopt);
  EXPECT_EQ(StoredType("double").Combine("sum", Encoded(0.5), Encoded(0.25)), Encoded(0.75));
  EXPECT_EQ(StoredType("text").Combine("max", Encoded<Text>("a"), Encoded<Text>("b")),
            std::nullopt);
  EXPECT_EQ(StoredType("money").Combine("sum", Int(1), Int(2)), std::nullopt);
}

TEST(StoredTypeTest, AUserTypeIsItsBytesAlsoInAList) {
  std::string encoded;
  PutLengthPrefixed(encoded, "\x01\xff");
  const Datum money{Datum::User{"money", "\x01\xff", ""}};
  EXPECT_EQ(*StoredType("money").DecodeAll(encoded), money);

  std::string list;
  PutVarint(list, 2);
  list += encoded + encoded;
  EXPECT_EQ(*StoredType("list<money>").DecodeAll(list), (Datum{std::vector<Datum>{money, money}}));

  std::string lying;
  PutVarint(lying, ~uint64_t{0});
  for (const std::string& bytes : {std::string("x"), encoded + "x", lying, list + "x"}) {
    EXPECT_EQ(StoredType("money").DecodeAll(bytes).status().code(), StatusCode::kDataLoss);
    EXPECT_EQ(StoredType("list<money>").DecodeAll(bytes).status().code(), StatusCode::kDataLoss);
  }
}

TEST(StoredTypeTest, BuiltInTypesAndListsOfThemAreReadAsSuch) {
  EXPECT_EQ(*StoredType("int64").DecodeAll(Int(-3)), Datum{int64_t{-3}});
  std::string list;
  PutVarint(list, 1);
  PutLengthPrefixed(list, "x");
  EXPECT_EQ(*StoredType("list<text>").DecodeAll(list),
            (Datum{std::vector<Datum>{Datum{std::string("x")}}}));
}

}  // namespace
}  // namespace trident
