// SPDX-License-Identifier: Apache-2.0
//
// States of a program's own in a running topology: what each spout kind gives with each state kind,
// when attempts fail and when the process starts again between staging and deciding.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/word_tables.h"
#include "tests/trident/run/words.h"
#include "tests/trident/states/outside_table.h"
#include "trident/partition_persist.h"
#include "trident/spouts/generator_spout.h"

namespace trident {
namespace {

template <class Stored>
using OutsideTableRef = std::shared_ptr<OutsideTable<Stored>>;
using OpaqueCounts = OpaqueValue<int64_t>;
using TransactionalCounts = TransactionalValue<int64_t>;

int64_t ValueOf(const OpaqueCounts& stored) { return stored.curr.value_or(-1); }
int64_t ValueOf(const TransactionalCounts& stored) { return stored.value.value_or(-1); }
int64_t ValueOf(int64_t stored) { return stored; }

// What is stored when everything is decided. An opaque entry without a value has been taken back.
template <class Stored>
WordCounts CountsIn(const OutsideTableRef<Stored>& table) {
  WordCounts counts;
  for (const std::string& key : table->Keys()) {
    int64_t value = ValueOf(*table->Get(key));
    if (value >= 0) counts[key] = value;
  }
  return counts;
}

std::vector<std::string> Input(size_t rounds) {
  std::vector<std::string> sentences;
  for (size_t round = 0; round < rounds; ++round) {
    for (const std::string& sentence : StarterSentences()) sentences.push_back(sentence);
  }
  return sentences;
}
WordCounts CountOf(const std::vector<std::string>& sentences) {
  WordCounts counts;
  for (const std::string& sentence : sentences) AddWords(sentence, &counts);
  return counts;
}

// Throws at every n-th call over all tasks and attempts.
struct FailEveryNth {
  uint64_t n;
  std::shared_ptr<std::atomic<uint64_t>> calls = std::make_shared<std::atomic<uint64_t>>(0);
  void operator()(Text) const {
    if (n != 0 && ++*calls % n == 0) throw std::runtime_error("now and then");
  }
};

// Counts words into the table; what follows the state in the stage phase may fail, which is after
// the table was written.
template <class Stored, class SpoutRef>
Topology CountInto(const OutsideTableRef<Stored>& table, SpoutRef spout, FailEveryNth fail) {
  Topology topology("user-state");
  auto counts = topology.NewStream("sentences", std::move(spout))
                    .Each(kSentence, Split(), kWord)
                    .GroupBy(kWord)
                    .PersistentAggregate(In(table, "counts"), Count(), kCount)
                    .Parallelism(2);
  counts.NewValuesStream().Peek(kWord, fail).Name("after the state");
  topology.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .GroupBy(kWord)
      .StateQuery(counts, kWord, MapGet(), kCount)
      .Project(Fields(kWord, kCount));
  return topology;
}

auto Sentences(size_t rounds) {
  return FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 3}, AsRows(Input(rounds)));
}

template <class Stored>
WordCounts RunWithFailures(uint64_t every, uint64_t* failures) {
  auto table = std::make_shared<OutsideTable<Stored>>();
  FailEveryNth fail{every};
  auto run = RunToEnd(CountInto(table, Sentences(4), fail), {.executors = 2, .retry_limit = 1000});
  if (run == nullptr) return {};
  *failures = run->progress().at(0).failures;
  return CountsIn(table);
}

// ---- the guarantee table ----

TEST(UserStateTest, ATransactionalSpoutIsExactlyOnceWithTransactionalAndWithOpaqueStates) {
  const WordCounts expected = CountOf(Input(4));
  uint64_t failures = 0;
  EXPECT_EQ(RunWithFailures<TransactionalCounts>(0, &failures), expected);
  EXPECT_EQ(RunWithFailures<OpaqueCounts>(0, &failures), expected);
  // More calls than a batch has keys, since a batch of a transactional state never shrinks.
  EXPECT_EQ(RunWithFailures<TransactionalCounts>(31, &failures), expected);
  EXPECT_GT(failures, 3u);
  EXPECT_EQ(RunWithFailures<OpaqueCounts>(13, &failures), expected);
  EXPECT_GT(failures, 3u);
}

TEST(UserStateTest, ANonTransactionalStateCountsABatchThatComesAgainAgain) {
  uint64_t failures = 0;
  EXPECT_EQ(RunWithFailures<int64_t>(0, &failures), CountOf(Input(4)));
  WordCounts counts = RunWithFailures<int64_t>(13, &failures);
  ASSERT_GT(failures, 0u);
  EXPECT_GT(counts["the"], CountOf(Input(4))["the"]);
}

