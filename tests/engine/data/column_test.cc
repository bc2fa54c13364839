// SPDX-License-Identifier: Apache-2.0
#include "engine/data/column.h"

#include <gtest/gtest.h>

#include <limits>

#include "engine/data/text_arena.h"

namespace trident {
namespace {

TEST(ColumnVectorTest, GrowsAndKeepsItsValues) {
  ColumnVector<int64_t> v;
  for (int64_t i = 0; i < 1000; ++i) v.Append(i);
  ASSERT_EQ(v.size(), 1000u);
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(v[i], i);
}

TEST(ColumnVectorTest, ExtendGivesRoomBehindWhatIsThere) {
  ColumnVector<int64_t> v;
  v.Append(1);
  int64_t* more = v.Extend(100);
  for (int i = 0; i < 100; ++i) more[i] = i + 2;
  EXPECT_EQ(v.size(), 101u);
  EXPECT_EQ(v[0], 1);
  EXPECT_EQ(v[100], 101);
  v.Extend(0);
  EXPECT_EQ(v.size(), 101u);
}

TEST(ColumnVectorTest, MovedFromIsEmptyAndUsable) {
  ColumnVector<std::string> v;
  for (int i = 0; i < 40; ++i) v.Append("a string that is too long to be stored in place");
  ColumnVector<std::string> moved(std::move(v));
  EXPECT_EQ(moved.size(), 40u);
  EXPECT_EQ(moved[39], "a string that is too long to be stored in place");
  ColumnVector<std::string> assigned;
  assigned.Append("old");
  assigned = std::move(moved);
  EXPECT_EQ(assigned.size(), 40u);
}

TEST(ColumnVectorTest, ClearDestroysTheValues) {
  const auto counted = std::make_shared<int>();
  ColumnVector<std::shared_ptr<int>> v;
  for (int i = 0; i < 20; ++i) v.Append(counted);
  EXPECT_EQ(counted.use_count(), 21);
  v.Clear();
  EXPECT_EQ(counted.use_count(), 1);
  EXPECT_TRUE(v.empty());
}

TEST(ColumnVectorTest, BoolIsBool) {
  ColumnVector<bool> v;
  v.Append(true);
  v.Append(false);
  const bool* raw = v.data();
  EXPECT_TRUE(raw[0]);
  EXPECT_FALSE(raw[1]);
}

TEST(ColumnTest, WithoutNullsThereIsNoValidity) {
  ColumnOf<int64_t> column;
  column.Append(1);
  column.AppendOptional(2);
  EXPECT_FALSE(column.has_nulls());
  EXPECT_FALSE(column.IsNull(0));
  EXPECT_EQ(column.Value(1), 2);
}

TEST(ColumnTest, ALateNullMarksTheRowsBeforeItAsPresent) {
  ColumnOf<Text> column;
  column.Append("a");
  column.Append("");
  column.AppendNull();
  column.Append("b");
  EXPECT_TRUE(column.has_nulls());
  EXPECT_EQ(column.Value(0), "a");
  EXPECT_EQ(column.Value(1), "");
  EXPECT_EQ(column.Value(2), std::nullopt);
  EXPECT_EQ(column.Value(3), "b");
  EXPECT_TRUE(column.At(2).is_null());
}

TEST(ColumnTest, AFirstNullIsANull) {
  ColumnOf<int64_t> column;
  column.AppendNull();
  column.Append(5);
  EXPECT_TRUE(column.IsNull(0));
  EXPECT_EQ(column.Value(1), 5);
}

TEST(ColumnTest, ValuesReadAsPeopleWriteThem) {
  ColumnOf<double> numbers;
  numbers.Append(0.5);
  EXPECT_EQ(ToString(numbers.At(0)), "0.5");
  ColumnOf<Bytes> bytes;
  bytes.Append(Bytes{std::string_view("\x00\xff", 2)});
  EXPECT_EQ(ToString(bytes.At(0)), "00ff");
  const std::vector<Text> words = {"a", "b"};
  ColumnOf<List<Text>> lists;
  lists.Append(List<Text>(words));
  lists.Append(List<Text>());
  EXPECT_EQ(ToString(lists.At(0)), "[a, b]");
  EXPECT_EQ(ToString(lists.At(1)), "[]");
}

TEST(ColumnTest, GatherTakesRowsInAnyOrderAndMoreThanOnce) {
  ColumnOf<int64_t> plain;
  ColumnOf<int64_t> with_null;
  for (int64_t i = 0; i < 4; ++i) {
    plain.Append(i * 10);
    i == 2 ? with_null.AppendNull() : with_null.Append(i * 10);
  }
  const std::vector<uint32_t> rows = {3, 2, 2, 0};
  const ColumnRef a = plain.Gather(rows);
  EXPECT_EQ(As<int64_t>(*a).values()[1], 20);
  EXPECT_EQ(a->size(), 4u);
  EXPECT_FALSE(a->has_nulls());
  const ColumnRef b = with_null.Gather(rows);
  EXPECT_EQ(As<int64_t>(*b).Value(0), 30);
  EXPECT_EQ(As<int64_t>(*b).Value(1), std::nullopt);
  EXPECT_EQ(As<int64_t>(*b).Value(3), 0);
  EXPECT_EQ(plain.Gather({})->size(), 0u);
}

TEST(ColumnTest, AGatheredColumnKeepsTheMemoryOfItsViewsAlive) {
  ColumnRef gathered;
  std::weak_ptr<std::string> memory;
  {
    auto text = std::make_shared<std::string>("kept alive by the column alone, not by the test");
    memory = text;
    ColumnOf<Text> column;
    column.Append(*text);
    column.Retain(text);
    column.Retain(text);  // once is enough
    EXPECT_EQ(column.retained().size(), 1u);
    gathered = column.Gather(std::vector<uint32_t>{0});
  }
  EXPECT_FALSE(memory.expired());
  EXPECT_EQ(As<Text>(*gathered).values()[0], "kept alive by the column alone, not by the test");
  gathered.reset();
  EXPECT_TRUE(memory.expired());
}

TEST(ColumnDeathTest, ReadingAColumnAsAnotherTypeIsABug) {
  ColumnOf<int64_t> column;
  EXPECT_DEATH(As<Text>(column), "column of int64 read as text");
}

TEST(TextArenaTest, BytesStayWhereTheyAreWhileItGrows) {
  TextArena arena;
  std::vector<std::string_view> views;
  for (int i = 0; i < 5000; ++i) views.push_back(arena.Copy("word number " + std::to_string(i)));
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(arena.Copy(large), large);
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(views[i], "word number " + std::to_string(i));
}

TEST(TextArenaTest, ReleasedBytesLiveAsLongAsTheyAreHeld) {
  TextArena arena;
  EXPECT_EQ(arena.Release(), nullptr);
  const std::string_view first = arena.Copy("first");
  const BufferRef held = arena.Release();
  arena.Copy("second");
  arena.Release();
  EXPECT_EQ(first, "first");
  EXPECT_TRUE(arena.empty());
}

TEST(TextArenaTest, ListsAreKeptWithTheirElements) {
  TextArena arena;
  List<Text> kept;
  {
    const std::string a = "an element that does not fit in place", b = "b";
    const std::vector<Text> list = {a, b};
    arena.Copy("x");  // so that the array must be aligned
    kept = KeepIn(arena, List<Text>(list));
  }
  EXPECT_EQ(kept[0], "an element that does not fit in place");
  EXPECT_EQ(kept[1], "b");
}

}  // namespace
}  // namespace trident
