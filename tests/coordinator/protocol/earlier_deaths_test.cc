// SPDX-License-Identifier: Apache-2.0
//
// Processes that end in the program's code: what the next start makes of it.
#include "coordinator/protocol/earlier_deaths.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/limits.h"
#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

using Fate = EarlierDeaths::Fate;
using word::EmitMode;

const RowPlace kRow{{}, {"p", "7"}};

class EarlierDeathsTest : public testing::Test {
 protected:
  EarlierDeathsTest() {
    config.limits = {100, 1000};
    config.retry_limit = 2;
    config.policy = FailurePolicy::kDeadLetter;
  }
  // A process that ended in `steps` after it had decided `last`.
  LastProcess Ended(uint64_t last, std::vector<std::string> steps = {"take"}) {
    LastProcess process;
    process.last_decided = TxId(last);
    process.steps = std::move(steps);
    process.cause = "while it worked";
    return process;
  }
  LastProcess EndedAt(uint64_t last, const RowPlace& row) {
    LastProcess process = Ended(last);
    process.the_row = row;
    return process;
  }
  void Next(const LastProcess& last) { deaths = JudgeDeaths(deaths, last, config); }

  GroupConfig config;
  std::optional<EarlierDeaths> deaths;
};

TEST_F(EarlierDeathsTest, AnEndOutsideOfTheProgramsCodeIsNone) {
  Next(Ended(3, {}));
  EXPECT_FALSE(deaths);
}

TEST_F(EarlierDeathsTest, OneEndMakesTheStartCarefulWithBatchesOfTheirSize) {
  Next(Ended(3));
  ASSERT_TRUE(deaths);
  EXPECT_EQ(deaths->fate, Fate::kCareful);
  EXPECT_EQ(deaths->rows_max, 100u);
}

TEST_F(EarlierDeathsTest, FurtherEndsInTheSameStepNarrowDownToOneRowAndDivertIt) {
  Next(Ended(3));
  Next(Ended(3));
  EXPECT_EQ(deaths->rows_max, 6u);
  Next(Ended(5));
  EXPECT_EQ(deaths->rows_max, 1u);
  EXPECT_FALSE(deaths->the_row);
  for (int i = 0; i < 2; ++i) {
    Next(EndedAt(6, kRow));
    EXPECT_EQ(deaths->fate, Fate::kSingle);
  }
  Next(EndedAt(6, kRow));
  EXPECT_EQ(deaths->fate, Fate::kDivert);
  EXPECT_EQ(deaths->the_row, kRow);
}

TEST_F(EarlierDeathsTest, EndsInOtherStepsAreEndsFromOutside) {
  Next(Ended(3, {"a", "b"}));
  Next(Ended(3, {"b", "c"}));
  EXPECT_EQ(deaths->rows_max, 6u);
  Next(Ended(3, {"c"}));
  EXPECT_EQ(deaths->rows_max, 100u) << "b was in all of them";
  EXPECT_EQ(deaths->deaths, 1u);
}

TEST_F(EarlierDeathsTest, ADecisionForgetsTheRow) {
  for (int i = 0; i < 5; ++i) Next(EndedAt(3, kRow));
  ASSERT_EQ(deaths->fate, Fate::kSingle);
  Next(Ended(4, {}));
  EXPECT_EQ(deaths->fate, Fate::kCareful);
  EXPECT_FALSE(deaths->the_row);
  Next(EndedAt(4, {{}, {"p", "8"}}));
  EXPECT_EQ(deaths->row_deaths, 1u);
}

TEST_F(EarlierDeathsTest, AfterEnoughDecisionsAllIsForgotten) {
  Next(Ended(3));
  Next(Ended(3 + kCarefulBatches - 1, {}));
  EXPECT_TRUE(deaths);
  Next(Ended(3 + kCarefulBatches, {}));
  EXPECT_FALSE(deaths);
}

TEST_F(EarlierDeathsTest, DivertingThatEndsTheProcessTooHalts) {
  for (int i = 0; i < 6; ++i) Next(EndedAt(3, kRow));
  ASSERT_EQ(deaths->fate, Fate::kDivert);
  for (int i = 0; i < 3; ++i) Next(EndedAt(3, kRow));
  EXPECT_EQ(deaths->fate, Fate::kHalt);
}