// The feeder is opaque: an attempt after a failure holds half of the rows, so it leaves keys alone
// that the one before it had written.
TEST(UserStateTest,
     AnOpaqueSpoutIsExactlyOnceWithAnOpaqueStateAlsoWhenAnotherAttemptHoldsFewerRows) {
  auto table = std::make_shared<OutsideTable<OpaqueCounts>>();
  auto feeder = *FeederSpout<Text>::Make(Fields(kSentence));
  auto run =
      Run::Start(CountInto(table, feeder, FailEveryNth{17}), {.executors = 2, .retry_limit = 1000});
  ASSERT_TRUE(run.ok()) << run.status();
  std::vector<std::string> fed;
  for (int i = 0; i < 12; ++i) {
    std::vector<std::string> part = Input(1);
    part.push_back("only" + std::to_string(i) + " in round" + std::to_string(i));
    fed.insert(fed.end(), part.begin(), part.end());
    auto committed = feeder->Append(AsRows(part), WaitFor::kCommit);
    ASSERT_TRUE(committed.ok()) << committed.status();
  }
  (*run)->Pause();
  EXPECT_GT((*run)->progress().at(0).failures, 3u);
  EXPECT_EQ(CountsIn(table), CountOf(fed));
}

TEST(UserStateTest, AnOpaqueSpoutOnATransactionalStateIsAnErrorAtBuildThatExplainsItself) {
  auto table = std::make_shared<OutsideTable<TransactionalCounts>>();
  auto feeder = *FeederSpout<Text>::Make(Fields(kSentence));
  auto built = CountInto(table, feeder, {0}).Build();
  ASSERT_FALSE(built.ok());
  EXPECT_EQ(built.status().code(), StatusCode::kInvalidArgument);
  for (const char* part : {"\"counts\"", "user-defined and transactional", "stream \"sentences\"",
                           "is opaque", "OpaqueValue", "use a transactional spout"}) {
    EXPECT_NE(Message(built.status()).find(part), std::string_view::npos)
        << part << " in " << built.status();
  }
}

// A spout of a program's own that keeps nothing; here it is only declared.
class ForgetfulSpout final : public Spout {
 public:
  SpoutKind kind() const override { return SpoutKind::kNonTransactional; }
  const SchemaRef& schema() const override { return schema_of_->schema(); }
  StatusOr<std::vector<std::string>> Partitions() override {
    return std::vector<std::string>{"rows"};
  }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string& partition,
                                                     WakeUp wake_up) override {
    return schema_of_->OpenReader(partition, std::move(wake_up));
  }
  std::string Describe() const override { return "forgetful"; }

 private:
  const std::shared_ptr<Spout> schema_of_ = *FeederSpout<Text>::Make(Fields(kSentence));
};

TEST(UserStateTest, ANonTransactionalSpoutOnATransactionalStateIsAnErrorToo) {
  auto table = std::make_shared<OutsideTable<TransactionalCounts>>();
  auto built = CountInto(table, std::make_shared<ForgetfulSpout>(), {0}).Build();
  ASSERT_FALSE(built.ok());
  EXPECT_NE(Message(built.status()).find("is non-transactional"), std::string_view::npos)
      << built.status();
}

TEST(UserStateTest, AMergedStreamIsAsGoodAsTheLeastOfItsSpouts) {
  auto table = std::make_shared<OutsideTable<TransactionalCounts>>();
  Topology topology("merged");
  topology
      .Merge({topology.NewStream("exact", Sentences(1)),
              topology.NewStream("fed", *FeederSpout<Text>::Make(Fields(kSentence)))})
      .GroupBy(kSentence)
      .PersistentAggregate(In(table, "counts"), Count(), kCount);
  EXPECT_NE(Message(topology.Build().status()).find("stream \"fed\" is opaque"),
            std::string_view::npos)
      << topology.Build().status();
}

TEST(UserStateTest, AnyKindMayBeUsedWithAnySpoutInTheTopologysOwnStore) {
  Topology topology("own");
  topology.NewStream("fed", *FeederSpout<Text>::Make(Fields(kSentence)))
      .GroupBy(kSentence)
      .PersistentAggregate({.name = "counts", .kind = StateKind::kTransactional}, Count(), kCount);
  EXPECT_TRUE(topology.Build().ok()) << topology.Build().status();
}

