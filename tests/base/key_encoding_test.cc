// SPDX-License-Identifier: Apache-2.0
#include "base/key_encoding.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/codec.h"
#include "base/rng.h"

namespace trident {
namespace {

constexpr int kRounds = 20'000;

KeyField Required(const TypeInfo& type) { return {"f", &type, Nullability::kRequired}; }
KeyField Nullable(const TypeInfo& type) { return {"f", &type, Nullability::kNullable}; }

std::vector<KeyField> RandomFields(Rng& rng) {
  const TypeInfo* types[] = {&TypeOf<bool>(), &TypeOf<int64_t>(), &TypeOf<double>(),
                             &TypeOf<Text>(), &TypeOf<Bytes>(),   &TypeOf<Timestamp>()};
  std::vector<KeyField> fields;
  for (uint64_t n = 1 + rng.Below(4); fields.size() < n;) {
    const TypeInfo& type = *types[rng.Below(6)];
    fields.push_back(rng.Chance(0.3) ? Nullable(type) : Required(type));
  }
  return fields;
}

// Short strings over the bytes that the encoding treats specially, so that neighbours are frequent.
std::string RandomText(Rng& rng) {
  constexpr char kAlphabet[] = {'\x00', '\x01', '\x02', 'a', '\xfe', '\xff'};
  std::string out(rng.Below(5), ' ');
  for (char& c : out) c = kAlphabet[rng.Below(6)];
  return out;
}

int64_t RandomInt(Rng& rng) {
  constexpr int64_t kEdges[] = {0, 1, -1, 255, 256, -256, INT64_MIN, INT64_MAX, INT64_MIN + 1};
  return rng.Chance(0.5) ? kEdges[rng.Below(9)] : static_cast<int64_t>(rng());
}

double RandomDouble(Rng& rng) {
  using Limits = std::numeric_limits<double>;
  constexpr double kEdges[] = {0.0,
                               -0.0,
                               1.0,
                               -1.0,
                               Limits::infinity(),
                               -Limits::infinity(),
                               Limits::denorm_min(),
                               -Limits::denorm_min(),
                               Limits::max(),
                               Limits::lowest(),
                               Limits::quiet_NaN(),
                               -Limits::quiet_NaN()};
  return rng.Chance(0.5) ? kEdges[rng.Below(12)] : std::bit_cast<double>(rng());
}

Datum RandomValue(Rng& rng, const KeyField& field) {
  if (field.nullability == Nullability::kNullable && rng.Chance(0.3)) return {};
  switch (field.type->kind) {
    case TypeKind::kBool:
      return {rng.Chance(0.5)};
    case TypeKind::kInt64:
      return {RandomInt(rng)};
    case TypeKind::kDouble:
      return {RandomDouble(rng)};
    case TypeKind::kText:
      return {RandomText(rng)};
    case TypeKind::kBytes:
      return {OwnedBytes{RandomText(rng)}};
    default:
      return {Timestamp{RandomInt(rng)}};
  }
}

std::vector<Datum> RandomValues(Rng& rng, std::span<const KeyField> fields) {
  std::vector<Datum> values;
  for (const KeyField& field : fields) values.push_back(RandomValue(rng, field));
  return values;
}

// The order that a person expects, written without the encoding.
int Compare(const Datum& a, const Datum& b) {
  if (a.is_null() || b.is_null()) return static_cast<int>(b.is_null()) - a.is_null();
  auto three_way = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  if (const double* x = std::get_if<double>(&a.value)) {
    const double y = std::get<double>(b.value);
    if (std::isnan(*x) || std::isnan(y)) return std::isnan(*x) - static_cast<int>(std::isnan(y));
    return three_way(*x, y);
  }
  if (const bool* x = std::get_if<bool>(&a.value)) return three_way(*x, std::get<bool>(b.value));
  if (const int64_t* x = std::get_if<int64_t>(&a.value)) {
    return three_way(*x, std::get<int64_t>(b.value));
  }
  if (const Timestamp* x = std::get_if<Timestamp>(&a.value)) {
    return three_way(*x, std::get<Timestamp>(b.value));
  }
  if (const OwnedBytes* x = std::get_if<OwnedBytes>(&a.value)) {
    return x->bytes.compare(std::get<OwnedBytes>(b.value).bytes);
  }
  return std::get<std::string>(a.value).compare(std::get<std::string>(b.value));
}

int Compare(std::span<const Datum> a, std::span<const Datum> b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (int order = Compare(a[i], b[i]); order != 0) return order;
  }
  return 0;
}

int Sign(int order) { return order < 0 ? -1 : order > 0; }

std::string Render(std::span<const Datum> values) {
  std::string out;
  for (const Datum& value : values) out += ToString(value) + " | ";
  return out;
}

TEST(KeyEncodingTest, OrderOfBytesIsOrderOfValues) {
  Rng rng(1);
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<KeyField> fields = RandomFields(rng);
    const std::vector<Datum> a = RandomValues(rng, fields);
    std::vector<Datum> b = RandomValues(rng, fields);
    // Often equal up to some field, so that later fields are compared too.
    for (size_t i = 0; i < b.size() && rng.Chance(0.6); ++i) b[i] = a[i];
    const std::string key_a = EncodeKey(fields, a).value();
    const std::string key_b = EncodeKey(fields, b).value();
    ASSERT_EQ(Sign(key_a.compare(key_b)), Sign(Compare(a, b))) << Render(a) << " / " << Render(b);
  }
}