TEST_F(EarlierDeathsTest, UnderStopItHaltsAfterTheUsualAttemptsAndThenTriesAgain) {
  config.policy = FailurePolicy::kStop;
  for (int i = 0; i < 2; ++i) Next(Ended(3));
  EXPECT_EQ(deaths->fate, Fate::kCareful);
  Next(Ended(3));
  EXPECT_EQ(deaths->fate, Fate::kHalt);
  Next(Ended(3, {}));
  EXPECT_EQ(deaths->fate, Fate::kCareful);
  Next(Ended(3));
  EXPECT_EQ(deaths->fate, Fate::kHalt);
}

TEST_F(EarlierDeathsTest, ALoggedCutIsNeverDiverted) {
  for (int i = 0; i < 3; ++i) {
    LastProcess last = EndedAt(3, kRow);
    last.cut_is_logged = true;
    Next(last);
  }
  EXPECT_EQ(deaths->fate, Fate::kHalt);
  EXPECT_FALSE(deaths->the_row);
}

// The protocol does what was judged.
class CarefulProtocol : public testing::Test {
 protected:
  CarefulProtocol() {
    h.config.max_pending = 4;
    EarlierDeaths deaths;
    deaths.txid = TxId(1);
    deaths.deaths = 2;
    deaths.rows_max = 6;
    deaths.cause = "there";
    h.config.deaths = deaths;
  }
  const word::Emit* Emit() const {
    for (const BatchAction& action : h.actions()) {
      if (const auto* emit = std::get_if<word::Emit>(&action)) return emit;
    }
    return nullptr;
  }
  ProtocolHarness h;
};

TEST_F(CarefulProtocol, OneSmallBatchAtATimeUntilEnoughAreDecided) {
  h.Start();
  for (uint64_t txid = 1; txid <= kCarefulBatches; ++txid) {
    ASSERT_EQ(h.status().in_flight.size(), 1u);
    EXPECT_EQ(h.status().limits.rows, 6u);
    const std::string next = h.Emitted(txid, 6 * txid - 6, 6 * txid, word::Remaining::kMore);
    EXPECT_EQ(next.find("begin"), std::string::npos) << next;
    EXPECT_EQ(h.status().gate, EmitGate::kCareful);
    h.Commit(txid);
  }
  h.Emitted(kCarefulBatches + 1, 6 * kCarefulBatches, 6 * kCarefulBatches + 6,
            word::Remaining::kMore);
  EXPECT_EQ(h.status().in_flight.size(), 2u);
}

TEST_F(CarefulProtocol, ARunThatBeganCarefulIsIdleAtItsEnd) {
  h.Start();
  h.Emitted(1, 0, 3);
  h.Commit(1);
  EXPECT_TRUE(h.status().idle);
}

TEST_F(CarefulProtocol, TheRowIsDivertedAtOnce) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.config.deaths->the_row = RowPlace{{}, {"p", ""}};
  h.config.deaths->fate = Fate::kDivert;
  h.Start();
  ASSERT_NE(Emit(), nullptr);
  EXPECT_EQ(Emit()->mode, EmitMode::kDivert);
  EXPECT_NE(Emit()->cause.find("there"), std::string::npos);
}

// A hand has set the partition beyond the row, or let it be forgotten: nobody reads it at its
// place.
TEST_F(CarefulProtocol, ARowThatIsNotNextAnyMoreIsLeftAlone) {
  for (const std::vector<SpoutPosition>& now :
       {std::vector<SpoutPosition>{{SpoutId(0), {"p", "9"}}}, std::vector<SpoutPosition>{}}) {
    ProtocolHarness start;
    start.config = h.config;
    start.config.policy = FailurePolicy::kDeadLetter;
    start.config.deaths->the_row = RowPlace{{}, {"p", "4"}};
    start.config.deaths->fate = Fate::kDivert;
    start.config.deaths->txid = TxId(4);
    start.recovered.last_decided = TxId(3);
    start.recovered.last_attempt = {Epoch(4), 1};
    start.recovered.positions = now;
    start.Start();
    const auto emit = std::find_if(
        start.actions().begin(), start.actions().end(),
        [](const BatchAction& action) { return std::holds_alternative<word::Emit>(action); });
    ASSERT_NE(emit, start.actions().end());
    EXPECT_EQ(std::get<word::Emit>(*emit).mode, EmitMode::kNew);
  }
}

TEST_F(CarefulProtocol, AHopelessStartCutsNothingAndSaysWhere) {
  h.config.deaths->fate = Fate::kHalt;
  const std::string text = h.Start();
  EXPECT_NE(h.status().halted.ToString().find("stops at txid 1: 2 processes ended in it, the last "
                                              "one there. Everything up to txid 0 is committed"),
            std::string::npos)
      << h.status().halted;
  EXPECT_EQ(text.find("begin"), std::string::npos);
}

}  // namespace
}  // namespace trident
