// SPDX-License-Identifier: Apache-2.0
#include "base/codec.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace trident {

struct Money {
  int64_t cents = 0;
  friend bool operator==(const Money&, const Money&) = default;
};
template <>
struct UserCodec<Money> {
  static constexpr std::string_view kName = "money";
  static void Encode(const Money& m, std::string& out) { PutFixed64(out, m.cents); }
  static bool Decode(std::string_view bytes, Money& out) {
    ByteReader in(bytes);
    out.cents = static_cast<int64_t>(in.Fixed64());
    return in.done();
  }
  static std::string Render(const Money& m) { return std::to_string(m.cents) + " cents"; }
};

// A value without a readable form.
struct Opaque {
  friend bool operator==(const Opaque&, const Opaque&) = default;
};
template <>
struct UserCodec<Opaque> {
  static constexpr std::string_view kName = "opaque";
  static void Encode(const Opaque&, std::string& out) { out += "\x01\xab"; }
  static bool Decode(std::string_view bytes, Opaque&) { return bytes == "\x01\xab"; }
};

// Looks like a generated protobuf message to the codec.
class Sentence {
 public:
  std::string words;
  bool SerializeToString(std::string* out) const {
    *out = words;
    return true;
  }
  std::string SerializeAsString() const { return words; }
  bool ParseFromArray(const void* bytes, int size) {
    words.assign(static_cast<const char*>(bytes), size);
    return words != "bad";
  }
  std::string GetTypeName() const { return "demo.Sentence"; }
  std::string ShortDebugString() const { return "words: " + words; }
};

namespace {

constexpr int kRounds = 10'000;

template <class T>
std::string Encoded(const T& v) {
  std::string out;
  Codec<T>::Encode(v, out);
  return out;
}

template <class T>
void ExpectRoundTrip(const T& v) {
  const std::string bytes = Encoded(v);
  ByteReader in(bytes);
  EXPECT_EQ(Codec<T>::Decode(in), v);
  EXPECT_TRUE(in.done());
}

// Every proper prefix of an encoding is refused, and none is read past its end.
template <class T>
void ExpectEveryCutRefused(const T& v) {
  const std::string bytes = Encoded(v);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    const std::string part = bytes.substr(0, cut);  // its own allocation, for the sanitizers
    ByteReader in(part);
    Codec<T>::Decode(in);
    EXPECT_FALSE(in.ok()) << "cut at " << cut << " of " << bytes.size();
  }
}

template <class T>
void ExpectSound(const T& v) {
  ExpectRoundTrip(v);
  ExpectEveryCutRefused(v);
}

std::string RandomBytes(Rng& rng, size_t max) {
  std::string out(rng.Below(max + 1), '\0');
  for (char& c : out) c = static_cast<char>(rng());
  return out;
}

TEST(CodecTest, EdgeValuesReturnAndTheirCutsAreRefused) {
  for (bool v : {false, true}) ExpectSound(v);
  for (int64_t v : {int64_t{0}, int64_t{-1}, int64_t{63}, int64_t{64}, INT64_MIN, INT64_MAX}) {
    ExpectSound(v);
    ExpectSound(Timestamp{v});
  }
  for (double v : {0.0, -1.5, std::numeric_limits<double>::infinity()}) ExpectSound(v);
  for (size_t n : {0, 1, 127, 128, 300}) {
    ExpectSound(std::string(n, 'x'));
    ExpectSound(OwnedBytes{std::string(n, '\0')});
    ExpectSound(std::vector<int64_t>(n, -7));
  }
  ExpectSound(std::vector<std::string>{"", "a", std::string(200, 'b')});
  ExpectSound(Money{-5});
  ExpectSound(std::vector<Money>{{1}, {2}});
}

TEST(CodecTest, DoublesKeepEveryBit) {
  Rng rng(1);
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t bits = rng();
    const std::string bytes = Encoded(std::bit_cast<double>(bits));
    ByteReader in(bytes);
    ASSERT_EQ(std::bit_cast<uint64_t>(Codec<double>::Decode(in)), bits);
  }
}

TEST(CodecTest, ValuesFollowEachOtherWithoutSeparators) {
  Rng rng(2);
  for (int round = 0; round < kRounds / 10; ++round) {
    const std::string text = RandomBytes(rng, 20);
    const int64_t number = static_cast<int64_t>(rng() >> rng.Below(64));
    std::string bytes = Encoded(text);
    Codec<int64_t>::Encode(number, bytes);
    Codec<OwnedBytes>::Encode({text}, bytes);
    ByteReader in(bytes);
    ASSERT_EQ(Codec<Text>::Decode(in), text);
    ASSERT_EQ(Codec<int64_t>::Decode(in), number);
    ASSERT_EQ(Codec<Bytes>::Decode(in).view, text);
    ASSERT_TRUE(in.done());
  }
}

TEST(CodecTest, RandomBytesNeverReadPastTheEnd) {
  Rng rng(3);
  for (int round = 0; round < kRounds; ++round) {
    const std::string bytes = RandomBytes(rng, 24);
    for (const TypeInfo* type :
         {&TypeOf<bool>(), &TypeOf<int64_t>(), &TypeOf<double>(), &TypeOf<Text>(), &TypeOf<Bytes>(),
          &TypeOf<Timestamp>(), &TypeOf<std::vector<std::string>>(), &TypeOf<Money>(),
          &TypeOf<std::vector<Money>>()}) {
      ByteReader in(bytes);
      type->decode(in);
    }
  }
}

