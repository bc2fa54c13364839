// SPDX-License-Identifier: Apache-2.0
//
// Conformance with Trident's own tests and worked examples, each by its id in tests/README.md.
#include <thread>

#include "base/clock.h"
#include "engine/partitioners/custom.h"
#include "tests/trident/run/word_tables.h"
#include "tests/trident/run/words.h"

namespace trident {
namespace {

constexpr Field<int64_t> kA{"a"}, kB{"b"}, kC{"c"}, kD{"d"}, kE{"e"}, kF{"f"};
constexpr Nanos kPatience = 60 * kSecond;

// ---- T1, T4: feeder and DRPC ----

TEST(ConformanceTest, TridentT1FedWordsAreCountedAndSummedByDrpc) {
  for (uint32_t executors : {1u, 3u}) {
    auto feeder = *FeederSpout<Text>::Make(Fields(kSentence));
    Topology topology("t1");
    auto counts = topology.NewStream("feed", feeder)
                      .Each(kSentence, Split(), kWord)
                      .GroupBy(kWord)
                      .PersistentAggregate({.name = "counts"}, Count(), kCount)
                      .Parallelism(6);
    topology.NewDrpcStream("words")
        .Each(kArgs, Split(), kWord)
        .GroupBy(kWord)
        .StateQuery(counts, kWord, MapGet(), kCount)
        .Aggregate(kCount, Sum(), kSum)
        .Project(kSum);
    auto run = Run::Start(topology, {.executors = executors});
    ASSERT_TRUE(run.ok()) << run.status();
    auto first = feeder->Append(AsRows({"hello the man said", "the"}), WaitFor::kCommit);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(*first, TxId(1)) << "one Append, one batch";
    EXPECT_EQ(Answer(**run, "words", "the"), std::vector<std::string>{"[2]"});
    EXPECT_EQ(Answer(**run, "words", "hello"), std::vector<std::string>{"[1]"});
    ASSERT_TRUE(
        feeder->Append(AsRows({"the man on the moon", "where are you"}), WaitFor::kCommit).ok());
    EXPECT_EQ(Answer(**run, "words", "the"), std::vector<std::string>{"[4]"});
    EXPECT_EQ(Answer(**run, "words", "man"), std::vector<std::string>{"[2]"});
    EXPECT_EQ(Answer(**run, "words", "man where you the"), std::vector<std::string>{"[8]"});
  }
}

Topology NumWords(const std::shared_ptr<FeederSpout<Text>>& feeder) {
  Topology topology("t4");
  topology.NewStream("feed", feeder);
  topology.NewDrpcStream("numwords")
      .Each(kArgs, Split(), kWord)
      .Aggregate(Count(), kCount)
      .Parallelism(2)
      .Project(kCount);
  return topology;
}

TEST(ConformanceTest, TridentT4CountsTheWordsOfEachCallAlsoOfAnEmptyOne) {
  auto run = Run::Start(NumWords(*FeederSpout<Text>::Make(Fields(kSentence))), {});
  ASSERT_TRUE(run.ok()) << run.status();
  for (int call = 0; call < 100; ++call) {
    ASSERT_EQ(Answer(**run, "numwords", "the"), std::vector<std::string>{"[1]"}) << call;
  }
  EXPECT_EQ(Answer(**run, "numwords", ""), std::vector<std::string>{"[0]"});
  EXPECT_EQ(Answer(**run, "numwords", "1 2 3 4 5 6 7 8"), std::vector<std::string>{"[8]"});
}

TEST(ConformanceTest, TridentT4CallsAtOnceDoNotSeeEachOthersWords) {
  auto run = Run::Start(NumWords(*FeederSpout<Text>::Make(Fields(kSentence))), {});
  ASSERT_TRUE(run.ok()) << run.status();
  std::vector<std::thread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      std::string args;
      for (int i = 0; i < client; ++i) args += "word ";
      for (int call = 0; call < 30; ++call) {
        ASSERT_EQ(Answer(**run, "numwords", args),
                  std::vector<std::string>{"[" + std::to_string(client) + "]"});
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

// ---- 5.1: the rows of both tables ----

// What the txid has added to a count.
int64_t Added(const Run& run, const std::string& state, TxId txid) {
  const int64_t after = TotalOf(StateAt(run, state, txid));
  return txid == TxId(1) ? after : after - TotalOf(StateAt(run, state, txid.Prev()));
}

void ExpectTable(const std::vector<std::string>& sentences, const std::vector<TableRow>& rows) {
  for (uint32_t executors : {1u, 2u}) {
    for (StateKind kind : {StateKind::kOpaque, StateKind::kTransactional}) {
      Topology topology("table");
      Stream stream = topology.NewStream(
          "sentences",
          FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3, .cycle = Cycle::kForever},
                                AsRows(sentences)));
      stream.PersistentAggregate({.name = "sentences"}, Count(), kCount);
      stream.Each(kSentence, Split(), kWord)
          .GroupBy(kWord)
          .PersistentAggregate({.name = "counts", .kind = kind}, Count(), kCount)
          .Parallelism(16);
      auto run = Run::Start(topology, {.executors = executors, .readable_versions = 1 << 20});
      ASSERT_TRUE(run.ok()) << run.status();
      ASSERT_TRUE((*run)->AwaitCommitted(GroupId(1), TxId(6), kPatience).ok());
      (*run)->Pause();
      for (const TableRow& row : rows) {
        ExpectRow(StateAt(**run, "counts", TxId(row.txid)), row);
        EXPECT_EQ(Added(**run, "counts", TxId(row.txid)), row.tuples);
        EXPECT_EQ(Added(**run, "sentences", TxId(row.txid)), row.sentences);
      }
    }
  }
}

TEST(ConformanceTest, Trident51TutorialTableAtEachTxid) {
  ExpectTable(TutorialSentences(), kTutorialRows);
}
TEST(ConformanceTest, Trident51StarterTableAtEachTxid) {
  ExpectTable(StarterSentences(), kStarterRows);
}

// The batches of a list, as the cycle gives them, until txid `last`.
void FeedCycle(FeederSpout<Text>& feeder, const std::vector<std::string>& list, uint64_t last) {
  auto middle = list.begin() + 3;
  for (uint64_t txid = 1; txid <= last; ++txid) {
    std::vector<std::string> part = txid % 2 == 1 ? std::vector<std::string>(list.begin(), middle)
                                                  : std::vector<std::string>(middle, list.end());
    auto committed = feeder.Append(AsRows(part), WaitFor::kCommit);
    ASSERT_TRUE(committed.ok()) << committed.status();
    ASSERT_EQ(*committed, TxId(txid));
  }
}

TEST(ConformanceTest, Trident51StarterWordsGivesWordAndCountOfKnownWords) {
  auto feeder = *FeederSpout<Text>::Make(Fields(kSentence));
  Topology topology("starter");
  auto counts = topology.NewStream("feed", feeder)
                    .Each(kSentence, Split(), kWord)
                    .GroupBy(kWord)
                    .PersistentAggregate({.name = "counts"}, Count(), kCount);
  topology.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .GroupBy(kWord)
      .StateQuery(counts, kWord, MapGet(), kCount)
      .Project(Fields(kWord, kCount));
  auto run = Run::Start(topology, {});
  ASSERT_TRUE(run.ok()) << run.status();
  FeedCycle(*feeder, StarterSentences(), 3);
  EXPECT_EQ(Answer(**run, "words", "cat the dog jumped"),
            (std::vector<std::string>{"[jumped, 2]", "[the, 9]"}));
  EXPECT_TRUE(Answer(**run, "words", "cat dog").empty());
}

TEST(ConformanceTest, Trident51TutorialWordsSumsKnownWordsAndGivesZeroForNone) {
  constexpr Field<std::optional<int64_t>> kMaybe{"maybe"};
  auto feeder = *FeederSpout<Text>::Make(Fields(kSentence));
  Topology topology("tutorial");
  auto counts = topology.NewStream("feed", feeder)
                    .Each(kSentence, Split(), kWord)
                    .GroupBy(kWord)
                    .PersistentAggregate({.name = "counts"}, Count(), kCount);
  topology.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .GroupBy(kWord)
      .StateQuery(counts, kWord, MapGet(), kMaybe)
      .Filter(kMaybe, [](std::optional<int64_t> count) { return count.has_value(); })
      .Map(
          kMaybe, [](std::optional<int64_t> count) { return *count; }, kCount)
      .Aggregate(kCount, Sum(), kSum);
  auto run = Run::Start(topology, {});
  ASSERT_TRUE(run.ok()) << run.status();
  FeedCycle(*feeder, TutorialSentences(), 3);
  EXPECT_EQ(Answer(**run, "words", "cat the dog jumped"), std::vector<std::string>{"[10]"});
  EXPECT_EQ(Answer(**run, "words", "cat dog"), std::vector<std::string>{"[0]"});
}

// ---- 3.3: the algebra of projections ----

using Numbers = std::vector<int64_t>;

std::vector<OwnedRow<int64_t, int64_t, int64_t>> ThreeColumns() { return {{3, 2, 1}, {1, 2, 3}}; }

TEST(ConformanceTest, Trident33ProjectChoosesAndReordersFields) {
  auto seen = std::make_shared<Collected<int64_t, int64_t>>();
  Topology topology("projection");
  topology
      .NewStream("rows", FixedBatchSpout::Make(
                             Fields(kA, kB, kC, kD, kE), {.batch_rows = 2},
                             std::vector<OwnedRow<int64_t, int64_t, int64_t, int64_t, int64_t>>{
                                 {3, 2, 1, 4, 5}, {9, 8, 7, 6, 10}}))
      .Project(Fields(kD, kA))
      .Peek(Fields(kD, kA), Collect(seen));
  RunToEnd(topology);
  EXPECT_EQ(seen->InOrder(), (std::vector<std::tuple<int64_t, int64_t>>{{4, 3}, {6, 9}}));
}

TEST(ConformanceTest, Trident33FieldsAreAppendedBehindAndMayBeUsedAgainOnceProjectedAway) {
  auto seen = std::make_shared<Collected<int64_t, int64_t, int64_t, int64_t>>();
  Topology topology("projection");
  Stream appended =
      topology
          .NewStream("rows",
                     FixedBatchSpout::Make(Fields(kA, kB, kC), {.batch_rows = 1}, ThreeColumns()))
          .Each(
              kC, [](int64_t c) { return c + 1; }, kD)
          .Each(
              kD, [](int64_t d) { return std::tuple<int64_t, int64_t>(d + 1, d + 2); },
              Fields(kE, kF));
  EXPECT_EQ(appended.schema().ToString(), "[a:int64, b:int64, c:int64, d:int64, e:int64, f:int64]");
  Stream reused = appended.Project(Fields(kA, kF, kB))
                      .Each(
                          kF, [](int64_t f) { return f + 2; }, kC);
  EXPECT_EQ(reused.schema().ToString(), "[a:int64, f:int64, b:int64, c:int64]");
  reused.Peek(Fields(kA, kF, kB, kC), Collect(seen));
  RunToEnd(topology);
  EXPECT_EQ(seen->InOrder(), (std::vector<std::tuple<int64_t, int64_t, int64_t, int64_t>>{
                                 {3, 4, 2, 6}, {1, 6, 2, 8}}));
}

TEST(ConformanceTest, Trident33AppendedFieldsStandBehindTheOthers) {
  using Row = std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>;
  auto seen = std::make_shared<Collected<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>>();
  Topology topology("append");
  topology
      .NewStream("rows",
                 FixedBatchSpout::Make(Fields(kA, kB, kC), {.batch_rows = 1},
                                       std::vector<OwnedRow<int64_t, int64_t, int64_t>>{{1, 2, 3}}))
      .Each(
          FieldList<>{}, []() { return std::tuple<int64_t, int64_t>(4, 5); }, Fields(kD, kE))
      .Each(
          FieldList<>{}, []() -> int64_t { return 7; }, kF)
      .Peek(kE, [](int64_t e) { EXPECT_EQ(e, 5); })
      .Peek(kF, [](int64_t f) { EXPECT_EQ(f, 7); })
      .Peek(Fields(kA, kB, kC, kD, kE, kF), Collect(seen));
  RunToEnd(topology);
  EXPECT_EQ(seen->InOrder(), (std::vector<Row>{{1, 2, 3, 4, 5, 7}}));
}

TEST(ConformanceTest, Trident33FieldsAreFoundByNameWhateverTheirOrder) {
  // fresh(a, b, c)[3, 2, 1], and what the interface of a tuple tells.
  auto fresh = std::make_shared<Collected<int64_t, int64_t, int64_t>>();
  auto selected = std::make_shared<Collected<int64_t, int64_t>>();
  auto appended = std::make_shared<Collected<Text, int64_t, int64_t>>();
  constexpr Field<Text> kPlatform{"platform"};
  Topology topology("fresh");
  Stream rows = topology.NewStream(
      "rows", FixedBatchSpout::Make(Fields(kA, kB, kC), {.batch_rows = 1},
                                    std::vector<OwnedRow<int64_t, int64_t, int64_t>>{{3, 2, 1}}));
  EXPECT_TRUE(rows.schema().IndexOf("a").has_value());
  EXPECT_FALSE(rows.schema().IndexOf("abcd").has_value());
  EXPECT_EQ(rows.schema().IndexOf("a"), 0u);
  rows.Peek(Fields(kA, kB, kC), Collect(fresh));
  rows.Peek(Fields(kC, kA), Collect(selected));
  // The root of another source's tuple [a, 1], with one more field.
  topology
      .NewStream("platform", FixedBatchSpout::Make(Fields(kPlatform, kB), {.batch_rows = 1},
                                                   std::vector<OwnedRow<Text, int64_t>>{{"a", 1}}))
      .Each(
          FieldList<>{}, []() -> int64_t { return 3; }, kC)
      .Peek(Fields(kPlatform, kB, kC), Collect(appended));
  RunToEnd(topology);
  EXPECT_EQ(fresh->InOrder(), (std::vector<std::tuple<int64_t, int64_t, int64_t>>{{3, 2, 1}}));
  EXPECT_EQ(selected->InOrder(), (std::vector<std::tuple<int64_t, int64_t>>{{1, 3}}));
  EXPECT_EQ(appended->InOrder(),
            (std::vector<std::tuple<std::string, int64_t, int64_t>>{{"a", 1, 3}}));
}

// ---- 5.4: the small operators ----

StatusOr<std::shared_ptr<Spout>> Abc() {
  return FixedBatchSpout::Make(
      Fields(kA, kB, kC), {.batch_rows = 10},
      std::vector<OwnedRow<int64_t, int64_t, int64_t>>{{1, 2, 3}, {4, 1, 6}, {3, 0, 8}});
}

TEST(ConformanceTest, Trident54EachRepeatsTheRowForEachEmittedValue) {
  auto seen = std::make_shared<Collected<int64_t, int64_t, int64_t, int64_t>>();
  Topology topology("each");
  topology.NewStream("rows", Abc())
      .Each(
          kB,
          [](int64_t b, Emit<int64_t>& emit) {
            for (int64_t i = 0; i < b; ++i) emit(i);
          },
          kD)
      .Peek(Fields(kA, kB, kC, kD), Collect(seen));
  RunToEnd(topology);
  EXPECT_EQ(seen->InOrder(), (std::vector<std::tuple<int64_t, int64_t, int64_t, int64_t>>{
                                 {1, 2, 3, 0}, {1, 2, 3, 1}, {4, 1, 6, 0}}));
}

TEST(ConformanceTest, Trident54FilterKeepsTheRowsThatFit) {
  auto seen = std::make_shared<Collected<int64_t, int64_t, int64_t>>();
  Topology topology("filter");
  topology
      .NewStream("rows", FixedBatchSpout::Make(Fields(kA, kB, kC), {.batch_rows = 10},
                                               std::vector<OwnedRow<int64_t, int64_t, int64_t>>{
                                                   {1, 2, 3}, {2, 1, 1}, {2, 3, 4}}))
      .Filter(Fields(kA, kB), [](int64_t a, int64_t b) { return a == 1 && b == 2; })
      .Peek(Fields(kA, kB, kC), Collect(seen));
  RunToEnd(topology);
  EXPECT_EQ(seen->InOrder(), (std::vector<std::tuple<int64_t, int64_t, int64_t>>{{1, 2, 3}}));
}

TEST(ConformanceTest, Trident54ProjectKeepsTheNamedFields) {
  auto seen = std::make_shared<Collected<int64_t, int64_t>>();
  Topology topology("project");
  topology
      .NewStream("rows",
                 FixedBatchSpout::Make(
                     Fields(kA, kB, kC, kD), {.batch_rows = 10},
                     std::vector<OwnedRow<int64_t, int64_t, int64_t, int64_t>>{{1, 2, 3, 4}}))
      .Project(Fields(kB, kD))
      .Peek(Fields(kB, kD), Collect(seen));
  RunToEnd(topology);
  EXPECT_EQ(seen->InOrder(), (std::vector<std::tuple<int64_t, int64_t>>{{2, 4}}));
}

// Rows in three partitions, as the field says.
constexpr Field<int64_t> kPartition{"partition"};
constexpr Field<Text> kName{"name"};

Stream InThreePartitions(Topology& topology) {
  using Row = OwnedRow<int64_t, Text, int64_t>;
  return topology
      .NewStream("rows", FixedBatchSpout::Make(Fields(kPartition, kName, kB), {.batch_rows = 100},
                                               std::vector<Row>{{0, "a", 1},
                                                                {1, "a", 3},
                                                                {2, "e", 1},
                                                                {2, "d", 9},
                                                                {1, "c", 8},
                                                                {0, "b", 2},
                                                                {2, "d", 10}}))
      .Partition(CustomPartitioner(
          "by partition field", [](const RouteContext& context, const Slice& slice, Routing& out) {
            out.kind = Routing::Kind::kByRow;
            out.task_of_row.clear();
            for (size_t i = 0; i < slice.rows(); ++i) {
              auto to = As<int64_t>(slice.column(0)).values()[slice.RowAt(i)];
              out.task_of_row.push_back(static_cast<uint32_t>(to) % context.tasks);
            }
          }));
}

TEST(ConformanceTest, Trident54PartitionAggregateGivesOneRowPerPartition) {
  for (uint32_t executors : {1u, 2u, 3u}) {
    auto seen = std::make_shared<Collected<int64_t>>();
    Topology topology("partition-aggregate");
    InThreePartitions(topology)
        .PartitionAggregate(kB, Sum(), kSum)
        .Parallelism(3)
        .Peek(kSum, Collect(seen));
    RunToEnd(topology, {.executors = executors});
    EXPECT_EQ(seen->Sorted(), (std::vector<std::tuple<int64_t>>{{3}, {11}, {20}}));
  }
}

TEST(ConformanceTest, Trident54APartitionWithoutRowsStillAggregates) {
  auto seen = std::make_shared<Collected<int64_t>>();
  Topology topology("partition-aggregate");
  InThreePartitions(topology)
      .PartitionAggregate(Count(), kCount)
      .Parallelism(5)
      .Peek(kCount, Collect(seen));
  RunToEnd(topology);
  EXPECT_EQ(seen->Sorted(), (std::vector<std::tuple<int64_t>>{{0}, {0}, {2}, {2}, {3}}));
}

TEST(ConformanceTest, Trident54MergeIsTheUnionUnderTheFirstStreamsNames) {
  constexpr Field<int64_t> kX{"x"}, kY{"y"};
  auto seen = std::make_shared<Collected<int64_t, int64_t>>();
  Topology topology("merge");
  auto spout = [](auto fields, std::vector<OwnedRow<int64_t, int64_t>> rows) {
    return FixedBatchSpout::Make(fields, {.batch_rows = 10}, std::move(rows));
  };
  Stream first = topology.NewStream("first", spout(Fields(kA, kB), {{1, 2}, {3, 4}}));
  Stream second = topology.NewStream("second", spout(Fields(kX, kY), {{5, 6}}));
  Stream merged = topology.Merge({first, second});
  EXPECT_EQ(merged.schema().ToString(), "[a:int64, b:int64]");
  merged.Peek(Fields(kA, kB), Collect(seen));
  RunToEnd(topology);
  EXPECT_EQ(seen->Sorted(), (std::vector<std::tuple<int64_t, int64_t>>{{1, 2}, {3, 4}, {5, 6}}));
}

// ---- 2.7: what empty batches give ----

struct CountEmitting {
  using State = int64_t;
  State Begin() const { return 0; }
  void Add(State& state, int64_t, Emit<int64_t>&) const { ++state; }
  void Finish(State& state, Emit<int64_t>& emit) const { emit(state); }
};

TEST(ConformanceTest, Trident27AnUngroupedAggregateOfAnEmptyBatchIsZeroAGroupedOneIsNothing) {
  for (uint32_t executors : {1u, 3u}) {
    auto ungrouped = std::make_shared<Collected<int64_t>>();
    auto full = std::make_shared<Collected<int64_t>>();
    auto grouped = std::make_shared<Collected<int64_t, int64_t>>();
    Topology topology("empty");
    Stream none = topology
                      .NewStream("rows", FixedBatchSpout::Make(Fields(kA, kB, kC),
                                                               {.batch_rows = 1}, ThreeColumns()))
                      .Shuffle()
                      .Filter(kA, [](int64_t) { return false; });
    none.Aggregate(Count(), kCount).Peek(kCount, Collect(ungrouped));
    none.Aggregate(kA, CountEmitting(), kCount).Peek(kCount, Collect(full));
    none.GroupBy(kA).Aggregate(kB, Sum(), kSum).Peek(Fields(kA, kSum), Collect(grouped));
    none.PersistentAggregate({.name = "zero"}, Count(), kCount);
    none.GroupBy(kA).PersistentAggregate({.name = "nothing"}, Count(), kCount);
    auto run = RunToEnd(topology, {.executors = executors});
    EXPECT_EQ(ungrouped->InOrder(), (std::vector<std::tuple<int64_t>>{{0}, {0}}));
    EXPECT_EQ(full->InOrder(), (std::vector<std::tuple<int64_t>>{{0}, {0}}));
    EXPECT_TRUE(grouped->InOrder().empty());
    EXPECT_EQ(LatestState(*run, "zero"), (WordCounts{{"", 0}}));
    EXPECT_TRUE(LatestState(*run, "nothing").empty());
  }
}

}  // namespace
}  // namespace trident
