// SPDX-License-Identifier: Apache-2.0
#include "base/user_value.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/value_size.h"

namespace trident {

// Three sizes of room: bytes in place, an object in place, an object on the heap.
struct Point {
  int64_t x = 0;
  int64_t y = 0;
};
struct Counted {
  static inline int alive = 0;
  int64_t value = 0;
  Counted() { ++alive; }
  explicit Counted(int64_t v) : value(v) { ++alive; }
  Counted(const Counted& other) : value(other.value) { ++alive; }
  Counted(Counted&& other) noexcept : value(std::exchange(other.value, -1)) { ++alive; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { --alive; }
};
struct Wide {
  Counted counted;
  std::string text;
  std::vector<int64_t> numbers;
};
// Refuses to be copied when it is told so.
struct Fragile {
  static inline bool breaks = false;
  std::string text = {};
  Fragile() = default;
  explicit Fragile(std::string t) : text(std::move(t)) {}
  Fragile(const Fragile& other) : text(other.text) {
    if (breaks) throw std::runtime_error("no copy");
  }
  Fragile(Fragile&&) noexcept = default;
  Fragile& operator=(const Fragile&) = default;
};

template <>
struct UserCodec<Point> {
  static constexpr std::string_view kName = "point";
  static void Encode(const Point& p, std::string& out) {
    Codec<int64_t>::Encode(p.x, out);
    Codec<int64_t>::Encode(p.y, out);
  }
  static bool Decode(std::string_view bytes, Point& out) {
    ByteReader in(bytes);
    out.x = Codec<int64_t>::Decode(in);
    out.y = Codec<int64_t>::Decode(in);
    return in.done();
  }
};
template <>
struct UserCodec<Counted> {
  static constexpr std::string_view kName = "counted";
  static void Encode(const Counted& c, std::string& out) { Codec<int64_t>::Encode(c.value, out); }
  static bool Decode(std::string_view bytes, Counted& out) {
    ByteReader in(bytes);
    out.value = Codec<int64_t>::Decode(in);
    return in.done();
  }
};
template <>
struct UserCodec<Wide> {
  static constexpr std::string_view kName = "wide";
  static void Encode(const Wide& w, std::string& out) {
    Codec<Counted>::Encode(w.counted, out);
    Codec<std::string>::Encode(w.text, out);
    Codec<std::vector<int64_t>>::Encode(w.numbers, out);
  }
  static bool Decode(std::string_view bytes, Wide& out) {
    ByteReader in(bytes);
    out.counted = Codec<Counted>::Decode(in);
    out.text = Codec<std::string>::Decode(in);
    out.numbers = Codec<std::vector<int64_t>>::Decode(in);
    return in.done();
  }
  static size_t MemoryBytes(const Wide& w) {
    return w.text.capacity() + w.numbers.capacity() * sizeof(int64_t);
  }
};
template <>
struct UserCodec<Fragile> {
  static constexpr std::string_view kName = "fragile";
  static void Encode(const Fragile& f, std::string& out) { out = f.text; }
  static bool Decode(std::string_view bytes, Fragile& out) {
    out.text = bytes;
    return true;
  }
};

namespace {

Wide SomeWide(int64_t value) { return {Counted(value), std::string(100, 'x'), {value, value + 1}}; }

TEST(UserValueTest, PlainSmallAndLargeTypesHaveTheirRoom) {
  EXPECT_TRUE(ValueTypeOf<Point>().is_plain);
  EXPECT_TRUE(ValueTypeOf<Counted>().in_place);
  EXPECT_FALSE(ValueTypeOf<Counted>().is_plain);
  EXPECT_FALSE(ValueTypeOf<Wide>().in_place);
  EXPECT_TRUE(ValueTypeOf<std::vector<int64_t>>().in_place);
  EXPECT_TRUE(ValueTypeOf<bool>().is_plain);
}

TEST(UserValueTest, CopiesAreEqualAndApart) {
  UserValue a = UserValue::Of(SomeWide(7));
  UserValue b = a;
  a = UserValue::Of(SomeWide(8));
  EXPECT_EQ(b.As<Wide>().counted.value, 7);
  EXPECT_EQ(b.As<Wide>().text, std::string(100, 'x'));
  EXPECT_EQ(a.As<Wide>().counted.value, 8);
  b = b;
  EXPECT_EQ(b.As<Wide>().numbers, (std::vector<int64_t>{7, 8}));
  const UserValue point = UserValue::Of(Point{1, 2});
  EXPECT_EQ(UserValue(point).As<Point>().y, 2);
}

TEST(UserValueTest, EachValueIsDestroyedOnceHoweverItIsMovedAbout) {
  ASSERT_EQ(Counted::alive, 0);
  {
    std::vector<UserValue> values;  // grows, and so moves them
    for (int64_t i = 0; i < 100; ++i) {
      values.push_back(UserValue::Of(Counted(i)));
      values.push_back(UserValue::Of(SomeWide(i)));
      values.emplace_back();
    }
    EXPECT_EQ(Counted::alive, 200);
    for (size_t i = 0; i + 3 < values.size(); i += 2) std::swap(values[i], values[i + 3]);
    for (size_t i = 0; i < values.size(); i += 3) values[i] = values[values.size() - 1 - i];
    UserValue taken = std::move(values[4]);
    EXPECT_TRUE(values[4].empty());
    values[5] = std::move(taken);
    values.erase(values.begin(), values.begin() + 50);
    values[0] = UserValue();
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(UserValueTest, ACopyThatThrowsLeavesBothAsTheyWere) {
  const UserValue from = UserValue::Of(Fragile("from"));
  UserValue to = UserValue::Of(Fragile("to"));
  Fragile::breaks = true;
  EXPECT_THROW(to = from, std::runtime_error);
  EXPECT_THROW(UserValue copy(from), std::runtime_error);
  Fragile::breaks = false;
  EXPECT_EQ(to.As<Fragile>().text, "to");
  EXPECT_EQ(from.As<Fragile>().text, "from");
}

TEST(UserValueTest, EncodingsAreThoseOfTheType) {
  std::string typed, held;
  Codec<Wide>::Encode(SomeWide(3), typed);
  Codec<UserValue>::Encode(UserValue::Of(SomeWide(3)), held);
  EXPECT_EQ(held, typed);
  ByteReader in(typed);
  const UserValue back = UserValue::Decode(ValueTypeOf<Wide>(), in);
  ASSERT_TRUE(in.done());
  EXPECT_EQ(back.As<Wide>().numbers, (std::vector<int64_t>{3, 4}));
}

TEST(UserValueTest, EveryCutOffEncodingIsRefusedAndLeavesNothingBehind) {
  ASSERT_EQ(Counted::alive, 0);
  std::string bytes;
  Codec<Wide>::Encode(SomeWide(3), bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader in(std::string_view(bytes).substr(0, size));
    EXPECT_TRUE(UserValue::Decode(ValueTypeOf<Wide>(), in).empty()) << size;
    EXPECT_FALSE(in.ok()) << size;
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(UserValueTest, ItsMemoryIsWhatItHoldsBesideItself) {
  EXPECT_EQ(HeapBytes(UserValue()), 0u);
  EXPECT_EQ(HeapBytes(UserValue::Of(Point{1, 2})), 0u);
  const UserValue wide = UserValue::Of(SomeWide(1));
  EXPECT_EQ(HeapBytes(wide), sizeof(Wide) + UserCodec<Wide>::MemoryBytes(wide.As<Wide>()));
  const UserValue list = UserValue::Of(std::vector<int64_t>(10));
  EXPECT_EQ(HeapBytes(list), 10 * sizeof(int64_t));
}

}  // namespace
}  // namespace trident
