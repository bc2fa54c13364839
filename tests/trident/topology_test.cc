// SPDX-License-Identifier: Apache-2.0
//
// What Topology::Build answers to mistakes in a topology: each names the step, the fields there are
// and the nearest name.
#include "trident/topology.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "trident/functions/aggregators.h"
#include "trident/outside_state.h"
#include "trident/partition_persist.h"
#include "trident/spouts/feeder_spout.h"

namespace trident {
namespace {

constexpr Field<Text> kSentence{"sentence"}, kSentence1{"sentence1"};
constexpr Field<Text> kWord{"word"}, kWord1{"word1"}, kAbsent{"non-existent"};
constexpr Field<int64_t> kCount{"count"}, kNumber{"number"}, kWordAsNumber{"word"};
constexpr Field<std::optional<Text>> kMaybe{"maybe"};
constexpr Field<Text> kMaybeAsRequired{"maybe"};

struct Split {
  void operator()(Text sentence, Emit<Text>& emit) const { emit(sentence); }
};
struct Longest {
  using Value = int64_t;
  Value Zero() const { return 0; }
  Value Init(Text text) const { return static_cast<int64_t>(text.size()); }
  Value Combine(Value a, Value b) const { return a > b ? a : b; }
};

class TopologyTest : public testing::Test {
 protected:
  static std::shared_ptr<Spout> Feeder() { return *FeederSpout<Text>::Make(Fields(kSentence)); }
  Stream Sentences() { return topology_.NewStream("sentences", Feeder()); }
  Stream Words() { return Sentences().Each(kSentence, Split(), kWord); }

  void ExpectInvalid(const std::vector<std::string>& parts) {
    auto built = topology_.Build();
    ASSERT_FALSE(built.ok());
    EXPECT_EQ(built.status().code(), StatusCode::kInvalidArgument);
    std::string message(Message(built.status()));
    for (const std::string& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "\"" << part << "\" in: " << message;
    }
    EXPECT_EQ(topology_.Explain().status(), built.status());
  }