TEST(CodecTest, ALyingLengthOrCountIsRefusedWithoutAllocatingIt) {
  for (uint64_t lie : {uint64_t{5}, uint64_t{1} << 40, ~uint64_t{0}}) {
    std::string bytes;
    PutVarint(bytes, lie);
    bytes += "abcd";
    ByteReader text(bytes);
    Codec<Text>::Decode(text);
    EXPECT_FALSE(text.ok());
    ByteReader list(bytes);
    Codec<std::vector<int64_t>>::Decode(list);
    EXPECT_FALSE(list.ok());
  }
}

TEST(CodecTest, ABoolOfAnotherByteIsRefused) {
  for (int byte = 2; byte < 256; ++byte) {
    const std::string bytes(1, static_cast<char>(byte));
    ByteReader in(bytes);
    Codec<bool>::Decode(in);
    EXPECT_FALSE(in.ok()) << byte;
  }
}

TEST(CodecTest, AnOverlongVarintIsRefused) {
  const std::string eleven(11, '\x80');
  ByteReader long_one(eleven);
  Codec<int64_t>::Decode(long_one);
  EXPECT_FALSE(long_one.ok());
  const std::string too_big = std::string(9, '\xff') + '\x02';
  ByteReader big(too_big);
  Codec<int64_t>::Decode(big);
  EXPECT_FALSE(big.ok());
}

TEST(CodecTest, AUserValueThatItsCodecRefusesIsRefused) {
  std::string bytes;
  PutLengthPrefixed(bytes, "7 bytes");
  ByteReader in(bytes);
  Codec<Money>::Decode(in);
  EXPECT_FALSE(in.ok());
}

TEST(CodecTest, AProtobufMessageNeedsNoCodecOfItsOwn) {
  Sentence sentence;
  sentence.words = "the cat";
  const std::string bytes = Encoded(sentence);
  ByteReader in(bytes);
  EXPECT_EQ(Codec<Sentence>::Decode(in).words, "the cat");
  EXPECT_EQ(TypeOf<Sentence>().name, "demo.Sentence");
  ByteReader again(bytes);
  EXPECT_EQ(ToString(TypeOf<Sentence>().decode(again)), "words: the cat");
}

TEST(TypeOfTest, NamesAreStableAndOwnedFormsShareThem) {
  EXPECT_EQ(TypeOf<bool>().name, "bool");
  EXPECT_EQ(TypeOf<int64_t>().name, "int64");
  EXPECT_EQ(TypeOf<double>().name, "double");
  EXPECT_EQ(TypeOf<Timestamp>().name, "timestamp");
  EXPECT_TRUE(SameType(TypeOf<Text>(), TypeOf<std::string>()));
  EXPECT_TRUE(SameType(TypeOf<Bytes>(), TypeOf<OwnedBytes>()));
  EXPECT_TRUE(SameType(TypeOf<List<Text>>(), TypeOf<std::vector<std::string>>()));
  EXPECT_EQ(TypeOf<std::vector<std::string>>().name, "list<text>");
  EXPECT_EQ(TypeOf<std::vector<std::string>>().element->name, "text");
  EXPECT_EQ(TypeOf<Money>().name, "money");
  EXPECT_FALSE(SameType(TypeOf<Text>(), TypeOf<Bytes>()));
}

TEST(TypeOfTest, BuiltinTypesAreFoundByTheirNames) {
  EXPECT_EQ(BuiltinTypeNamed("int64"), &TypeOf<int64_t>());
  EXPECT_EQ(BuiltinTypeNamed("bool"), &TypeOf<bool>());
  for (const char* name : {"double", "text", "bytes", "timestamp", "list<text>", "list<bool>"}) {
    ASSERT_NE(BuiltinTypeNamed(name), nullptr) << name;
    EXPECT_EQ(BuiltinTypeNamed(name)->name, name);
  }
  for (const char* name : {"", "money", "list<money>", "int", "list<list<text>>"}) {
    EXPECT_EQ(BuiltinTypeNamed(name), nullptr) << name;
  }
}

TEST(DatumTest, ReadsAsPeopleExpect) {
  auto decoded = [](const auto& v) {
    using T = std::decay_t<decltype(v)>;
    const std::string bytes = Encoded(v);
    ByteReader in(bytes);
    std::string text = ToString(TypeOf<T>().decode(in));
    EXPECT_TRUE(in.done());
    return text;
  };
  EXPECT_EQ(decoded(true), "true");
  EXPECT_EQ(decoded(int64_t{-42}), "-42");
  EXPECT_EQ(decoded(0.1), "0.1");
  EXPECT_EQ(decoded(2.0), "2");
  EXPECT_EQ(decoded(std::string("the cat")), "the cat");
  EXPECT_EQ(decoded(OwnedBytes{"\x01\xff"}), "01ff");
  EXPECT_EQ(decoded(Timestamp{0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(decoded(std::vector<std::string>{"a", "b"}), "[a, b]");
  EXPECT_EQ(decoded(std::vector<int64_t>{}), "[]");
  EXPECT_EQ(decoded(Money{5}), "5 cents");
  EXPECT_EQ(decoded(Opaque{}), "01ab");
  EXPECT_EQ(ToString(Datum{}), "null");
}

TEST(DatumTest, AUserValueKnowsItsTypeAndItsEncoding) {
  const std::string bytes = Encoded(Money{5});
  ByteReader in(bytes);
  const Datum datum = TypeOf<Money>().decode(in);
  const auto& user = std::get<Datum::User>(datum.value);
  EXPECT_EQ(user.type_name, "money");
  EXPECT_EQ(user.encoded, bytes.substr(1));
  EXPECT_EQ(user.text, "5 cents");
}

}  // namespace
}  // namespace trident
