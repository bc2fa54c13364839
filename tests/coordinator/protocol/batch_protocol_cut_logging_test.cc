// SPDX-License-Identifier: Apache-2.0
//
// Cuts that are made durable before anyone may stage them, and are then repeated exactly.
#include <gtest/gtest.h>

#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

using word::Remaining;

constexpr EmitterId kExact{SpoutId(0), 0};
constexpr EmitterId kOpaque{SpoutId(1), 0};

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}
bool Halted(const std::string& text) { return Contains(text, "halt: "); }

class BatchProtocolCutLogging : public ::testing::Test {
 protected:
  BatchProtocolCutLogging() { h.config.cut_logging = CutLogging::kBeforeStage; }
  ProtocolHarness h;
};

TEST_F(BatchProtocolCutLogging, NoWorkerMayStageBeforeTheCutIsDurable) {
  h.Start();
  EXPECT_EQ(h.Emitted(1, 0, 10), "log cut 1:5.1 [0/0 p[,10)]");
  EXPECT_EQ(h.status().in_flight[0].phase, BatchPhase::kLoggingCut);
  EXPECT_EQ(h.CutLogged(1), "permit 1:5.1");
}

TEST_F(BatchProtocolCutLogging, CutsAreLoggedInOrder) {
  h.Start();
  EXPECT_TRUE(Contains(h.Emitted(1, 0, 10, Remaining::kMore), "begin 2:5.1"));
  EXPECT_EQ(h.Emitted(2, 10, 20), "");
  EXPECT_EQ(h.CutLogged(1), "permit 1:5.1; log cut 2:5.1 [0/0 p[10,20)]");
  EXPECT_EQ(h.CutLogged(2), "permit 2:5.1");
}

TEST_F(BatchProtocolCutLogging, AReportOfACutThatWasNotToBeLoggedHalts) {
  h.Start();
  EXPECT_TRUE(Halted(h.CutLogged(1)));
}

TEST_F(BatchProtocolCutLogging, AnUnknownOutcomeOfLoggingACutHalts) {
  h.Start();
  h.Emitted(1, 0, 10);
  const std::string text =
      h.Step(batch_event::CutLogged{{kGroup, TxId(1), h.attempt(1)}, Internal("EIO")});
  EXPECT_TRUE(Halted(text) && Contains(text, "its outcome is unknown")) << text;
}

TEST_F(BatchProtocolCutLogging, ALoggedCutIsRepeatedExactlyAndNeverShrinks) {
  h.config.retry_limit = 5;
  h.Start();
  h.Emitted(1, 0, 10);
  h.CutLogged(1);
  for (int i = 2; i < 5; ++i) {
    h.Failed(1);
    EXPECT_TRUE(Contains(h.AfterTheDelay(), "emit 1:5.")) << i;
    EXPECT_TRUE(Contains(ToText(h.actions()[1]), "0/0 exact 0/0 p[,10)"));
    EXPECT_TRUE(Contains(h.Emitted(1, 0, 10), "permit 1:5.")) << "it need not be logged again";
  }
  EXPECT_EQ(h.VotedByAll(1), "decide 1:5.4");
}

TEST_F(BatchProtocolCutLogging, ARepetitionThatDiffersHaltsAsDataLoss) {
  const auto repeats = [](auto change) {
    ProtocolHarness h;
    h.config.cut_logging = CutLogging::kBeforeStage;
    h.Start();
    h.Emitted(1, 0, 10);
    h.CutLogged(1);
    h.Failed(1);
    h.AfterTheDelay();
    std::vector<SourceRange> ranges = {Range({}, "p", 0, 10)};
    change(ranges);
    h.Step(word::Emitted{
        {kGroup, TxId(1), h.attempt(1)}, kExact, Incarnation(1), ranges, Remaining::kExhausted});
    return h.status().halted;
  };
  EXPECT_TRUE(repeats([](auto&) {}).ok());
  EXPECT_EQ(repeats([](auto& r) { r[0].end = "9"; }).code(), StatusCode::kDataLoss);
  EXPECT_EQ(repeats([](auto& r) { r[0].rows = 9; }).code(), StatusCode::kDataLoss);
  EXPECT_EQ(repeats([](auto& r) { ++r[0].checksum; }).code(), StatusCode::kDataLoss);
  EXPECT_EQ(repeats([](auto& r) { r.clear(); }).code(), StatusCode::kDataLoss);
  EXPECT_EQ(repeats([](auto& r) { r.push_back(Range({}, "q", 0, 1)); }).code(),
            StatusCode::kDataLoss);
}