// ---- when it is written ----

// The store sees each txid after the one before it was decided, and no other in between.
TEST(UserStateTest, EveryPartitionIsToldOfEveryTxidInOrderAlsoWithoutRows) {
  auto table = std::make_shared<OutsideTable<OpaqueCounts>>();
  auto run = RunToEnd(CountInto(table, Sentences(4), {0}), {.executors = 2, .max_pending = 4});
  ASSERT_NE(run, nullptr);
  const TxId last = run->states().Published(GroupId(1));
  auto recorded = table->recorded();
  ASSERT_EQ(recorded.size(), 4u);
  for (const auto& [partition, txids] : recorded) {
    ASSERT_EQ(txids.size(), last.value()) << "partition " << partition.value();
    for (uint64_t t = 1; t <= last.value(); ++t) EXPECT_EQ(txids[t - 1], TxId(t));
  }
}

// Looks, whenever it is told of a txid, what the run has committed by then.
class Watcher final : public State {
 public:
  struct Seen {
    std::atomic<Run*> run{nullptr};
    std::atomic<uint64_t> looks{0};
    std::atomic<uint64_t> too_early{0};
  };
  explicit Watcher(Seen* seen) : seen_(seen) {}

  Status BeginCommit(TxId txid) override {
    Run* run = seen_->run.load();
    if (run == nullptr) return Unavailable("the test is not ready");
    ++seen_->looks;
    if (run->states().Published(GroupId(1)).Next() != txid) ++seen_->too_early;
    return absl::OkStatus();
  }
  Status Commit(TxId /*txid*/) override { return absl::OkStatus(); }

 private:
  Seen* const seen_;
};

TEST(UserStateTest, ABatchIsStagedOnlyWhenTheOneBeforeItIsCommittedAndVisible) {
  Watcher::Seen seen;
  Topology topology("ordered");
  const StateOptions options{.name = "watcher",
                             .where = OutsideState<Watcher>([&](const StateSlice&) {
                               return std::make_unique<Watcher>(&seen);
                             })};
  auto counts = topology.NewStream("sentences", Sentences(40))
                    .GroupBy(kSentence)
                    .PersistentAggregate({.name = "counts"}, Count(), kCount);
  counts.NewValuesStream().PartitionPersist(options, kSentence,
                                            [](Watcher&, const PersistRows<Text>&) {});
  auto run = Run::Start(topology, {.executors = 2, .max_pending = 4, .retry_limit = 1000});
  ASSERT_TRUE(run.ok()) << run.status();
  seen.run = run->get();
  ASSERT_TRUE((*run)->AwaitEnd().ok());
  EXPECT_GE(seen.looks, (*run)->states().Published(GroupId(1)).value());
  EXPECT_EQ(seen.too_early, 0u);
}

// ---- restarts ----

template <class Stored>
void ExpectRestartsLoseAndRepeatNothing() {
  TempDir dir;
  auto table = std::make_shared<OutsideTable<Stored>>();
  const std::vector<std::string> input = Input(3);
  for (uint64_t fails_at : {9u, 23u, 40u, 0u}) {
    FailEveryNth fail{fails_at};
    auto run = Run::Start(CountInto(table, Sentences(3), fail),
                          {.state_dir = dir.path(), .retry_limit = 0});
    ASSERT_TRUE(run.ok()) << run.status();
    Status ended = (*run)->AwaitEnd();
    EXPECT_EQ(ended.ok(), fails_at == 0) << ended;
  }
  EXPECT_EQ(CountsIn(table), CountOf(input));
}

TEST(UserStateTest, AStartAfterAStagedAndUndecidedBatchGoesOnExactly) {
  ExpectRestartsLoseAndRepeatNothing<OpaqueCounts>();
  ExpectRestartsLoseAndRepeatNothing<TransactionalCounts>();
}

