// SPDX-License-Identifier: Apache-2.0
//
// User code that fails now and then, or always. Case 5.7 of tests/README.md: whatever fails, the
// counts in the end are those of a run without failures.
#include <atomic>
#include <stdexcept>

#include "tests/trident/run/words.h"

namespace trident {
namespace {

constexpr size_t kRounds = 20;

// Throws at every n-th call over all tasks and attempts. So an attempt that is made again gets
// further than the one before it.
class EveryNth {
 public:
  explicit EveryNth(uint64_t n) : n_(n), calls_(std::make_shared<std::atomic<uint64_t>>(0)) {}
  void Call() const {
    if (++*calls_ % n_ == 0) throw std::runtime_error("call " + std::to_string(*calls_));
  }
  uint64_t failures() const { return *calls_ / n_; }

 private:
  uint64_t n_;
  std::shared_ptr<std::atomic<uint64_t>> calls_;
};

struct FailingSplit {
  EveryNth fail;
  void operator()(Text sentence, Emit<Text>& emit) const {
    Split()(sentence, emit);
    fail.Call();
  }
};

struct FailingCount {
  EveryNth fail;
  using Value = int64_t;
  Value Zero() const { return 0; }
  Value Init() const { return 1; }
  Value Combine(Value a, Value b) const {
    fail.Call();
    return a + b;
  }
};

struct FailingReducer {
  EveryNth fail;
  using Value = int64_t;
  Value Init() const { return 0; }
  void Reduce(Value& value) const {
    fail.Call();
    ++value;
  }
};

std::vector<std::string> Input() {
  std::vector<std::string> sentences;
  for (size_t round = 0; round < kRounds; ++round) {
    for (const std::string& sentence : StarterSentences()) sentences.push_back(sentence);
  }
  return sentences;
}

// Every readable txid shows the counts of the first sentences, up to some one; none goes back; the
// last shows them all.
void ExpectOnlyPrefixes(const Run& run, const std::string& state) {
  std::vector<WordCounts> prefixes(1);
  for (const std::string& sentence : Input()) {
    prefixes.push_back(prefixes.back());
    AddWords(sentence, &prefixes.back());
  }
  size_t at = 0;
  TxId last = run.states().Published(GroupId(1));
  for (TxId txid(1); txid <= last; txid = txid.Next()) {
    WordCounts counts = StateAt(run, state, txid);
    while (at < prefixes.size() && prefixes[at] != counts) ++at;
    ASSERT_LT(at, prefixes.size()) << "txid " << txid.value() << " shows no prefix of the input";
  }
  EXPECT_EQ(at + 1, prefixes.size());
}

template <class SplitStep, class A>
void ExpectExactCounts(const SplitStep& split, const A& aggregator, const EveryNth& fail) {
  for (uint32_t executors : {1u, 2u}) {
    for (StateKind kind : {StateKind::kOpaque, StateKind::kTransactional}) {
      uint64_t failures_before = fail.failures();
      Topology topology("failing");
      auto counts =
          topology
              .NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3},
                                                            AsRows(Input())))
              .Each(kSentence, split, kWord)
              .GroupBy(kWord)
              .PersistentAggregate({.name = "counts", .kind = kind}, aggregator, kCount);
      // What lies behind the state runs in the stage phase too.
      counts.NewValuesStream().Aggregate(kCount, Max(), kSum);
      auto run = RunToEnd(topology,
                          {.executors = executors, .retry_limit = 1000, .readable_versions = 1000});
      ASSERT_NE(run, nullptr);
      EXPECT_GT(fail.failures(), failures_before) << "nothing has failed";
      EXPECT_GT(run->progress().at(0).failures, 0u);
      ExpectOnlyPrefixes(*run, "counts");
    }
  }
}

TEST(FailureTest, Trident57AFunctionThatThrowsEverySeventeenthTime) {
  EveryNth fail(17);
  ExpectExactCounts(FailingSplit{fail}, Count(), fail);
}
TEST(FailureTest, Trident57AnAggregatorThatThrowsEveryHundredthTime) {
  EveryNth fail(101);
  ExpectExactCounts(Split(), FailingCount{fail}, fail);
}
TEST(FailureTest, Trident57AReducerThatThrowsInTheMiddleOfTheStateUpdate) {
  EveryNth fail(97);
  ExpectExactCounts(Split(), FailingReducer{fail}, fail);
}
TEST(FailureTest, Trident57AStateUpdateWithoutConsumersThatThrows) {
  EveryNth fail(23);
  Topology topology("failing");
  // One word a sentence and a batch: Combine is only called by the state.
  std::vector<std::string> words;
  for (int i = 0; i < 100; ++i) words.push_back(i % 3 == 0 ? "a" : "b");
  topology
      .NewStream("sentences",
                 FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows(words)))
      .GroupBy(kSentence)
      .PersistentAggregate({.name = "counts"}, FailingCount{fail}, kCount);
  auto run = RunToEnd(topology, {.retry_limit = 1000});
  EXPECT_GT(fail.failures(), 3u);
  EXPECT_EQ(LatestState(*run, "counts"), (WordCounts{{"a", 34}, {"b", 66}}));
}

