// SPDX-License-Identifier: Apache-2.0
//
// StateReader: typed reads of a running topology's states, at named txids.
#include "trident/run/state_reader.h"

#include <optional>

#include "tests/trident/run/words.h"

namespace trident {

struct Longest {
  std::string sentence = {};
  friend bool operator==(const Longest&, const Longest&) = default;
};
template <>
struct UserCodec<Longest> {
  static constexpr std::string_view kName = "longest";
  static void Encode(const Longest& v, std::string& out) { out = v.sentence; }
  static bool Decode(std::string_view bytes, Longest& out) {
    if (bytes == "four score and seven years ago") throw std::runtime_error("not this one");
    out.sentence = bytes;
    return true;
  }
};

namespace {

constexpr Field<Longest> kLongest{"longest"};
constexpr Field<List<std::string_view>> kSentences{"sentences"};
constexpr Field<std::optional<Text>> kInitial{"initial"};
constexpr Field<int64_t> kLength{"length"};

struct LongestOf {
  using Value = Longest;
  Value Init() const { return {}; }
  void Reduce(Value& value, Text sentence) const {
    if (sentence.size() > value.sentence.size()) value.sentence = sentence;
  }
};
struct AllOf {
  using Value = std::vector<std::string>;
  Value Init() const { return {}; }
  void Reduce(Value& value, Text sentence) const { value.emplace_back(sentence); }
};

class StateReaderTest : public testing::Test {
 protected:
  // One sentence a batch. The initial of a short word is null.
  void SetUp() override {
    Stream sentences = topology_.NewStream(
        "sentences",
        FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows(StarterSentences())));
    Stream words =
        sentences.Each(kSentence, Split(), kWord)
            .Each(
                kWord,
                [](Text word) -> std::tuple<std::optional<Text>, int64_t> {
                  return {word.size() > 3 ? std::optional<Text>(word.substr(0, 1)) : std::nullopt,
                          static_cast<int64_t>(word.size())};
                },
                Fields(kInitial, kLength));
    counts_.emplace(words.GroupBy(kWord).PersistentAggregate({.name = "counts", .partitions = 4},
                                                             Count(), kCount));
    by_initial_.emplace(words.GroupBy(Fields(kInitial, kLength))
                            .PersistentAggregate({.name = "by-initial"}, Count(), kCount));
    total_.emplace(words.PersistentAggregate({.name = "total"}, Count(), kCount));
    all_.emplace(sentences.PersistentAggregate({.name = "all"}, kSentence, AllOf(), kSentences));
    longest_.emplace(words.GroupBy(kWord).PersistentAggregate({.name = "longest"}, kSentence,
                                                              LongestOf(), kLongest));
    run_ = RunToEnd(topology_, {.executors = 2, .readable_versions = 100});
    ASSERT_NE(run_, nullptr);
  }
  static WordCounts Words(size_t sentences) {
    WordCounts words;
    for (size_t i = 0; i < sentences; ++i) AddWords(StarterSentences()[i], &words);
    return words;
  }

  Topology topology_{"reading"};
  std::optional<StateHandle<int64_t>> counts_, by_initial_, total_;
  std::optional<StateHandle<std::vector<std::string>>> all_;
  std::optional<StateHandle<Longest>> longest_;
  std::unique_ptr<trident::Run> run_;
};

TEST_F(StateReaderTest, EachTxidIsReadAsItWas) {
  const StateReader counts(*run_, *counts_);
  for (size_t t = 1; t <= StarterSentences().size(); ++t) {
    auto cut = counts.At(ReadAt::Exactly(TxId(t)));
    ASSERT_TRUE(cut.ok()) << cut.status();
    EXPECT_EQ(cut->txid(), TxId(t));
    const WordCounts expected = Words(t);
    WordCounts found;
    ASSERT_TRUE(cut->ForEach([&](const StateKey& key, const int64_t& count) {
                     found[key.As<std::string>(0)] = count;
                   })
                    .ok());
    EXPECT_EQ(found, expected);
    std::vector<StateKey> keys;
    for (const auto& [word, count] : Words(StarterSentences().size())) keys.emplace_back(word);
    auto many = cut->MultiGet(keys);
    ASSERT_TRUE(many.ok()) << many.status();
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto at = expected.find(keys[i].As<std::string>(0));
      EXPECT_EQ((*many)[i], at == expected.end() ? std::nullopt : std::optional(at->second));
      auto one = cut->Get(keys[i].As<std::string>(0));
      EXPECT_TRUE(one.ok() && *one == (*many)[i]) << one.status();
    }
  }
}