  Topology topology_{"checked"};
};

// ---- T8 ----

TEST_F(TopologyTest, TridentT8EachOfAFieldThatIsNotThere) {
  Sentences().Each(kSentence1, Split(), kWord);
  ExpectInvalid({"\"checked\"", "each sentence1 -> word", "behind \"sentences\"", "[sentence:text]",
                 "did you mean \"sentence\"?"});
}
TEST_F(TopologyTest, TridentT8GroupByAFieldThatIsNotThere) {
  Words().GroupBy(kWord1).Aggregate(Count(), kCount);
  ExpectInvalid({"group by word1", "[sentence:text, word:text]", "did you mean \"word\"?"});
}
TEST_F(TopologyTest, TridentT8AggregateOfAFieldThatIsNotThere) {
  Words().GroupBy(kWord).Aggregate(kWord1, Longest(), kCount);
  ExpectInvalid(
      {"aggregate word1 -> count", "[sentence:text, word:text]", "did you mean \"word\"?"});
}
TEST_F(TopologyTest, TridentT8ProjectToAFieldThatIsNotThere) {
  Sentences().Project(kSentence1);
  ExpectInvalid({"project sentence1", "[sentence:text]", "did you mean \"sentence\"?"});
}
TEST_F(TopologyTest, TridentT8PartitionByAFieldThatIsNotThere) {
  Sentences().PartitionBy(kSentence1);
  ExpectInvalid({"partition by sentence1", "[sentence:text]", "did you mean \"sentence\"?"});
}
TEST_F(TopologyTest, TridentT8PartitionAggregateOfAFieldThatIsNotThere) {
  Words().PartitionAggregate(kWord1, Longest(), kCount);
  ExpectInvalid(
      {"aggregate word1 -> count", "[sentence:text, word:text]", "did you mean \"word\"?"});
}
TEST_F(TopologyTest, TridentT8GroupedPersistentAggregateOfAFieldThatIsNotThere) {
  Words().GroupBy(kWord).PersistentAggregate({.name = "longest"}, kAbsent, Longest(), kCount);
  ExpectInvalid({"aggregate non-existent -> count", "[sentence:text, word:text]"});
}
TEST_F(TopologyTest, TridentT8PartitionPersistOfAFieldThatIsNotThere) {
  Words().PartitionPersist({.name = "lengths"}, kAbsent,
                           [](MapAccess<int64_t>&, const PersistRows<Text>&) {});
  ExpectInvalid({"partition persist non-existent", "[sentence:text, word:text]"});
}
TEST_F(TopologyTest, TridentT8StateQueryByAFieldThatIsNotThere) {
  auto counts = Words().GroupBy(kWord).PersistentAggregate({.name = "counts"}, Count(), kCount);
  topology_.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .StateQuery(counts, kAbsent, MapGet(), kCount);
  ExpectInvalid({"state query counts non-existent -> count", "[args:text, word:text]"});
}
TEST_F(TopologyTest, TridentT8TheValidTopologyBuilds) {
  Stream words = Words();
  auto counts = words.GroupBy(kWord).PersistentAggregate({.name = "counts"}, Count(), kCount);
  words.GroupBy(kWord).Aggregate(kWord, Longest(), kCount);
  words.PartitionBy(kSentence).PartitionAggregate(kWord, Longest(), kCount).Project(kCount);
  words.PartitionPersist({.name = "lengths"}, Fields(kWord, kSentence),
                         [](MapAccess<int64_t>&, const PersistRows<Text, Text>&) {});
  topology_.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .StateQuery(counts, kWord, MapGet(), kCount);
  auto built = topology_.Build();
  EXPECT_TRUE(built.ok()) << built.status();
}

// ---- fields ----

TEST_F(TopologyTest, TheFirstMistakeIsReportedAndLaterStepsAreNoTrouble) {
  Sentences()
      .Project(kSentence1)
      .Name("bad")
      .Parallelism(3)
      .Each(kWord, Split(), kWord1)
      .GroupBy(kWord)
      .PersistentAggregate({.name = "counts"}, Count(), kCount)
      .NewValuesStream()
      .Project(kCount);
  ExpectInvalid({"project sentence1"});
}
TEST_F(TopologyTest, AFieldThatIsThereAlready) {
  Sentences().Each(kSentence, Split(), kSentence);
  ExpectInvalid(
      {"each sentence -> sentence", "field \"sentence\" is there already", "[sentence:text]"});
}
TEST_F(TopologyTest, TwoNewFieldsOfOneName) {
  Sentences().Each(
      kSentence, [](Text s) { return std::tuple<Text, Text>(s, s); }, Fields(kWord, kWord));
  ExpectInvalid({"field \"word\" is there already"});
}
TEST_F(TopologyTest, AnAggregateNamedAsItsGroup) {
  Words().GroupBy(kWord).Aggregate(Count(), kWordAsNumber);
  ExpectInvalid({"field \"word\" is there already"});
}
TEST_F(TopologyTest, AProjectionThatNamesAFieldTwice) {
  Words().Project(Fields(kWord, kWord));
  ExpectInvalid(
      {"project word, word", "field \"word\" is there already; the fields are [word:text]"});
}
TEST_F(TopologyTest, AFieldOfAnotherType) {
  Words().Filter(kWordAsNumber, [](int64_t) { return true; });
  ExpectInvalid({"filter word", "field \"word\" is text, but int64 was expected"});
}
TEST_F(TopologyTest, AFieldThatMayBeNullReadAsIfItCouldNot) {
  Sentences()
      .Each(
          kSentence, [](Text s, Emit<std::optional<Text>>& emit) { emit(s); }, kMaybe)
      .Filter(kMaybeAsRequired, [](Text) { return true; });
  ExpectInvalid({"field \"maybe\" is text?, but text was expected", "std::optional"});
}
TEST_F(TopologyTest, AFieldNameThatIsReserved) {
  Sentences().Each(kSentence, Split(), Field<Text>{"$request"});
  ExpectInvalid({"$request"});
}
TEST_F(TopologyTest, AFieldWithoutAName) {
  Sentences().Each(kSentence, Split(), Field<Text>{""});
  ExpectInvalid({"no field name"});
}
TEST_F(TopologyTest, AListCannotBeGroupedBy) {
  constexpr Field<List<int64_t>> kList{"list"};
  static constexpr int64_t kNumbers[] = {1, 2};
  Sentences()
      .Each(
          kSentence, [](Text) { return List<int64_t>(kNumbers); }, kList)
      .GroupBy(kList)
      .Aggregate(Count(), kCount);
  ExpectInvalid({"list", "cannot be grouped by"});
}

// ---- names ----

TEST_F(TopologyTest, TwoStatesOfOneName) {
  Stream words = Words();
  words.GroupBy(kWord).PersistentAggregate({.name = "counts"}, Count(), kCount);
  words.GroupBy(kSentence).PersistentAggregate({.name = "counts"}, Count(), kCount);
  ExpectInvalid({"two states are called \"counts\""});
}
TEST_F(TopologyTest, AStateWithoutAName) {
  Words().GroupBy(kWord).PersistentAggregate({}, Count(), kCount);
  ExpectInvalid({"has no name", "{.name = \"counts\"}"});
}
TEST_F(TopologyTest, AStateOfTooManyPartitions) {
  Words().GroupBy(kWord).PersistentAggregate(
      {.name = "counts", .partitions = kStatePartitionsMax + 1}, Count(), kCount);
  ExpectInvalid({"counts", "partitions"});
}
TEST_F(TopologyTest, TwoStreamsOfOneName) {
  Sentences();
  Sentences();
  ExpectInvalid({"stream sentences", "\"sentences\" is taken"});
}
TEST_F(TopologyTest, TwoFunctionsOfOneName) {
  Sentences();
  topology_.NewDrpcStream("words");
  topology_.NewDrpcStream("words");
  ExpectInvalid({"drpc words", "\"words\" is taken"});
}
TEST_F(TopologyTest, AStreamWithoutAName) {
  topology_.NewStream("", *FeederSpout<Text>::Make(Fields(kSentence)));
  ExpectInvalid({"no name"});
}
TEST_F(TopologyTest, NoStreamAtAll) { ExpectInvalid({"\"checked\" has no stream", "NewStream"}); }

// ---- what does not go together ----

TEST_F(TopologyTest, MergedStreamsMustHaveTheSameTypes) {
  Stream words = Words();
  topology_.Merge({words.Project(kWord), words});
  ExpectInvalid({"merge", "different fields", "[word:text]", "[sentence:text, word:text]"});
}
TEST_F(TopologyTest, ARequestCannotBeMergedWithASpoutsStream) {
  topology_.Merge({topology_.NewDrpcStream("f"), Sentences()});
  ExpectInvalid({"merge", "DRPC"});
}
TEST_F(TopologyTest, RequestsOfTwoFunctionsCannotBeMerged) {
  topology_.Merge({topology_.NewDrpcStream("f"), topology_.NewDrpcStream("g")});
  ExpectInvalid({"step \"merge\"", "one DRPC function", "\"f\" and \"g\""});
}
TEST_F(TopologyTest, AStreamOfAnotherTopologyCannotBeMerged) {
  Topology other("other");
  topology_.Merge({Sentences(), other.NewStream("sentences", Feeder())});
  ExpectInvalid({"step \"merge\"", "topology \"other\""});
  EXPECT_TRUE(other.Build().ok());
}
TEST_F(TopologyTest, AFailedStreamOfAnotherTopologyIsNotTakenForNothing) {
  Topology other("other");
  topology_.Merge({Sentences(), other.NewStream("", Feeder())});
  ExpectInvalid({"step \"merge\"", "topology \"other\""});
}
TEST_F(TopologyTest, AStateOfAnotherTopologyCannotBeQueried) {
  Topology other("other");
  auto counts = other.NewStream("sentences", Feeder())
                    .GroupBy(kSentence)
                    .PersistentAggregate({.name = "counts"}, Count(), kCount);
  Sentences().StateQuery(counts, kSentence, MapGet(), kCount);
  ExpectInvalid({"state query counts", "state \"counts\" is kept by topology \"other\""});
}
TEST_F(TopologyTest, AStreamWithoutASpout) {
  topology_.NewStream("sentences", std::shared_ptr<Spout>());
  ExpectInvalid({"stream sentences", "there is no spout"});
}
TEST_F(TopologyTest, APartitioningWithoutAPartitioner) {
  Sentences().Partition(nullptr).Peek(kSentence, [](Text) {});
  ExpectInvalid({"step \"partition\" behind \"sentences\"", "there is no partitioner"});
}
// By 2^64 ways, of which each step needs to be looked at once.
TEST_F(TopologyTest, ASpoutIsFoundThroughManyMerges) {
  Stream merged = Sentences();
  for (int i = 0; i < 64; ++i) merged = topology_.Merge({merged, merged});
  merged.GroupBy(kSentence).PersistentAggregate(
      {.name = "counts", .where = OutsideMap<TransactionalValue<int64_t>>(nullptr)}, Count(),
      kCount);
  ExpectInvalid({"state \"counts\" is user-defined and transactional", "\"sentences\" is opaque"});
}
TEST_F(TopologyTest, AMapOutsideThatStoresAnotherValue) {
  Words().GroupBy(kWord).PersistentAggregate(
      {.name = "counts", .where = OutsideMap<OpaqueValue<double>>(nullptr)}, Count(), kCount);
  ExpectInvalid(
      {"state counts", "the step keeps values of int64", "`where` is a map of opaque<double>"});
}
TEST_F(TopologyTest, AMapOutsideOfAnotherKindThanTheStateSays) {
  Words().GroupBy(kWord).PersistentAggregate({.name = "counts",
                                              .kind = StateKind::kTransactional,
                                              .where = OutsideMap<OpaqueValue<int64_t>>(nullptr)},
                                             Count(), kCount);
  ExpectInvalid({"state counts", "`kind` says transactional", "a map of opaque<int64> is opaque",
                 "leave `kind` out"});
}
struct Noted : State {
  Status BeginCommit(TxId) override { return {}; }
  Status Commit(TxId) override { return {}; }
};
TEST_F(TopologyTest, AnAggregateIntoObjectsOfTheProgram) {
  auto counts = Words().GroupBy(kWord).PersistentAggregate(
      {.name = "counts", .where = OutsideState<Noted>(nullptr)}, Count(), kCount);
  // What is said behind the step that failed does no harm.
  counts.NewValuesStream().Peek(kCount, [](int64_t) {});
  topology_.NewDrpcStream("f").StateQuery(counts, kArgs, MapGet(), kCount);
  ExpectInvalid({"state counts", "the step keeps values of int64",
                 "`where` is objects of a class of the program's"});
}
TEST_F(TopologyTest, AnUpdaterOfObjectsThatNobodyOpens) {
  Words().PartitionPersist({.name = "notes"}, kWord, [](Noted&, const PersistRows<Text>&) {});
  ExpectInvalid({"state notes", "say how it is opened", ".where = OutsideState<S>(open)"});
}
TEST_F(TopologyTest, NothingToMerge) {
  Sentences();
  topology_.Merge({});
  ExpectInvalid({"merge", "no stream"});
}
TEST_F(TopologyTest, ARequestCannotKeepState) {
  Sentences();
  topology_.NewDrpcStream("f").GroupBy(kArgs).PersistentAggregate({.name = "s"}, Count(), kCount);
  ExpectInvalid({"request", "state"});
}
TEST_F(TopologyTest, AStateIsQueriedByFieldsOfItsKeysTypes) {
  auto counts = Words().GroupBy(kWord).PersistentAggregate({.name = "counts"}, Count(), kCount);
  topology_.NewDrpcStream("f")
      .Each(
          kArgs, [](Text) { return int64_t{1}; }, kNumber)
      .StateQuery(counts, kNumber, MapGet(), kCount);
  ExpectInvalid({"key of state \"counts\" is [word:text]", "[number:int64]"});
}
TEST_F(TopologyTest, AStageOfNoTasks) {
  Sentences().Parallelism(0);
  ExpectInvalid({"\"checked\"", "parallelism 0", "behind \"sentences\"", "expected 1 to 256 tasks",
                 "found 0", "leave Parallelism out"});
}
TEST_F(TopologyTest, AStageOfMoreTasksThanTheMaximum) {
  Sentences().Parallelism(kParallelismMax + 1);
  ExpectInvalid({"parallelism 257", "behind \"sentences\"", "expected 1 to 256 tasks", "found 257",
                 "leave Parallelism out"});
}
TEST_F(TopologyTest, AStateOfNoTasks) {
  Words().GroupBy(kWord).PersistentAggregate({.name = "counts"}, Count(), kCount).Parallelism(0);
  ExpectInvalid({"parallelism 0", "expected 1 to 256 tasks", "found 0"});
}
TEST_F(TopologyTest, OneTaskAndTheMaximumOfTasksAreNoMistake) {
  Words().Parallelism(1).Shuffle().Peek(kWord, [](Text) {}).Parallelism(kParallelismMax);
  auto built = topology_.Build();
  EXPECT_TRUE(built.ok()) << built.status();
}
TEST_F(TopologyTest, IdentityPartitionNeedsAsManyTasksOnBothSides) {
  Sentences()
      .Shuffle()
      .Filter(kSentence, [](Text) { return true; })
      .Parallelism(2)
      .IdentityPartition()
      .Peek(kSentence, [](Text) {})
      .Parallelism(3);
  auto explained = topology_.Explain();
  ASSERT_FALSE(explained.ok());
  EXPECT_NE(Message(explained.status()).find("2 tasks before it, but 3 behind"),
            std::string_view::npos)
      << explained.status();
}

TEST_F(TopologyTest, AllMistakesAreToldOneALine) {
  Sentences().Each(kSentence1, Split(), kWord);
  topology_.NewStream("more", Feeder()).Project(kWord);
  ExpectInvalid({"each sentence1 -> word", "\n", "project word"});
}

TEST_F(TopologyTest, TheEnginesOwnStateNamesAreRefusedWhereTheyAreGiven) {
  for (const char* name : {"dead-letters", "dead-letters-2", "dead-letter-rows"}) {
    Topology topology("checked");
    topology.NewStream("sentences", Feeder())
        .GroupBy(kSentence)
        .PersistentAggregate({.name = name}, Count(), kCount);
    const Status refused = topology.Build().status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(Message(refused).find(Concat("\"", name, "\" is the engine's own")),
              std::string_view::npos)
        << refused;
  }
}

TEST_F(TopologyTest, AKindThatIsNoneIsRefusedWhereItIsGiven) {
  Sentences().GroupBy(kSentence).PersistentAggregate(
      {.name = "counts", .kind = static_cast<StateKind>(9)}, Count(), kCount);
  ExpectInvalid({"state counts has kind 9, which is none"});
}

}  // namespace
}  // namespace trident