TEST_F(BatchProtocolCutLogging, BeforeTheCutIsLoggedARetryIsANewCut) {
  h.Start();
  h.Failed(1);
  EXPECT_TRUE(Contains(h.AfterTheDelay(), "emit 1:5.2 0/0 new 50 rows"));
}

TEST_F(BatchProtocolCutLogging, AnUnansweredLogRequestCountsAsLoggedAndIsRepeated) {
  h.Start();
  h.Emitted(1, 0, 10);
  const Attempt old = h.attempt(1);
  h.Failed(1);
  EXPECT_TRUE(Contains(h.AfterTheDelay(), "exact 0/0 p[,10)"));
  EXPECT_EQ(h.Emitted(1, 0, 10), "log cut 1:5.2 [0/0 p[,10)]") << "it may not be durable yet";
  EXPECT_EQ(h.Step(batch_event::CutLogged{{kGroup, TxId(1), old}, absl::OkStatus()}),
            "stale cut logged 1:5.1 now 5.2");
  EXPECT_EQ(h.CutLogged(1), "permit 1:5.2");
}

TEST_F(BatchProtocolCutLogging, CutsOfAnEarlierStartAreRepeatedExactly) {
  h.recovered = {Epoch(6),
                 TxId(3),
                 Attempt{Epoch(5), 1},
                 {{SpoutId(0), {"p", "30"}}},
                 {{TxId(4), {Range({}, "p", 30, 40)}}, {TxId(5), {Range({}, "p", 40, 45)}}}};
  EXPECT_EQ(h.Start(), "begin 4:6.1 after 5.1 [0/0]; emit 4:6.1 0/0 exact 0/0 p[30,40)");
  EXPECT_EQ(h.Emitted(4, 30, 40),
            "permit 4:6.1; begin 5:6.1 after 6.1 [0/0]; emit 5:6.1 0/0 exact 0/0 p[40,45)");
  EXPECT_EQ(h.Emitted(5, 40, 45),
            "permit 5:6.1; begin 6:6.1 after 6.1 [0/0]; emit 6:6.1 0/0 new 100 rows from p@45");
}

TEST_F(BatchProtocolCutLogging, CutsOfAnEarlierStartAreRepeatedAlsoIfCutsAreNoLongerLogged) {
  h.config.cut_logging = CutLogging::kNone;
  h.recovered = {Epoch(6),
                 TxId(3),
                 Attempt{Epoch(5), 1},
                 {{SpoutId(0), {"p", "30"}}},
                 {{TxId(4), {Range({}, "p", 30, 40)}}}};
  EXPECT_EQ(h.Start(), "begin 4:6.1 after 5.1 [0/0]; emit 4:6.1 0/0 exact 0/0 p[30,40)");
}

TEST_F(BatchProtocolCutLogging, ALoggedCutWaitsForItsEmitter) {
  h.Start();
  h.Emitted(1, 0, 10);
  h.CutLogged(1);
  h.Step(batch_event::EmitterLost{kExact, Incarnation(1)});
  h.Failed(1);
  EXPECT_EQ(h.AfterTheDelay(), "");
  EXPECT_EQ(h.status().gate, EmitGate::kEmitterAbsent);
  EXPECT_TRUE(Contains(h.Step(word::EmitterStarted{kExact, Incarnation(2)}), "exact"));
}

