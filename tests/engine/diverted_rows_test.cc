// SPDX-License-Identifier: Apache-2.0
#include "engine/diverted_rows.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/codec.h"
#include "engine/data/field.h"

namespace trident {

struct Money {
  int64_t cents = 0;
};
template <>
struct UserCodec<Money> {
  static constexpr std::string_view kName = "kept-money";
  static void Encode(const Money& money, std::string& out) { PutVarint(out, ZigZag(money.cents)); }
  static bool Decode(std::string_view bytes, Money& out) {
    ByteReader in(bytes);
    out.cents = UnZigZag(in.Varint());
    return in.done();
  }
};

namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<List<Text>> kWords{"words"};
constexpr Field<Money> kPaid{"paid"};
constexpr Field<std::optional<int64_t>> kAge{"age"};

SchemaRef TheSchema() {
  return std::make_shared<const Schema>(
      *Schema::Make(Fields(kWord, kWords, kPaid, kAge).Describe()));
}

Slice TwoRows() {
  static const std::vector<Text> list = {"a", "", "c"};
  auto words = std::make_shared<ColumnOf<Text>>();
  auto lists = std::make_shared<ColumnOf<List<Text>>>();
  auto paid = std::make_shared<ColumnOf<Money>>();
  auto ages = std::make_shared<ColumnOf<int64_t>>();
  words->Append("one");
  lists->Append({});
  paid->Append({1});
  ages->Append(4);
  words->Append("two\n");
  lists->Append(list);
  paid->Append({-250});
  ages->AppendNull();
  return Slice(TheSchema(), {words, lists, paid, ages}, 2);
}

std::string Encoded() {
  const uint32_t second[] = {1};
  return EncodeKeptRow({.tries = 3, .place = "row 1", .row = TwoRows().Gather(second)});
}

TEST(KeptRowTest, ARowOfEveryKindOfTypeComesBackAsItWas) {
  const StatusOr<KeptRow> kept = DecodeKeptRow(Encoded(), TheSchema());
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->tries, 3u);
  EXPECT_EQ(kept->place, "row 1");
  ASSERT_EQ(kept->row.rows(), 1u);
  EXPECT_EQ(RowText(kept->row.Row(0)), RowText(TwoRows().Row(1)));
  EXPECT_EQ(As<Money>(kept->row.column(2)).values()[0].cents, -250);
  EXPECT_TRUE(kept->row.column(3).IsNull(0));
}

TEST(KeptRowTest, ARowOfOtherFieldsIsRefusedAndBothAreNamed) {
  const auto other =
      std::make_shared<const Schema>(*Schema::Make(Fields(kWord, kWords, kPaid).Describe()));
  const Status refused = DecodeKeptRow(Encoded(), other).status();
  EXPECT_EQ(refused.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(refused).find(TheSchema()->ToString()), std::string_view::npos) << refused;
  EXPECT_NE(Message(refused).find(other->ToString()), std::string_view::npos) << refused;
}

TEST(KeptRowTest, NoDamagedBytesAreTakenForARow) {
  const std::string whole = Encoded();
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(DecodeKeptRow(whole.substr(0, length), TheSchema()).ok()) << length;
  }
  const size_t frame = whole.size() - 20;
  for (size_t at = frame; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(DecodeKeptRow(damaged, TheSchema()).ok()) << at;
  }
}

TEST(DivertedRowsTest, ALetterThatGoesHasOnlyItsKey) {
  DivertedRows diverted;
  EXPECT_TRUE(diverted.empty());
  diverted.Add({.row = "[a]", .cause = "bad", .kept = "bytes", .key = ""});
  diverted.Remove("key");
  const Slice slice = diverted.Take();
  ASSERT_EQ(slice.rows(), 2u);
  EXPECT_EQ(As<Text>(slice.column(DivertedRows::kCause)).values()[1], "");
  EXPECT_EQ(As<Bytes>(slice.column(DivertedRows::kKey)).values()[1].view, "key");
  EXPECT_EQ(As<Bytes>(slice.column(DivertedRows::kKept)).values()[0].view, "bytes");
}

}  // namespace
}  // namespace trident