TEST(KeyEncodingTest, DecodingIsTheInverseOfEncoding) {
  Rng rng(2);
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<KeyField> fields = RandomFields(rng);
    const std::vector<Datum> values = RandomValues(rng, fields);
    const std::string key = EncodeKey(fields, values).value();
    const StatusOr<std::vector<Datum>> decoded = DecodeKey(fields, key);
    ASSERT_TRUE(decoded.ok()) << decoded.status() << " " << Render(values);
    ASSERT_EQ(Compare(*decoded, values), 0) << Render(values) << " / " << Render(*decoded);
  }
}

TEST(KeyEncodingTest, WhateverBytesDecodeAreTheOneEncodingOfTheirValues) {
  Rng rng(3);
  int decodable = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<KeyField> fields = RandomFields(rng);
    std::string key = EncodeKey(fields, RandomValues(rng, fields)).value();
    switch (rng.Below(3)) {  // damage it
      case 0:
        key.resize(rng.Below(key.size() + 1));
        break;
      case 1:
        if (!key.empty()) key[rng.Below(key.size())] ^= static_cast<char>(1 << rng.Below(8));
        break;
      default:
        key.insert(rng.Below(key.size() + 1), RandomText(rng));
    }
    const StatusOr<std::vector<Datum>> decoded = DecodeKey(fields, key);
    if (!decoded.ok()) {
      ASSERT_EQ(decoded.status().code(), StatusCode::kDataLoss);
      continue;
    }
    ++decodable;
    ASSERT_EQ(EncodeKey(fields, *decoded).value(), key) << Render(*decoded);
  }
  EXPECT_GT(decodable, kRounds / 10);
  EXPECT_LT(decodable, kRounds * 9 / 10);
}

TEST(KeyEncodingTest, APrefixOfWholeFieldsMatchesExactlyTheKeysThatStartWithThem) {
  Rng rng(4);
  int matches = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<KeyField> fields = RandomFields(rng);
    fields.push_back(Required(TypeOf<Text>()));
    const std::vector<Datum> values = RandomValues(rng, fields);
    const size_t given = rng.Below(fields.size());
    std::vector<Datum> start = RandomValues(rng, std::span(fields).first(given));
    for (size_t i = 0; i < given && rng.Chance(0.7); ++i) start[i] = values[i];
    const bool expected = Compare(start, std::span(values).first(given)) == 0;
    const std::string key = EncodeKey(fields, values).value();
    const std::string prefix = EncodeKeyPrefix(fields, start).value();
    ASSERT_EQ(key.starts_with(prefix), expected) << Render(values) << " / " << Render(start);
    matches += expected;
  }
  EXPECT_GT(matches, kRounds / 10);
}

