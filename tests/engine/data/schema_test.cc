// SPDX-License-Identifier: Apache-2.0
#include "engine/data/schema.h"

#include <gtest/gtest.h>

#include "engine/data/field.h"

namespace trident {
namespace {

constexpr Field<Text> kA{"a"};
constexpr Field<int64_t> kB{"b"};
constexpr Field<std::optional<int64_t>> kMaybeB{"b"};
constexpr Field<double> kC{"c"};

template <class... Ts>
Schema SchemaOf(Field<Ts>... fields) {
  return *Schema::Make(Fields(fields...).Describe());
}

std::vector<std::string> NamesOf(const Schema& schema) {
  std::vector<std::string> names;
  for (const SchemaField& field : schema.fields()) names.push_back(field.name);
  return names;
}

TEST(SchemaTest, PrintsNamesTypesAndNullability) {
  EXPECT_EQ(SchemaOf(kA, kMaybeB, Field<List<Text>>{"tags"}).ToString(),
            "[a:text, b:int64?, tags:list<text>]");
  EXPECT_EQ(Schema().ToString(), "[]");
}

TEST(SchemaTest, ANameThatAppearsTwiceIsRefused) {
  const Status status = Schema::Make(Fields(kA, kB, Field<double>{"a"}).Describe()).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Message(status).find("field \"a\" is there already"), std::string::npos) << status;
}

TEST(SchemaTest, FindTellsWhereAFieldIs) {
  EXPECT_EQ(*SchemaOf(kA, kB, kC).Find(kC.Describe()), 2u);
  // What may be null can be read from what never is.
  EXPECT_EQ(*SchemaOf(kA, kB).Find(kMaybeB.Describe()), 1u);
}

TEST(SchemaTest, AnUnknownFieldIsAnsweredWithTheNearestName) {
  const Status status = SchemaOf(Field<Text>{"sentence"}, Field<Text>{"word"})
                            .Find(Field<Text>{"sentense"}.Describe())
                            .status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(
      Message(status),
      "there is no field \"sentense\"; the fields are [sentence:text, word:text]; did you mean "
      "\"sentence\"?");
}

TEST(SchemaTest, AnUnknownFieldFarFromAllNamesGetsNoSuggestion) {
  const Status status = SchemaOf(kA).Find(Field<Text>{"completely"}.Describe()).status();
  EXPECT_EQ(Message(status).find("did you mean"), std::string::npos) << status;
}

TEST(SchemaTest, AWrongTypeIsNamedBesideTheRightOne) {
  const Status status = SchemaOf(kA).Find(Field<int64_t>{"a"}.Describe()).status();
  EXPECT_NE(Message(status).find("field \"a\" is text, but int64 was expected"), std::string::npos)
      << status;
}

TEST(SchemaTest, WhatMayBeNullCannotBeReadAsWhatNeverIs) {
  const Status status = SchemaOf(kMaybeB).Find(kB.Describe()).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Message(status).find("it may be null"), std::string::npos) << status;
}

// Conformance case 3.3: the algebra of projection and appending.
TEST(SchemaTest, ProjectionPicksFieldsInTheOrderGiven) {
  const Schema schema = SchemaOf(kA, kB, kC);
  const std::vector<size_t> indices = {2, 0};
  EXPECT_EQ(NamesOf(schema.Project(indices)), (std::vector<std::string>{"c", "a"}));
  EXPECT_EQ(NamesOf(schema), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(schema.Project({}).fields().empty());
}

TEST(SchemaTest, ANameThatWasProjectedAwayMayComeBack) {
  const std::vector<size_t> indices = {0, 1};
  const Schema projected = SchemaOf(kA, kB, kC).Project(indices);
  const StatusOr<Schema> again = projected.Append(Fields(Field<Text>{"c"}).Describe());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->ToString(), "[a:text, b:int64, c:text]");
  EXPECT_EQ(again->IndexOf("c"), 2u);
}

TEST(SchemaTest, AppendKeepsWhatIsThereWhenItRefuses) {
  const Schema schema = SchemaOf(kA);
  EXPECT_FALSE(schema.Append(Fields(kB, kA).Describe()).ok());
  EXPECT_EQ(schema.size(), 1u);
  EXPECT_EQ(schema.Append(Fields(kB, kC).Describe())->size(), 3u);
}

TEST(SchemaTest, NearestNameFindsSlipsOnly) {
  const std::vector<std::string> names = {"count", "county", "word"};
  EXPECT_EQ(NearestName("cuont", names), "count");
  EXPECT_EQ(NearestName("wrd", names), "word");
  EXPECT_EQ(NearestName("zzzz", names), "");
  EXPECT_EQ(NearestName("", names), "");
  EXPECT_EQ(NearestName("x", {}), "");
}

}  // namespace
}  // namespace trident