// The batch that died held sentences that the next start does not have any more.
TEST(UserStateTest, WhatAnOpaqueSpoutGaveOnlyToABatchThatDiedIsNotCounted) {
  TempDir dir;
  auto table = std::make_shared<OutsideTable<OpaqueCounts>>();
  auto start = [&](FailEveryNth fail, std::shared_ptr<FeederSpout<Text>>* feeder) {
    *feeder = *FeederSpout<Text>::Make(Fields(kSentence));
    return Run::Start(CountInto(table, *feeder, fail), {.state_dir = dir.path(), .retry_limit = 0});
  };
  std::shared_ptr<FeederSpout<Text>> feeder;
  {
    auto run = start({0}, &feeder);
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE(feeder->Append(AsRows({"a b"}), WaitFor::kCommit).ok());
  }
  {
    auto run = start({1}, &feeder);
    ASSERT_TRUE(run.ok()) << run.status();
    ASSERT_TRUE(feeder->Append(AsRows({"a b c"})).ok());
    EXPECT_FALSE((*run)->AwaitEnd().ok());
    EXPECT_EQ(table->Get("b")->curr, 2) << "it was staged";
  }
  auto run = start({0}, &feeder);
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_EQ(Answer(**run, "words", "a b c"), (std::vector<std::string>{"[a, 1]", "[b, 1]"}));
  ASSERT_TRUE(feeder->Append(AsRows({"a"}), WaitFor::kCommit).ok());
  ASSERT_TRUE(feeder->Append(AsRows({"b c"}), WaitFor::kCommit).ok());
  EXPECT_EQ(Answer(**run, "words", "a b c"),
            (std::vector<std::string>{"[a, 2]", "[b, 2]", "[c, 1]"}));
}

TEST(UserStateTest, AStoreOfAnotherStateDirectoryIsRefused) {
  auto table = std::make_shared<OutsideTable<OpaqueCounts>>();
  ASSERT_NE(RunToEnd(CountInto(table, Sentences(2), {0})), nullptr);
  auto run = Run::Start(CountInto(table, Sentences(2), {0}), {.retry_limit = 1});
  ASSERT_TRUE(run.ok()) << run.status();
  Status ended = (*run)->AwaitEnd();
  EXPECT_NE(Message(ended).find("behind the state's txid"), std::string_view::npos) << ended;
}

// ---- 5.7: every fifth update of the state fails ----

// Fails every fifth put, but not for ever, so that in the end everything is decided.
Status FifthFails(uint64_t put) {
  return put % 5 == 0 && put < 150 ? Unavailable("every fifth update") : absl::OkStatus();
}

// A transactional state lets a txid hold the same rows at every attempt, so each txid shows the row
// of the table, and the outside store what the last one shows.
void ExpectTableInSpiteOfFailures(const std::vector<std::string>& sentences,
                                  const std::vector<TableRow>& rows) {
  auto table = std::make_shared<OutsideTable<TransactionalCounts>>();
  table->before_put = FifthFails;
  Topology topology("fifth");
  auto words =
      topology
          .NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence),
                                                        {.batch_rows = 3, .cycle = Cycle::kForever},
                                                        AsRows(sentences)))
          .Each(kSentence, Split(), kWord)
          .GroupBy(kWord);
  words.PersistentAggregate(In(table, "outside"), Count(), kCount);
  words.PersistentAggregate({.name = "counts"}, Count(), kCount);
  auto run =
      Run::Start(topology, {.executors = 2, .retry_limit = 1000, .readable_versions = 1 << 20});
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_TRUE((*run)->AwaitCommitted(GroupId(1), TxId(60), 60 * kSecond).ok());
  (*run)->Pause();
  // What is decided is outside already; wait until it can be read here too.
  const auto settled = [&] {
    const RunProgress now = (*run)->progress().at(0);
    return now.pending == 0 && (*run)->states().Published(GroupId(1)) == now.last_decided;
  };
  while (!settled()) std::this_thread::yield();
  EXPECT_GT((*run)->progress().at(0).failures, 10u);
  for (const TableRow& row : rows) ExpectRow(StateAt(**run, "counts", TxId(row.txid)), row);
  EXPECT_EQ(CountsIn(table), LatestState(**run, "counts"));
}

TEST(ConformanceTest, Trident57EveryFifthUpdateFailsAndTheTutorialTableHoldsAtEachTxid) {
  ExpectTableInSpiteOfFailures(TutorialSentences(), kTutorialRows);
}
TEST(ConformanceTest, Trident57EveryFifthUpdateFailsAndTheStarterTableHoldsAtEachTxid) {
  ExpectTableInSpiteOfFailures(StarterSentences(), kStarterRows);
}

// ---- errors ----

TEST(UserStateTest, AStoreThatIsAwayForAWhileDelaysBatchesAndLosesNothing) {
  auto table = std::make_shared<OutsideTable<OpaqueCounts>>();
  table->before_put = [](uint64_t put) {
    return put % 5 == 0 ? Unavailable("no connection") : absl::OkStatus();
  };
  auto run = RunToEnd(CountInto(table, Sentences(4), {0}), {.executors = 2, .retry_limit = 1000});
  ASSERT_NE(run, nullptr);
  EXPECT_GT(run->progress().at(0).failures, 0u);
  EXPECT_EQ(CountsIn(table), CountOf(Input(4)));
}