TEST(KeyEncodingTest, ATextInTheLastPlaceOfAPrefixIsItselfAPrefix) {
  const std::vector<KeyField> fields = {Required(TypeOf<int64_t>()), Required(TypeOf<Text>())};
  const std::string prefix =
      EncodeKeyPrefix(fields, std::vector<Datum>{{int64_t{7}}, {std::string("ca")}}).value();
  auto key = [&](int64_t n, std::string text) {
    return EncodeKey(fields, std::vector<Datum>{{n}, {std::move(text)}}).value();
  };
  EXPECT_TRUE(key(7, "ca").starts_with(prefix));
  EXPECT_TRUE(key(7, "cat").starts_with(prefix));
  EXPECT_FALSE(key(7, "c").starts_with(prefix));
  EXPECT_FALSE(key(8, "cat").starts_with(prefix));
}

TEST(KeyEncodingTest, AKeyOfOneTextFieldIsTheTextItself) {
  const std::vector<KeyField> fields = {Required(TypeOf<Text>())};
  const std::string word("ca\0t", 4);
  EXPECT_EQ(EncodeKey(fields, std::vector<Datum>{{word}}).value(), word);
  EXPECT_EQ(EncodeKey(fields, std::vector<Datum>{{std::string()}}).value(), "");
}

