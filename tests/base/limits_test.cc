// SPDX-License-Identifier: Apache-2.0
#include "base/limits.h"

#include <gtest/gtest.h>

namespace trident {
namespace {

// Limits of one folder that another's would break, were they changed alone.
TEST(LimitsTest, FitIntoEachOther) {
  EXPECT_LE(kKeyBytesMax + kValueBytesMax, kFrameBytesMax) << "a row must fit a frame";
  EXPECT_LE(kLineBytesMax, kValueBytesMax) << "a line must fit a value";
  EXPECT_LE(kScanPageBytesMax + kKeyBytesMax, kRpcMessageBytesMax) << "a page must fit a message";
  EXPECT_LE(kValueBytesMax, kRpcMessageBytesMax);
  EXPECT_LE(kDrpcArgumentBytesMax, kRpcMessageBytesMax);
  EXPECT_LE(kDrpcAnswerBytesMax, kRpcMessageBytesMax);
  EXPECT_LE(kDrpcBatchRequestsMax, kDrpcQueueMax);
  EXPECT_LE(kFoldRedoBytesDefault * 2, kRedoBytesMax) << "cutting must not stop while a fold runs";
  EXPECT_GT(kReadableVersions, static_cast<uint64_t>(kMaxPendingDefault));
}

TEST(LimitsTest, DefaultsStandWithinTheirBounds) {
  EXPECT_LE(kMaxPendingDefault, kMaxPendingMax);
  EXPECT_GE(kMemoryBytesDefault, kMemoryBytesMin);
  EXPECT_LE(kRetryDelayFirstMs, kRetryDelayMaxMs);
}

}  // namespace
}  // namespace trident