TEST_F(StateReaderTest, KeysOfSeveralFieldsWithNullsAndOfNone) {
  auto cut = StateReader(*run_, *by_initial_).Latest();
  ASSERT_TRUE(cut.ok()) << cut.status();
  EXPECT_EQ(cut->Get("c", 5).value(), std::optional<int64_t>(1));
  EXPECT_EQ(cut->Get(std::nullopt, 2).value(), std::optional<int64_t>(6));
  EXPECT_EQ(cut->Get("z", 5).value(), std::nullopt);
  std::vector<StateKey> found;
  const auto add = [&](const StateKey& key, const int64_t&) { found.push_back(key); };
  ASSERT_TRUE(cut->ForEach({.prefix = StateKey("s")}, add).ok());
  EXPECT_EQ(found, (std::vector<StateKey>{StateKey("s", 4), StateKey("s", 5)}));
  found.clear();
  ASSERT_TRUE(cut->ForEach({.from = StateKey("s", 5), .to = StateKey("y")}, add).ok());
  EXPECT_EQ(found, (std::vector<StateKey>{StateKey("s", 5), StateKey("w", 4)}));

  auto total = StateReader(*run_, *total_).Latest();
  ASSERT_TRUE(total.ok()) << total.status();
  EXPECT_EQ(total->Get().value(), std::optional<int64_t>(36));
}

TEST_F(StateReaderTest, ListsAndValuesOfTheProgramsOwnTypes) {
  auto all = StateReader(*run_, *all_).Latest();
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->Get().value(), std::optional(StarterSentences()));
  auto longest = StateReader(*run_, *longest_).Latest();
  ASSERT_TRUE(longest.ok()) << longest.status();
  EXPECT_EQ(longest->Get("the").value(),
            std::optional(Longest{"the man went to the store and bought some candy"}));
}

TEST_F(StateReaderTest, ACutThatWasMovedFromReadsNothing) {
  auto cut = StateReader(*run_, *counts_).Latest();
  ASSERT_TRUE(cut.ok()) << cut.status();
  const StateCut<int64_t> moved = *std::move(cut);
  EXPECT_TRUE(moved.Get("the").ok());
  EXPECT_EQ(cut->Get("the").status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(cut->ForEach([](const StateKey&, const int64_t&) {}).code(),
            StatusCode::kFailedPrecondition);
}

TEST_F(StateReaderTest, ErrorsNameTheStateTheKeyAndTheReason) {
  auto longest = StateReader(*run_, *longest_).Latest();
  ASSERT_TRUE(longest.ok());
  EXPECT_EQ(Message(longest->Get("score").status()),
            "state longest[word:text]: the bytes under key (score) cannot be read as longest: not "
            "this one");
  EXPECT_TRUE(longest->Get("cow").ok());
  EXPECT_EQ(StateReader<double>(*run_, "counts").Latest().status().code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(StateReader<double>(*run_, "counts").Latest().status()),
            "state counts[word:text] has values of int64 and is read as a state of double");
  EXPECT_EQ(StateReader<int64_t>(*run_, "cuonts").Latest().status().code(), StatusCode::kNotFound);
  auto counts = StateReader(*run_, *counts_).Latest();
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(counts->Get(7).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(counts->Get("a", "b").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(counts->Get().status().code(), StatusCode::kInvalidArgument);
  const auto nothing = [](const StateKey&, const int64_t&) {};
  EXPECT_EQ(counts->ForEach({.prefix = StateKey("a"), .to = StateKey("b")}, nothing).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(StateReader(*run_, *counts_).At(ReadAt::Exactly(TxId(99))).status().code(),
            StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace trident