TEST(UserStateTest, APartitionThatDoesNotOpenEndsTheStartWithItsName) {
  const auto open =
      [](const StateSlice& slice) -> StatusOr<std::unique_ptr<BackingMap<OpaqueCounts>>> {
    if (slice.partition == PartitionId(2)) return Unavailable("no route to host");
    return std::make_unique<OutsideTablePart<OpaqueCounts>>(
        std::make_shared<OutsideTable<OpaqueCounts>>(), slice.partition);
  };
  Topology topology("unopened");
  topology.NewStream("sentences", Sentences(1))
      .GroupBy(kSentence)
      .PersistentAggregate({.name = "counts", .where = OutsideMap<OpaqueCounts>(open)}, Count(),
                           kCount);
  Status started = Run::Start(topology, {}).status();
  EXPECT_NE(Message(started).find("state counts, partition 2"), std::string_view::npos) << started;
  EXPECT_NE(Message(started).find("no route to host"), std::string_view::npos) << started;
}

TEST(UserStateTest, AnOpenFunctionThatThrowsEndsTheStartWithThePartition) {
  Topology topology("unopened");
  topology.NewStream("sentences", Sentences(1))
      .GroupBy(kSentence)
      .PersistentAggregate(
          {.name = "counts",
           .where = OutsideMap<OpaqueCounts>(
               [](const StateSlice&) -> StatusOr<std::unique_ptr<BackingMap<OpaqueCounts>>> {
                 throw std::runtime_error("no driver");
               })},
          Count(), kCount);
  const Status started = Run::Start(topology, {}).status();
  EXPECT_NE(Message(started).find("state counts, partition 0: `open` threw: no driver"),
            std::string_view::npos)
      << started;
}

TEST(UserStateTest, AStateWithoutAnOpenFunctionIsAClearError) {
  Topology topology("unopened");
  topology.NewStream("sentences", Sentences(1))
      .GroupBy(kSentence)
      .PersistentAggregate({.name = "counts", .where = OutsideMap<OpaqueCounts>(nullptr)}, Count(),
                           kCount);
  Status started = Run::Start(topology, {}).status();
  EXPECT_NE(Message(started).find("OutsideMap got no function that opens it"),
            std::string_view::npos)
      << started;
}

// A row that cannot be reduced must not leave half of its batch in a state that takes a txid once.
struct PickyReducer {
  std::shared_ptr<std::atomic<int>> refusals;
  using Value = int64_t;
  Value Init() const { return 0; }
  void Reduce(Value& value, Text word) const {
    if (word == "moon" && refusals->fetch_sub(1) > 0) throw std::runtime_error("not this one");
    ++value;
  }
};

TEST(UserStateTest, ARowThatFailsInTheMiddleOfAReductionLeavesNothingBehind) {
  auto table = std::make_shared<OutsideTable<TransactionalCounts>>();
  auto refusals = std::make_shared<std::atomic<int>>(3);
  Topology topology("picky");
  topology.NewStream("sentences", Sentences(1))
      .Each(kSentence, Split(), kWord)
      .GroupBy(kWord)
      .PersistentAggregate(In(table, "counts"), kWord, PickyReducer{refusals}, kCount);
  auto run = RunToEnd(topology, {.retry_limit = 10});
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(run->progress().at(0).failures, 3u);
  EXPECT_EQ(CountsIn(table), CountOf(Input(1)));
}

// ---- ungrouped ----

TEST(UserStateTest, AnUngroupedAggregateIsOneValueAndAnEmptyBatchWritesZero) {
  auto table = std::make_shared<OutsideTable<OpaqueCounts>>();
  Topology topology("ungrouped");
  topology.NewStream("sentences", Sentences(1))
      .Filter(kSentence, [](Text) { return false; })
      .PersistentAggregate(In(table, "total"), Count(), kCount);
  ASSERT_NE(RunToEnd(topology), nullptr);
  EXPECT_EQ(CountsIn(table), (WordCounts{{"", 0}}));
}

