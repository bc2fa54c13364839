// SPDX-License-Identifier: Apache-2.0
//
// A feeder in a running topology: every row once, whatever cuts batches; and nobody waits for ever.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "tests/trident/run/words.h"

namespace trident {
namespace {

using Feeder = FeederSpout<Text>;

std::vector<Feeder::Row> Numbered(int from, int rows) {
  std::vector<Feeder::Row> out;
  for (int i = from; i < from + rows; ++i) out.emplace_back(std::to_string(10'000'000 + i));
  return out;
}
Topology CountRows(const std::shared_ptr<Feeder>& feeder) {
  Topology topology("fed");
  topology.NewStream("rows", feeder)
      .Each(
          kWord,
          [](Text word) -> Text {
            if (word.back() == '7') throw std::runtime_error("a seven");
            return word;
          },
          kSentence)
      .GroupBy(kSentence)
      .PersistentAggregate({.name = "counts"}, Count(), kCount);
  return topology;
}
void ExpectAllButTheSevens(const Run& run, int rows) {
  const WordCounts counts = LatestState(run, "counts");
  EXPECT_EQ(counts.size(), static_cast<size_t>(rows - rows / 10));
  for (const auto& [word, count] : counts) EXPECT_EQ(count, 1) << word;
}

// Rows that fail are found by halving their batch, so limits by rows and bytes fall anywhere.
TEST(FeederRunTest, EveryRowIsCountedOnceWhateverTheLimitsAndTheRowsThatFail) {
  for (uint64_t seed = 1; seed <= 5 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    constexpr int kRows = 60;
    auto feeder = Feeder::Make(Fields(kWord)).value();
    auto run = Run::Start(CountRows(feeder), {.executors = 1 + static_cast<uint32_t>(rng.Below(2)),
                                              .batch_rows = 1 + rng.Below(60),
                                              .batch_bytes = 1 + rng.Below(400),
                                              .batch_age = rng.Chance(0.5) ? 0 : kMillisecond,
                                              .retry_limit = 1,
                                              .on_failure = OnFailure::kDeadLetter});
    ASSERT_TRUE(run.ok()) << run.status();
    std::vector<AppendTicket> tickets;
    for (int from = 0; from < kRows;) {
      const int rows = std::min<int>(1 + static_cast<int>(rng.Below(15)), kRows - from);
      tickets.push_back(*feeder->Append(Numbered(from, rows)));
      from += rows;
    }
    feeder->Finish();
    const Status ended = (*run)->AwaitEnd();
    ASSERT_TRUE(ended.ok()) << ended;
    for (const AppendTicket& ticket : tickets) EXPECT_TRUE(ticket.Wait().ok());
    ExpectAllButTheSevens(**run, kRows);
  }
}

TEST(FeederRunTest, AppendersOfAGroupThatHaltsGetItsReason) {
  auto feeder = Feeder::Make(Fields(kWord), {.rows_max = 3}).value();
  auto run = Run::Start(CountRows(feeder), {.retry_limit = 1});
  ASSERT_TRUE(run.ok()) << run.status();
  const auto txid = feeder->Append({{"1"}}, WaitFor::kCommit);
  ASSERT_TRUE(txid.ok()) << txid.status();
  const Status failed = feeder->Append({{"7"}}, WaitFor::kCommit).status();
  EXPECT_NE(Message(failed).find("a seven"), std::string_view::npos) << failed;
  // The run is still there, and its feeder has room.
  const Status later = feeder->Append({{"2"}}, WaitFor::kCommit).status();
  EXPECT_NE(Message(later).find("a seven"), std::string_view::npos) << later;
  EXPECT_FALSE((*run)->AwaitEnd().ok());
}

}  // namespace
}  // namespace trident
