// SPDX-License-Identifier: Apache-2.0
//
// Aggregates whose values own memory: texts, bytes and lists. Columns hold views of them. Combined
// within a batch, kept in a state by a combiner and by a reducer, followed, and queried.
#include <set>

#include "tests/trident/run/words.h"

namespace trident {
namespace {

constexpr Field<int64_t> kLength{"length"};

// What a type of values makes of one word, and how two values become one, in any order.
template <class V>
struct Joining;
template <>
struct Joining<std::string> {
  static std::string Of(Text word) { return std::string(word); }
  static void Join(std::string& a, const std::string& b) { a = std::max(a, b); }
};
template <>
struct Joining<OwnedBytes> {
  static OwnedBytes Of(Text word) { return {std::string(word) + '\xff'}; }
  static void Join(OwnedBytes& a, const OwnedBytes& b) { a = std::max(a, b); }
};
template <class E>
struct JoiningLists {
  static void Join(std::vector<E>& a, const std::vector<E>& b) {
    a.insert(a.end(), b.begin(), b.end());
    std::sort(a.begin(), a.end());
  }
};
template <>
struct Joining<std::vector<int64_t>> : JoiningLists<int64_t> {
  static std::vector<int64_t> Of(Text word) { return {word[0], -word.back()}; }
};
template <>
struct Joining<std::vector<bool>> : JoiningLists<bool> {
  static std::vector<bool> Of(Text word) { return {word < "k", word[0] % 2 == 0}; }
};
template <>
struct Joining<std::vector<std::string>> : JoiningLists<std::string> {
  static std::vector<std::string> Of(Text word) { return {std::string(word), ""}; }
};
template <>
struct Joining<std::vector<OwnedBytes>> : JoiningLists<OwnedBytes> {
  static std::vector<OwnedBytes> Of(Text word) { return {{std::string(word) + '\0'}}; }
};

template <class V>
struct Combined {
  using Value = V;
  Value Zero() const { return {}; }
  Value Init(Text word) const { return Joining<V>::Of(word); }
  Value Combine(Value a, const Value& b) const {
    Joining<V>::Join(a, b);
    return a;
  }
};
template <class V>
struct Reduced {
  using Value = V;
  Value Init() const { return {}; }
  void Reduce(Value& value, Text word) const { Joining<V>::Join(value, Joining<V>::Of(word)); }
};

template <class V>
std::string AsText(const V& value) {
  std::string bytes;
  Codec<V>::Encode(value, bytes);
  ByteReader in(bytes);
  return ToString(TypeOf<V>().decode(in));
}

// The rows [length, value] that pass, as text.
template <class V>
struct Passed {
  std::shared_ptr<Collected<Text>> rows = std::make_shared<Collected<Text>>();
  void operator()(int64_t length, Viewed<V> view) const {
    rows->Add(Concat(length, " ", AsText(OwnedOf<V>(view))));
  }
  std::set<std::string> Set() const {
    std::set<std::string> out;
    for (const auto& row : rows->InOrder()) out.insert(std::get<0>(row));
    return out;
  }
};

template <class V>
class OwningAggregatesTest : public testing::Test {
 protected:
  static constexpr Field<Viewed<V>> kAll{"all"};
  static constexpr Field<std::optional<Viewed<V>>> kMaybe{"maybe"};

  // The values of all words by length; the words of a batch, with those before it.
  static std::map<int64_t, V> Expected() {
    std::map<int64_t, V> all;
    for (const std::string& sentence : StarterSentences()) {
      WordCounts words;
      AddWords(sentence, &words);
      for (const auto& [word, count] : words) {
        for (int64_t i = 0; i < count; ++i) {
          Joining<V>::Join(all[static_cast<int64_t>(word.size())], Joining<V>::Of(word));
        }
      }
    }
    return all;
  }
};

using Values = testing::Types<std::string, OwnedBytes, std::vector<int64_t>, std::vector<bool>,
                              std::vector<std::string>, std::vector<OwnedBytes>>;
TYPED_TEST_SUITE(OwningAggregatesTest, Values);

TYPED_TEST(OwningAggregatesTest, AggregateFollowAndQueryAsTheirViews) {
  using V = TypeParam;
  for (const uint32_t executors : {1u, 3u}) {
    SCOPED_TRACE(executors);
    Topology topology("owning");
    Stream lengths =
        topology
            .NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 100},
                                                          AsRows(StarterSentences())))
            .Shuffle()
            .Each(kSentence, Split(), kWord)
            .Parallelism(executors)
            .Each(
                kWord, [](Text word) { return static_cast<int64_t>(word.size()); }, kLength);
    const Passed<V> in_batch, from_combiner, from_reducer;
    GroupedStream by_length = lengths.GroupBy(kLength);
    by_length.Aggregate(kWord, Combined<V>(), this->kAll)
        .Peek(Fields(kLength, this->kAll), in_batch);
    auto combined =
        by_length.PersistentAggregate({.name = "combined"}, kWord, Combined<V>(), this->kAll);
    combined.NewValuesStream().Peek(Fields(kLength, this->kAll), from_combiner);
    auto reduced =
        by_length.PersistentAggregate({.name = "reduced"}, kWord, Reduced<V>(), this->kAll);
    reduced.NewValuesStream().Peek(Fields(kLength, this->kAll), from_reducer);
    const auto length_of = [](Text args) { return static_cast<int64_t>(args.size()); };
    topology.NewDrpcStream("combined")
        .Each(kArgs, length_of, kLength)
        .StateQuery(combined, kLength, MapGet(), this->kAll)
        .Project(this->kAll);
    topology.NewDrpcStream("reduced")
        .Each(kArgs, length_of, kLength)
        .StateQuery(reduced, kLength, MapGet(), this->kMaybe)
        .Project(this->kMaybe);
    auto run = RunToEnd(topology, {.executors = executors});
    ASSERT_NE(run, nullptr);

    std::set<std::string> rows;
    for (const auto& [length, value] : this->Expected()) {
      rows.insert(Concat(length, " ", AsText(value)));
      const std::string args(static_cast<size_t>(length), '.');
      const std::vector<std::string> answer = {"[" + AsText(value) + "]"};
      EXPECT_EQ(Answer(*run, "combined", args), answer);
      EXPECT_EQ(Answer(*run, "reduced", args), answer);
    }
    EXPECT_EQ(in_batch.Set(), rows);
    EXPECT_EQ(from_combiner.Set(), rows);
    EXPECT_EQ(from_reducer.Set(), rows);
    EXPECT_EQ(Answer(*run, "combined", std::string(50, '.')), std::vector<std::string>());
    EXPECT_EQ(Answer(*run, "reduced", std::string(50, '.')), std::vector<std::string>{"[null]"});
  }
}

}  // namespace
}  // namespace trident
