// SPDX-License-Identifier: Apache-2.0
#include "engine/frames/slice_codec.h"
#include "base/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/hash.h"
#include "base/limits.h"
#include "base/rng.h"
#include "engine/data/field.h"
#include "engine/frames/slice_payload.h"

namespace trident {

struct Weight {
  int64_t grams = 0;
  friend bool operator==(const Weight&, const Weight&) = default;
};
template <>
struct UserCodec<Weight> {
  static constexpr std::string_view kName = "weight";
  static void Encode(const Weight& w, std::string& out) { PutVarint(out, ZigZag(w.grams)); }
  static bool Decode(std::string_view bytes, Weight& out) {
    ByteReader in(bytes);
    out.grams = UnZigZag(in.Varint());
    return in.done();
  }
};
// No Field of this type is ever described.
struct Unknown {};
template <>
struct UserCodec<Unknown> {
  static constexpr std::string_view kName = "unknown";
  static void Encode(const Unknown&, std::string&) {}
  static bool Decode(std::string_view, Unknown&) { return true; }
};

namespace {

template <class... Ts>
SchemaRef SchemaOf(const FieldList<Ts...>& fields) {
  return std::make_shared<Schema>(*Schema::Make(fields.Describe()));
}

template <class T>
std::shared_ptr<ColumnOf<T>> ColumnWith(const std::vector<std::optional<T>>& values) {
  auto column = std::make_shared<ColumnOf<T>>();
  for (const auto& value : values) column->AppendOptional(value);
  return column;
}

std::string Encoded(const Slice& slice) {
  std::string out;
  EncodeSlice(slice, out);
  return out;
}

StatusOr<Slice> Decoded(const SchemaRef& schema, std::string frame) {
  auto kept = std::make_shared<std::string>(std::move(frame));
  return SliceDecoder::Make(schema)->Decode(*kept, kept);
}

std::vector<std::string> RowsOf(const Slice& slice) {
  std::vector<std::string> rows;
  for (size_t i = 0; i < slice.rows(); ++i) rows.push_back(RowText(slice.Row(i)));
  return rows;
}

void ExpectSame(const Slice& sent) {
  const StatusOr<Slice> got = Decoded(sent.schema_ref(), Encoded(sent));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(RowsOf(*got), RowsOf(sent));
  EXPECT_EQ(got->keys() == nullptr, sent.keys() == nullptr);
  if (sent.keys() == nullptr) return;
  for (size_t i = 0; i < sent.rows(); ++i) {
    EXPECT_EQ(got->keys()->keys[i].key, sent.keys()->keys[i].key);
    EXPECT_EQ(got->keys()->keys[i].hash, sent.keys()->keys[i].hash);
  }
}

// The checksum made to hold again after a change, as a broken or hostile sender would.
std::string Sealed(std::string frame) {
  frame.resize(frame.size() - 8);
  PutFixed64(frame, HashBytes(frame));
  return frame;
}

std::shared_ptr<const KeyColumn> KeysIn(const std::vector<std::string_view>& keys) {
  auto column = std::make_shared<KeyColumn>();
  for (std::string_view key : keys) column->keys.Append(HashedKey{key, HashBytes(key)});
  return column;
}

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};

Slice WordCounts() {
  return Slice(SchemaOf(Fields(kWord, kCount)),
               {ColumnWith<Text>({"the", "of", "cow"}), ColumnWith<int64_t>({4, -1, 1})}, 3);
}

TEST(SliceCodecTest, EveryTypeComesBackWithItsNulls) {
  const std::vector<int64_t> numbers = {1, -2, std::numeric_limits<int64_t>::min()};
  const std::vector<Text> texts = {"a", "", "long enough to be no small string at all"};
  const std::vector<Weight> weights = {{5}, {-7}};
  const bool flags[] = {true, false};
  const SchemaRef schema = SchemaOf(
      Fields(Field<std::optional<bool>>{"b"}, Field<std::optional<int64_t>>{"i"},
             Field<std::optional<double>>{"d"}, Field<std::optional<Text>>{"t"},
             Field<std::optional<Bytes>>{"y"}, Field<std::optional<Timestamp>>{"ts"},
             Field<std::optional<List<int64_t>>>{"li"}, Field<std::optional<List<Text>>>{"lt"},
             Field<std::optional<List<bool>>>{"lb"}, Field<std::optional<Weight>>{"w"},
             Field<std::optional<List<Weight>>>{"lw"}));
  const double infinity = std::numeric_limits<double>::infinity();
  ExpectSame(Slice(
      schema,
      {ColumnWith<bool>({true, std::nullopt, false}), ColumnWith<int64_t>({std::nullopt, 0, -9}),
       ColumnWith<double>({0.5, -infinity, std::nullopt}),
       ColumnWith<Text>({"x", std::nullopt, ""}),
       ColumnWith<Bytes>({Bytes{"\0\xff"}, Bytes{""}, std::nullopt}),
       ColumnWith<Timestamp>({Timestamp{1}, Timestamp{-1}, std::nullopt}),
       ColumnWith<List<int64_t>>({List<int64_t>(numbers), std::nullopt, List<int64_t>()}),
       ColumnWith<List<Text>>({std::nullopt, List<Text>(texts), List<Text>()}),
       ColumnWith<List<bool>>({List<bool>(flags), List<bool>(), std::nullopt}),
       ColumnWith<Weight>({Weight{3}, std::nullopt, Weight{-4}}),
       ColumnWith<List<Weight>>({List<Weight>(weights), List<Weight>(), std::nullopt})},
      3));
}

TEST(SliceCodecTest, BatchesOfNoRowsAndOfNoFieldsComeBack) {
  ExpectSame(Slice(SchemaOf(Fields(kWord)), {ColumnWith<Text>({})}, 0));
  const Slice fieldless(std::make_shared<Schema>(), {}, 5);
  EXPECT_EQ(Decoded(fieldless.schema_ref(), Encoded(fieldless))->rows(), 5u);
}

TEST(SliceCodecTest, OnlySelectedRowsTravel) {
  const Slice some = WordCounts().Select({0, 2});
  ExpectSame(some);
  EXPECT_EQ(Decoded(some.schema_ref(), Encoded(some))->column_rows(), 2u);
}

TEST(SliceCodecTest, LengthsOfAllWidthsComeBack) {
  for (size_t length : {0u, 1u, 255u, 256u, 65'535u, 65'536u, 300'000u}) {
    const std::string text(length, 'x');
    ExpectSame(Slice(SchemaOf(Fields(kWord)), {ColumnWith<Text>({"a", text, "b"})}, 3));
  }
}

TEST(SliceCodecTest, KeysThatAreAColumnCostNothing) {
  Slice slice = WordCounts();
  const size_t without = Encoded(slice).size();
  const auto words = As<Text>(slice.column(0)).values();
  slice.set_keys(KeysIn({words.begin(), words.end()}));
  ExpectSame(slice);
  EXPECT_EQ(Encoded(slice).size(), without + 1);
}

TEST(SliceCodecTest, KeysThatOnlyEqualAColumnTravelApart) {
  Slice slice = WordCounts();
  const std::string the = "the", of = "of", cow = "cow";
  slice.set_keys(KeysIn({the, of, cow}));
  ExpectSame(slice);
  slice.set_keys(KeysIn({cow, cow, the}));
  ExpectSame(slice);
}

TEST(SliceCodecTest, KeysOfASelectionStayWithTheirRows) {
  Slice slice = WordCounts().Select({1, 2});
  slice.set_keys(KeysIn({"k1", "k2"}));
  ExpectSame(slice);
}

// A step that drops nulls may hand the column on as it is, marks included.
TEST(SliceCodecTest, ARequiredFieldWhoseColumnOnceHadNullsTravels) {
  const auto column = ColumnWith<int64_t>({1, std::nullopt, 3});
  ExpectSame(Slice(SchemaOf(Fields(kCount)), {column}, 3).Select({0, 2}));
}

TEST(SliceCodecTest, TextPointsIntoTheFrame) {
  auto frame = std::make_shared<std::string>(Encoded(WordCounts()));
  const Slice got = *SliceDecoder::Make(WordCounts().schema_ref())->Decode(*frame, frame);
  const Text word = As<Text>(got.column(0)).values()[0];
  EXPECT_TRUE(word.data() > frame->data() && word.data() < frame->data() + frame->size());
  EXPECT_GT(frame.use_count(), 1);
}

TEST(SliceCodecTest, TheBatchKeepsTheFrameAlive) {
  const StatusOr<Slice> got = Decoded(WordCounts().schema_ref(), Encoded(WordCounts()));
  EXPECT_EQ(RowsOf(*got), (std::vector<std::string>{"[the, 4]", "[of, -1]", "[cow, 1]"}));
}

TEST(SliceCodecTest, APayloadOfBytesSaysAtBothEndsWhatItHolds) {
  const std::shared_ptr<const EncodedFrame> made = EncodedFrame::Of(WordCounts());
  EXPECT_EQ(made->bytes(), Encoded(WordCounts()));
  auto bytes = std::make_shared<std::string>(made->bytes());
  const std::string_view view = *bytes;
  const auto come = EncodedFrame::Parse(view, bytes);
  ASSERT_TRUE(come.ok()) << come.status();
  for (uint64_t first = 0; first < 3; ++first) {
    const FramePayload here(made, first, 1), there(*come, first, 1);
    EXPECT_EQ(there.rows(), 1u);
    EXPECT_EQ(there.bytes(), view.size() / 3);
    EXPECT_EQ(there.checksum(), here.checksum());
    EXPECT_NE(there.checksum(), FramePayload(*come, (first + 1) % 3, 1).checksum());
    EXPECT_NE(there.checksum(), FramePayload(*come, first, 2).checksum());
  }
  EXPECT_EQ(FramePayload(*come, 0, 3).bytes(), view.size());
}

TEST(SliceCodecTest, TasksShareAFrame) {
  const SliceDecoder decoder = *SliceDecoder::Make(WordCounts().schema_ref());
  const std::shared_ptr<const EncodedFrame> frame = EncodedFrame::Of(WordCounts());
  const std::vector<std::string> rows = RowsOf(WordCounts());
  for (uint64_t first = 0; first < 3; ++first) {
    const StatusOr<Slice> slice = FramePayload(frame, first, 1).Decode(decoder);
    ASSERT_TRUE(slice.ok()) << slice.status();
    EXPECT_EQ(RowsOf(*slice), std::vector<std::string>{rows[first]});
  }
}

TEST(SliceCodecTest, APayloadOfTooFewBytesOrTooManyRowsIsRefused) {
  const std::string frame = Encoded(WordCounts());
  for (size_t size = 0; size < 19; ++size) {
    EXPECT_EQ(EncodedFrame::Parse(std::string_view(frame).substr(0, size), nullptr).status().code(),
              StatusCode::kDataLoss);
  }
  std::string rows = frame;
  rows.replace(10, 1, "\xff\xff\xff\xff\x7f");
  EXPECT_EQ(EncodedFrame::Parse(rows, nullptr).status().code(), StatusCode::kDataLoss);
}

TEST(SliceCodecTest, EveryShorterFrameIsRefused) {
  const std::string frame = Encoded(WordCounts());
  for (size_t size = 0; size < frame.size(); ++size) {
    EXPECT_EQ(Decoded(WordCounts().schema_ref(), frame.substr(0, size)).status().code(),
              StatusCode::kDataLoss);
  }
}

TEST(SliceCodecTest, EveryFlippedBitIsRefused) {
  const std::string frame = Encoded(WordCounts());
  for (size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::string flipped = frame;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(Decoded(WordCounts().schema_ref(), flipped).ok()) << "bit " << bit;
  }
}

// With the checksum made right again, what is decoded must at least be a slice that can be read.
TEST(SliceCodecTest, EverySealedFlippedByteIsRefusedOrReadable) {
  Slice slice = WordCounts();
  slice.set_keys(KeysIn({"a", "b", "c"}));
  const std::string frame = Encoded(slice);
  for (size_t at = 0; at < frame.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string changed = frame;
      changed[at] = static_cast<char>(value);
      const StatusOr<Slice> got = Decoded(slice.schema_ref(), Sealed(changed));
      if (got.ok()) {
        EXPECT_EQ(RowsOf(*got).size(), got->rows());
      }
    }
  }
}

TEST(SliceCodecTest, AFrameOfAnotherSchemaIsRefused) {
  const SchemaRef renamed = SchemaOf(Fields(Field<Text>{"words"}, kCount));
  const SchemaRef nullable = SchemaOf(Fields(kWord, Field<std::optional<int64_t>>{"count"}));
  const SchemaRef retyped = SchemaOf(Fields(Field<Bytes>{"word"}, kCount));
  const SchemaRef reordered = SchemaOf(Fields(kCount, kWord));
  for (const SchemaRef& other : {renamed, nullable, retyped, reordered}) {
    const Status status = Decoded(other, Encoded(WordCounts())).status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
    EXPECT_NE(Message(status).find("same topology"), std::string::npos);
  }
}

TEST(SliceCodecTest, AFrameOfANewerVersionIsRefusedByName) {
  std::string frame = Encoded(WordCounts());
  frame[0] = 2;
  EXPECT_EQ(Message(Decoded(WordCounts().schema_ref(), Sealed(frame)).status()),
            "a frame has version 2, expected 1; run the same release everywhere");
}

TEST(SliceCodecTest, NullsInARequiredFieldAreRefused) {
  const SchemaRef schema = SchemaOf(Fields(kCount));
  const Slice with_null(schema, {ColumnWith<int64_t>({1, std::nullopt})}, 2);
  EXPECT_EQ(Decoded(schema, Encoded(with_null)).status().code(), StatusCode::kDataLoss);
}

std::string FrameOf(const SchemaRef& schema, uint64_t rows, const std::string& body) {
  std::string frame = {1, 0};
  PutFixed64(frame, SchemaFingerprint(*schema));
  PutVarint(frame, rows);
  return Sealed(frame + body + std::string(8, '\0'));
}

TEST(SliceCodecTest, ClaimsOfRowsThatAreNotThereAreRefused) {
  for (const SchemaRef& schema :
       {SchemaOf(Fields(kWord)), SchemaOf(Fields(kCount)), SchemaOf(Fields(Field<Weight>{"w"})),
        SchemaOf(Fields(Field<List<Text>>{"l"})), SchemaOf(Fields(Field<bool>{"b"}))}) {
    for (uint64_t rows : {uint64_t{1}, uint64_t{1} << 20, static_cast<uint64_t>(kFrameRowsMax),
                          uint64_t{1} << 40, ~uint64_t{0}}) {
      const Status status = Decoded(schema, FrameOf(schema, rows, std::string(1, '\0'))).status();
      EXPECT_EQ(status.code(), StatusCode::kDataLoss) << schema->ToString() << rows;
    }
  }
}

TEST(SliceCodecTest, AListThatClaimsMoreElementsThanThereAreIsRefused) {
  const SchemaRef schema = SchemaOf(Fields(Field<List<int64_t>>{"l"}));
  std::string body(1, '\0');
  PutVarint(body, uint64_t{1} << 62);
  EXPECT_EQ(Decoded(schema, FrameOf(schema, 1, body)).status().code(), StatusCode::kDataLoss);
}

TEST(SliceCodecTest, ABoolThatIsNeitherIsRefused) {
  const SchemaRef schema = SchemaOf(Fields(Field<bool>{"b"}));
  EXPECT_TRUE(Decoded(schema, FrameOf(schema, 1, std::string{0, 1})).ok());
  EXPECT_FALSE(Decoded(schema, FrameOf(schema, 1, std::string{0, 2})).ok());
}

TEST(SliceCodecTest, BytesLeftOverAreRefused) {
  const SchemaRef schema = SchemaOf(Fields(Field<bool>{"b"}));
  EXPECT_FALSE(Decoded(schema, FrameOf(schema, 1, std::string{0, 1, 0})).ok());
}

TEST(SliceCodecTest, AnOversizedFrameIsRefusedUnread) {
  const std::string frame(static_cast<size_t>(kFrameBytesMax) + 1, 'x');
  const Status status = Decoded(WordCounts().schema_ref(), frame).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_NE(Message(status).find(std::to_string(kFrameBytesMax)), std::string::npos);
}

TEST(SliceCodecTest, AUserTypeThatNobodyDescribedHasNoDecoder) {
  const auto schema = std::make_shared<Schema>(*Schema::Make({{"u", &TypeOf<Unknown>()}}));
  const Status status = SliceDecoder::Make(schema).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(status).find("field \"u\" has the type unknown"), std::string::npos);
}

