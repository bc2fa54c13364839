// SPDX-License-Identifier: Apache-2.0
//
// Aggregates that give nothing, and updaters, remove keys of states in the topology's own store: by
// a combiner and by a reducer, for values of each form; read at each txid, followed, replayed and
// restarted.
#include <stdexcept>

#include "tests/support/temp_dir.h"
#include "tests/trident/run/balances.h"
#include "trident/run/state_reader.h"

namespace trident {
namespace {

std::string RowOf(const std::string& word, std::optional<int64_t> amount) {
  return word + (amount.has_value() ? " " + std::to_string(*amount) : " nothing");
}
// The rows that NewValuesStream gives of the whole history, sorted.
std::vector<std::string> NewValues(const std::vector<Transfer>& history) {
  std::vector<std::string> rows;
  for (uint64_t t = 1; t <= kBatches; ++t) {
    const Balances before = After(history, (t - 1) * kBatchRows);
    const Balances after = After(history, t * kBatchRows);
    std::map<std::string, std::optional<int64_t>> touched;
    for (uint64_t i = (t - 1) * kBatchRows; i < t * kBatchRows; ++i) {
      const std::string& word = std::get<0>(history[i]);
      const auto found = after.find(word);
      touched[word] = found == after.end() ? std::nullopt : std::optional(found->second);
    }
    for (const auto& [word, amount] : touched) {
      if (amount.has_value() || before.contains(word)) rows.push_back(RowOf(word, amount));
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::string> Texts(const Collected<Text>& rows) {
  std::vector<std::string> out;
  for (const auto& [row] : rows.Sorted()) out.push_back(row);
  return out;
}

template <class V>
StatusOr<Balances> BalancesAt(const Run& run, const std::string& state, const ReadAt& at) {
  TRIDENT_ASSIGN_OR_RETURN(const StateCut<V> cut, StateReader<V>(run, state).At(at));
  Balances balances;
  TRIDENT_RETURN_IF_ERROR(cut.ForEach([&](const StateKey& key, const V& value) {
    balances[key.As<std::string>(0)] = Amounts<V>::In(value);
  }));
  for (char word = 'a'; word <= 'g'; ++word) {
    TRIDENT_ASSIGN_OR_RETURN(const std::optional<V> value, cut.Get(std::string(1, word)));
    EXPECT_EQ(value.has_value(), balances.contains(std::string(1, word))) << word;
  }
  return balances;
}

template <class V>
class RemovingAggregatesTest : public testing::Test {
 protected:
  static constexpr Field<std::optional<Viewed<V>>> kMaybe{"maybe"};
  static constexpr Field<Viewed<V>> kValue{"value"};
  static constexpr Field<Viewed<V>> kFound{"found"};

  static GroupedStream Words(Topology& topology, const std::vector<Transfer>& history) {
    return topology
        .NewStream("transfers", FixedBatchSpout::Make(Fields(kWord, kAmount),
                                                      {.batch_rows = kBatchRows}, history))
        .Shuffle()
        .GroupBy(kWord);
  }
  // What NewValuesStream gives, as text; a row's first passing is counted, and every `fails`-th
  // throws.
  struct Passed {
    std::shared_ptr<Collected<Text>> rows = std::make_shared<Collected<Text>>();
    uint64_t fails = 0;
    std::shared_ptr<std::atomic<uint64_t>> calls = std::make_shared<std::atomic<uint64_t>>(0);

    void operator()(Text word, std::optional<Viewed<V>> value) const { Add(word, value); }
    void Add(Text word, const std::optional<Viewed<V>>& value) const {
      if (fails != 0 && ++*calls % fails == 0) throw std::runtime_error("now and then");
      rows->Add(RowOf(std::string(word), value.has_value()
                                             ? std::optional(Amounts<V>::In(OwnedOf<V>(*value)))
                                             : std::nullopt));
    }
  };
  // The same where values are never null.
  struct PassedValues : Passed {
    void operator()(Text word, Viewed<V> value) const { this->Add(word, value); }
  };

  static void ExpectEachTxid(const trident::Run& run, const std::string& state,
                             const std::vector<Transfer>& history) {
    auto readable = run.states().Find(state);
    ASSERT_TRUE(readable.ok()) << readable.status();
    Balances followed;
    for (uint64_t t = 1; t <= kBatches; ++t) {
      SCOPED_TRACE(Concat(state, " at ", t));
      const Balances expected = After(history, t * kBatchRows);
      auto read = BalancesAt<V>(run, state, ReadAt::Exactly(TxId(t)));
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(*read, expected);
      auto changes = (*readable)->ChangesOf(TxId(t), KeyRange::All());
      ASSERT_TRUE(changes.ok()) << changes.status();
      for (const StateChange& change : *changes) {
        if (change.value.has_value()) {
          ByteReader in(*change.value);
          followed[change.key] = Amounts<V>::In(Codec<V>::Decode(in));
        } else {
          EXPECT_EQ(followed.erase(change.key), 1u) << change.key << " was not there";
        }
      }
      EXPECT_EQ(followed, expected) << "as a watch sees it";
    }
    EXPECT_EQ((*readable)->ApproximateKeys(), After(history, history.size()).size());
  }
};

using Values = testing::Types<int64_t, std::string, std::vector<int64_t>, Balance>;
TYPED_TEST_SUITE(RemovingAggregatesTest, Values);

TYPED_TEST(RemovingAggregatesTest, NothingRemovesTheKeyAtItsTxidForEveryReader) {
  using V = TypeParam;
  for (const uint32_t executors : {1u, 3u}) {
    SCOPED_TRACE(executors);
    const std::vector<Transfer> history = History(executors);
    Topology topology("balances");
    GroupedStream words = this->Words(topology, history);
    typename TestFixture::Passed with_null, reduced_with_null;
    typename TestFixture::PassedValues without_null;
    auto combined =
        words.PersistentAggregate({.name = "combined"}, kAmount, Combined<V>(), this->kMaybe);
    combined.NewValuesStream().Peek(Fields(kWord, this->kMaybe), with_null);
    words.PersistentAggregate({.name = "values"}, kAmount, Combined<V>(), this->kValue)
        .NewValuesStream()
        .Peek(Fields(kWord, this->kValue), without_null);
    words.PersistentAggregate({.name = "silent"}, kAmount, Combined<V>(), this->kValue);
    words.PersistentAggregate({.name = "reduced"}, kAmount, Reduced<V>(), this->kMaybe)
        .NewValuesStream()
        .Peek(Fields(kWord, this->kMaybe), reduced_with_null);
    topology.NewDrpcStream("words")
        .Each(kArgs, Split(), kWord)
        .StateQuery(combined, kWord, MapGet(), this->kFound)
        .Project(kWord);
    auto run = RunToEnd(topology, {.executors = executors, .readable_versions = kBatches + 1});
    ASSERT_NE(run, nullptr);
    for (const char* state : {"combined", "values", "silent", "reduced"}) {
      this->ExpectEachTxid(*run, state, history);
    }
    std::vector<std::string> rows = NewValues(history);
    EXPECT_EQ(Texts(*with_null.rows), rows);
    EXPECT_EQ(Texts(*reduced_with_null.rows), rows);
    const size_t all = rows.size();
    std::erase_if(rows, [](const std::string& row) { return row.ends_with("nothing"); });
    EXPECT_LT(rows.size(), all) << "the history removes something";
    EXPECT_EQ(Texts(*without_null.rows), rows);
    std::vector<std::string> there;
    for (const auto& [word, amount] : After(history, history.size())) {
      there.push_back("[" + word + "]");
    }
    EXPECT_EQ(Answer(*run, "words", "a b c d e f g"), there);
  }
}

TYPED_TEST(RemovingAggregatesTest, AttemptsThatFailBehindTheStateChangeNothing) {
  using V = TypeParam;
  const std::vector<Transfer> history = History(11);
  Topology topology("balances");
  GroupedStream words = this->Words(topology, history);
  for (const char* name : {"combined", "reduced"}) {
    typename TestFixture::Passed passed;
    passed.fails = 19;
    const StateOptions options{.name = name};
    if (options.name == "combined") {
      words.PersistentAggregate(options, kAmount, Combined<V>(), this->kMaybe)
          .NewValuesStream()
          .Peek(Fields(kWord, this->kMaybe), passed);
    } else {
      words.PersistentAggregate(options, kAmount, Reduced<V>(), this->kMaybe)
          .NewValuesStream()
          .Peek(Fields(kWord, this->kMaybe), passed);
    }
  }
  auto run = RunToEnd(topology, {.executors = 2, .retry_limit = 1000});
  ASSERT_NE(run, nullptr);
  EXPECT_GT(run->progress().at(0).failures, 2u);
  for (const char* state : {"combined", "reduced"}) {
    auto read = BalancesAt<V>(*run, state, ReadAt::Latest());
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, After(history, history.size())) << state;
  }
}

TYPED_TEST(RemovingAggregatesTest, ARestartGoesOnWithoutTheKeysThatWereRemoved) {
  using V = TypeParam;
  const TempDir dir;
  const std::vector<Transfer> history = History(12);
  for (uint64_t batches = 5; batches <= kBatches; batches += 7) {
    const uint64_t rows = batches * kBatchRows;
    Topology topology("balances");
    GroupedStream words =
        this->Words(topology, {history.begin(), history.begin() + static_cast<ptrdiff_t>(rows)});
    words.PersistentAggregate({.name = "combined"}, kAmount, Combined<V>(), this->kValue);
    words.PersistentAggregate({.name = "reduced"}, kAmount, Reduced<V>(), this->kValue);
    auto run = RunToEnd(topology, {.state_dir = dir.path() + "/state", .executors = 2});
    ASSERT_NE(run, nullptr);
    for (const char* state : {"combined", "reduced"}) {
      auto read = BalancesAt<V>(*run, state, ReadAt::Latest());
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(*read, After(history, rows)) << state << " after " << batches;
    }
  }
}

// ---- one value, and within a batch ----

TYPED_TEST(RemovingAggregatesTest, AStateWithoutGroupsAndAnAggregateOfABatchMayHaveNothingToo) {
  using V = TypeParam;
  const std::vector<Transfer> history = {{"a", 1}, {"b", 2}, {"a", -3}, {"b", 0},
                                         {"a", 4}, {"b", 0}, {"a", 0},  {"b", 0}};
  Topology topology("balances");
  Stream transfers = topology.NewStream(
      "transfers", FixedBatchSpout::Make(Fields(kWord, kAmount), {.batch_rows = 2}, history));
  transfers.PersistentAggregate({.name = "all"}, kAmount, Combined<V>(), this->kValue);
  auto sums = std::make_shared<Collected<Text>>();
  transfers.Aggregate(kAmount, Combined<V>(), this->kMaybe)
      .Peek(this->kMaybe, [sums](const std::optional<Viewed<V>>& sum) {
        sums->Add(sum.has_value() ? std::to_string(Amounts<V>::In(OwnedOf<V>(*sum))) : "nothing");
      });
  auto run = RunToEnd(topology, {.executors = 2, .readable_versions = 10});
  ASSERT_NE(run, nullptr);
  std::vector<std::optional<int64_t>> seen;
  for (uint64_t t = 1; t <= 4; ++t) {
    auto cut = StateReader<V>(*run, "all").At(ReadAt::Exactly(TxId(t)));
    ASSERT_TRUE(cut.ok()) << cut.status();
    auto value = cut->Get();
    ASSERT_TRUE(value.ok()) << value.status();
    seen.push_back(value->has_value() ? std::optional(Amounts<V>::In(**value)) : std::nullopt);
  }
  EXPECT_EQ(seen, (std::vector<std::optional<int64_t>>{3, std::nullopt, 4, 4}));
  EXPECT_EQ(Texts(*sums), (std::vector<std::string>{"-3", "3", "4", "nothing"}));
}

TYPED_TEST(RemovingAggregatesTest, AnUpdaterRemovesKeys) {
  using V = TypeParam;
  const std::vector<Transfer> history = History(14);
  Topology topology("last");
  topology
      .NewStream("transfers",
                 FixedBatchSpout::Make(Fields(kWord, kAmount), {.batch_rows = kBatchRows}, history))
      .GroupBy(kWord)
      .PartitionPersist({.name = "own"}, Fields(kWord, kAmount), &SetOrRemove<V>);
  auto run = RunToEnd(topology, {.executors = 2, .readable_versions = kBatches + 1});
  ASSERT_NE(run, nullptr);
  for (uint64_t t = 1; t <= kBatches; ++t) {
    auto read = BalancesAt<V>(*run, "own", ReadAt::Exactly(TxId(t)));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, LastAmounts<V>(history, t * kBatchRows)) << t;
  }
}

// ---- from a state that was combined by deltas ----

// As Count, but a word whose count is 0 would go.
struct CountOrNothing {
  using Value = std::optional<int64_t>;
  static constexpr std::string_view kCombiner = "sum";
  Value Zero() const { return std::nullopt; }
  Value Init(int64_t amount) const { return NonZero<int64_t>(amount); }
  Value Combine(const Value& a, const Value& b) const {
    return NonZero<int64_t>(a.value_or(0) + b.value_or(0));
  }
};

TEST(RemovingAggregates, AStateOfSumsGoesOnWithAnAggregateThatNamesThemSumsToo) {
  const TempDir dir;
  const std::vector<Transfer> history = History(15);
  const auto run_first = [&](uint64_t batches, auto aggregator, auto field) {
    Topology topology("balances");
    topology
        .NewStream("transfers",
                   FixedBatchSpout::Make(
                       Fields(kWord, kAmount), {.batch_rows = kBatchRows},
                       std::vector<Transfer>(
                           history.begin(),
                           history.begin() + static_cast<ptrdiff_t>(batches * kBatchRows))))
        .GroupBy(kWord)
        .PersistentAggregate({.name = "sums"}, kAmount, aggregator, field);
    return Run::Start(topology, {.state_dir = dir.path() + "/state"});
  };
  {
    auto run = run_first(20, Sum(), kSum);
    ASSERT_TRUE(run.ok() && (*run)->AwaitEnd().ok()) << run.status();
  }
  EXPECT_NE(Message(run_first(20, Combined<int64_t>(), kSum).status()).find("sum"),
            std::string_view::npos)
      << "an aggregate without the name is refused";
  auto run = run_first(kBatches, CountOrNothing(), kSum);
  ASSERT_TRUE(run.ok()) << run.status();
  ASSERT_TRUE((*run)->AwaitEnd().ok());
  Balances read = *BalancesAt<int64_t>(**run, "sums", ReadAt::Latest());
  // A sum of 0 from before stays until a batch changes it.
  std::erase_if(read, [](const auto& entry) { return entry.second == 0; });
  EXPECT_EQ(read, After(history, history.size()));
}

}  // namespace
}  // namespace trident
