// SPDX-License-Identifier: Apache-2.0
//
// A directory of a state whose keys expire: what is done to the state at rest takes the times of
// its keys along.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tests/cli/served_words.h"
#include "trident/functions/aggregators.h"
#include "trident/run/run.h"
#include "trident/spouts/fixed_batch_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Field<Text> kUser{"user"};
constexpr Field<int64_t> kCount{"count"};

struct Shape {
  std::string name = "visits";
  uint32_t partitions = 4;
};

class ExpiringDirectoryTest : public testing::Test {
 protected:
  std::string state() const { return dir_.path() + "/state"; }
  StatusOr<std::unique_ptr<trident::Run>> Start(const Shape& shape, size_t rows,
                                                const std::string& address = {}) const {
    std::vector<OwnedRow<Text>> users;
    for (size_t i = 0; i < rows; ++i) users.emplace_back("user" + std::to_string(i % 10));
    Topology topology("expiring");
    topology.NewStream("users", FixedBatchSpout::Make(Fields(kUser), {.batch_rows = 7}, users))
        .GroupBy(kUser)
        .PersistentAggregate(
            {.name = shape.name, .partitions = shape.partitions, .expire_after = 3600 * kSecond},
            Count(), kCount);
    return trident::Run::Start(
        topology, {.state_dir = state(), .address = address, .sync = CommitSync::kNone});
  }
  void Go(const Shape& shape, size_t rows) const {
    auto run = Start(shape, rows);
    ASSERT_TRUE(run.ok()) << run.status();
    EXPECT_TRUE((*run)->AwaitEnd().ok());
  }
  Ended Ask(const std::vector<std::string>& words) const { return RunTrident(words); }
  std::string Dump(const std::string& name) const {
    const Ended dump = Ask({"state", "dump", state(), name});
    EXPECT_EQ(dump.code, 0) << dump.err;
    return dump.out;
  }
  void ExpectSound() const {
    const Ended verified = Ask({"state", "verify", state()});
    EXPECT_EQ(verified.code, 0) << verified.out << verified.err;
  }

  TempDir dir_;
};

TEST_F(ExpiringDirectoryTest, RenameAndRepartitionTakeTheTimesAlong) {
  Go({}, 100);
  ExpectSound();
  const std::string visits = Dump("visits"), times = Dump("visits-last-write");
  EXPECT_EQ(std::count(times.begin(), times.end(), '\n'), 10);
  EXPECT_EQ(Ask({"state", "rename", state(), "visits", "calls"}).code, 0);
  EXPECT_EQ(Ask({"state", "repartition", state(), "calls", "7"}).code, 0);
  ExpectSound();
  EXPECT_EQ(Dump("calls"), visits);
  EXPECT_EQ(Dump("calls-last-write"), times);
  Go({.name = "calls", .partitions = 7}, 100);
  EXPECT_EQ(Dump("calls-last-write"), times) << "nothing came, and nothing was lost";
}

TEST_F(ExpiringDirectoryTest, DropTakesTheTimesAlong) {
  Go({}, 100);
  EXPECT_EQ(Ask({"state", "drop", state(), "visits", "--yes"}).code, 0);
  EXPECT_EQ(Ask({"state", "dump", state(), "visits-last-write"}).code, 1);
  ExpectSound();
  Go({}, 120);
  const std::string visits = Dump("visits");
  EXPECT_THAT(visits, HasSubstr("user0\t2\n")) << "only what came since";
}

TEST_F(ExpiringDirectoryTest, AListShowsForHowLongAndMetricsCountWhatExpired) {
  auto run = Start({}, 100, "127.0.0.1:0");
  ASSERT_TRUE(run.ok()) << run.status();
  EXPECT_TRUE((*run)->AwaitEnd().ok());
  const std::string address = (*run)->address();
  const Ended list = Ask({"--address", address, "state", "list"});
  EXPECT_THAT(list.out, HasSubstr("int64 for 3600 s"));
  EXPECT_THAT(list.out, HasSubstr("visits-last-write"));
  const Ended json = Ask({"--address", address, "-o", "json", "state", "list"});
  EXPECT_THAT(json.out, HasSubstr("\"expire_after_micros\":3600000000"));
  const Ended metrics = Ask({"--address", address, "metrics"});
  EXPECT_THAT(metrics.out, HasSubstr("trident_state_keys_expired_total{state=\"visits\"} 0"));
  EXPECT_THAT(metrics.out, Not(HasSubstr("expired_total{state=\"visits-last-write\"")));
}

}  // namespace
}  // namespace trident