TEST(SliceCodecTest, ARunOfAFrameHasItsKeysAndCopiesNoValue) {
  Slice slice = WordCounts();
  slice.set_keys(KeysIn({"k0", "k1", "k2"}));
  const SliceDecoder decoder = *SliceDecoder::Make(slice.schema_ref());
  const std::shared_ptr<const EncodedFrame> frame = EncodedFrame::Of(slice);
  const StatusOr<Slice> whole = frame->Decode(decoder);
  const StatusOr<Slice> run = FramePayload(frame, 1, 2).Decode(decoder);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(RowsOf(*run), (std::vector<std::string>{"[of, -1]", "[cow, 1]"}));
  ASSERT_EQ(run->keys()->keys.size(), 2u);
  EXPECT_EQ(run->keys()->keys[0].key, "k1");
  EXPECT_EQ(run->keys()->keys[1].hash, HashBytes("k2"));
  EXPECT_EQ(run->column_ref(0), whole->column_ref(0));
  const StatusOr<Slice> none = FramePayload(frame, 3, 0).Decode(decoder);
  EXPECT_EQ(none->rows(), 0u);
}

// Columns of all types over one pool of values, some with nulls, for random slices.
class RandomSlices {
 public:
  explicit RandomSlices(uint64_t seed) : rng_(seed) {
    for (int i = 0; i < 20; ++i) {
      texts_.push_back(std::string(rng_.Below(i == 7 ? 70'000 : i == 9 ? 300 : 9), 'a' + i));
    }
    for (const std::string& text : texts_) views_.push_back(text);
    for (int i = 0; i < 20; ++i) weights_.push_back({static_cast<int64_t>(rng_())});
  }
  Rng& rng() { return rng_; }

  Slice Make() {
    rows_ = rng_.Below(30);
    // The nullable column has nulls in some rows only, so that a choice may have none.
    Slice slice(Schema(),
                {ColumnOfRandom<Text>([&] { return View(); }, 0),
                 ColumnOfRandom<Text>([&] { return View(); }),
                 ColumnOfRandom<Bytes>([&] { return Bytes{View()}; }),
                 ColumnOfRandom<bool>([&] { return rng_.Chance(0.5); }),
                 ColumnOfRandom<int64_t>([&] { return static_cast<int64_t>(rng_()); }, 0),
                 ColumnOfRandom<double>([&] { return rng_.Unit(); }),
                 ColumnOfRandom<Timestamp>([&] { return Timestamp{static_cast<int64_t>(rng_())}; }),
                 ColumnOfRandom<List<Text>>([&] { return Some<Text>(views_); }),
                 ColumnOfRandom<Weight>([&] { return weights_[rng_.Below(20)]; }, 0),
                 ColumnOfRandom<List<Weight>>([&] { return Some<Weight>(weights_); })},
                rows_);
    if (rng_.Chance(0.5)) slice = slice.Select(Places(slice.rows(), 0.6));
    if (rng_.Chance(0.7)) SetKeys(slice);
    return slice;
  }
  // Ascending, each of `rows` with this chance.
  std::vector<uint32_t> Places(size_t rows, double chance) {
    std::vector<uint32_t> places;
    for (uint32_t i = 0; i < rows; ++i) {
      if (rng_.Chance(chance)) places.push_back(i);
    }
    return places;
  }
  // In any order, with repeats.
  std::vector<uint32_t> AnyPlaces(size_t rows) {
    std::vector<uint32_t> places(rows == 0 ? 0 : rng_.Below(2 * rows));
    for (uint32_t& place : places) place = static_cast<uint32_t>(rng_.Below(rows));
    return places;
  }

 private:
  static SchemaRef Schema() {
    return SchemaOf(
        Fields(kWord, Field<std::optional<Text>>{"note"}, Field<std::optional<Bytes>>{"bytes"},
               Field<std::optional<bool>>{"flag"}, kCount, Field<std::optional<double>>{"share"},
               Field<std::optional<Timestamp>>{"at"}, Field<std::optional<List<Text>>>{"tags"},
               Field<Weight>{"weight"}, Field<std::optional<List<Weight>>>{"weights"}));
  }
  Text View() { return views_[rng_.Below(views_.size())]; }
  template <class T>
  List<T> Some(const std::vector<T>& all) {
    const size_t begin = rng_.Below(all.size());
    return List<T>(all).subspan(begin, rng_.Below(std::min<size_t>(4, all.size() - begin)));
  }
  template <class T, class Make>
  ColumnRef ColumnOfRandom(Make make, double nulls = 0.2) {
    auto column = std::make_shared<ColumnOf<T>>();
    for (size_t i = 0; i < rows_; ++i)
      rng_.Chance(nulls) ? column->AppendNull() : column->Append(make());
    return column;
  }
  // The values of a column of texts, or keys of their own.
  void SetKeys(Slice& slice) {
    const bool are_column = rng_.Chance(0.6);
    const Column& column = slice.column(rng_.Below(2));
    std::vector<std::string_view> keys;
    for (size_t i = 0; i < slice.rows(); ++i) {
      keys.push_back(are_column ? As<Text>(column).values()[slice.RowAt(i)] : View());
    }
    slice.set_keys(KeysIn(keys));
  }

  Rng rng_;
  size_t rows_ = 0;
  std::vector<std::string> texts_;
  std::vector<Text> views_;
  std::vector<Weight> weights_;
};

TEST(SliceCodecTest, ChosenRowsAreEncodedAsIfTheyHadBeenGathered) {
  size_t column_is_key = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    RandomSlices random(seed);
    const Slice slice = random.Make();
    for (const std::vector<uint32_t>& places :
         {random.Places(slice.rows(), 1), random.Places(slice.rows(), 0.3),
          random.AnyPlaces(slice.rows())}) {
      const Slice gathered = slice.Gather(places);
      std::string frame = "before";
      EncodeRows(slice, places, frame);
      ASSERT_EQ(frame, "before" + Encoded(gathered));
      column_is_key += frame[7] == 1 ? 1 : 0;
      ExpectSame(gathered);
      const auto encoded = EncodedFrame::Of(slice, places);
      EXPECT_EQ(encoded->bytes(), frame.substr(6));
      EXPECT_EQ(encoded->rows(), places.size());
    }
    ExpectSame(slice);
  }
  EXPECT_GT(column_is_key, 150u);
}

TEST(SliceCodecTest, RandomBatchesComeBack) {
  Rng rng(7);
  const SchemaRef schema = SchemaOf(
      Fields(kWord, kCount, Field<std::optional<Text>>{"note"}, Field<List<Text>>{"tags"}));
  for (int round = 0; round < 200; ++round) {
    const size_t rows = rng.Below(40);
    std::vector<std::string> pool(rows + 1);
    for (std::string& s : pool) s.assign(rng.Below(rng.Chance(0.1) ? 1000 : 9), 'a' + round % 26);
    const std::vector<Text> tags(pool.begin(), pool.end());
    std::vector<std::optional<Text>> words, notes;
    std::vector<std::optional<int64_t>> counts;
    std::vector<std::optional<List<Text>>> lists;
    for (size_t i = 0; i < rows; ++i) {
      words.push_back(pool[i]);
      notes.push_back(rng.Chance(0.5) ? std::optional<Text>() : pool[i + 1]);
      counts.push_back(static_cast<int64_t>(rng()));
      lists.push_back(List<Text>(tags).subspan(0, rng.Below(rows)));
    }
    Slice slice(schema,
                {ColumnWith<Text>(words), ColumnWith<int64_t>(counts), ColumnWith<Text>(notes),
                 ColumnWith<List<Text>>(lists)},
                rows);
    if (rng.Chance(0.5)) slice.set_keys(KeysIn({tags.begin(), tags.begin() + rows}));
    ExpectSame(slice);
  }
}

}  // namespace
}  // namespace trident
