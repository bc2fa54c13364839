// SPDX-License-Identifier: Apache-2.0
//
// However a program is spread over executors and cut into batches, its results are those of a fold
// over the input, made here by other means.
#include <set>

#include "tests/trident/run/words.h"
#include "trident/spouts/zipf_sentences.h"

namespace trident {
namespace {

struct Shape {
  uint32_t executors;
  uint64_t batch_rows;
  uint32_t tasks;
};
const Shape kShapes[] = {{1, 1000, 1}, {1, 1, 3}, {2, 7, 2}, {3, 64, 5}, {4, 1000, 4}};

RunOptions OptionsOf(const Shape& shape) {
  return {.executors = shape.executors, .batch_rows = shape.batch_rows, .readable_versions = 4000};
}

std::vector<std::string> Sentences(uint64_t seed, size_t count) {
  SentencePool pool({.vocabulary = 200, .words_per_sentence = 6, .distinct_sentences = count},
                    seed);
  return {pool.sentences.begin(), pool.sentences.end()};
}

WordCounts CountWords(const std::vector<std::string>& sentences) {
  WordCounts counts;
  for (const std::string& sentence : sentences) AddWords(sentence, &counts);
  return counts;
}

StatusOr<std::shared_ptr<Spout>> SpoutOf(const std::vector<std::string>& sentences) {
  return FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1000}, AsRows(sentences));
}

TEST(DeterminismTest, CountsDoNotDependOnExecutorsTasksOrBatchSize) {
  std::vector<std::string> sentences = Sentences(1, 300);
  for (const Shape& shape : kShapes) {
    Topology topology("count");
    topology.NewStream("sentences", SpoutOf(sentences))
        .Shuffle()
        .Each(kSentence, Split(), kWord)
        .Parallelism(shape.tasks)
        .GroupBy(kWord)
        .PersistentAggregate({.name = "counts"}, Count(), kCount)
        .Parallelism(shape.tasks + 1);
    auto run = RunToEnd(topology, OptionsOf(shape));
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(LatestState(*run, "counts"), CountWords(sentences))
        << shape.executors << " executors, batches of " << shape.batch_rows;
  }
}

TEST(DeterminismTest, MergedStreamsCountTogetherAndEachAlone) {
  std::vector<std::string> first = Sentences(2, 120), second = Sentences(3, 80);
  std::vector<std::string> both = first;
  both.insert(both.end(), second.begin(), second.end());
  for (const Shape& shape : kShapes) {
    Topology topology("merge");
    Stream left = topology.NewStream("left", SpoutOf(first));
    Stream right = topology.NewStream("right", SpoutOf(second)).Shuffle().Parallelism(shape.tasks);
    topology.Merge({left, right})
        .Each(kSentence, Split(), kWord)
        .GroupBy(kWord)
        .PersistentAggregate({.name = "both"}, Count(), kCount)
        .Parallelism(shape.tasks);
    left.Each(kSentence, Split(), kWord)
        .GroupBy(kWord)
        .PersistentAggregate({.name = "left"}, Count(), kCount);
    auto run = RunToEnd(topology, OptionsOf(shape));
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(LatestState(*run, "both"), CountWords(both));
    EXPECT_EQ(LatestState(*run, "left"), CountWords(first));
  }
}

// Not commutative: the order of rows within a key shows.
struct Rolling {
  using Value = int64_t;
  Value Init() const { return 7; }
  void Reduce(Value& value, int64_t x) const {
    value = static_cast<int64_t>(static_cast<uint64_t>(value) * 31 + static_cast<uint64_t>(x));
  }
};

TEST(DeterminismTest, AReducerSeesTheRowsOfAKeyInTheirOrder) {
  constexpr Field<int64_t> kNumber{"number"};
  std::vector<std::string> sentences = Sentences(4, 200);
  std::vector<OwnedRow<Text, int64_t>> rows;
  WordCounts expected;
  WordCounts whole;
  whole[""] = Rolling().Init();
  for (size_t i = 0; i < sentences.size(); ++i) {
    std::string word = sentences[i].substr(0, sentences[i].find(' '));
    rows.emplace_back(word, static_cast<int64_t>(i));
    auto [at, added] = expected.try_emplace(word, Rolling().Init());
    Rolling().Reduce(at->second, static_cast<int64_t>(i));
    Rolling().Reduce(whole[""], static_cast<int64_t>(i));
  }
  for (const Shape& shape : kShapes) {
    Topology topology("reduce");
    Stream stream = topology.NewStream(
        "rows", FixedBatchSpout::Make(Fields(kWord, kNumber), {.batch_rows = 1000}, rows));
    stream.GroupBy(kWord)
        .PersistentAggregate({.name = "by-word"}, kNumber, Rolling(), kCount)
        .Parallelism(shape.tasks);
    stream.PersistentAggregate({.name = "whole"}, kNumber, Rolling(), kCount);
    auto run = RunToEnd(topology, OptionsOf(shape));
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(LatestState(*run, "by-word"), expected);
    EXPECT_EQ(LatestState(*run, "whole"), whole);
  }
}

