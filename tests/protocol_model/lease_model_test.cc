// SPDX-License-Identifier: Apache-2.0
//
// Simulated histories of read leases: a leader with its workers, each with a clock of its own rate,
// and messages that are lost, late, repeated and out of order. At some moment another leader takes
// over. Some workers are cut off and do not promise; those may serve no more when the new leader
// has waited as long as a worker that promised said. Beside them, the rules in a few steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "base/rng.h"
#include "coordinator/protocol/read_lease.h"
#include "tests/protocol_model/play.h"

namespace trident::model {
namespace {

constexpr uint64_t kHistories = 2'000;  // if unset
constexpr Epoch kEpoch(3);
constexpr double kRateOff = 0.02;

struct Outcome {
  bool stale_read = false;
  uint64_t served = 0;
  uint64_t refused = 0;
};

class LeaseWorld {
 public:
  explicit LeaseWorld(uint64_t seed) : rng_(Mix64(seed ^ 0x1EA5E)) {
    std::vector<WorkerId> ids;
    const uint64_t workers = 2 + rng_.Below(4);
    for (uint32_t w = 0; w < workers; ++w) ids.push_back(WorkerId(w));
    for (WorkerId id : ids) {
      workers_.push_back({std::make_unique<ReadLease>(kEpoch, id), MakeClock()});
    }
    rounds_ = std::make_unique<LeaseRounds>(kEpoch, ids);
    leader_ = MakeClock();
    successor_ = MakeClock();
    lost_ = rng_.Chance(0.5) ? 0 : 0.5 * rng_.Unit();
    late_ = rng_.Chance(0.5) ? 0 : 0.5 * rng_.Unit();
  }

  Outcome Run() {
    const Nanos taken_over = static_cast<Nanos>(rng_.Below(4 * kSecond));
    // The old leader goes on; it cannot know.
    After(0, [this] { Lead(); });
    After(taken_over, [this] { TakeOver(); });
    for (size_t w = 0; w < workers_.size(); ++w) Serve(w);
    for (; !plans_.empty() && plans_.top().at < taken_over + 3 * kSecond;) {
      const Plan plan = plans_.top();
      plans_.pop();
      now_ = plan.at;
      plan.what();
    }
    return outcome_;
  }

