// SPDX-License-Identifier: Apache-2.0
#include "base/coding.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/rng.h"

namespace trident {
namespace {

std::string Varint(uint64_t v) {
  std::string out;
  PutVarint(out, v);
  return out;
}

TEST(CodingTest, BytesOnDiskAreThese) {
  std::string out;
  PutFixed32(out, 0x01020304);
  PutFixed64(out, 0x0102030405060708);
  PutVarint(out, 300);
  PutLengthPrefixed(out, "ab");
  EXPECT_EQ(out, std::string_view("\x04\x03\x02\x01"
                                  "\x08\x07\x06\x05\x04\x03\x02\x01"
                                  "\xac\x02"
                                  "\x02"
                                  "ab",
                                  17));
}

TEST(CodingTest, VarintsRoundTripAtEveryWidth) {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t top = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    for (uint64_t v : {top, top / 2 + 1, top - (top > 0)}) {
      const std::string bytes = Varint(v);
      EXPECT_LE(bytes.size(), 10u);
      ByteReader in(bytes);
      EXPECT_EQ(in.Varint(), v);
      EXPECT_TRUE(in.done());
    }
  }
}

TEST(CodingTest, VarintOfMoreThan64BitsIsRefused) {
  // The tenth byte has room for one bit.
  const std::string nine(9, '\xff');
  for (const char* last : {"\x02", "\x7f", "\x81", "\xff"}) {
    const std::string bytes = nine + last + "\x01";
    ByteReader in(bytes);
    in.Varint();
    EXPECT_FALSE(in.ok()) << static_cast<int>(last[0]);
  }
  const std::string most = nine + "\x01";
  ByteReader in(most);
  EXPECT_EQ(in.Varint(), ~uint64_t{0});
  EXPECT_TRUE(in.done());
}

TEST(CodingTest, ZigZagKeepsSmallMagnitudesSmall) {
  EXPECT_EQ(ZigZag(0), 0u);
  EXPECT_EQ(ZigZag(-1), 1u);
  EXPECT_EQ(ZigZag(1), 2u);
  EXPECT_EQ(ZigZag(std::numeric_limits<int64_t>::min()), ~uint64_t{0});
  Rng rng(1);
  for (int i = 0; i < 10'000; ++i) {
    const int64_t v = static_cast<int64_t>(rng() >> rng.Below(64));
    EXPECT_EQ(UnZigZag(ZigZag(v)), v);
    EXPECT_EQ(UnZigZag(ZigZag(-v)), -v);
  }
}

TEST(CodingTest, EveryCutOfARecordIsRefusedAndStaysRefused) {
  std::string record;
  PutFixed32(record, 7);
  PutVarint(record, 1'000'000);
  PutFixed64(record, 9);
  PutLengthPrefixed(record, "hello");
  for (size_t cut = 0; cut < record.size(); ++cut) {
    // A copy of exactly that size, so that a sanitizer sees a read past its end.
    const std::string bytes = record.substr(0, cut);
    ByteReader in(bytes);
    in.Fixed32();
    in.Varint();
    in.Fixed64();
    in.LengthPrefixed();
    EXPECT_FALSE(in.ok()) << "cut at " << cut;
    EXPECT_EQ(in.Fixed64(), 0u);
    EXPECT_EQ(in.Bytes(0), "");
    EXPECT_FALSE(in.ok());
    EXPECT_FALSE(in.done());
  }
}

TEST(CodingTest, LengthsAreNotTrusted) {
  for (uint64_t length : {uint64_t{3}, uint64_t{1} << 31, ~uint64_t{0}}) {
    const std::string bytes = Varint(length) + "ab";
    ByteReader in(bytes);
    EXPECT_EQ(in.LengthPrefixed(), "");
    EXPECT_FALSE(in.ok());
  }
}

TEST(CodingTest, DoneOnlyAfterTheLastByte) {
  const std::string bytes = "abc";
  ByteReader in(bytes);
  EXPECT_EQ(in.Bytes(2), "ab");
  EXPECT_TRUE(in.ok());
  EXPECT_FALSE(in.done());
  EXPECT_EQ(in.remaining(), 1u);
  EXPECT_EQ(in.rest(), "c");
  EXPECT_EQ(in.Bytes(1), "c");
  EXPECT_TRUE(in.done());
}

}  // namespace
}  // namespace trident
