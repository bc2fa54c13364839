// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "state/disk/memory_store.h"
#include "trident/functions/aggregators.h"
#include "trident/spouts/generator_spout.h"
#include "trident/topology.h"

namespace trident {
namespace {

constexpr Field<Text> kWord{"word"};
constexpr Field<int64_t> kCount{"count"};
constexpr GroupId kGroup{1};
constexpr Epoch kEpoch{1};

Plan CountWords() {
  Topology topology("words");
  auto spout =
      GeneratorSpout::Make(Fields(kWord), {.partitions = 1, .rows_per_partition = 1, .seed = 7},
                           [](const GeneratedRow&, Emit<Text>& emit) { emit("a word"); });
  topology.NewStream("words", *std::move(spout))
      .GroupBy(kWord)
      .PersistentAggregate(StateOptions{.name = "counts"}, Count(), kCount);
  return *MakePlan(*topology.Build(), {.executors = 1, .several_processes = true});
}

// The only worker of a cluster, without threads, and what it says.
class ClusterWorkerTest : public testing::Test {
 protected:
  void Open() {
    worker_ = *ClusterWorker::Open(CountWords(), {},
                                   {.worker = WorkerId(0),
                                    .life = Incarnation(1),
                                    .store = &disk_,
                                    .states = {},
                                    .connect = [this](Epoch, const auto&) { return connected_; },
                                    .tell = [this](WorkerWord word) { said_.push_back(word); },
                                    .failed = [this](const Status& cause) { failed_ = cause; }});
    ASSERT_TRUE(worker_->ClaimStore().ok());
  }
  // Until an epoch in which nothing was decided has been settled. The log comes to be written.
  void Settle() {
    worker_->Hear(word::PromiseAsked{kEpoch});
    while (worker_->WriteOnce()) {
    }
    worker_->Hear(word::WriteLog{kEpoch, {{.group = kGroup, .log = {}}}});
    if (is_welcome_) worker_->Hear(Welcome{kEpoch, {}, {{SpoutId(0), {"0"}}}});
    worker_->Hear(word::Settled{kEpoch, {{.group = kGroup, .decided = TxId(), .attempts = {}}}});
  }
  void Work() {
    while (worker_->WriteOnce() || worker_->ChangeEpochOnce()) {
    }
  }

  bool HasPromised(Epoch epoch) const {
    return std::any_of(said_.begin(), said_.end(), [&](const WorkerWord& word) {
      const auto* promised = std::get_if<word::Promised>(&word);
      return promised != nullptr && promised->epoch == epoch;
    });
  }

  MemoryStore disk_;
  bool is_welcome_ = true;
  Status connected_;
  std::vector<WorkerWord> said_;
  Status failed_;
  std::unique_ptr<ClusterWorker> worker_;
};

TEST_F(ClusterWorkerTest, BeginsAnEpochThatIsSettled) {
  Open();
  Settle();
  Work();
  EXPECT_EQ(worker_->working_in(), kEpoch);
  EXPECT_TRUE(failed_.ok()) << failed_;
}

// The leader would wait for it for ever.
TEST_F(ClusterWorkerTest, FailsIfItCannotConnectInAnEpochThatGoesOn) {
  connected_ = Unavailable("the port is lost");
  Open();
  Settle();
  Work();
  EXPECT_EQ(worker_->working_in(), Epoch());
  EXPECT_EQ(failed_, connected_);
}

// A source partition that each worker counts from a list of its own has two readers, or none.
TEST_F(ClusterWorkerTest, ReadsNothingBeforeItIsToldWhatThereIs) {
  is_welcome_ = false;
  Open();
  Settle();
  Work();
  EXPECT_EQ(worker_->working_in(), Epoch());
  EXPECT_TRUE(absl::IsInternal(failed_)) << failed_;
}

// Who hears of the promise may list the sources, and learns what the executors were doing.
TEST_F(ClusterWorkerTest, TellsItsPromiseWhenTheExecutorsHaveEnded) {
  Open();
  Settle();
  Work();
  worker_->Hear(word::PromiseAsked{kEpoch.Next()});
  while (worker_->WriteOnce()) {
  }
  EXPECT_FALSE(HasPromised(kEpoch.Next()));
  EXPECT_TRUE(worker_->ChangeEpochOnce());
  EXPECT_TRUE(HasPromised(kEpoch.Next()));
}

TEST_F(ClusterWorkerTest, FailsWhenItIsToldToPublishWhatItHasNotApplied) {
  Open();
  Settle();
  Work();
  const BatchId id{kGroup, TxId(1), {kEpoch, 1}};
  worker_->Hear(GroupWordToWorker{kEpoch, kGroup, word::Publish{id}});
  EXPECT_TRUE(absl::IsInternal(failed_)) << failed_;
}

}  // namespace
}  // namespace trident