 private:
  struct ClockOf {
    double rate = 1;
    Nanos start = 0;
  };
  struct Party {
    std::unique_ptr<ReadLease> lease;
    ClockOf clock;
  };
  struct Plan {
    Nanos at;
    uint64_t order;
    std::function<void()> what;
    bool operator<(const Plan& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  ClockOf MakeClock() {
    const double off = rng_.Chance(0.5) ? 1 : rng_.Unit();
    return {rng_.Chance(0.5) ? 1 + off * kRateOff : 1 - off * kRateOff,
            static_cast<Nanos>(rng_.Below(1000 * kSecond))};
  }
  Nanos On(const ClockOf& clock) const {
    return clock.start + static_cast<Nanos>(static_cast<double>(now_) * clock.rate);
  }
  void After(Nanos delay, std::function<void()> what) {
    plans_.push({now_ + delay, ++order_, std::move(what)});
  }
  void Send(const std::function<void()>& deliver) {
    if (rng_.Chance(lost_)) return;
    for (int copies = rng_.Chance(0.1) ? 2 : 1; copies > 0; --copies) {
      const uint64_t most = rng_.Chance(late_) ? 700 * kMillisecond : 2 * kMillisecond;
      After(static_cast<Nanos>(rng_.Below(most)), deliver);
    }
  }

  void Lead() {
    std::vector<std::pair<WorkerId, word::LeaseRound>> out;
    rounds_->Tick(On(leader_), out);
    for (const auto& [to, word] : out) {
      Send([this, worker = &workers_[to.value()], word = word] {
        for (const word::LeaseAcknowledged& answer : worker->lease->Hear(word, On(worker->clock))) {
          Send([this, answer] { rounds_->Hear(answer); });
        }
      });
    }
    After(10 * kMillisecond, [this] { Lead(); });
  }

  // Only some promise; the shortest answer is enough.
  void TakeOver() {
    const uint64_t promises = 1 + rng_.Below(workers_.size() - 1);
    std::optional<Nanos> left;
    for (size_t w = 0; w < promises; ++w) {
      ReadLease& lease = *workers_[w].lease;
      lease.Promise();
      const Nanos its = lease.Left(On(workers_[w].clock));
      left = left ? std::min(*left, its) : its;
    }
    AwaitThenPublish(On(successor_) + *left);
  }

  void AwaitThenPublish(Nanos at) {
    if (On(successor_) < at) return After(kMillisecond, [this, at] { AwaitThenPublish(at); });
    // From now on there is something newer than what the old epoch's workers have.
    is_published_ = true;
  }

  void Serve(size_t w) {
    const Party& worker = workers_[w];
    const bool serves = worker.lease->IsValid(On(worker.clock));
    ++(serves ? outcome_.served : outcome_.refused);
    if (serves && is_published_) outcome_.stale_read = true;
    After(static_cast<Nanos>(1 + rng_.Below(3 * kMillisecond)), [this, w] { Serve(w); });
  }

  Rng rng_;
  Nanos now_ = 0;
  uint64_t order_ = 0;
  std::priority_queue<Plan> plans_;
  std::vector<Party> workers_;
  std::unique_ptr<LeaseRounds> rounds_;
  ClockOf leader_, successor_;
  double lost_ = 0;
  double late_ = 0;
  bool is_published_ = false;
  Outcome outcome_;
};

bool Holds(uint64_t seed) {
  if (!LeaseWorld(seed).Run().stale_read) return true;
  ADD_FAILURE() << "seed " << seed << ": I4: a worker that was left behind serves as the latest "
                << "what is not";
  return false;
}

TEST(ReadLeaseModel, NobodyServesTheLatestAfterANewerEpochPublished) {
  PlayAll(1, (Histories(kHistories) + 1) / 2, Holds);
}

TEST(ReadLeaseModel, NorInNewHistories) { PlayNew(Histories(kHistories) / 2, Holds); }

TEST(ReadLeaseModel, WhileTheNetworkIsGoodReadsAreServed) {
  Outcome sum;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const Outcome outcome = LeaseWorld(seed).Run();
    sum.served += outcome.served;
    sum.refused += outcome.refused;
  }
  EXPECT_GT(sum.served, 20'000u);
  EXPECT_GT(sum.refused, 20'000u);
}

// ---- a few steps ----

constexpr WorkerId kMe(0);

TEST(ReadLeaseModel, ALeaseCountsFromTheRoundBeforeTheOneThatIsComplete) {
  ReadLease lease(kEpoch, kMe);
  EXPECT_EQ(lease.Hear({kEpoch, 1}, 1 * kSecond).size(), 1u);
  EXPECT_FALSE(lease.IsValid(1 * kSecond));
  lease.Hear({kEpoch, 2}, 1 * kSecond + 100 * kMillisecond);
  EXPECT_FALSE(lease.IsValid(1 * kSecond + 100 * kMillisecond)) << "others may not know round 2";
  lease.Hear({kEpoch, 3}, 1 * kSecond + 200 * kMillisecond);
  EXPECT_TRUE(lease.IsValid(1 * kSecond + 499 * kMillisecond));
  EXPECT_FALSE(lease.IsValid(1 * kSecond + 500 * kMillisecond));
}

TEST(ReadLeaseModel, ARoundThatIsHeardAgainProlongsNothing) {
  ReadLease lease(kEpoch, kMe);
  for (uint64_t round : {1, 2, 3}) lease.Hear({kEpoch, round}, kSecond);
  EXPECT_EQ(lease.Hear({kEpoch, 3}, 2 * kSecond).size(), 1u) << "the answer may have been lost";
  EXPECT_TRUE(lease.Hear({kEpoch, 2}, 2 * kSecond).empty()) << "late";
  EXPECT_TRUE(lease.Hear({Epoch(2), 9}, 2 * kSecond).empty()) << "of another epoch";
  EXPECT_FALSE(lease.IsValid(2 * kSecond));
  EXPECT_EQ(lease.Left(kSecond + 421 * kMillisecond), 100 * kMillisecond);
}

TEST(ReadLeaseModel, APromiseEndsTheLease) {
  ReadLease lease(kEpoch, kMe);
  for (uint64_t round : {1, 2, 3}) lease.Hear({kEpoch, round}, kSecond);
  ASSERT_TRUE(lease.IsValid(kSecond));
  lease.Promise();
  EXPECT_FALSE(lease.IsValid(kSecond));
  EXPECT_TRUE(lease.Hear({kEpoch, 4}, kSecond).empty());
  EXPECT_EQ(lease.Left(kSecond), 521 * kMillisecond);
}

TEST(ReadLeaseModel, ARoundStartsWhenAllHaveAcknowledgedTheOneBefore) {
  LeaseRounds rounds(kEpoch, {WorkerId(0), WorkerId(1)});
  std::vector<std::pair<WorkerId, word::LeaseRound>> out;
  EXPECT_EQ(rounds.Tick(kSecond, out), kSecond + 100 * kMillisecond);
  EXPECT_EQ(out.size(), 2u);
  rounds.Hear({kEpoch, 1, WorkerId(0)});
  rounds.Hear({Epoch(2), 1, WorkerId(1)});
  out.clear();
  rounds.Tick(kSecond + 50 * kMillisecond, out);
  EXPECT_TRUE(out.empty()) << "not every few milliseconds";
  rounds.Tick(kSecond + 100 * kMillisecond, out);
  ASSERT_EQ(out.size(), 1u) << "the one that has not answered is told again";
  EXPECT_EQ(out[0].first, WorkerId(1));
  EXPECT_EQ(out[0].second.round, 1u);
  rounds.Hear({kEpoch, 1, WorkerId(1)});
  rounds.Tick(kSecond + 200 * kMillisecond, out);
  EXPECT_EQ(rounds.round(), 2u);
}

}  // namespace
}  // namespace trident::model
