// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_leader.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "state/disk/memory_store.h"
#include "state/disk/store_identity.h"
#include "trident/functions/aggregators.h"
#include "trident/spouts/generator_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};

Plan CountWords(const std::vector<std::string>& streams) {
  Topology topology("words");
  for (const std::string& stream : streams) {
    auto spout =
        GeneratorSpout::Make(Fields(kWord), {.partitions = 1, .rows_per_partition = 1, .seed = 7},
                             [](const GeneratedRow&, Emit<Text>& emit) { emit("a word"); });
    topology.NewStream(stream, *std::move(spout))
        .GroupBy(kWord)
        .PersistentAggregate(StateOptions{.name = stream + "-counts"}, Count(), kCount);
  }
  return *MakePlan(*topology.Build(), {.executors = 1});
}

// The leader of one worker, without threads, over a record that outlives it.
class ClusterLeaderTest : public testing::Test, private CoordinatorEvents {
 protected:
  ClusterLeaderTest() : epochs_(disk_) {
    WriteSet owner;
    PutOwner({.topology = "words"}, owner);
    EXPECT_TRUE(disk_.Write(owner, Durability::kSynced).ok());
  }
  void Begin(const std::vector<std::string>& streams) {
    failed_ = absl::OkStatus();
    ClusterLeader leader(CountWords(streams), {},
                         {.workers = 1,
                          .life = Incarnation(1),
                          .epochs = &epochs_,
                          .tell = [](WorkerId, const LeaderWord&) {},
                          .events = this,
                          .changed = [] {},
                          .failed = [this](const Status& cause) { failed_ = cause; }});
    while (leader.RunOnce()) {
    }
  }
  EpochRecord Record() { return *epochs_.Read(); }

  void OnHalted(GroupId, const Status&) override {}
  void OnDrained(GroupId, TxId) override {}
  void OnIdle(GroupId) override {}

  MemoryStore disk_;
  StoredEpoch epochs_;
  Status failed_;
};

TEST_F(ClusterLeaderTest, EachStartBeginsAnEpoch) {
  Begin({"a", "b"});
  EXPECT_TRUE(failed_.ok()) << failed_;
  EXPECT_EQ(Record().epoch, Epoch(1));
  Begin({"a", "b"});
  EXPECT_EQ(Record().epoch, Epoch(2));
  EXPECT_EQ(Record().groups.size(), 2u);
}

TEST_F(ClusterLeaderTest, AVersionWithOneStreamMoreHasItsGroupToo) {
  Begin({"a"});
  Begin({"a", "b"});
  EXPECT_TRUE(failed_.ok()) << failed_;
  EXPECT_EQ(Record().groups.size(), 2u);
}

TEST_F(ClusterLeaderTest, AVersionWithoutAStreamIsRefusedAndNothingIsChanged) {
  Begin({"a", "b"});
  const EpochRecord before = Record();
  Begin({"a"});
  EXPECT_TRUE(absl::IsFailedPrecondition(failed_)) << failed_;
  EXPECT_NE(Message(failed_).find("batch group 2"), std::string::npos) << failed_;
  EXPECT_EQ(EncodeEpochRecord(Record()), EncodeEpochRecord(before));
  // The version before goes on.
  Begin({"a", "b"});
  EXPECT_TRUE(failed_.ok()) << failed_;
}

}  // namespace
}  // namespace trident
