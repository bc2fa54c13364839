// SPDX-License-Identifier: Apache-2.0
//
// The commit where the last vote is the decision: what a permit carries, and when an attempt that
// was permitted and cancelled is out of the way (rule 8).
#include <gtest/gtest.h>

#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

class BatchProtocolVotes : public ::testing::Test {
 protected:
  BatchProtocolVotes() { h.config.commit = CommitBy::kVotes; }
  // Txid 1 is permitted, fails, and is emitted again.
  void FailTheFirst() {
    h.Start();
    ASSERT_EQ(h.Emitted(1, 0, 10), "permit 1:5.1");
    h.Failed(1);
    h.AfterTheDelay();
    ASSERT_EQ(h.Emitted(1, 0, 5), "") << "emitted, and not permitted";
  }
  std::string Voided(uint64_t txid, Attempt attempt, uint32_t worker = 0, uint64_t life = 1) {
    return h.Step(word::Voided{{kGroup, TxId(txid), attempt}, WorkerId(worker), Incarnation(life)});
  }
  ProtocolHarness h;
};

TEST_F(BatchProtocolVotes, APermitSaysWhatTheBatchTakesFromItsSources) {
  h.Start();
  h.Emitted(1, 0, 10);
  const auto& permit = std::get<word::Permit>(h.actions().at(0));
  ASSERT_NE(permit.cut, nullptr);
  EXPECT_EQ(permit.cut->rows, 10u);
  EXPECT_EQ(permit.cut->rows_diverted, 0u);
  ASSERT_EQ(permit.cut->ranges.size(), 1u);
  EXPECT_EQ(ToText(permit.cut->ranges[0]), "0/0 p[,10)");
}

TEST_F(BatchProtocolVotes, InOneProcessAPermitIsAsLightAsItWas) {
  h.config.commit = CommitBy::kOneWrite;
  h.Start();
  h.Emitted(1, 0, 10);
  EXPECT_EQ(std::get<word::Permit>(h.actions().at(0)).cut, nullptr);
}

TEST_F(BatchProtocolVotes, TheNextAttemptIsPermittedWhenOneVoterHasVoidedTheLast) {
  FailTheFirst();
  EXPECT_EQ(Voided(1, {Epoch(5), 1}, 1), "permit 1:5.2");
  EXPECT_EQ(Voided(1, {Epoch(5), 1}, 0), "stale voided 1:5.1 now 5.2") << "one was enough";
}

TEST_F(BatchProtocolVotes, AVoidOfAnEarlierAttemptLifeOrEpochIsNone) {
  FailTheFirst();
  EXPECT_EQ(Voided(1, {Epoch(5), 0}), "stale voided 1:5.0 now 5.2");
  EXPECT_EQ(Voided(1, {Epoch(4), 9}), "stale voided 1:4.9 now 5.2");
  EXPECT_EQ(Voided(1, {Epoch(5), 1}, 0, 2), "stale voided 1:5.1 now 5.2");
  EXPECT_EQ(Voided(2, {Epoch(5), 1}), "stale voided 2:5.1");
  EXPECT_EQ(Voided(1, {Epoch(5), 2}), "permit 1:5.2") << "of a newer one: of all before it, too";
}

TEST_F(BatchProtocolVotes, WhatWasNeverPermittedNeedsNoVoid) {
  h.Start();
  h.Failed(1);
  h.AfterTheDelay();
  EXPECT_EQ(h.Emitted(1, 0, 5), "permit 1:5.2");
}

TEST_F(BatchProtocolVotes, InOneProcessNothingIsVoided) {
  h.config.commit = CommitBy::kOneWrite;
  h.Start();
  h.Emitted(1, 0, 10);
  h.Failed(1);
  h.AfterTheDelay();
  EXPECT_EQ(h.Emitted(1, 0, 5), "permit 1:5.2");
}

TEST_F(BatchProtocolVotes, BatchesBehindACancelledOneAreVoidedEach) {
  h.Start();
  h.Emitted(1, 0, 10, word::Remaining::kMore);
  ASSERT_EQ(h.Emitted(2, 10, 20), "permit 2:5.1");
  h.Failed(1);
  h.AfterTheDelay();
  h.Emitted(1, 0, 5, word::Remaining::kMore);
  EXPECT_EQ(Voided(1, {Epoch(5), 1}), "permit 1:5.2");
  h.VotedByAll(1);
  h.Written(1, 1);
  EXPECT_EQ(h.Emitted(2, 5, 10), "") << "its own old attempt is not void";
  EXPECT_EQ(Voided(2, {Epoch(5), 1}), "permit 2:5.2");
}

}  // namespace
}  // namespace trident
