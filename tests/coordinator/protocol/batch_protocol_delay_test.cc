// SPDX-License-Identifier: Apache-2.0
//
// How long a failed batch waits before it is made again.
#include <gtest/gtest.h>

#include <string>

#include "base/clock.h"
#include "tests/coordinator/protocol/batch_protocol_harness.h"

namespace trident {
namespace {

bool Contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

class BatchProtocolDelay : public ::testing::Test {
 protected:
  ProtocolHarness h;
};

TEST_F(BatchProtocolDelay, TheDelayDoublesUpToItsLimit) {
  h.config.retry_limit = 10;
  h.Start();
  Nanos now = 1000 * kSecond;
  for (const Nanos delay : {10, 20, 40, 80, 100, 100}) {
    h.At(now);
    h.Emitted(1, 0, 1);
    h.Failed(1);
    EXPECT_EQ(h.At(now), "") << "the delay starts at the next Tick";
    EXPECT_EQ(h.At(now + delay * kMillisecond - 1), "");
    EXPECT_TRUE(Contains(h.At(now + delay * kMillisecond), "begin 1:"));
    now += kSecond / 2;
  }
}

// A bad row among 20,000 takes 15 halvings; with a delay that doubles they took a minute.
TEST_F(BatchProtocolDelay, TheSearchForARowDoesNotWait) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.config.retry_limit = 3;
  h.config.limits = {64, 1 << 20};
  h.Start();
  const auto fail = [&](uint64_t rows) {
    h.Emitted(1, 0, rows);
    return h.Step(word::Failed{{h.config.group, TxId(1), h.attempt(1)}, Aborted("it threw")});
  };
  Nanos now = 1000 * kSecond;
  for (uint64_t rows = 64; rows > 1; rows /= 2) {
    EXPECT_TRUE(Contains(fail(rows), "begin 1:")) << rows;
    EXPECT_EQ(h.status().limits.rows, rows / 2);
  }
  for (const Nanos delay : {10, 20, 40}) {
    fail(1);
    EXPECT_EQ(h.At(now), "") << "the row alone gets its time";
    EXPECT_EQ(h.At(now + delay * kMillisecond - 1), "");
    now += delay * kMillisecond;
    EXPECT_TRUE(Contains(h.At(now), "begin 1:"));
  }
}

TEST_F(BatchProtocolDelay, WhatIsAwayIsGivenTimeBeforeRowsAreSuspected) {
  h.config.policy = FailurePolicy::kDeadLetter;
  h.Start();
  const Nanos now = 1000 * kSecond;
  h.At(now);
  h.Emitted(1, 0, 100);
  h.Step(word::Failed{{h.config.group, TxId(1), h.attempt(1)}, Unavailable("away for a moment")});
  EXPECT_EQ(h.At(now), "");
  EXPECT_EQ(h.At(now + 10 * kMillisecond - 1), "");
  EXPECT_TRUE(Contains(h.At(now + 10 * kMillisecond), "begin 1:"));
}

TEST_F(BatchProtocolDelay, ATimerIsAskedForTheDelay) {
  h.Start();
  h.At(kSecond / 2);
  h.Emitted(1, 0, 1);
  h.Failed(1);
  EXPECT_EQ(h.timer(), kSecond / 2) << "a Tick at once, to start the delay";
  h.At(kSecond / 2);
  EXPECT_EQ(h.timer(), kSecond / 2 + 10 * kMillisecond);
}

}  // namespace
}  // namespace trident