TEST(DeterminismTest, OneSumOverAllBatches) {
  std::vector<std::string> sentences = Sentences(5, 150);
  int64_t words = 0;
  for (const auto& [word, count] : CountWords(sentences)) words += count;
  for (const Shape& shape : kShapes) {
    Topology topology("total");
    auto total = topology.NewStream("sentences", SpoutOf(sentences))
                     .Shuffle()
                     .Each(kSentence, Split(), kWord)
                     .Parallelism(shape.tasks)
                     .PersistentAggregate({.name = "total"}, Count(), kCount);
    auto run = RunToEnd(topology, OptionsOf(shape));
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(LatestState(*run, "total"), (WordCounts{{"", words}}));
  }
}

TEST(DeterminismTest, NewValuesAreTheCountsOfTheKeysThatEachBatchChanged) {
  std::vector<std::string> sentences = Sentences(6, 150);
  for (const Shape& shape : kShapes) {
    auto seen = std::make_shared<Collected<Text, int64_t>>();
    Topology topology("new-values");
    topology.NewStream("sentences", SpoutOf(sentences))
        .Each(kSentence, Split(), kWord)
        .GroupBy(kWord)
        .PersistentAggregate({.name = "counts"}, Count(), kCount)
        .Parallelism(shape.tasks)
        .NewValuesStream()
        .Peek(Fields(kWord, kCount), Collect(seen));
    auto run = RunToEnd(topology, OptionsOf(shape));
    ASSERT_NE(run, nullptr);
    // The batches are those of the spout and the limit, as each txid's state shows.
    std::vector<std::tuple<std::string, int64_t>> expected;
    WordCounts before;
    TxId last = run->states().Published(GroupId(1));
    for (TxId txid(1); txid <= last; txid = txid.Next()) {
      WordCounts after = StateAt(*run, "counts", txid);
      for (const auto& [word, count] : after) {
        auto old = before.find(word);
        if (old == before.end() || old->second != count) expected.emplace_back(word, count);
      }
      before = std::move(after);
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(seen->Sorted(), expected);
    EXPECT_EQ(before, CountWords(sentences));
  }
}

TEST(DeterminismTest, FieldsThatAreNotUsedBehindAStepChangeNothing) {
  constexpr Field<Text> kFirst{"first"};
  constexpr Field<int64_t> kLength{"length"}, kUnused{"unused"};
  std::vector<std::string> sentences = Sentences(7, 60);
  std::multiset<std::pair<std::string, int64_t>> expected;
  for (const std::string& sentence : sentences) {
    WordCounts words = CountWords({sentence});
    for (const auto& [word, count] : words) {
      for (int64_t i = 0; i < count; ++i) {
        expected.emplace(word, static_cast<int64_t>(sentence.size()));
      }
    }
  }
  for (const Shape& shape : kShapes) {
    auto seen = std::make_shared<Collected<Text, int64_t>>();
    Topology topology("unused");
    topology.NewStream("sentences", SpoutOf(sentences))
        .Each(
            kSentence, [](Text s) { return s.substr(0, 1); }, kFirst)
        .Each(
            kSentence, [](Text s) { return static_cast<int64_t>(s.size()); }, kLength)
        .Each(
            kLength, [](int64_t n) { return n * 2; }, kUnused)
        .Each(kSentence, Split(), kWord)
        .PartitionBy(kWord)
        .Filter(kFirst, [](Text) { return true; })
        .Parallelism(shape.tasks)
        .Project(Fields(kLength, kWord))
        .Peek(Fields(kWord, kLength), Collect(seen));
    RunToEnd(topology, OptionsOf(shape));
    std::multiset<std::pair<std::string, int64_t>> found;
    for (const auto& [word, length] : seen->InOrder()) found.emplace(word, length);
    EXPECT_EQ(found, expected);
  }
}

}  // namespace
}  // namespace trident