TEST(UserStateTest, NewValuesComeFromAStateOfTheProgramsOwnToo) {
  auto table = std::make_shared<OutsideTable<TransactionalCounts>>();
  auto seen = std::make_shared<Collected<Text, int64_t>>();
  Topology topology("new-values");
  topology
      .NewStream("sentences", FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1},
                                                    AsRows({"a b", "b c", "c c"})))
      .Each(kSentence, Split(), kWord)
      .GroupBy(kWord)
      .PersistentAggregate(In(table, "counts", 1), Count(), kCount)
      .NewValuesStream()
      .Peek(Fields(kWord, kCount), Collect(seen));
  ASSERT_NE(RunToEnd(topology), nullptr);
  EXPECT_EQ(seen->Sorted(), (std::vector<std::tuple<std::string, int64_t>>{
                                {"a", 1}, {"b", 1}, {"b", 2}, {"c", 1}, {"c", 3}}));
}

// ---- a source that is not what it says ----

// The first attempt is staged and then fails; the second one reads other words, of equal length.
TEST(UserStateTest, ASourceThatGivesOtherRowsForALoggedCutStopsTheGroup) {
  auto table = std::make_shared<OutsideTable<TransactionalCounts>>();
  auto life = std::make_shared<std::atomic<int>>(0);
  auto spout = GeneratorSpout::Make(
      Fields(kSentence), {.partitions = 1, .rows_per_partition = 10},
      [life](const GeneratedRow&, Emit<Text>& emit) { emit(*life == 0 ? "one two" : "one six"); });
  ASSERT_TRUE(spout.ok());
  Topology topology("changed");
  auto counts = topology.NewStream("sentences", *spout)
                    .Each(kSentence, Split(), kWord)
                    .GroupBy(kWord)
                    .PersistentAggregate(In(table, "counts"), Count(), kCount);
  counts.NewValuesStream().Peek(kWord, [life](Text) {
    if (life->exchange(1) == 0) throw std::runtime_error("once");
  });
  auto run = Run::Start(topology, {.retry_limit = 5});
  ASSERT_TRUE(run.ok()) << run.status();
  const Status stopped = (*run)->AwaitEnd();
  EXPECT_EQ(stopped.code(), StatusCode::kDataLoss) << stopped;
  EXPECT_NE(Message(stopped).find("the source has changed under a transactional spout"),
            std::string_view::npos)
      << stopped;
}

// ---- requests ----

// Refuses one key.
class GuardedMap final : public BackingMap<int64_t> {
 public:
  StatusOr<std::vector<std::optional<int64_t>>> MultiGet(
      std::span<const std::string_view> keys) override {
    if (std::find(keys.begin(), keys.end(), "secret") != keys.end()) {
      return InvalidArgument("nobody may read \"secret\"");
    }
    return std::vector<std::optional<int64_t>>(keys.size());
  }
  Status MultiPut(std::span<const std::string_view>,
                  std::span<const std::optional<int64_t>>) override {
    return absl::OkStatus();
  }
};

// Whether requests meet in one batch is a matter of chance; holding the first makes it likely.
TEST(UserStateTest, ARequestThatIsRefusedDoesNotFailThoseThatItMeetsInABatch) {
  Topology topology("guarded");
  const StateOptions guarded{
      .name = "counts", .partitions = 1, .where = OutsideMap<int64_t>([](const StateSlice&) {
                                           return std::make_unique<GuardedMap>();
                                         })};
  const auto counts = topology.NewStream("sentences", Sentences(1))
                          .GroupBy(kSentence)
                          .PersistentAggregate(guarded, Count(), kCount);
  constexpr int kCallers = 8;
  std::atomic<int> calling = 0;
  const auto hold = [&calling](Text word, Emit<Text>& emit) {
    while (word == "hold" && calling < kCallers) std::this_thread::yield();
    emit(word);
  };
  topology.NewDrpcStream("count")
      .Each(kArgs, hold, kSentence)
      .StateQuery(counts, kSentence, MapGet(), kCount)
      .Project(Fields(kSentence, kCount));
  const auto run = RunToEnd(topology);
  ASSERT_NE(run, nullptr);
  for (int round = 0; round < 10; ++round) {
    calling = 0;
    std::vector<std::thread> threads;
    threads.emplace_back([&] { EXPECT_TRUE(run->Drpc("count", "hold").ok()); });
    for (int i = 0; i < kCallers; ++i) {
      threads.emplace_back([&, i] {
        ++calling;
        const Status outcome = run->Drpc("count", i == 3 ? "secret" : "free").status();
        EXPECT_EQ(outcome.code(), i == 3 ? StatusCode::kInvalidArgument : StatusCode::kOk)
            << outcome;
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace trident