TEST(FailureTest, AThrowBehindTheStateForgetsWhatTheStateHadStaged) {
  EveryNth fail(31);
  Topology topology("failing");
  auto seen = std::make_shared<Collected<Text, int64_t>>();
  auto counts =
      topology
          .NewStream("sentences",
                     FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3}, AsRows(Input())))
          .Each(kSentence, Split(), kWord)
          .GroupBy(kWord)
          .PersistentAggregate({.name = "counts"}, Count(), kCount);
  counts.NewValuesStream().Peek(kWord, [fail](Text) { fail.Call(); });
  auto run = RunToEnd(topology, {.retry_limit = 1000, .readable_versions = 1000});
  EXPECT_GT(fail.failures(), 1u);
  ExpectOnlyPrefixes(*run, "counts");
}

Topology AlwaysThrows() {
  Topology topology("poison");
  std::vector<std::string> sentences = {"good words", "more good words", "the poison here"};
  topology
      .NewStream("sentences",
                 FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows(sentences)))
      .Each(kSentence, Split(), kWord)
      .Filter(kWord,
              [](Text word) {
                if (word == "poison") throw std::runtime_error("cannot stand it");
                return true;
              })
      .Name("taste")
      .GroupBy(kWord)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return topology;
}

TEST(FailureTest, WhatFailsAgainAndAgainStopsTheStreamWithItsCauseAndKeepsWhatWasCommitted) {
  auto run = Run::Start(AlwaysThrows(), {.retry_limit = 2});
  ASSERT_TRUE(run.ok()) << run.status();
  Status stopped = (*run)->AwaitEnd();
  ASSERT_FALSE(stopped.ok());
  for (const char* part :
       {"taste", "txid 3", "partition 0", "row 1", "poison", "cannot stand it"}) {
    EXPECT_NE(Message(stopped).find(part), std::string_view::npos) << part << " in " << stopped;
  }
  EXPECT_EQ((*run)->progress().at(0).failures, 3u) << "one attempt and two retries";
  EXPECT_EQ((*run)->states().Published(GroupId(1)), TxId(2));
  EXPECT_EQ(LatestState(**run, "counts"), (WordCounts{{"good", 2}, {"words", 2}, {"more", 1}}));
}

TEST(FailureTest, AThrownValueThatIsNoExceptionIsReportedToo) {
  Topology topology("odd");
  topology
      .NewStream("sentences",
                 FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows({"one"})))
      .Peek(kSentence, [](Text) { throw 42; });
  auto run = Run::Start(topology, {.retry_limit = 0});
  ASSERT_TRUE(run.ok()) << run.status();
  Status stopped = (*run)->AwaitEnd();
  EXPECT_NE(Message(stopped).find("no std::exception"), std::string_view::npos) << stopped;
  EXPECT_NE(Message(stopped).find("[one]"), std::string_view::npos) << stopped;
}

// Its Zero and Init are called before any row is there.
struct NoZero {
  using Value = int64_t;
  Value Zero() const { throw std::runtime_error("there is no zero"); }
  Value Init(Text) const { return 1; }
  Value Combine(Value a, Value b) const { return a + b; }
};

TEST(FailureTest, AnAggregatorWhoseZeroThrowsFailsTheBatchAndNotTheProcess) {
  Topology topology("no-zero");
  topology
      .NewStream("sentences",
                 FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows({"one"})))
      .Aggregate(kSentence, NoZero(), kCount);
  auto run = Run::Start(topology, {.retry_limit = 1});
  ASSERT_TRUE(run.ok()) << run.status();
  Status stopped = (*run)->AwaitEnd();
  EXPECT_NE(Message(stopped).find("there is no zero"), std::string_view::npos) << stopped;
}

TEST(FailureTest, ARequestThatThrowsGetsTheErrorAndTheNextOneAnAnswer) {
  Topology topology("requests");
  topology.NewStream("sentences",
                     FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows({"one"})));
  topology.NewDrpcStream("lengths")
      .Each(kArgs, Split(), kWord)
      .Map(
          kWord,
          [](Text word) -> int64_t {
            if (word == "bad") throw std::runtime_error("a bad word");
            return static_cast<int64_t>(word.size());
          },
          kCount)
      .Aggregate(kCount, Sum(), kSum);
  auto run = RunToEnd(topology);
  for (int round = 0; round < 3; ++round) {
    auto failed = run->Drpc("lengths", "some bad one");
    ASSERT_FALSE(failed.ok());
    EXPECT_NE(Message(failed.status()).find("a bad word"), std::string_view::npos)
        << failed.status();
    EXPECT_EQ(Answer(*run, "lengths", "some good"), std::vector<std::string>{"[8]"});
  }
}

}  // namespace
}  // namespace trident
