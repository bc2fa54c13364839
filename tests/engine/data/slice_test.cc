// SPDX-License-Identifier: Apache-2.0
#include "engine/data/slice.h"
#include "base/hash.h"

#include <gtest/gtest.h>

#include "engine/data/field.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr Field<std::optional<double>> kShare{"share"};

SchemaRef WordSchema() {
  return std::make_shared<Schema>(*Schema::Make(Fields(kWord, kCount, kShare).Describe()));
}

Slice Words() {
  auto word = std::make_shared<ColumnOf<Text>>();
  auto count = std::make_shared<ColumnOf<int64_t>>();
  auto share = std::make_shared<ColumnOf<double>>();
  int64_t n = 0;
  for (const char* w : {"the", "cow", "jumped", "over"}) {
    word->Append(w);
    count->Append(n);
    n % 2 == 0 ? share->Append(0.5) : share->AppendNull();
    ++n;
  }
  return Slice(WordSchema(), {word, count, share}, 4);
}

std::vector<std::string> RowsOf(const Slice& slice) {
  std::vector<std::string> rows;
  for (size_t i = 0; i < slice.rows(); ++i) rows.push_back(RowText(slice.Row(i)));
  return rows;
}

std::shared_ptr<const KeyColumn> KeysFor(const std::vector<std::string_view>& keys) {
  auto column = std::make_shared<KeyColumn>();
  for (std::string_view key : keys) column->keys.Append(HashedKey{key, HashBytes(key)});
  return column;
}

TEST(SliceTest, RowsReadAsPeopleWriteThem) {
  EXPECT_EQ(RowsOf(Words()), (std::vector<std::string>{"[the, 0, 0.5]", "[cow, 1, null]",
                                                       "[jumped, 2, 0.5]", "[over, 3, null]"}));
}

TEST(SliceTest, SelectLeavesTheColumnsAndDropsTheKeys) {
  Slice words = Words();
  words.set_keys(KeysFor({"a", "b", "c", "d"}));
  const Slice some = words.Select({1, 3});
  EXPECT_EQ(RowsOf(some), (std::vector<std::string>{"[cow, 1, null]", "[over, 3, null]"}));
  EXPECT_EQ(some.column_ref(0), words.column_ref(0));
  EXPECT_EQ(some.column_rows(), 4u);
  EXPECT_EQ(some.RowAt(1), 3u);
  EXPECT_EQ(some.keys(), nullptr);
  EXPECT_EQ(words.rows(), 4u);
}

TEST(SliceTest, SelectingNothingIsEmpty) {
  const Slice none = Words().Select({});
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.Compact().column_rows(), 0u);
}

TEST(SliceTest, ProjectSharesColumnsAndKeepsTheSelection) {
  const Slice some = Words().Select({0, 2});
  const std::vector<size_t> indices = {1, 0};
  const Slice projected =
      some.Project(std::make_shared<Schema>(some.schema().Project(indices)), indices);
  EXPECT_EQ(projected.schema().ToString(), "[count:int64, word:text]");
  EXPECT_EQ(RowsOf(projected), (std::vector<std::string>{"[0, the]", "[2, jumped]"}));
  EXPECT_EQ(projected.column_ref(1), some.column_ref(0));
}

TEST(SliceTest, GatherCountsPlacesAmongTheSelectedRows) {
  Slice some = Words().Select({1, 2, 3});
  some.set_keys(KeysFor({"k1", "k2", "k3"}));
  const std::vector<uint32_t> places = {2, 0};
  const Slice gathered = some.Gather(places);
  EXPECT_EQ(RowsOf(gathered), (std::vector<std::string>{"[over, 3, null]", "[cow, 1, null]"}));
  EXPECT_EQ(gathered.keys()->keys[0].key, "k3");
  EXPECT_EQ(gathered.keys()->keys[1].hash, HashBytes("k1"));
  EXPECT_EQ(gathered.selection(), nullptr);
}

TEST(SliceTest, CompactCarriesTheSelectionOutAndIsFreeWithoutOne) {
  Slice some = Words().Select({2});
  some.set_keys(KeysFor({"k"}));
  const Slice compact = some.Compact();
  EXPECT_EQ(compact.selection(), nullptr);
  EXPECT_EQ(compact.column_rows(), 1u);
  EXPECT_EQ(RowsOf(compact), std::vector<std::string>{"[jumped, 2, 0.5]"});
  EXPECT_EQ(compact.keys()->keys[0].key, "k");
  const Slice words = Words();
  EXPECT_EQ(words.Compact().column_ref(0), words.column_ref(0));
}

TEST(SliceTest, AGatheredSliceKeepsTheKeysMemoryAlive) {
  Slice gathered;
  {
    auto memory = std::make_shared<std::string>("a key that lives in memory of its own");
    auto keys = std::make_shared<KeyColumn>();
    for (int i = 0; i < 4; ++i) keys->keys.Append(HashedKey{*memory, 1});
    keys->retained.push_back(memory);
    Slice words = Words();
    words.set_keys(keys);
    gathered = words.Gather(std::vector<uint32_t>{1});
  }
  EXPECT_EQ(gathered.keys()->keys[0].key, "a key that lives in memory of its own");
}

TEST(SliceDeathTest, ColumnsThatDoNotFitTheSchemaAreABug) {
  const Slice words = Words();
  EXPECT_DEATH(Slice(WordSchema(), {words.column_ref(0)}, 4), "CHECK failed");
  EXPECT_DEATH(Slice(WordSchema(), words.columns(), 3), "CHECK failed");
}

}  // namespace
}  // namespace trident
