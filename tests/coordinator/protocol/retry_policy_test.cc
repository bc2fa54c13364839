// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/retry_policy.h"

#include <gtest/gtest.h>

namespace trident {
namespace {

using Verdict = RetryPolicy::Verdict;

// The later batch has halved the limits down to one row, but the earlier one was cut before that.
TEST(RetryPolicyTest, ABatchOfSeveralRowsIsHalvedAlsoIfOneBehindItHasFailedBefore) {
  GroupConfig config;
  config.limits = {.rows = 8, .bytes = 1000};
  config.policy = FailurePolicy::kDeadLetter;
  config.retry_limit = 0;
  RetryPolicy policy(config);
  EXPECT_EQ(policy.OnFailed({.txid = TxId(3), .rows = 2, .the_row = {}}, Aborted("a row")),
            Verdict::kRetry);
  EXPECT_EQ(policy.limits().rows, 1u);
  EXPECT_EQ(policy.OnFailed({.txid = TxId(2), .rows = 2, .the_row = {}}, Aborted("a row")),
            Verdict::kRetry);
  const RowPlace row{.emitter = {}, .at = {"rows", "5"}};
  EXPECT_EQ(policy.OnFailed({.txid = TxId(2), .rows = 1, .the_row = row}, Aborted("a row")),
            Verdict::kRetry);
  EXPECT_EQ(policy.next(), word::EmitMode::kDivert);
}

}  // namespace
}  // namespace trident
