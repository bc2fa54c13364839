// SPDX-License-Identifier: Apache-2.0
//
// StateOptions::expire_after in a running topology: which states refuse it and why, a key that goes
// while others are written, and the expiry turned off and on. tests/trident/plan/expiry_test.cc and
// tests/sim have the random histories.
#include <gmock/gmock.h>

#include "base/clock.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"
#include "tests/trident/states/outside_table.h"
#include "trident/partition_persist.h"
#include "trident/run/start_check.h"
#include "trident/run/state_reader.h"

namespace trident {
namespace {

using testing::HasSubstr;

Stream Words(Topology& topology, const std::vector<std::string>& sentences) {
  return topology
      .NewStream("sentences",
                 FixedBatchSpout::Make(Fields(kSentence), {.batch_rows = 1}, AsRows(sentences)))
      .Each(kSentence, Split(), kWord);
}

std::string WhyNot(const std::function<void(Stream)>& persist) {
  Topology topology("refused");
  persist(Words(topology, {"a"}));
  return std::string(Message(topology.Build().status()));
}

TEST(ExpiringStateTest, AStateWhoseKeysCannotExpireIsRefusedWithTheReason) {
  const StateOptions options{.name = "counts", .expire_after = kSecond};
  EXPECT_THAT(WhyNot([&](Stream words) { words.PersistentAggregate(options, Count(), kCount); }),
              HasSubstr("without GroupBy the state has one value and no keys"));
  EXPECT_THAT(WhyNot([&](Stream words) {
                auto outside = In(std::make_shared<OutsideTable<OpaqueValue<int64_t>>>(), "counts");
                outside.expire_after = kSecond;
                words.GroupBy(kWord).PersistentAggregate(outside, Count(), kCount);
              }),
              HasSubstr("in the topology's own store only"));
  EXPECT_THAT(WhyNot([&](Stream words) {
                words.GroupBy(kWord).PersistentAggregate(
                    {.name = "counts", .expire_after = kSecond - 1}, Count(), kCount);
              }),
              HasSubstr("expected at least a second, found 999999999 ns"));
  EXPECT_THAT(WhyNot([&](Stream words) {
                words.GroupBy(kWord).PersistentAggregate(
                    {.name = std::string(60, 'n'), .expire_after = kSecond}, Count(), kCount);
              }),
              HasSubstr("give it a shorter one"));
  EXPECT_THAT(WhyNot([&](Stream words) {
                words.GroupBy(kWord).PartitionPersist(
                    options, kWord, [](MapAccess<int64_t>&, const PersistRows<Text>&) {});
              }),
              HasSubstr("by MultiRemove"));
}

TEST(ExpiringStateTest, AKeyThatIsNotWrittenGoesAtOneTxidAndAWatchShowsIt) {
  auto feeder = *FeederSpout<Text>::Make(Fields(kWord));
  Topology topology("expiring");
  auto counts =
      topology.NewStream("words", feeder)
          .GroupBy(kWord)
          .PersistentAggregate({.name = "counts", .expire_after = kSecond}, Count(), kCount);
  auto started = trident::Run::Start(topology, {.executors = 2, .readable_versions = 1'000'000});
  ASSERT_TRUE(started.ok()) << started.status();
  trident::Run& run = **started;
  const StateReader<int64_t> reader(run, counts);
  ASSERT_TRUE(feeder->Append(AsRows({"once", "often"}), WaitFor::kCommit).ok());
  EXPECT_EQ(reader.Latest()->Get("once")->value_or(0), 1);
  const Nanos deadline = RealClock().MonotonicNanos() + 60 * kSecond;
  while (reader.Latest()->Get("once")->has_value()) {
    ASSERT_LT(RealClock().MonotonicNanos(), deadline);
    ASSERT_TRUE(feeder->Append(AsRows({"often"}), WaitFor::kCommit).ok());
  }
  const TxId gone = [&] {
    TxId t = run.states().Published(GroupId(1));
    while (!reader.At(ReadAt::Exactly(t.Prev()))->Get("once")->has_value()) t = t.Prev();
    return t;
  }();
  const ReadableState& state = **run.states().Find("counts");
  auto changes = state.ChangesOf(gone, KeyRange::Just("once"));
  ASSERT_TRUE(changes.ok() && changes->size() == 1) << changes.status();
  EXPECT_FALSE(changes->front().value.has_value());
  EXPECT_EQ(state.KeysExpired(), 1u);
  // The last batch time at which it was there, and the first at which it was not.
  const StateReader<Timestamp> times(run, "counts-last-write");
  const auto time_of = [&](TxId at, const char* word) {
    return times.At(ReadAt::Exactly(at))->Get(word)->value_or(Timestamp{0}).micros;
  };
  const int64_t written = time_of(TxId(1), "once");
  EXPECT_LT(time_of(gone.Prev(), "often"), written + kSecond / kMicrosecond);
  EXPECT_GE(time_of(gone, "often"), written + kSecond / kMicrosecond);

  ASSERT_TRUE(feeder->Append(AsRows({"once"}), WaitFor::kCommit).ok());
  EXPECT_EQ(reader.Latest()->Get("once")->value_or(0), 1) << "it begins anew";
}

TEST(ExpiringStateTest, TurnedOffItKeepsAllAndForgetsTheTimesAndTurnedOnItCountsFromThen) {
  const TempDir dir;
  const RunOptions options{.state_dir = dir.path() + "/state"};
  const auto topology_of = [](size_t sentences, Nanos expire_after) {
    Topology topology("expiring");
    std::vector<std::string> all = StarterSentences();
    all.resize(sentences);
    Words(topology, all)
        .GroupBy(kWord)
        .PersistentAggregate({.name = "counts", .expire_after = expire_after}, Count(), kCount);
    return topology;
  };
  const auto has_times = [](const trident::Run& run) {
    return run.states().Find("counts-last-write").ok();
  };
  const auto counts_of = [](size_t sentences) {
    WordCounts counts;
    for (size_t i = 0; i < sentences; ++i) AddWords(StarterSentences()[i], &counts);
    return counts;
  };
  for (const auto& [sentences, expire_after] :
       std::vector<std::pair<size_t, Nanos>>{{1, 0}, {2, 3600 * kSecond}, {3, 0}}) {
    const Topology topology = topology_of(sentences, expire_after);
    if (sentences == 3) {
      EXPECT_THAT(CheckStart(topology, options).report,
                  HasSubstr("counts-last-write: dropped by this start"));
    }
    auto run = RunToEnd(topology, options);
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(has_times(*run), expire_after != 0);
    EXPECT_EQ(LatestState(*run, "counts"), counts_of(sentences));
    if (expire_after == 0) continue;
    auto times = StateReader<Timestamp>(*run, "counts-last-write").Latest();
    ASSERT_TRUE(times.ok()) << times.status();
    std::set<int64_t> seen;
    size_t keys = 0;
    ASSERT_TRUE(times
                    ->ForEach([&](const StateKey&, const Timestamp& time) {
                      ++keys;
                      seen.insert(time.micros);
                    })
                    .ok());
    EXPECT_EQ(keys, counts_of(sentences).size()) << "those from before have a time, too";
    EXPECT_EQ(seen.size(), 1u) << "that of the first batch";
  }
}

}  // namespace
}  // namespace trident
