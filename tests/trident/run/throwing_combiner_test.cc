// SPDX-License-Identifier: Apache-2.0
//
// A program whose combiner throws for some values that lie in the base. It does so long after the
// commit, in a fold or in a reader: that costs the key, and neither the process nor the directory.
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "state/state_store.h"
#include "tests/support/temp_dir.h"
#include "tests/trident/run/words.h"
#include "trident/run/state_reader.h"

namespace trident {
namespace {

std::atomic<bool> repaired{true};

// Counts, but refuses to count on from 3 words while it is not repaired.
struct Fragile {
  using Value = int64_t;
  Value Zero() const { return 0; }
  Value Init() const { return 1; }
  Value Combine(Value a, Value b) const {
    if (!repaired && (a == 3 || b == 3)) throw std::runtime_error("cannot count on from three");
    return a + b;
  }
};

std::unique_ptr<Run> Start(const std::string& dir,
                           const std::shared_ptr<FeederSpout<Text>>& feeder) {
  Topology topology("fragile");
  const auto counts = topology.NewStream("words", feeder)
                          .GroupBy(kWord)
                          .PersistentAggregate({.name = "counts"}, Fragile(), kCount);
  topology.NewDrpcStream("count")
      .Each(kArgs, Split(), kWord)
      .StateQuery(counts, kWord, MapGet(), kCount)
      .Project(kCount);
  auto run = Run::Start(topology, {.state_dir = dir});
  EXPECT_TRUE(run.ok()) << run.status();
  return run.ok() ? *std::move(run) : nullptr;
}
std::shared_ptr<FeederSpout<Text>> NewFeeder() {
  return FeederSpout<Text>::Make(Fields(kWord)).value();
}
// Into the base: nothing was committed for a while.
void AwaitFold(const Run& run) {
  const auto& states = dynamic_cast<const StateStore&>(run.states());
  while (states.FoldedUpTo(GroupId(1)) < states.Published(GroupId(1))) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}
void ExpectOnlyBadIsUnreadable(Run& run) {
  const auto says_why = [](const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::kAborted) << status;
    EXPECT_NE(Message(status).find("cannot count on from three"), std::string_view::npos) << status;
  };
  auto cut = StateReader<int64_t>(run, "counts").Latest();
  ASSERT_TRUE(cut.ok()) << cut.status();
  const auto each = cut->GetEach({StateKey("bad"), StateKey("good"), StateKey("no")});
  ASSERT_TRUE(each.ok()) << each.status();
  says_why((*each)[0].status());
  EXPECT_GT((*each)[1].value(), std::optional<int64_t>(1));
  EXPECT_EQ((*each)[2].value(), std::nullopt);
  says_why(cut->MultiGet({StateKey("good"), StateKey("bad")}).status());
  std::vector<StateKey> visited;
  const Status all =
      cut->ForEach([&](const StateKey& key, const int64_t&) { visited.push_back(key); });
  says_why(all);
  EXPECT_NE(Message(all).find("all keys were visited but 1"), std::string_view::npos) << all;
  EXPECT_EQ(visited, std::vector<StateKey>{StateKey("good")});
  EXPECT_EQ((*run.states().Find("counts"))->UnreadableKeys(), 1u);
  says_why(run.Drpc("count", "bad").status());
  EXPECT_EQ(Answer(run, "count", "good").size(), 1u);
}

TEST(ThrowingCombinerTest, AFoldReadersAndLaterStartsGoOnAndARepairedProgramReadsAll) {
  const TempDir dir;
  repaired = true;
  {
    auto feeder = NewFeeder();
    auto run = Start(dir.path(), feeder);
    ASSERT_NE(run, nullptr);
    ASSERT_TRUE(feeder->Append({{"bad"}, {"bad"}, {"bad"}, {"good"}}, WaitFor::kCommit).ok());
    AwaitFold(*run);
  }
  repaired = false;
  for (int life = 0; life < 2; ++life) {
    auto feeder = NewFeeder();
    auto run = Start(dir.path(), feeder);
    ASSERT_NE(run, nullptr);
    ASSERT_TRUE(feeder->Append({{"bad"}, {"good"}}, WaitFor::kCommit).ok());
    AwaitFold(*run);
    ExpectOnlyBadIsUnreadable(*run);
    EXPECT_TRUE((*run->AwaitEndFor(0)) == false) << "it goes on";
  }
  repaired = true;
  auto feeder = NewFeeder();
  auto run = Start(dir.path(), feeder);
  ASSERT_NE(run, nullptr);
  std::vector<int64_t> counts;
  for (const auto& [word, count] : LatestState(*run, "counts")) counts.push_back(count);
  EXPECT_EQ(counts, (std::vector<int64_t>{5, 3}));
}

}  // namespace
}  // namespace trident
