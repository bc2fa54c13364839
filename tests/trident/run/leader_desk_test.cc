// SPDX-License-Identifier: Apache-2.0
//
// What the leader's end of the links learns from the words that pass it.
#include "trident/run/parts/leader_desk.h"
#include "base/clock.h"

#include <gtest/gtest.h>

#include <vector>

namespace trident {
namespace {

constexpr GroupId kGroup(1);
constexpr WorkerId kFirst(0), kSecond(1);
constexpr EmitterId kEmitter{SpoutId(0), 0};

class Workers final : public WorkerLink {
 public:
  void Tell(WordToWorker word) override {
    if (const auto* publish = std::get_if<word::Publish>(&word)) published.push_back(publish->id);
  }
  std::vector<BatchId> published;
};

class LeaderDeskTest : public testing::Test {
 protected:
  LeaderDeskTest()
      : desk_({.workers = {kFirst, kSecond}, .emitters = 1, .changed = [this] { ++changes_; }}) {
    desk_.Connect(&coordinator_, &workers_);
  }
  static BatchId Id(uint64_t txid) { return {kGroup, TxId(txid), {Epoch(1), 3}}; }
  void Decide(uint64_t txid) { desk_.Tell(word::Apply{Id(txid)}); }
  void Applied(WorkerId worker, uint64_t txid) {
    desk_.Tell(kGroup, word::Applied{TxId(txid), worker, Incarnation(1)});
  }

  BatchCoordinator coordinator_{BatchCoordinator::Options{}};
  Workers workers_;
  int changes_ = 0;
  LeaderDesk desk_;
};

TEST_F(LeaderDeskTest, ABatchIsPublishedWhenTheLastWorkerHasAppliedIt) {
  Decide(1);
  Decide(2);
  Applied(kFirst, 1);
  Applied(kFirst, 2);
  EXPECT_TRUE(workers_.published.empty());
  Applied(kSecond, 1);
  EXPECT_EQ(workers_.published, std::vector<BatchId>{Id(1)});
  Applied(kSecond, 2);
  EXPECT_EQ(workers_.published, (std::vector<BatchId>{Id(1), Id(2)}));
}

TEST_F(LeaderDeskTest, WhatAWorkerAppliedAtOnceIsPublishedOneByOneAndOnce) {
  for (uint64_t txid = 1; txid <= 3; ++txid) Decide(txid);
  Applied(kFirst, 3);
  Applied(kSecond, 3);
  Applied(kSecond, 3);
  EXPECT_EQ(workers_.published, (std::vector<BatchId>{Id(1), Id(2), Id(3)}));
}

TEST_F(LeaderDeskTest, AllHasEndedWhenEverySourceHasUnlessThereIsInputAgain) {
  EXPECT_FALSE(desk_.AllEnded());
  desk_.Tell(kGroup, word::InputEnded{kEmitter});
  EXPECT_TRUE(desk_.AllEnded());
  EXPECT_EQ(changes_, 1) << "whoever waits for the end looks again";
  desk_.Tell(kGroup, word::InputReady{kEmitter, Incarnation(1)});
  EXPECT_FALSE(desk_.AllEnded());
}

}  // namespace
}  // namespace trident