TEST_F(BatchProtocolCutLogging, ALoggedCutIsNotDivertedAndHaltsAfterTheRetries) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.config.retry_limit = 1;
  h.Start();
  h.Emitted(1, 0, 1);
  h.CutLogged(1);
  EXPECT_FALSE(Halted(h.Failed(1)));
  h.AfterTheDelay();
  h.Emitted(1, 0, 1);
  const std::string text = h.Failed(1);
  EXPECT_TRUE(Halted(text) && Contains(text, "no row of it can be diverted")) << text;
}

class BatchProtocolMixedCuts : public BatchProtocolCutLogging {
 protected:
  BatchProtocolMixedCuts() {
    h.config.spouts = {{SpoutId(0), SpoutKind::kTransactional, 1},
                       {SpoutId(1), SpoutKind::kOpaque, 1}};
  }
  std::string OpaqueEmitted(uint64_t txid, std::vector<SourceRange> ranges) {
    return h.Step(word::Emitted{{kGroup, TxId(txid), h.attempt(txid)},
                                kOpaque,
                                Incarnation(1),
                                std::move(ranges),
                                Remaining::kExhausted});
  }
};

TEST_F(BatchProtocolMixedCuts, OnlyTheTransactionalPartIsLoggedAndTheOtherMayDiffer) {
  h.Start();
  h.Emitted(1, {Range(kExact, "p", 0, 10)});
  EXPECT_EQ(OpaqueEmitted(1, {Range(kOpaque, "q", 0, 7)}), "log cut 1:5.1 [0/0 p[,10)]");
  h.CutLogged(1);
  h.Failed(1);
  EXPECT_EQ(h.AfterTheDelay(),
            "begin 1:5.2 after 0.0 [0/0 1/0]; emit 1:5.2 0/0 exact 0/0 p[,10); "
            "emit 1:5.2 1/0 new 90 rows from q@")
      << "what is repeated counts towards the limit";
  h.Emitted(1, {Range(kExact, "p", 0, 10)});
  EXPECT_EQ(OpaqueEmitted(1, {Range(kOpaque, "q", 0, 3)}), "permit 1:5.2");
}

TEST_F(BatchProtocolMixedCuts, ACutWithoutTransactionalRowsIsACutToo) {
  h.Start();
  h.Emitted(1, {});
  EXPECT_EQ(OpaqueEmitted(1, {Range(kOpaque, "q", 0, 7)}), "log cut 1:5.1 []");
  h.CutLogged(1);
  h.InputReady(kExact);
  h.Emitted(2, {Range(kExact, "p", 0, 3)});
  h.CutLogged(2);
  h.Failed(1);
  EXPECT_EQ(h.AfterTheDelay(), "begin 1:5.2 after 0.0 [1/0]; emit 1:5.2 1/0 new 100 rows from q@")
      << "rows of the transactional spout belong to txid 2 for good";
  // The opaque rows are gone; txid 1 is decided without any, or txid 2 could never be.
  EXPECT_TRUE(Contains(OpaqueEmitted(1, {}), "permit 1:5.2"));
  EXPECT_EQ(h.VotedByAll(1), "decide 1:5.2");
}

TEST_F(BatchProtocolMixedCuts, AnEmptyLoggedCutNeedsNobodyToEmit) {
  h.recovered = {Epoch(6), TxId(3), Attempt{Epoch(5), 1}, {}, {{TxId(4), {}}}};
  auto made = BatchProtocol::Create(h.config, h.recovered);
  ASSERT_TRUE(made.ok());
  std::vector<BatchAction> out;
  for (uint32_t w : {0u, 1u}) {
    (*made)->Step(word::WorkerJoined{WorkerId(w), Incarnation(1), TxId(3)}, out);
  }
  ASSERT_GE(out.size(), 2u);
  EXPECT_EQ(ToText(out[0]), "begin 4:6.1 after 5.1 []");
  EXPECT_EQ(ToText(out[1]), "permit 4:6.1");
}

}  // namespace
}  // namespace trident
