// SPDX-License-Identifier: Apache-2.0
//
// A topology whose combiner throws for the value of one key, long after the commit: what the
// command says of that key, and that it gives all others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};

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

class UnreadableKeysTest : public testing::Test {
 protected:
  void SetUp() override {
    repaired = true;
    Topology topology("fragile");
    const std::vector<OwnedRow<Text>> rows = {{"bad"}, {"bad"}, {"bad"}, {"good"}, {"bad"}};
    topology.NewStream("words", FixedBatchSpout::Make(Fields(kWord), {.batch_rows = 4}, rows))
        .GroupBy(kWord)
        .PersistentAggregate({.name = "counts"}, Fragile(), kCount);
    const RunOptions options = {
        .state_dir = dir_.path() + "/state", .address = "127.0.0.1:0", .sync = CommitSync::kNone};
    auto first = Run::Start(topology, options);
    ASSERT_TRUE(first.ok()) << first.status();
    ASSERT_TRUE((*first)->AwaitEnd().ok());
    first->reset();
    repaired = false;
    // The start replays 3 and then 1.
    auto second = Run::Start(topology, options);
    ASSERT_TRUE(second.ok()) << second.status();
    run_ = *std::move(second);
  }
  ~UnreadableKeysTest() override { repaired = true; }

  Ended Ask(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--address", run_->address()});
    return RunTrident(arguments);
  }

  TempDir dir_;
  std::unique_ptr<trident::Run> run_;
};

TEST_F(UnreadableKeysTest, AScanGivesAllOthersNamesTheKeyAndEndsWithFour) {
  const Ended text = Ask({"state", "scan", "counts"});
  EXPECT_EQ(text.code, 4);
  EXPECT_EQ(text.out, "good\t1\n");
  EXPECT_THAT(text.err, StartsWith("trident: key [bad] cannot be read: "));
  EXPECT_THAT(text.err, HasSubstr("cannot count on from three"));
  EXPECT_THAT(text.err, HasSubstr("(2 rows at txid 2; 1 of them cannot be read)\n"));
  const Ended json = Ask({"state", "scan", "counts", "-o", "json"});
  EXPECT_EQ(json.code, 4);
  EXPECT_THAT(json.out, StartsWith(R"({"key":["bad"],"error":")"));
  EXPECT_THAT(json.out, HasSubstr(R"({"key":["good"],"value":1})"));
  EXPECT_EQ(Ask({"state", "scan", "counts", "--prefix", "g"}).code, 0);
}

TEST_F(UnreadableKeysTest, AGetOfTheKeyFailsWithWhatWasThrown) {
  const Ended bad = Ask({"state", "get", "counts", "bad"});
  EXPECT_EQ(bad.code, 4);
  EXPECT_THAT(bad.err, HasSubstr("cannot count on from three"));
  EXPECT_EQ(Ask({"state", "get", "counts", "good"}).out, "good\t1\n");
}

TEST_F(UnreadableKeysTest, TheListAndTheMetricsCountTheKey) {
  EXPECT_THAT(Ask({"state", "list", "-o", "json"}).out, HasSubstr(R"("unreadable_keys":1)"));
  const std::string metrics = Ask({"metrics"}).out;
  EXPECT_THAT(metrics, HasSubstr("trident_state_unreadable_keys{state=\"counts\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("trident_state_unreadable_keys{state=\"dead-letters\"} 0\n"));
}

}  // namespace
}  // namespace trident
