// SPDX-License-Identifier: Apache-2.0
//
// Aggregates that give nothing, and updaters, remove keys of maps of the program's, in each kind of
// state, also when attempts fail.
#include <stdexcept>

#include "tests/trident/run/balances.h"
#include "tests/trident/states/outside_table.h"

namespace trident {
namespace {

template <class V>
std::optional<V> Current(const OpaqueValue<V>& stored) {
  return stored.curr;
}
template <class V>
std::optional<V> Current(const TransactionalValue<V>& stored) {
  return stored.value;
}
template <class V>
std::optional<V> Current(const V& stored) {
  return stored;
}

template <class V, class Stored, class A>
void ExpectOutside(const std::vector<Transfer>& history, uint64_t fails) {
  constexpr Field<std::optional<Viewed<V>>> kMaybe{"maybe"};
  auto table = std::make_shared<OutsideTable<Stored>>();
  auto calls = std::make_shared<std::atomic<uint64_t>>(0);
  Topology topology("balances");
  auto state =
      topology
          .NewStream("transfers", FixedBatchSpout::Make(Fields(kWord, kAmount),
                                                        {.batch_rows = kBatchRows}, history))
          .GroupBy(kWord)
          .PersistentAggregate(In(table, "outside"), kAmount, A(), kMaybe);
  state.NewValuesStream().Peek(kWord, [calls, fails](Text) {
    if (fails != 0 && ++*calls % fails == 0) throw std::runtime_error("now and then");
  });
  topology.NewDrpcStream("words")
      .Each(kArgs, Split(), kWord)
      .StateQuery(state, kWord, MapGet(), kMaybe)
      .Filter(kMaybe, [](const std::optional<Viewed<V>>& value) { return value.has_value(); })
      .Project(kWord);
  auto run = RunToEnd(topology, {.executors = 2, .retry_limit = 1000});
  ASSERT_NE(run, nullptr);
  if (fails != 0) {
    EXPECT_GT(run->progress().at(0).failures, 1u);
  }
  Balances stored;
  for (const std::string& key : table->Keys()) {
    const std::optional<V> value = Current(*table->Get(key));
    if (value.has_value()) stored[key] = Amounts<V>::In(*value);
  }
  const Balances expected = After(history, history.size());
  EXPECT_EQ(stored, expected);
  std::vector<std::string> there;
  for (const auto& [word, amount] : expected) there.push_back("[" + word + "]");
  EXPECT_EQ(Answer(*run, "words", "a b c d e f g"), there);
}

template <class V>
class RemovingOutsideTest : public testing::Test {};
using Values = testing::Types<int64_t, std::string, Balance>;
TYPED_TEST_SUITE(RemovingOutsideTest, Values);

TYPED_TEST(RemovingOutsideTest, AMapOfTheProgramsLosesTheKeyInEachKindAlsoWhenAttemptsFail) {
  using V = TypeParam;
  const std::vector<Transfer> history = History(13);
  ExpectOutside<V, V, Combined<V>>(history, 0);
  ExpectOutside<V, TransactionalValue<V>, Combined<V>>(history, 23);
  ExpectOutside<V, TransactionalValue<V>, Reduced<V>>(history, 23);
  ExpectOutside<V, OpaqueValue<V>, Combined<V>>(history, 17);
  ExpectOutside<V, OpaqueValue<V>, Reduced<V>>(history, 17);
}

// Who gives nothing for a key that is not there removes nothing.
template <class V, class Stored>
void ExpectNothingOutside() {
  constexpr Field<std::optional<Viewed<V>>> kMaybe{"maybe"};
  auto table = std::make_shared<OutsideTable<Stored>>();
  auto rows = std::make_shared<Collected<Text>>();
  Topology topology("balances");
  topology
      .NewStream("transfers", FixedBatchSpout::Make(
                                  Fields(kWord, kAmount), {.batch_rows = 2},
                                  std::vector<Transfer>{{"a", 0}, {"b", 0}, {"a", 0}, {"c", 1}}))
      .GroupBy(kWord)
      .PersistentAggregate(In(table, "outside"), kAmount, Combined<V>(), kMaybe)
      .NewValuesStream()
      .Peek(kWord, [rows](Text word) { rows->Add(word); });
  ASSERT_NE(RunToEnd(topology, {.executors = 2}), nullptr);
  EXPECT_EQ(table->Keys().size(), 1u);
  EXPECT_EQ(rows->Sorted(), (std::vector<std::tuple<std::string>>{{"c"}}));
}

TYPED_TEST(RemovingOutsideTest, NothingForAKeyThatIsNotThereLeavesNoTrace) {
  using V = TypeParam;
  ExpectNothingOutside<V, V>();
  ExpectNothingOutside<V, TransactionalValue<V>>();
  ExpectNothingOutside<V, OpaqueValue<V>>();
}

template <class V, class Stored>
void ExpectUpdaterOutside(const std::vector<Transfer>& history) {
  auto table = std::make_shared<OutsideTable<Stored>>();
  Topology topology("last");
  topology
      .NewStream("transfers",
                 FixedBatchSpout::Make(Fields(kWord, kAmount), {.batch_rows = kBatchRows}, history))
      .GroupBy(kWord)
      .PartitionPersist(In(table, "outside"), Fields(kWord, kAmount), &SetOrRemove<V>);
  ASSERT_NE(RunToEnd(topology, {.executors = 2}), nullptr);
  Balances stored;
  for (const std::string& key : table->Keys()) {
    const std::optional<V> value = Current(*table->Get(key));
    if (value.has_value()) stored[key] = Amounts<V>::In(*value);
  }
  EXPECT_EQ(stored, LastAmounts<V>(history, history.size()));
}

TYPED_TEST(RemovingOutsideTest, AnUpdaterRemovesKeysInEachKind) {
  using V = TypeParam;
  const std::vector<Transfer> history = History(14);
  ExpectUpdaterOutside<V, V>(history);
  ExpectUpdaterOutside<V, TransactionalValue<V>>(history);
  ExpectUpdaterOutside<V, OpaqueValue<V>>(history);
}

}  // namespace
}  // namespace trident