// The bytes are on people's disks: they never change.
TEST(KeyEncodingTest, EachTypeHasTheDocumentedBytes) {
  using std::string_literals::operator""s;
  auto inner = [](const TypeInfo& type, Datum value) {
    const std::vector<KeyField> fields = {Nullable(type), Required(TypeOf<bool>())};
    std::string key = EncodeKey(fields, std::vector<Datum>{std::move(value), {true}}).value();
    EXPECT_EQ(key.back(), '\x01');
    key.pop_back();
    return key;
  };
  EXPECT_EQ(inner(TypeOf<bool>(), {false}), "\x01\x00"s);
  EXPECT_EQ(inner(TypeOf<int64_t>(), {int64_t{-2}}), "\x01\x7f\xff\xff\xff\xff\xff\xff\xfe"s);
  EXPECT_EQ(inner(TypeOf<Timestamp>(), {Timestamp{1}}), "\x01\x80\x00\x00\x00\x00\x00\x00\x01"s);
  EXPECT_EQ(inner(TypeOf<double>(), {1.0}), "\x01\xbf\xf0\x00\x00\x00\x00\x00\x00"s);
  EXPECT_EQ(inner(TypeOf<double>(), {-1.0}), "\x01\x40\x0f\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(inner(TypeOf<Text>(), {"a\0b"s}), "\x01"s + "a\x00\xff"s + "b\x00\x01"s);
  EXPECT_EQ(inner(TypeOf<Bytes>(), {OwnedBytes{"\xff"}}), "\x01\xff\x00\x01"s);
  EXPECT_EQ(inner(TypeOf<Text>(), {}), "\x00"s);
}

TEST(KeyEncodingTest, ErrorsNameTheFieldAndBothTypes) {
  const std::vector<KeyField> fields = {{"user", &TypeOf<int64_t>()}, {"word", &TypeOf<Text>()}};
  const Status wrong =
      EncodeKey(fields, std::vector<Datum>{{std::string("bob")}, {std::string("x")}}).status();
  EXPECT_EQ(wrong.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Message(wrong), "key field 'user' expects int64, found text 'bob'");
  const Status null = EncodeKey(fields, std::vector<Datum>{{}, {std::string("x")}}).status();
  EXPECT_EQ(Message(null), "key field 'user' expects int64, found null 'null'");
  const Status few = EncodeKey(fields, std::vector<Datum>{{int64_t{1}}}).status();
  EXPECT_EQ(Message(few), "the key (user int64, word text) needs 2 values, found 1");
  const Status many = EncodeKeyPrefix(fields, std::vector<Datum>(3)).status();
  EXPECT_EQ(Message(many), "the key (user int64, word text) has 2 fields, found 3 values");
  const Status bytes = DecodeKey(fields, "abc").status();
  EXPECT_EQ(Message(bytes),
            "expected a key of (user int64, word text), but at byte 0 of 3 there is no int64 for "
            "'user'");
  const std::vector<KeyField> list = {{"tags", &TypeOf<std::vector<int64_t>>()}};
  EXPECT_EQ(EncodeKey(list, std::vector<Datum>{{std::vector<Datum>()}}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(KeyEncodingTest, PrefixEndIsTheLeastStringAfterAllWithThePrefix) {
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd("a\xff\xff"), "b");
  EXPECT_EQ(PrefixEnd(""), "");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(PrefixEnd(std::string_view("\0", 1)), "\x01");
}

TEST(ParseDatumTest, ReadsBackWhatToStringWrote) {
  Rng rng(5);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<KeyField> fields = RandomFields(rng);
    for (KeyField& field : fields) {
      field.nullability = Nullability::kRequired;
      const Datum value = RandomValue(rng, field);
      const StatusOr<Datum> parsed = ParseDatum(*field.type, ToString(value));
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      ASSERT_EQ(Compare(*parsed, value), 0) << ToString(value) << " / " << ToString(*parsed);
    }
  }
}

TEST(ParseDatumTest, ReadsBackTimestampsOfEveryDayOfTheCalendar) {
  constexpr int64_t kYearZero = -62'167'219'200'000'000;
  constexpr int64_t kYearTenThousand = 253'402'300'800'000'000;
  Rng rng(6);
  for (int round = 0; round < kRounds; ++round) {
    const Timestamp t{kYearZero + static_cast<int64_t>(rng.Below(kYearTenThousand - kYearZero))};
    const std::string text = ToString(Datum{t});
    ASSERT_EQ(text.back(), 'Z');
    ASSERT_EQ(ParseDatum(TypeOf<Timestamp>(), text).value(), Datum{t}) << text;
  }
  EXPECT_EQ(ToString(Datum{Timestamp{kYearZero}}), "0000-01-01T00:00:00Z");
  EXPECT_EQ(ToString(Datum{Timestamp{kYearTenThousand - 1}}), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(ToString(Datum{Timestamp{951'782'400'000'000}}), "2000-02-29T00:00:00Z");
  EXPECT_EQ(ToString(Datum{Timestamp{-1}}), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(ToString(Datum{Timestamp{1'500'000}}), "1970-01-01T00:00:01.5Z");
}

TEST(ParseDatumTest, RefusesWhatIsNoValueOfTheTypeAndNamesTheType) {
  const std::pair<const TypeInfo*, const char*> cases[] = {
      {&TypeOf<bool>(), "yes"},
      {&TypeOf<bool>(), ""},
      {&TypeOf<int64_t>(), "12x"},
      {&TypeOf<int64_t>(), ""},
      {&TypeOf<int64_t>(), " 1"},
      {&TypeOf<int64_t>(), "9223372036854775808"},
      {&TypeOf<double>(), "1.5.2"},
      {&TypeOf<double>(), "1e999"},
      {&TypeOf<Bytes>(), "0"},
      {&TypeOf<Bytes>(), "0g"},
      {&TypeOf<Timestamp>(), "2023-02-29T00:00:00Z"},
      {&TypeOf<Timestamp>(), "2023-13-01T00:00:00Z"},
      {&TypeOf<Timestamp>(), "2023-01-01T24:00:00Z"},
      {&TypeOf<Timestamp>(), "2023-01-01T00:00:00"},
      {&TypeOf<Timestamp>(), "2023-01-01T00:00:00.Z"},
      {&TypeOf<Timestamp>(), "2023-01-01T00:00:00.1234567Z"},
      {&TypeOf<Timestamp>(), "2023-01-01"},
      {&TypeOf<std::vector<int64_t>>(), "[1]"},
  };
  for (const auto& [type, text] : cases) {
    const Status refused = ParseDatum(*type, text).status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << type->name << " '" << text << "'";
    EXPECT_NE(Message(refused).find(type->name), std::string_view::npos) << refused;
  }
}

}  // namespace
}  // namespace trident
